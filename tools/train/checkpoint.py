"""Reads and writes the finder's weights: training checkpoints, averages and exported Hugging Face folders."""
import json, os, struct
import torch
from model import Finder, Config
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


@torch.no_grad()
def from_export(folder):
    """an exported folder as an average: weights, routing biases, configuration"""
    j = json.load(open(os.path.join(folder, "config.json")))
    names = dict(vocab="vocab_size", hidden="hidden_size", layers="num_hidden_layers", heads="num_attention_heads", nope="qk_nope_head_dim", rope="qk_rope_head_dim", value="v_head_dim", q_rank="q_lora_rank",
                 kv_rank="kv_lora_rank", dense_ffn="intermediate_size", experts="n_routed_experts", active="num_experts_per_tok", expert_ffn="moe_intermediate_size", theta="rope_theta",
                 index_heads="index_n_heads", index_dim="index_head_dim", topk="index_topk")
    config = {k: j[v] for k, v in names.items()}
    m = Finder(Config(**config))
    data = open(os.path.join(folder, "model.safetensors"), "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    for name, t in tensors(m).items():                      # views of the parameters
        h = header[name]
        a, b = (8 + n + x for x in h["data_offsets"])
        x = torch.frombuffer(bytearray(data[a:b]), dtype=torch.float32 if h["dtype"] == "F32" else torch.bfloat16)
        t.copy_(x.view(h["shape"]))
    return dict(weights={k: p.detach() for k, p in m.named_parameters()}, buffers={k: b for k, b in m.named_buffers() if k.endswith("bias")}, tokens=0, config=config)


def load(path, dtype, device, key="ema", compiled=False):
    """path: a checkpoint, an average or an exported folder. Weights are rounded to bf16, as they are exported."""
    d = from_export(path) if os.path.isdir(path) else torch.load(path, map_location="cpu")
    m = Finder(Config(**d["config"]), dtype, compiled)
    m.load_state_dict({**m.state_dict(), **d["weights"], **d["buffers"]} if "weights" in d else d["model"])
    with torch.no_grad():
        for n, p in m.named_parameters():
            if key == "ema" and "ema" in d: p.copy_(d["ema"][n])
            if "indexer.norm" not in n: p.copy_(p.bfloat16().float())      # as exported
    return m.to(device).eval()
