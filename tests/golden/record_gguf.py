"""Makes the GGUF files of tests/golden/gguf with the `gguf` package.

    python tests/golden/record_gguf.py

blocks.gguf      one tensor NAME of each quantised type (random blocks) and NAME.values, what the package's own
                 dequantisation makes of it, in F32
tokenizer.gguf   the tokenizer of tests/golden/tokenizer/deepseek as metadata; no tensors
k_quants.gguf    a model of its own, recorded in tests/golden/k_quants: transformers computes with the very values that
                 the package's dequantisation gives back, rounded to bf16 as the engine stores them
NAME*.gguf       the tiny checkpoints of tests/golden/NAME: names, expert stacks and kv_b as converters write them
"""

import json
import pathlib

import numpy as np
import torch
from gguf import GGMLQuantizationType as T
from gguf import GGUFWriter, quants
from safetensors.torch import load_file, save_file

import record_tiny_models as tiny

HERE = pathlib.Path(__file__).parent
OUT = HERE / "gguf"


def blocks():
    rng = np.random.default_rng(1)
    writer = GGUFWriter(OUT / "blocks.gguf", "deepseek2")
    for kind in (T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q5_0):
        values = rng.normal(size=(3, 512)).astype(np.float32)
        packed = quants.quantize(values, kind)
        writer.add_tensor(kind.name, packed, raw_dtype=kind)
        writer.add_tensor(kind.name + ".values", quants.dequantize(packed, kind))
    # The package cannot make these: random bytes, with small positive f16 scales where they belong.
    for kind, size, halves in ((T.Q4_K, 144, (0, 2)), (T.Q5_K, 176, (0, 2)), (T.Q6_K, 210, (208,))):
        packed = rng.integers(0, 256, size=(3, 2 * size), dtype=np.uint8)
        for block in range(2):
            for offset in halves:
                scale = rng.uniform(0.001, 0.1, size=(3, 1)).astype(np.float16).view(np.uint8)
                packed[:, block * size + offset:block * size + offset + 2] = scale
        writer.add_tensor(kind.name, packed, raw_dtype=kind)
        writer.add_tensor(kind.name + ".values", quants.dequantize(packed, kind))
    finish(writer)


def tokenizer():
    data = json.loads((HERE / "tokenizer/deepseek/tokenizer.json").read_text())
    vocabulary = sorted(data["model"]["vocab"].items(), key=lambda item: item[1])
    added = {token["id"] for token in data["added_tokens"]}
    writer = GGUFWriter(OUT / "tokenizer.gguf", "deepseek2")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("deepseek-v3")
    writer.add_token_list([text for text, _ in vocabulary] + ["[PAD0]", "[PAD1]"])
    writer.add_token_types([3 if id in added else 1 for _, id in vocabulary] + [5, 5])
    writer.add_token_merges(data["model"]["merges"])
    writer.add_eos_token_id(1)
    finish(writer)


NAMES = {
    "input_layernorm.weight": "attn_norm.weight", "self_attn.q_a_proj.weight": "attn_q_a.weight",
    "self_attn.q_a_layernorm.weight": "attn_q_a_norm.weight", "self_attn.q_b_proj.weight": "attn_q_b.weight",
    "self_attn.q_proj.weight": "attn_q.weight", "self_attn.kv_a_proj_with_mqa.weight": "attn_kv_a_mqa.weight",
    "self_attn.kv_a_layernorm.weight": "attn_kv_a_norm.weight", "self_attn.kv_b_proj.weight": "attn_kv_b.weight",
    "self_attn.o_proj.weight": "attn_output.weight", "self_attn.indexer.wq_b.weight": "indexer.attn_q_b.weight",
    "self_attn.indexer.wk.weight": "indexer.attn_k.weight", "self_attn.indexer.k_norm.weight": "indexer.k_norm.weight",
    "self_attn.indexer.k_norm.bias": "indexer.k_norm.bias", "self_attn.indexer.weights_proj.weight": "indexer.proj.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight", "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight", "mlp.down_proj.weight": "ffn_down.weight", "mlp.gate.weight": "ffn_gate_inp.weight",
    "mlp.gate.e_score_correction_bias": "exp_probs_b.bias", "mlp.shared_experts.gate_proj.weight": "ffn_gate_shexp.weight",
    "mlp.shared_experts.up_proj.weight": "ffn_up_shexp.weight", "mlp.shared_experts.down_proj.weight": "ffn_down_shexp.weight",
}


