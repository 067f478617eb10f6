#!/usr/bin/env python3
"""Writes a model with random weights that no cache holds, to measure how fast a small model is written with:

    tests/bench/random_model.py FOLDER        # 0.45 GB: 0.2 billion weights, half of which a token uses

Shape and file names are those of DeepSeek-V3.2; the tokenizer is the bundled finder's. The text it writes means nothing.
"""

import json
import pathlib
import random
import shutil
import struct
import sys

HIDDEN, LAYERS, HEADS = 1024, 12, 16
Q_RANK, KV_RANK, NOPE, ROPE, VALUE = 512, 256, 64, 32, 64
INDEX_HEADS, INDEX_DIM, TOP_K = 8, 64, 512
EXPERTS, USED, INNER, DENSE_INNER, VOCABULARY = 8, 2, 512, 2048, 10240

FINDER = pathlib.Path(__file__).resolve().parents[2] / "resources/models/finder"


def tensors():
    """Names, shapes and formats in the order of the file."""
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN), "BF16"
    yield "lm_head.weight", (VOCABULARY, HIDDEN), "BF16"
    yield "model.norm.weight", (HIDDEN,), "BF16"
    for i in range(LAYERS):
        layer = f"model.layers.{i}."
        for name, shape in {
            "input_layernorm": (HIDDEN,),
            "post_attention_layernorm": (HIDDEN,),
            "self_attn.q_a_proj": (Q_RANK, HIDDEN),
            "self_attn.q_a_layernorm": (Q_RANK,),
            "self_attn.q_b_proj": (HEADS * (NOPE + ROPE), Q_RANK),
            "self_attn.kv_a_proj_with_mqa": (KV_RANK + ROPE, HIDDEN),
            "self_attn.kv_a_layernorm": (KV_RANK,),
            "self_attn.kv_b_proj": (HEADS * (NOPE + VALUE), KV_RANK),
            "self_attn.o_proj": (HIDDEN, HEADS * VALUE),
            "self_attn.indexer.wq_b": (INDEX_HEADS * INDEX_DIM, Q_RANK),
            "self_attn.indexer.wk": (INDEX_DIM, HIDDEN),
            "self_attn.indexer.weights_proj": (INDEX_HEADS, HIDDEN),
        }.items():
            yield layer + name + ".weight", shape, "BF16"
        yield layer + "self_attn.indexer.k_norm.weight", (INDEX_DIM,), "F32"
        yield layer + "self_attn.indexer.k_norm.bias", (INDEX_DIM,), "F32"
        if i == 0:
            yield from feed_forward(layer + "mlp.", DENSE_INNER)
            continue
        yield layer + "mlp.gate.weight", (EXPERTS, HIDDEN), "BF16"
        yield layer + "mlp.gate.e_score_correction_bias", (EXPERTS,), "F32"
        for expert in [f"experts.{e}." for e in range(EXPERTS)] + ["shared_experts."]:
            yield from feed_forward(layer + "mlp." + expert, INNER)


def feed_forward(name, inner):
    yield name + "gate_proj.weight", (inner, HIDDEN), "BF16"
    yield name + "up_proj.weight", (inner, HIDDEN), "BF16"
    yield name + "down_proj.weight", (HIDDEN, inner), "BF16"


def values(generator, name, n, dtype):
    if "norm" in name and name.endswith("weight"):
        return (b"\x80\x3f" if dtype == "BF16" else b"\x00\x00\x80\x3f") * n
    if dtype == "F32":
        return bytes(4 * n)
    # Mantissa and last bit of the exponent at random, sizes of 2^-7 to 2^-5, either sign.
    words = bytearray(generator.randbytes(2 * n))
    words[1::2] = bytes(words[1::2]).translate(bytes(0x3C if byte % 2 else 0xBC for byte in range(256)))
    return words


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((FINDER / "config.json").read_text())
    config.update(
        hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, num_key_value_heads=HEADS,
        q_lora_rank=Q_RANK, kv_lora_rank=KV_RANK, qk_nope_head_dim=NOPE, qk_rope_head_dim=ROPE, v_head_dim=VALUE,
        index_n_heads=INDEX_HEADS, index_head_dim=INDEX_DIM, index_topk=TOP_K, intermediate_size=DENSE_INNER,
        moe_intermediate_size=INNER, n_routed_experts=EXPERTS, num_experts_per_tok=USED, vocab_size=VOCABULARY)
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    for name in ("generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(FINDER / name, folder / name)
    header, end = {}, 0
    for name, shape, dtype in tensors():
        size = (2 if dtype == "BF16" else 4) * (shape[0] * shape[1] if len(shape) > 1 else shape[0])
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    generator = random.Random(1)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape, dtype in tensors():
            file.write(values(generator, name, shape[0] * shape[1] if len(shape) > 1 else shape[0], dtype))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
