"""Writes a checkpoint as a Hugging Face folder (deepseek_v32): config, tokenizer, bf16 weights, longleaf.json.
    python export.py --checkpoint average.pt --tokenizer DIR --out ../../resources/models/finder [--good-tokens 32768]
"""
import argparse, json, os, shutil
import torch
from checkpoint import config_json, load, tensors, write_safetensors
from samples import SYSTEM
from tokenizer import BOS, EOS, PAD


def layout(good_tokens):
    return dict(name="Longleaf Finder", about="A small bundled model that finds and quotes the passages which contain the words of a question; it does not analyse or summarise.",
                good_tokens=good_tokens, chat="deepseek_v32", system=SYSTEM, documents_in="system", documents_open=[], heading="# {title}\n", block="{anchor} {text} {anchor}\n", anchor="[p{n}]",
                question="{question}", question_words="Which passage mentions {words}?", thinking=True, thinking_list="Looking for:", thinking_found="Found", thinking_nothing="Nothing found", quote_constraint=True, quotes="lines", max_block_tokens=112,
                max_anchor=9999, temperature=0.0, max_new_tokens=1024)


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
