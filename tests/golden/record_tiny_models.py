"""Makes tiny random checkpoints with Hugging Face transformers and records what they compute.

    python tests/golden/record_tiny_models.py [name ...]

Needs torch, transformers and safetensors (see README.md for the versions used). Each model gets a
folder: config.json in the spelling of the published models, model.safetensors, expected.safetensors.

A model is kept only if no selection hangs on a tie: the gap between the last selected and the first
dropped index score is above MIN_GAP for every query, so that "the same set" is a fair question.
"""

import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parent
N_PROMPT = 96
N_NEW = 12
MIN_GAP = 2e-5
TOP_K = 8

BASE = dict(
    vocab_size=256, hidden_size=64, intermediate_size=96, moe_intermediate_size=24, num_hidden_layers=3,
    num_attention_heads=4, num_key_value_heads=4, q_lora_rank=48, kv_lora_rank=32, qk_nope_head_dim=16,
    qk_rope_head_dim=8, v_head_dim=12, first_k_dense_replace=1, n_routed_experts=8, n_shared_experts=1,
    num_experts_per_tok=2, n_group=1, topk_group=1, scoring_func="sigmoid", topk_method="noaux_tc",
    norm_topk_prob=True, routed_scaling_factor=2.5, hidden_act="silu", rms_norm_eps=1e-6,
    max_position_embeddings=4096, rope_theta=10000.0, rope_scaling=None, attention_bias=False,
    bos_token_id=0, eos_token_id=1, tie_word_embeddings=False,
)
INDEXER = dict(index_n_heads=8, index_head_dim=16, index_topk=TOP_K)
YARN = dict(type="yarn", factor=40.0, original_max_position_embeddings=64, beta_fast=32, beta_slow=1,
            mscale=1.0, mscale_all_dim=1.0)
YARN_LITE = dict(YARN, mscale=0.707, mscale_all_dim=0.707)

MODELS = {
    "deepseek_v32": dict(model_type="deepseek_v32", dtype="float32", config=dict(BASE, **INDEXER)),
    "deepseek_v32_yarn_groups": dict(
        model_type="deepseek_v32", dtype="bfloat16",
        config=dict(BASE, **INDEXER, rope_scaling=YARN, n_routed_experts=16, n_group=4, topk_group=2,
                    num_experts_per_tok=3, n_shared_experts=2, max_position_embeddings=2560)),
    "deepseek_v32_fp8": dict(
        model_type="deepseek_v32", dtype="fp8",
        config=dict(BASE, **INDEXER, vocab_size=128, hidden_size=192, intermediate_size=160, q_lora_rank=144,
                    kv_lora_rank=136, qk_nope_head_dim=24, v_head_dim=40, num_hidden_layers=2)),
    "deepseek_v3": dict(model_type="deepseek_v3", dtype="float16",
                        config=dict(BASE, rope_scaling=YARN, n_group=2, topk_group=1, max_position_embeddings=2560)),
    "deepseek_v2": dict(model_type="deepseek_v2", dtype="float32",
                        config=dict(BASE, q_lora_rank=None, rope_scaling=YARN_LITE, scoring_func="softmax",
                                    topk_method="greedy", norm_topk_prob=False, routed_scaling_factor=1.0,
                                    n_shared_experts=2, max_position_embeddings=2560)),
    "deepseek_v2_groups": dict(model_type="deepseek_v2", dtype="float32",
                               config=dict(BASE, rope_scaling=dict(YARN, mscale=1.4, mscale_all_dim=0.8), scoring_func="softmax",
                                           topk_method="group_limited_greedy", n_group=4, topk_group=2, num_experts_per_tok=3,
                                           norm_topk_prob=False, routed_scaling_factor=1.6, num_hidden_layers=2, vocab_size=128,
                                           max_position_embeddings=2560)),
    "glm_moe_dsa": dict(model_type="glm_moe_dsa", dtype="float32",
                        config=dict(BASE, **INDEXER, vocab_size=128, num_hidden_layers=4, intermediate_size=64,
                                    moe_intermediate_size=16, rms_norm_eps=1e-5,
                                    qk_nope_head_dim=20, v_head_dim=28, rope_theta=1000000.0,
                                    indexer_types=["full", "shared", "full", "shared"],
                                    indexer_rope_interleave=True)),
    "glm4_moe_lite": dict(model_type="glm4_moe_lite", dtype="float32",
                          config=dict(BASE, rms_norm_eps=1e-5, rope_theta=1000000.0, qk_nope_head_dim=20,
                                      v_head_dim=28, routed_scaling_factor=1.8)),
}
CLASSES = {
    "deepseek_v32": "DeepseekV32", "deepseek_v3": "DeepseekV3", "deepseek_v2": "DeepseekV2",
    "glm_moe_dsa": "GlmMoeDsa", "glm4_moe_lite": "Glm4MoeLite",
}
QUANTISED = ("q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj", "wq_b", "wk",
             "gate_proj", "up_proj", "down_proj")


