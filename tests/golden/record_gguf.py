"""Makes the GGUF files of tests/golden/gguf with the `gguf` package.

    python tests/golden/record_gguf.py

blocks.gguf      one tensor NAME of each quantised type (random blocks) and NAME.values, what the package's own
                 dequantisation makes of it, in F32
tokenizer.gguf   the tokenizer of tests/golden/tokenizer/deepseek as metadata; no tensors
NAME*.gguf       the tiny checkpoints of tests/golden/NAME: names, expert stacks and kv_b as converters write them
"""

import json
import pathlib

import numpy as np
import torch
from gguf import GGMLQuantizationType as T
from gguf import GGUFWriter, quants
from safetensors.torch import load_file

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


def named(weights, config, split_kv_b):
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
        for part in ("gate", "up", "down"):
            stack = [weights.get(f"{prefix}mlp.experts.{e}.{part}_proj.weight") for e in range(config["n_routed_experts"])]
            if stack[0] is not None:
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
        writer.add_array(f"{arch}.attention.indexer.types", c["indexer_types"])
    writer.add_eos_token_id(c["eos_token_id"])


def model(name, arch, *, out=None, split_kv_b=True, kind=T.F32, parts=0):
    config = json.loads((HERE / name / "config.json").read_text())
    weights = {key: value.float() for key, value in load_file(HERE / name / "model.safetensors").items()}
    writer = GGUFWriter(OUT / f"{out or name}.gguf", arch, split_max_tensors=parts)
    metadata(writer, config, arch)
    for tensor, value in named(weights, config, split_kv_b):
        array = value.numpy()
        small = array.ndim == 1 or array.shape[-1] % 32 != 0 or "norm" in tensor or "ffn_gate_inp" in tensor
        if kind == T.F32 or small:
            writer.add_tensor(tensor, array)
        else:
            writer.add_tensor(tensor, quants.quantize(array, kind), raw_dtype=kind)
    finish(writer)


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
model("deepseek_v2", "deepseek2", split_kv_b=False)
model("glm_moe_dsa", "glm-dsa")
model("deepseek_v3", "deepseek2", out="deepseek_v3_q8_0", kind=T.Q8_0)
