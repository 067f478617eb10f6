"""Writes a checkpoint as a Hugging Face folder (deepseek_v32): config, tokenizer, bf16 weights, longleaf.json.
    python export.py --checkpoint average.pt --tokenizer DIR --out ../../resources/models/finder [--good-tokens 32768]
"""
import argparse, json, os, shutil, struct
import numpy as np
import torch
from evaluate import load
from samples import SYSTEM
from tokenizer import BOS, EOS, PAD


def config_json(c):
    return dict(architectures=["DeepseekV32ForCausalLM"], model_type="deepseek_v32", vocab_size=c.vocab, hidden_size=c.hidden, num_hidden_layers=c.layers, num_nextn_predict_layers=0,
                num_attention_heads=c.heads, num_key_value_heads=c.heads, q_lora_rank=c.q_rank, kv_lora_rank=c.kv_rank, qk_nope_head_dim=c.nope, qk_rope_head_dim=c.rope, v_head_dim=c.value,
                index_n_heads=c.index_heads, index_head_dim=c.index_dim, index_topk=c.topk, indexer_rope_interleave=False, hidden_act="silu", intermediate_size=c.dense_ffn,
                moe_intermediate_size=c.expert_ffn, first_k_dense_replace=1, moe_layer_freq=1, n_routed_experts=c.experts, n_shared_experts=1, num_experts_per_tok=c.active, n_group=1, topk_group=1,
                scoring_func="sigmoid", topk_method="noaux_tc", norm_topk_prob=True, routed_scaling_factor=1.0, rms_norm_eps=1e-6, max_position_embeddings=131072, rope_theta=c.theta,
                rope_scaling=None, attention_bias=False, attention_dropout=0.0, initializer_range=0.02, use_cache=True, ep_size=1, bos_token_id=BOS, eos_token_id=EOS, pad_token_id=PAD,
                tie_word_embeddings=False, torch_dtype="bfloat16")


def tensors(m):
    c, T = m.c, {}
    T["model.embed_tokens.weight"] = T["lm_head.weight"] = m.embed
    T["model.norm.weight"] = m.norm
    for i, l in enumerate(m.layers):
        p = f"model.layers.{i}."
        a = p + "self_attn."
        T[p + "input_layernorm.weight"], T[p + "post_attention_layernorm.weight"] = l.norm1, l.norm2
        T[a + "q_a_proj.weight"], T[a + "q_a_layernorm.weight"], T[a + "q_b_proj.weight"] = l.q_a, l.q_norm, l.q_b
        T[a + "kv_a_proj_with_mqa.weight"], T[a + "kv_a_layernorm.weight"], T[a + "kv_b_proj.weight"], T[a + "o_proj.weight"] = l.kv_a, l.kv_norm, l.kv_b, l.out
        x, a = l.indexer, a + "indexer."
        T[a + "wq_b.weight"], T[a + "wk.weight"], T[a + "k_norm.weight"], T[a + "k_norm.bias"], T[a + "weights_proj.weight"] = x.wq_b, x.wk, x.norm_w, x.norm_b, x.weights_proj
        f = p + "mlp."
        if not l.moe:
            T[f + "gate_proj.weight"], T[f + "up_proj.weight"], T[f + "down_proj.weight"] = l.gate, l.up, l.down
            continue
        T[f + "gate.weight"], T[f + "gate.e_score_correction_bias"] = l.router, l.bias
        n = c.expert_ffn
        for e in range(c.experts):
            s = slice(e * n, (e + 1) * n)
            T[f + f"experts.{e}.gate_proj.weight"], T[f + f"experts.{e}.up_proj.weight"], T[f + f"experts.{e}.down_proj.weight"] = l.gate[s], l.up[s], l.down[:, s]
        T[f + "shared_experts.gate_proj.weight"], T[f + "shared_experts.up_proj.weight"], T[f + "shared_experts.down_proj.weight"] = l.sgate, l.sup, l.sdown
    return T


def write_safetensors(T, path):
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for k, t in T.items():
        t = t.detach().contiguous().cpu()
        wide = k.endswith("e_score_correction_bias") or "indexer.k_norm" in k
        data = t.float().numpy().tobytes() if wide else t.bfloat16().view(torch.int16).numpy().tobytes()
        header[k] = dict(dtype="F32" if wide else "BF16", shape=list(t.shape), data_offsets=[at, at + len(data)])
        at += len(data)
        blobs.append(data)
    h = json.dumps(header, separators=(",", ":")).encode()
    h += b" " * (-len(h) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(h)) + h)
        for b in blobs: f.write(b)


def layout(good_tokens):
    return dict(name="Longleaf Finder", about="A small bundled model that finds and quotes the passages which contain the words of a question; it does not analyse or summarise.",
                good_tokens=good_tokens, chat="deepseek_v32", system=SYSTEM, documents_in="system", documents_open=[], heading="# {title}\n", block="{anchor} {text} {anchor}\n", anchor="[p{n}]",
                question="{question}", thinking=True, quote_constraint=True, quotes="lines", max_block_tokens=112,
                max_anchor=9999, temperature=0.0, max_new_tokens=512)


def export(m, tokenizer, out, good_tokens):
    os.makedirs(out, exist_ok=True)
    dump = lambda name, x: open(os.path.join(out, name), "w", encoding="utf-8").write(json.dumps(x, indent=2, ensure_ascii=False) + "\n")
    dump("config.json", config_json(m.c))
    dump("generation_config.json", dict(do_sample=False, bos_token_id=BOS, eos_token_id=EOS, pad_token_id=PAD, max_new_tokens=512))
    dump("longleaf.json", layout(good_tokens))
    for f in ("tokenizer.json", "tokenizer_config.json"): shutil.copyfile(os.path.join(tokenizer, f), os.path.join(out, f))
    write_safetensors(tensors(m), os.path.join(out, "model.safetensors"))
    print("written", out, os.path.getsize(os.path.join(out, "model.safetensors")), "bytes")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    for k in ("checkpoint", "tokenizer", "out"): ap.add_argument("--" + k, required=True)
    ap.add_argument("--good-tokens", type=int, default=32768)
    a = ap.parse_args()
    export(load(a.checkpoint, torch.float32, "cpu"), a.tokenizer, a.out, a.good_tokens)