def build(spec):
    prefix = CLASSES[spec["model_type"]]
    keys = dict(spec["config"])
    keys.pop("scoring_func")
    if spec["model_type"] != "deepseek_v2":
        keys.pop("topk_method")
    keys.pop("indexer_rope_interleave", None)
    theta, scaling = keys.pop("rope_theta"), keys.pop("rope_scaling")
    keys["rope_parameters"] = dict(rope_type="default", rope_theta=theta)
    if scaling:
        keys["rope_parameters"] = {**{k: v for k, v in scaling.items() if k != "type"},
                                   "rope_type": "yarn", "rope_theta": theta}
    if spec["model_type"] == "glm4_moe_lite":
        dense = keys.pop("first_k_dense_replace")
        keys["mlp_layer_types"] = ["dense"] * dense + ["sparse"] * (keys["num_hidden_layers"] - dense)
    config = getattr(transformers, prefix + "Config")(**keys)
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    return getattr(transformers, prefix + "ForCausalLM")(config).float().eval()


def randomise(model, seed):
    """Weights with enough spread that attention, router and indexer all have something to decide."""
    torch.manual_seed(seed)
    for name, p in list(model.named_parameters()) + list(model.named_buffers()):
        if "rotary" in name or "inv_freq" in name:
            continue
        if name.endswith("e_score_correction_bias"):
            p.data.copy_(torch.randn_like(p) * 0.1)
        elif name.endswith("k_norm.bias"):
            p.data.copy_(torch.randn_like(p) * 0.3)
        elif p.dim() == 1:
            p.data.copy_(1.0 + torch.randn_like(p) * 0.1)
        elif "embed_tokens" in name:
            p.data.copy_(torch.randn_like(p))
        else:
            p.data.copy_(torch.randn_like(p) * (1.2 / p.shape[-1] ** 0.5))
    for name, module in model.named_modules():  # every RMSNorm of a model shares the configured epsilon
        if name.endswith(("q_a_layernorm", "kv_a_layernorm")):
            module.variance_epsilon = model.config.rms_norm_eps


def published_tensors(model):
    """One tensor per expert, as the published checkpoints name them."""
    out = {}
    for name, p in list(model.named_parameters()) + list(model.named_buffers()):
        if "rotary" in name or "inv_freq" in name:
            continue
        if name.endswith("experts.gate_up_proj"):
            stem = name[: -len("gate_up_proj")]
            half = p.shape[1] // 2
            for e in range(p.shape[0]):
                out[f"{stem}{e}.gate_proj.weight"] = p.data[e, :half]
                out[f"{stem}{e}.up_proj.weight"] = p.data[e, half:]
        elif name.endswith("experts.down_proj"):
            for e in range(p.shape[0]):
                out[f"{name[:-len('down_proj')]}{e}.down_proj.weight"] = p.data[e]
        else:
            out[name] = p.data
    return out  # views: writing to them changes the model