def named(weights, config, split_kv_b, fused):
    """GGUF names and values, in torch's order of dimensions."""
    yield "token_embd.weight", weights["model.embed_tokens.weight"]
    yield "output_norm.weight", weights["model.norm.weight"]
    yield "output.weight", weights["lm_head.weight"]
    heads, nope = config["num_attention_heads"], config["qk_nope_head_dim"]
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        for name, short in NAMES.items():
            if prefix + name not in weights:
                continue
            value = weights[prefix + name]
            if short == "attn_kv_b.weight" and split_kv_b:
                up = value.view(heads, -1, value.shape[1])
                yield f"blk.{layer}.attn_k_b.weight", up[:, :nope].transpose(1, 2).contiguous()
                yield f"blk.{layer}.attn_v_b.weight", up[:, nope:].contiguous()
            else:
                yield f"blk.{layer}.{short}", value
        stacks = {part: [weights.get(f"{prefix}mlp.experts.{e}.{part}_proj.weight") for e in range(config["n_routed_experts"])]
                  for part in ("gate", "up", "down")}
        if stacks["gate"][0] is None:
            continue
        if fused:
            pairs = zip(stacks.pop("gate"), stacks.pop("up"))
            yield f"blk.{layer}.ffn_gate_up_exps.weight", torch.stack([torch.cat(pair) for pair in pairs])
        for part, stack in stacks.items():
            yield f"blk.{layer}.ffn_{part}_exps.weight", torch.stack(stack)


