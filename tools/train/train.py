"""Trains the finder model in stages, by wall clock.
    python train.py --text FOLDER --out DIR [--stages 0-2] [--resume FILE] [--speed 1.0]

The tokenizer and the token pool are made in DIR first, unless they are there (or named with --pool and --tokenizer).

Stages (PLAN): short contexts, longer ones, long ones up to 131,072 tokens with the indexers learning beside (KL loss on
detached inputs), indexers alone, then everything with top-k selection on. An average of the weights (EMA) is kept and is
what gets exported. A checkpoint is written after each stage, the average every two minutes; --resume continues from either, or from an
exported folder (with new optimizer state), so that anybody can go on from the shipped model:
    python train.py --text FOLDER --out DIR --stages 10-14 --resume ../../resources/models/finder
"""
import argparse, json, multiprocessing as mp, os, time
import numpy as np
import torch, torch.nn.functional as F
import pool as pools, tokenizer
from checkpoint import from_export
from model import Finder, Config, construct, asdict
from samples import Maker, Pool, CLASSES, CRITICAL, K_BLOCK_START, K_QUOTE, K_ANCHOR, K_END, K_DIRECT

# seconds, contexts with their shares, learning rate from/to, and options
PLAN = [
    dict(name="short", seconds=130, contexts={512: 2, 1024: 3, 2048: 1}, lr=(1.5e-3, 1.2e-3), tokens=32768, soften=.6, maker=dict(hard=.3)),
    dict(name="middle", seconds=120, contexts={1024: 1, 2048: 2, 4096: 2, 8192: 1}, lr=(1.2e-3, 7e-4), tokens=65536, soften=.7),
    dict(name="long", seconds=145, contexts={2048: 1, 4096: 1, 8192: 1, 32768: 2, 131072: 1}, lr=(7e-4, 1.5e-4), tokens=131072, soften=.85, kl=True, ema=.98),
    dict(name="index", seconds=30, contexts={2048: 1, 8192: 1, 32768: 1, 131072: 1}, lr=(0, 0), tokens=131072, kl=True, index_only=True, ema=.9),
    dict(name="sparse", seconds=40, contexts={2048: 1, 4096: 2, 8192: 2, 16384: 1}, lr=(1.5e-4, 2e-5), tokens=65536, kl=True, sparse=True, ema=.97),
    # the second round, from the average of the first; the third, from the average of the second, and so on
    dict(name="short 2", seconds=185, contexts={512: 2, 1024: 3, 2048: 2}, lr=(1e-3, 9e-4), tokens=32768, soften=.6),
    dict(name="middle 2", seconds=125, contexts={1024: 1, 2048: 2, 4096: 2, 8192: 1}, lr=(9e-4, 5e-4), tokens=65536, soften=.7, kl=True, focus=.02),
    dict(name="long 2", seconds=135, contexts={2048: 1, 4096: 1, 8192: 1, 32768: 2, 131072: 1}, lr=(5e-4, 1e-4), tokens=131072, soften=.85, kl=True, focus=.02, ema=.98),
    dict(name="index 2", seconds=32, contexts={2048: 1, 8192: 1, 32768: 1, 131072: 1}, lr=(0, 0), tokens=131072, kl=True, index_only=True, ema=.9),
    dict(name="sparse 2", seconds=35, contexts={2048: 1, 4096: 2, 8192: 2, 16384: 1}, lr=(1e-4, 2e-5), tokens=65536, kl=True, sparse=True, ema=.97),
    dict(name="short 3", seconds=95, contexts={1024: 2, 2048: 3, 4096: 2}, lr=(8e-4, 8e-4), tokens=32768, soften=.6, kl=True, focus=.02),
    dict(name="middle 3", seconds=125, contexts={2048: 1, 4096: 3, 8192: 3, 16384: 2, 32768: 1}, lr=(8e-4, 3e-4), tokens=65536, soften=.75, kl=True, focus=.02, ema=.995),
    dict(name="long 3", seconds=110, contexts={4096: 2, 8192: 2, 16384: 1, 32768: 3, 131072: 1}, lr=(3e-4, 6e-5), tokens=131072, soften=.9, kl=True, focus=.02, ema=.97),
    dict(name="index 3", seconds=14, contexts={4096: 1, 8192: 1, 32768: 2, 131072: 1}, lr=(0, 0), tokens=131072, kl=True, index_only=True, ema=.9),
    dict(name="sparse 3", seconds=40, contexts={2048: 1, 4096: 2, 8192: 2, 16384: 2}, lr=(6e-5, 1e-5), tokens=65536, kl=True, sparse=True, ema=.96),
]
INDEX_LR = 3e-3