def quantise_fp8(weight, power_of_two):
    rows, columns = weight.shape
    scales = torch.empty(-(-rows // 128), -(-columns // 128))
    bytes_ = torch.empty(rows, columns, dtype=torch.float8_e4m3fn)
    for i in range(scales.shape[0]):
        for j in range(scales.shape[1]):
            block = weight[i * 128:(i + 1) * 128, j * 128:(j + 1) * 128]
            scale = block.abs().max() / 448
            if power_of_two:
                scale = torch.exp2(torch.ceil(torch.log2(scale)))
            scales[i, j] = scale
            quantised = (block / scale).to(torch.float8_e4m3fn)
            bytes_[i * 128:(i + 1) * 128, j * 128:(j + 1) * 128] = quantised
            block.copy_(quantised.float() * scale)
    return bytes_, scales


def stored_form(tensors, dtype):
    """Rounds the model's own weights to what the file can hold, and gives the file's tensors."""
    stored = {}
    for name, t in tensors.items():
        keep = t.dim() == 1 or name.endswith("weights_proj.weight")
        if dtype == "fp8" and t.dim() == 2 and name.split(".")[-2] in QUANTISED:
            # Both published scale encodings: one byte exponents in layer 0, numbers elsewhere.
            bytes_, scales = quantise_fp8(t, power_of_two="layers.0." in name)
            stored[name] = bytes_
            stored[name + "_scale_inv"] = scales.to(torch.float8_e8m0fnu) if "layers.0." in name else scales
        elif dtype in ("fp8", "float32") or keep:
            stored[name] = t.clone().contiguous()
        else:
            t.copy_(t.to(getattr(torch, dtype)).float())
            stored[name] = t.to(getattr(torch, dtype)).contiguous()
    return stored


@torch.no_grad()
def run(model, ids):
    """Logits [n, vocab], hidden [layers + 1, n, hidden] (embeddings, then after each layer), selections."""
    selections, hidden, hooks, gaps = {}, [], [], []
    original_topk = torch.Tensor.topk

    def watch_topk(self, k, *args, **kwargs):
        if self.dim() == 3 and k < self.shape[-1]:
            two = original_topk(self, k + 1, dim=-1).values
            gap = two[..., k - 1] - two[..., k]
            gaps.append(gap[two[..., k] > -1e30].min())  # masked keys carry a huge negative number
        return original_topk(self, k, *args, **kwargs)

    for name, module in model.named_modules():
        if name.endswith(".indexer"):
            layer = int(name.split(".")[2])
            hooks.append(module.register_forward_hook(lambda m, i, o, layer=layer: selections.__setitem__(layer, o[0])))
        elif name.startswith("model.layers.") and name.count(".") == 2:
            hooks.append(module.register_forward_hook(
                lambda m, i, o: hidden.append((o[0] if isinstance(o, tuple) else o)[0].clone())))
        elif name == "model.embed_tokens":
            hooks.append(module.register_forward_hook(lambda m, i, o: hidden.append(o[0].clone())))
    torch.Tensor.topk = watch_topk
    try:
        logits = model(input_ids=ids[None], use_cache=False).logits[0]
    finally:
        torch.Tensor.topk = original_topk
        for hook in hooks:
            hook.remove()
    n, sets = len(ids), []
    for layer in range(model.config.num_hidden_layers):
        chosen = selections.get(layer)
        if chosen is None and sets:
            sets.append(sets[-1])  # this layer shares the selection of the nearest earlier one
            continue
        if chosen is None:
            break
        rows = torch.full((n, TOP_K), -1, dtype=torch.int32)
        for t in range(n):
            row = sorted(s for s in chosen[t].tolist() if s <= t)
            rows[t, : len(row)] = torch.tensor(row, dtype=torch.int32)
        sets.append(rows)
    gap = float(min(gaps)) if gaps else 1.0
    return logits, torch.stack(hidden), (torch.stack(sets) if sets else None), gap


def record(name):
    spec = MODELS[name]
    for seed in range(1, 2000):
        model = build(spec)
        randomise(model, seed)
        stored = stored_form(published_tensors(model), spec["dtype"])
        ids = torch.randint(2, spec["config"]["vocab_size"], (N_PROMPT,))
        logits, hidden, selected, gap = run(model, ids)
        if selected is not None and gap < MIN_GAP:
            continue
        all_ids, steps = ids.clone(), []
        for _ in range(N_NEW):
            last, _, _, step_gap = run(model, all_ids)
            gap = min(gap, step_gap if selected is not None else gap)
            steps.append(last[-1])
            all_ids = torch.cat([all_ids, last[-1].argmax()[None]])
        if selected is not None and gap < MIN_GAP:
            continue
        break
    else:
        raise SystemExit(f"{name}: no seed without ties")
    folder = FOLDER / name
    folder.mkdir(exist_ok=True)
    expected = dict(prompt=ids.int(), logits=logits.contiguous(), hidden=hidden.contiguous(),
                    generated=all_ids[N_PROMPT:].int(), generated_logits=torch.stack(steps))
    if selected is not None:
        expected["selected"] = selected
    save_file(expected, folder / "expected.safetensors")
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    published = dict(architectures=[CLASSES[spec["model_type"]] + "ForCausalLM"], model_type=spec["model_type"],
                     **spec["config"])
    if spec["dtype"] == "fp8":
        published["quantization_config"] = dict(quant_method="fp8", fmt="e4m3", activation_scheme="dynamic",
                                                weight_block_size=[128, 128])
    else:
        published["torch_dtype"] = spec["dtype"]
    (folder / "config.json").write_text(json.dumps(published, indent=2) + "\n")
    size = (folder / "model.safetensors").stat().st_size
    print(f"{name}: seed {seed}, gap {gap:.1e}, logits up to {logits.abs().max():.2f}, {size / 1e3:.0f} kB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for wanted in sys.argv[1:] or MODELS:
        record(wanted)