def metadata(writer, config, arch):
    c = config
    writer.add_block_count(c["num_hidden_layers"])
    writer.add_context_length(c["max_position_embeddings"])
    writer.add_embedding_length(c["hidden_size"])
    writer.add_feed_forward_length(c["intermediate_size"])
    writer.add_vocab_size(c["vocab_size"])
    writer.add_head_count(c["num_attention_heads"])
    writer.add_head_count_kv(1)
    writer.add_leading_dense_block_count(c["first_k_dense_replace"])
    if c.get("q_lora_rank"):
        writer.add_q_lora_rank(c["q_lora_rank"])
    writer.add_kv_lora_rank(c["kv_lora_rank"])
    writer.add_key_length(c["kv_lora_rank"] + c["qk_rope_head_dim"])
    writer.add_value_length(c["kv_lora_rank"])
    writer.add_key_length_mla(c["qk_nope_head_dim"] + c["qk_rope_head_dim"])
    writer.add_value_length_mla(c["v_head_dim"])
    writer.add_layer_norm_rms_eps(c["rms_norm_eps"])
    writer.add_rope_dimension_count(c["qk_rope_head_dim"])
    writer.add_rope_freq_base(c["rope_theta"])
    writer.add_expert_count(c["n_routed_experts"])
    writer.add_expert_used_count(c["num_experts_per_tok"])
    writer.add_expert_shared_count(c["n_shared_experts"])
    writer.add_expert_feed_forward_length(c["moe_intermediate_size"])
    writer.add_expert_weights_scale(c["routed_scaling_factor"])
    writer.add_expert_weights_norm(c["norm_topk_prob"])
    if c["n_group"] > 1:
        writer.add_expert_group_count(c["n_group"])
        writer.add_expert_group_used_count(c["topk_group"])
    if arch != "glm-dsa":  # some files of this family leave it out
        writer.add_uint32(f"{arch}.expert_gating_func", 1 if c["scoring_func"] == "softmax" else 2)
    if c["rope_scaling"]:
        scaling = c["rope_scaling"]
        writer.add_string(f"{arch}.rope.scaling.type", "yarn")
        writer.add_rope_scaling_factor(scaling["factor"])
        writer.add_rope_scaling_orig_ctx_len(scaling["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_log_mul(0.1 * scaling["mscale_all_dim"])
    if "index_topk" in c:
        writer.add_uint32(f"{arch}.attention.indexer.head_count", c["index_n_heads"])
        writer.add_uint32(f"{arch}.attention.indexer.key_length", c["index_head_dim"])
        writer.add_uint32(f"{arch}.attention.indexer.top_k", c["index_topk"])
    if "indexer_types" in c:
        writer.add_array(f"{arch}.attention.indexer.types", [kind == "full" for kind in c["indexer_types"]])
    writer.add_eos_token_id(c["eos_token_id"])


def model(name, arch, *, out=None, split_kv_b=True, fused=False, kind=T.F32, parts=0):
    config = json.loads((HERE / name / "config.json").read_text())
    weights = {key: value.float() for key, value in load_file(HERE / name / "model.safetensors").items()}
    writer = GGUFWriter(OUT / f"{out or name}.gguf", arch, split_max_tensors=parts)
    metadata(writer, config, arch)
    for tensor, value in named(weights, config, split_kv_b, fused):
        array = value.numpy()
        small = array.ndim == 1 or array.shape[-1] % 32 != 0 or any(part in tensor for part in ("norm", "ffn_gate_inp", "indexer.proj"))
        if kind == T.F32 or small:
            writer.add_tensor(tensor, array)
        else:
            writer.add_tensor(tensor, quants.quantize(array, kind), raw_dtype=kind)
    finish(writer)


def six_bits(scales, minima):
    """[n, 8] numbers below 64 each, as Q4_K and Q5_K keep them in 12 bytes."""
    out = np.zeros((len(scales), 12), dtype=np.uint8)
    out[:, 0:4] = scales[:, :4] | (scales[:, 4:] >> 4) << 6
    out[:, 4:8] = minima[:, :4] | (minima[:, 4:] >> 4) << 6
    out[:, 8:12] = (scales[:, 4:] & 15) | (minima[:, 4:] & 15) << 4
    return out


def with_minima(values, levels):
    """Blocks of 256 values in eight parts: (d, dmin, the parts' scales and minima, the values' numbers)."""
    parts = values.reshape(-1, 8, 32)
    minima = np.maximum(0, -parts.min(axis=2))
    scales = (parts.max(axis=2) + minima) / levels
    d = (scales.max(axis=1, keepdims=True) / 63).astype(np.float16)
    dmin = (minima.max(axis=1, keepdims=True) / 63).astype(np.float16)
    wide, wide_min = d.astype(np.float32) + 1e-12, dmin.astype(np.float32) + 1e-12
    scales = np.clip(np.round(scales / wide), 1, 63).astype(np.uint8)
    minima = np.clip(np.round(minima / wide_min), 0, 63).astype(np.uint8)
    step, low = (wide * scales)[:, :, None], (wide_min * minima)[:, :, None]
    numbers = np.clip(np.round((parts + low) / step), 0, levels).astype(np.uint8)
    return d.view(np.uint8), dmin.view(np.uint8), six_bits(scales, minima), numbers


def nibbles(numbers):
    """Parts 2c and 2c + 1 share bytes: low and high nibble."""
    return ((numbers[:, 0::2] & 15) | (numbers[:, 1::2] & 15) << 4).reshape(len(numbers), 128)


def q4_k(values):
    d, dmin, scales, numbers = with_minima(values, 15)
    return np.concatenate([d, dmin, scales, nibbles(numbers)], axis=1)


def q5_k(values):
    d, dmin, scales, numbers = with_minima(values, 31)
    fifth = sum((numbers[:, part] >> 4) << part for part in range(8)).astype(np.uint8)
    return np.concatenate([d, dmin, scales, fifth, nibbles(numbers)], axis=1)


def q6_k(values):
    parts = values.reshape(-1, 16, 16)
    scales = np.abs(parts).max(axis=2) / 31
    d = (scales.max(axis=1, keepdims=True) / 127).astype(np.float16)
    wide = d.astype(np.float32) + 1e-12
    scales = np.clip(np.round(scales / wide), 1, 127).astype(np.int8)
    numbers = np.clip(np.round(parts / (wide * scales)[:, :, None]) + 32, 0, 63).astype(np.uint8).reshape(-1, 2, 4, 32)
    low = np.concatenate([(numbers[:, :, 0:2] & 15) | (numbers[:, :, 2:4] & 15) << 4], axis=2).reshape(-1, 128)
    high = sum((numbers[:, :, part] >> 4) << (2 * part) for part in range(4)).astype(np.uint8).reshape(-1, 64)
    return np.concatenate([low, high, scales.view(np.uint8), d.view(np.uint8)], axis=1)


PACKERS = {T.Q4_K: q4_k, T.Q5_K: q5_k, T.Q6_K: q6_k}


def packed(array, kind):
    if kind not in PACKERS:
        return quants.quantize(array, kind)
    blocks_ = PACKERS[kind](array.reshape(-1, 256).astype(np.float32))
    return blocks_.reshape(*array.shape[:-1], -1)


def kind_for(name):
    """A mix as in real files: every K type somewhere, what has no whole blocks of 256 in Q8_0."""
    for part, kind in (("ffn_gate_inp", T.F32), ("norm", T.F32), ("exp_probs", T.F32), ("attn_k_b", T.Q8_0), ("attn_kv_a", T.Q6_K),
                       ("token_embd", T.Q5_K), ("output.weight", T.Q6_K), ("ffn_down", T.Q5_K), ("ffn_", T.Q4_K), ("attn_", T.Q4_K)):
        if part in name:
            return kind
    raise SystemExit(name)


def k_quants():
    spec = dict(model_type="deepseek_v3", config=dict(
        tiny.BASE, vocab_size=64, hidden_size=256, intermediate_size=256, moe_intermediate_size=256, num_hidden_layers=1,
        q_lora_rank=256, kv_lora_rank=256, qk_nope_head_dim=32, qk_rope_head_dim=16, v_head_dim=64, first_k_dense_replace=0,
        n_routed_experts=2, num_experts_per_tok=2))
    config, model_ = spec["config"], tiny.build(spec)
    tiny.randomise(model_, 1)
    weights = tiny.published_tensors(model_)  # views: what is written to them changes the model
    writer = GGUFWriter(OUT / "k_quants.gguf", "deepseek2")
    metadata(writer, config, "deepseek2")
    heads, nope = config["num_attention_heads"], config["qk_nope_head_dim"]
    for name, value in list(named(weights, config, True, False)):
        array, kind = value.numpy(), kind_for(name)
        if kind == T.F32:
            writer.add_tensor(name, array)
            continue
        blocks_ = packed(array, kind)
        writer.add_tensor(name, blocks_, raw_dtype=kind)
        back = torch.from_numpy(quants.dequantize(blocks_, kind).reshape(array.shape).copy())
        error = float((back - value).abs().max() / value.abs().max())
        assert error < 0.12, (name, error)
        if "attn_k_b" in name or "attn_v_b" in name:  # the engine keeps these wide
            up = weights["model.layers.0.self_attn.kv_b_proj.weight"].view(heads, -1, config["kv_lora_rank"])
            (up[:, :nope] if "k_b" in name else up[:, nope:]).copy_(back.transpose(1, 2) if "k_b" in name else back)
        elif "_exps" in name:
            for e in range(config["n_routed_experts"]):
                part = name.split("ffn_")[1].split("_exps")[0]
                weights[f"model.layers.0.mlp.experts.{e}.{part}_proj.weight"].copy_(back[e].bfloat16().float())
        else:
            value.copy_(back.bfloat16().float())
    finish(writer)
    torch.manual_seed(3)
    ids = torch.randint(2, config["vocab_size"], (tiny.N_PROMPT,))
    logits, _, _, _ = tiny.run(model_, ids)
    folder = HERE / "k_quants"
    folder.mkdir(exist_ok=True)
    save_file(dict(prompt=ids.int(), logits=logits.contiguous()), folder / "expected.safetensors")
    published = dict(architectures=["DeepseekV3ForCausalLM"], model_type="deepseek_v3", **config)
    (folder / "config.json").write_text(json.dumps(published, indent=2) + "\n")


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


OUT.mkdir(exist_ok=True)
for old in OUT.glob("*.gguf"):
    old.unlink()
blocks()
tokenizer()
model("deepseek_v32", "deepseek32", parts=30)
model("deepseek_v2", "deepseek2", split_kv_b=False, fused=True)
model("deepseek_v3", "deepseek2", out="deepseek_v3_f16", kind=T.F16)
model("deepseek_v32_yarn_groups", "deepseek32", out="deepseek_v32_bf16", kind=T.BF16)
k_quants()
model("glm_moe_dsa", "glm-dsa")
model("deepseek_v3", "deepseek2", out="deepseek_v3_q8_0", kind=T.Q8_0)