def worker(pool, stage, plan, queue, seed, rows):
    torch.set_num_threads(1)
    os.nice(10)
    rng = np.random.default_rng(seed)
    makers = {}
    while True:
        i = stage.value
        if i < 0: return
        s = plan[i]
        if i not in makers: makers[i] = Maker(pool, seed * 1000 + i, **s.get("maker", {}))
        T = int(rng.choice(list(s["contexts"]), p=np.array(list(s["contexts"].values())) / sum(s["contexts"].values())))
        B = max(1, s["tokens"] // T)
        ids, cls, turn, pos, pick = makers[i].batch(B, T, max(rows, min(512, rows * T // 2048)))
        flat = np.flatnonzero(np.pad(cls[:, 1:], ((0, 0), (0, 1))).reshape(-1))
        c = cls.reshape(-1)[flat + 1]
        t = (flat // T) * 256 + turn.reshape(-1)[flat + 1]
        queue.put((i, T, ids, pos, pick, flat.astype(np.int64), ids.reshape(-1)[flat + 1].astype(np.int64), c, t.astype(np.int64)))


def figures(ok, cls, turn):
    """accuracy per class of token, and per answer: exact quote with its anchor, whole answer"""
    out = {}
    for k in range(1, len(CLASSES)):
        s = cls == k
        if s.any(): out[CLASSES[k]] = float(ok[s].float().mean())
    u, inv = torch.unique(turn, return_inverse=True)

    def exact(sel):
        v = torch.ones(len(u), device=ok.device).scatter_reduce(0, inv[sel], ok[sel].float(), "amin")
        has = torch.zeros(len(u), device=ok.device).scatter_reduce(0, inv[sel], torch.ones_like(inv[sel], dtype=torch.float), "amax") > 0
        return float(v[has].mean()) if has.any() else 0.
    out["QUOTE"] = exact((cls == K_BLOCK_START) | (cls == K_QUOTE) | (cls == K_ANCHOR) | (cls == K_DIRECT))
    out["WHOLE"] = exact(torch.ones_like(ok, dtype=torch.bool))
    return out


def show(f): return " ".join(f"{k} {v:.3f}" for k, v in f.items())


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", required=True)
    for k in ("text", "pool", "tokenizer"): ap.add_argument("--" + k, default="")
    ap.add_argument("--plan", default="", help="a JSON file that replaces PLAN")
    ap.add_argument("--stages", default="")
    ap.add_argument("--resume", default="")
    ap.add_argument("--speed", type=float, default=1.0, help="multiplies the seconds of every stage")
    ap.add_argument("--workers", type=int, default=max(1, min(6, (os.cpu_count() or 2) // 2)))
    ap.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    ap.add_argument("--config", default="{}")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--no-compile", action="store_true")
    ap.add_argument("--fresh-optimizer", action="store_true")
    ap.add_argument("--save-every", type=float, default=60., help="seconds between copies of the averaged weights")
    a = ap.parse_args()
    plan = json.load(open(a.plan)) if a.plan else PLAN
    for s in plan: s["contexts"] = {int(k): v for k, v in s["contexts"].items()}
    os.makedirs(a.out, exist_ok=True)
    first, last = (int(x) for x in a.stages.split("-")) if a.stages else (0, len(plan) - 1)
    tokenizer_dir, pool_file = a.tokenizer or os.path.join(a.out, "tokenizer"), a.pool or os.path.join(a.out, "pool.npz")
    if not os.path.exists(os.path.join(tokenizer_dir, "tokenizer.json")): tokenizer.write(a.text, tokenizer_dir)
    if not os.path.exists(pool_file): np.savez_compressed(pool_file, **pools.build(a.text, tokenizer_dir))
    pool = Pool(pool_file, tokenizer_dir)
    ctx = mp.get_context("fork")
    stage, queue = ctx.Value("i", first), ctx.Queue(maxsize=24)
    procs = [ctx.Process(target=worker, args=(pool, stage, plan, queue, a.seed * 100 + n + 1, 24), daemon=True) for n in range(a.workers)]
    for p in procs: p.start()

    dev = a.device
    cuda = dev == "cuda"
    torch.manual_seed(a.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    c = Config(**json.loads(a.config))
    m = construct(Finder(c, torch.bfloat16 if cuda else torch.float32, compiled=cuda and not a.no_compile)).to(dev)
    index = [p for n, p in m.named_parameters() if "indexer" in n]
    main_p = [p for n, p in m.named_parameters() if "indexer" not in n]
    opt = torch.optim.AdamW([dict(params=[p for p in main_p if p.dim() > 1], weight_decay=.01, main=1), dict(params=[p for p in main_p if p.dim() < 2], weight_decay=0., main=1),
                             dict(params=index, weight_decay=0., main=0)], lr=1e-3, betas=(.9, .95), eps=1e-8, fused=cuda)
    ema = {n: p.detach().clone() for n, p in m.named_parameters()}
    named = dict(m.named_parameters())
    tokens = 0
    if a.resume:
        d = from_export(a.resume) if os.path.isdir(a.resume) else torch.load(a.resume, map_location=dev)
        if "weights" in d:                             # an exported average: no optimizer state
            m.load_state_dict({**m.state_dict(), **d["weights"], **d["buffers"]})
            ema = {n: p.detach().clone() for n, p in m.named_parameters()}
        else:
            m.load_state_dict(d["model"])
            ema = {k: v.to(dev) for k, v in d["ema"].items()}
        if not a.fresh_optimizer and "opt" in d: opt.load_state_dict(d["opt"])
        tokens = d["tokens"]
        print("continued from", a.resume, "at", tokens, flush=True)
    weight = torch.ones(len(CLASSES), device=dev)
    for k in CRITICAL: weight[k] = 2.
    print("parameters", sum(p.numel() for p in m.parameters()), flush=True)
    log = open(os.path.join(a.out, "log.txt"), "a")
    t0 = saved = time.time()

    def say(*x):
        line = " ".join(str(v) for v in x)
        print(line, flush=True)
        log.write(line + "\n")
        log.flush()

    def write(what, name):                             # never half a file: the run may be stopped at any time
        torch.save(what, os.path.join(a.out, name + ".part"))
        os.replace(os.path.join(a.out, name + ".part"), os.path.join(a.out, name))

    def save_average():
        write(dict(weights={n: (p.bfloat16() if p.dim() == 2 else p).cpu() for n, p in ema.items()}, buffers={n: b.cpu() for n, b in m.named_buffers() if n.endswith("bias")},
                   tokens=tokens, config=asdict(c)), "average.pt")

    for i in range(first, last + 1):
        s = plan[i]
        stage.value = i
        seconds = s["seconds"] * a.speed
        sparse, kl_on, index_only = s.get("sparse", False), s.get("kl", False), s.get("index_only", False)
        for p in main_p: p.requires_grad_(not index_only)
        begin = shown = time.time()
        step = done = 0
        wait = 0.
        sums, since = {}, 0
        kl_sum, rec_sum, kl_n = 0, 0, 0
        last_clock = time.time()
        while True:
            now = time.time()
            frac = (now - begin) / seconds
            if frac >= 1: break
            while True:
                w0 = time.time()
                b = queue.get()
                wait += time.time() - w0
                if b[0] == i: break
            _, T, ids, pos, pick, rows, target, cls, turn = b
            to = lambda x: torch.from_numpy(x).to(dev, non_blocking=True)
            ids_t, pos_t = to(ids.astype(np.int64)), to(pos)
            rows_t, target_t, cls_t = to(rows), to(target), to(cls.astype(np.int64))
            soft = s.get("soften", 1.0)
            scales = None if soft == 1.0 or T > 20000 else torch.from_numpy(1 - (1 - soft) * np.random.rand(c.layers).astype(np.float32)).to(dev)
            use_kl = kl_on
            loads, focus = [], [] if s.get("focus") and not index_only else None
            sp = sparse and T <= 20000
            h, kls, recs = m(ids_t, pos_t, scales=scales, rows=to(pick).long() if use_kl else None, sparse=sp, loads=loads, focus=focus)
            loss = 0
            if not index_only:
                lg = m.logits(h[rows_t]).float()
                ce = F.cross_entropy(lg, target_t, reduction="none")
                wt = weight[cls_t]
                loss = (ce * wt).sum() / wt.sum()
            if kls:
                loss = loss + sum(kls)
                kl_sum, rec_sum, kl_n = kl_sum + torch.stack(kls).detach(), rec_sum + torch.stack(recs), kl_n + 1
            if focus: loss = loss + s["focus"] * sum(focus)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            if not index_only: torch.nn.utils.clip_grad_norm_(main_p, 1.0)
            lr0, lr1 = s["lr"]
            warm = min(1, (step + 1) / (300 if i == first else 10))
            for g in opt.param_groups:
                g["lr"] = (lr0 + (lr1 - lr0) * frac) * warm if g["main"] else s.get("index_lr", INDEX_LR) * min(1, (step + 1) / 20) * (1 - .9 * frac if index_only or sparse else 1)
            opt.step()
            with torch.no_grad():
                if not index_only:
                    for l, load in loads: l.bias.add_(torch.sign(1 / c.experts * c.active - load), alpha=1e-3)
                decay = min(s.get("ema", .998), 1 - 1 / (step + 2) if i == 0 and not a.resume else 1)
                torch._foreach_lerp_(list(ema.values()), [named[n].detach() for n in ema], 1 - decay)
            step += 1
            done += ids.size
            tokens += ids.size
            if (step % 20 == 0 or T > 60000 or sp) and not index_only:
                with torch.no_grad():
                    f = figures(lg.argmax(-1) == target_t, cls_t, to(turn))
                key = "long" if T > 20000 else "short"
                n = sums.setdefault(key, [0, {}])
                n[0] += 1
                for k, v in f.items(): n[1].setdefault(k, []).append(v)
            if step == 3 and i == first and cuda:
                torch.cuda.synchronize()
                say(f"first steps took {time.time() - t0:.0f} s")
            if time.time() - saved > a.save_every:
                save_average()
                saved = time.time()
            if time.time() - shown > s.get("every", 15):
                shown = time.time()
                say(f"{s['name']} step {step} {tokens / 1e6:.0f} Mt {shown - t0:.0f}s {done / (shown - begin) / 1e3:.0f} kt/s wait {wait:.1f}s" + (f" loss {float(loss.detach()):.3f}" if not index_only else ""))
                for key, (n, d) in sums.items(): say("   ", key, show({k: float(np.mean(v)) for k, v in d.items()}))
                sums = {}
                if kl_n:
                    say("    KL", [round(x, 3) for x in (kl_sum / kl_n).tolist()], "recall", [round(x, 3) for x in (rec_sum / kl_n).tolist()])
                    kl_sum, rec_sum, kl_n = 0, 0, 0
        say(f"stage {s['name']} ended: {step} steps, {done / 1e6:.1f} Mt, {tokens / 1e6:.0f} Mt in all, waited {wait:.1f} s" + (f", peak memory {torch.cuda.max_memory_allocated() / 2**30:.0f} GiB" if cuda else ""))
        write(dict(model=m.state_dict(), ema=ema, opt=opt.state_dict(), tokens=tokens, config=asdict(c)), "last.pt")
        save_average()
        saved = time.time()
    stage.value = -1
    for p in procs: p.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
