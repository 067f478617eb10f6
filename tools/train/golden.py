"""Records greedy answers of an exported finder for the engine's tests, and checks that transformers and the training code agree.
    python golden.py --model DIR --checkpoint average.pt --pool pool.npz --out golden.json [--count 100]

Only generated text is used. Both implementations run in float32; a prompt on which they differ is reported and not recorded.
"""
import argparse, json, time
import torch
from checkpoint import load
from evaluate import Runtime
from samples import Maker, Pool


@torch.no_grad()
def hf_agrees(hf, prompt, answer):
    """one pass over prompt and answer: greedy decoding gives this answer exactly if every token is the argmax at its place"""
    logits = hf(input_ids=torch.tensor([prompt + answer]), use_cache=False, logits_to_keep=len(answer) + 1).logits[0]
    return logits[:-1].argmax(-1).tolist() == answer


def main():
    ap = argparse.ArgumentParser()
    for k in ("model", "checkpoint", "pool", "out"): ap.add_argument("--" + k, required=True)
    ap.add_argument("--count", type=int, default=100)
    ap.add_argument("--seconds", type=float, default=1e9)
    a = ap.parse_args()
    from transformers import AutoModelForCausalLM
    t0 = time.time()
    pool = Pool(a.pool, a.model)
    own = load(a.checkpoint, torch.float32, "cpu")
    hf = AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32, attn_implementation="eager").eval()
    print("rope", hf.config.rope_parameters, "topk", hf.config.index_topk)
    cases, differ, n, selections = [], 0, 0, None
    while len(cases) < a.count and time.time() - t0 < a.seconds:
        n += 1
        T = (300, 400, 350, 400, 300, 300, 450, 900)[n % 8]
        maker = Maker(pool, 900 + n, split=1, permute=0., direct=.25, not_found=.2, several=.1, skip=0., words=float(n % 2 == 0), kinds=((4,), (5,), (6,), (7,), (4, 5, 6, 7))[n % 5])
        doc, _, turns = maker.sample(T, turns=24, separate=True)
        turns = [t for t in turns if len(t[0]) < 120][:4]
        if not turns: continue
        rt = Runtime(own, True)
        rt.read(doc)
        prompts = [t[0][:next(i for i, x in enumerate(t[1]) if x)] for t in turns]
        mine = rt.greedy(prompts, 120)
        for p, (full, _, info), g in zip(prompts, turns, mine):
            if not hf_agrees(hf, doc + p, g):
                differ += 1
                print("differs:", info, flush=True)
                continue
            if selections is None:
                rt.branches(1, len(p))
                rt.tops = []
                rt.forward(torch.tensor([p]), torch.zeros(1, dtype=torch.long))
                selections = dict(case=len(cases), row=len(doc) + len(p) - 1, layers=[sorted(t[0, -1].tolist()) for t in rt.tops])
                rt.tops = None
            cases.append(dict(kind=info["kind"], thinking=info["thinking"], right=g == full[len(p):], prompt=doc + p, answer=g, text=pool.tok.decode(g, skip_special_tokens=False)))
    json.dump(dict(about="greedy continuations in float32; transformers (deepseek_v32, eager) and the training code agree on each", topk=own.c.topk, differing=differ, selections=selections, cases=cases[:a.count]),
              open(a.out, "w", encoding="utf-8"), ensure_ascii=False, indent=0, separators=(",", ":"))
    print(min(len(cases), a.count), "recorded,", differ, "differ,", sum(c["right"] for c in cases), "right,", f"{time.time() - t0:.0f} s")


if __name__ == "__main__":
    main()
