"""Measures a checkpoint on held-out text: greedy answers (exact quote with the right anchor, not found), rank of the answer's
first number, and the indexers' recall of attention mass; dense and sparse, at several context lengths.
    python evaluate.py --checkpoint last.pt --pool pool.npz --tokenizer DIR [--contexts 1024,4096,...] [--out figures.json]
    python evaluate.py --write FILE --pool pool.npz --tokenizer DIR --plain       (the prompts alone, for the program's own engine)

A document is read once; every question is then answered on its own after it. --write makes the same documents and questions into a
file of lines of JSON, one document each, which tests/bench/finder_figures answers with the engine that ships: no GPU is needed for that.
"""
import argparse, json, time
import torch, torch.nn.functional as F
from checkpoint import load
from model import rms
from samples import Maker, Pool, K_BLOCK_START, K_DIRECT, K_NOTHING
from tokenizer import EOS, END_THINK


class Runtime:
    def __init__(self, model, sparse):
        self.m, self.sparse, self.c, self.tops = model, sparse, model.c, None

    @torch.no_grad()
    def read(self, ids, chunk=1024):
        """the document: keys, values and index keys of every layer"""
        m, c = self.m, self.c
        S = len(ids)
        dev = m.embed.device
        self.S, self.cache = S, []
        x = F.embedding(torch.tensor(ids, device=dev), m.embed).float()
        cos, sin = m.angles(torch.arange(S, device=dev))
        ar = torch.arange(S, device=dev)
        for l in m.layers:
            q, k, v, h, qr = m.project(l, x, cos, sin, torch.full((), (c.nope + c.rope) ** -.5, device=dev))
            ik = m.index_keys(l, h, cos, sin).to(m.dtype)
            self.cache.append((k.permute(1, 2, 0).contiguous(), v.transpose(0, 1).contiguous(), ik))
            if not self.sparse or S <= c.topk:
                o = F.scaled_dot_product_attention(q.transpose(0, 1)[None], k.transpose(0, 1)[None], F.pad(v, (0, q.shape[-1] - v.shape[-1])).transpose(0, 1)[None], is_causal=True, scale=1.0)[0].transpose(0, 1)[..., :c.value]
            else:
                iq, iw = m.index_queries(l, h, qr, cos, sin)
                iq, iw = iq.to(m.dtype), iw.to(m.dtype)
                o = torch.empty(S, c.heads, c.value, device=dev, dtype=v.dtype)
                for a in range(0, S, chunk):
                    b = min(S, a + chunk)
                    s = m.index_scores(iq[None, a:b], iw[None, a:b], ik[None, :b])[0].float().masked_fill_(ar[:b] > ar[a:b, None], -torch.inf)
                    top, at = s.topk(min(c.topk, b), -1)
                    del s
                    g = torch.einsum("rhd,rkhd->rhk", q[a:b], k[at]).float().masked_fill_((top == -torch.inf)[:, None], -torch.inf)
                    o[a:b] = torch.einsum("rhk,rkhv->rhv", g.softmax(-1).to(v.dtype), v[at])
            x = m.finish(l, x, o.reshape(S, -1))

    def branches(self, Q, length):
        c, dev, dt = self.c, self.m.embed.device, self.m.dtype
        self.own = [(torch.zeros(Q, length, c.heads, c.nope + c.rope, device=dev, dtype=dt), torch.zeros(Q, length, c.heads, c.value, device=dev, dtype=dt),
                     torch.zeros(Q, length, c.index_dim, device=dev, dtype=dt)) for _ in range(c.layers)]

    @torch.no_grad()
    def forward(self, tokens, start, want_recall=False):
        """tokens [Q,L] after start[q] earlier tokens of that question; returns hidden [Q,L,d] and the recall per layer [layers,Q,L]"""
        Q, L = tokens.shape
        group = max(1, int(6e8 // (L * self.c.heads * self.S)))
        parts = [self._forward(tokens[i:i + group], start[i:i + group], slice(i, i + group), want_recall) for i in range(0, Q, group)]
        return torch.cat([p[0] for p in parts]), (torch.cat([p[1] for p in parts], 1) if want_recall else None)

    def _forward(self, tokens, start, sl, want_recall):
        m, c, S = self.m, self.c, self.S
        Q, L = tokens.shape
        dev = tokens.device
        own_pos = start[:, None] + torch.arange(L, device=dev)
        x = F.embedding(tokens.reshape(-1), m.embed).float()
        cos, sin = m.angles(S + own_pos)
        recalls = []
        for l, (k, v, ik), (ok, ov, oi) in zip(m.layers, self.cache, self.own):
            q, nk, nv, h, qr = m.project(l, x, cos, sin, torch.full((), (c.nope + c.rope) ** -.5, device=dev))
            ni = m.index_keys(l, h, cos, sin).to(m.dtype)
            where = torch.arange(sl.start, sl.start + Q, device=dev)[:, None].expand(-1, L)
            ok[where, own_pos], ov[where, own_pos], oi[where, own_pos] = nk.view(Q, L, c.heads, -1), nv.view(Q, L, c.heads, -1), ni.view(Q, L, -1)
            n = ok.shape[1]
            q = q.view(Q, L, c.heads, -1).transpose(1, 2)
            hide = (torch.arange(n, device=dev) > own_pos[..., None])                        # [Q,L,n]
            sd = torch.matmul(q.transpose(0, 1).reshape(c.heads, Q * L, -1), k).float().view(c.heads, Q, L, S).transpose(0, 1)
            so = torch.matmul(q, ok[sl].permute(0, 2, 3, 1)).float().masked_fill_(hide[:, None], -torch.inf)
            s = torch.cat((sd, so), -1)
            del sd
            if self.sparse or want_recall:
                iq, iw = m.index_queries(l, h, qr, cos, sin)
                iq, iw = iq.to(m.dtype).view(Q, L, c.index_heads, -1), iw.to(m.dtype).view(Q, L, -1)
                si = torch.cat((m.index_scores(iq, iw, ik).float(), m.index_scores(iq, iw, oi[sl]).float().masked_fill_(hide, -torch.inf)), -1)
                top = si.topk(min(c.topk, si.shape[-1]), -1)[1]
                if self.tops is not None: self.tops.append(top)
                if want_recall: recalls.append(s.softmax(-1).mean(1).gather(-1, top).sum(-1))
                if self.sparse:
                    out = torch.ones_like(si, dtype=torch.bool).scatter_(-1, top, False)
                    s = s.masked_fill_(out[:, None], -torch.inf)
            p = s.softmax(-1).to(v.dtype)
            del s
            o = torch.matmul(p[..., :S].transpose(0, 1).reshape(c.heads, Q * L, S), v).view(c.heads, Q, L, -1).transpose(0, 1) + torch.matmul(p[..., S:], ov[sl].transpose(1, 2))
            x = m.finish(l, x, o.transpose(1, 2).reshape(Q * L, -1))
        return rms(x, m.norm).view(Q, L, -1), torch.stack(recalls) if want_recall else None

    @torch.no_grad()
    def logits(self, h): return self.m.logits(h).float()

    @torch.no_grad()
    def greedy(self, prompts, limit):
        dev = self.m.embed.device
        Q, longest = len(prompts), max(map(len, prompts))
        self.branches(Q, longest + limit)
        t = torch.zeros(Q, longest, dtype=torch.long, device=dev)
        for i, p in enumerate(prompts): t[i, :len(p)] = torch.tensor(p, device=dev)
        n = torch.tensor([len(p) for p in prompts], device=dev)
        h, _ = self.forward(t, torch.zeros_like(n))
        nxt = self.logits(h[torch.arange(Q, device=dev), n - 1]).argmax(-1)
        out, live = [nxt], nxt != EOS
        for step in range(limit - 1):
            if step % 8 == 0 and not bool(live.any()): break
            h, _ = self.forward(nxt[:, None], n)
            n = n + 1
            nxt = self.logits(h[:, 0]).argmax(-1)
            out.append(nxt)
            live &= nxt != EOS
        rows = torch.stack(out, 1).tolist()
        return [r[:r.index(EOS) + 1] if EOS in r else r for r in rows]


def answer_of(ids, thinking):
    if not thinking: return ids
    return ids[ids.index(END_THINK) + 1:] if END_THINK in ids else None


def anchors_of(ids, maker):
    """numbers of the anchors that open a quote"""
    o, b, out = maker.open, set(maker.bracket + maker.bracket_nl), []
    for i, t in enumerate(ids):
        if t == o[0]:
            n, j = [], i + 1
            while j < len(ids) and ids[j] not in b and len(n) < 3: n.append(ids[j]); j += 1
            out.append(tuple(n))
    return out


def tasks(pool, context, documents, questions, seed, maker_args):
    """held-out documents with their questions: (maker, document, line starts, turns); the same for the same seed"""
    maker = Maker(pool, seed * 100003 + context, split=1, permute=0., skip=0., **{**dict(direct=.1, not_found=.2, several=.05, hard=.4, held_forms=.3), **maker_args})
    for d in range(documents):
        doc, starts, turns = maker.sample(context - 350, turns=questions * 3, separate=True)
        if turns: yield maker, doc, starts, turns[:questions]


def first_target(classes): return next(i for i, x in enumerate(classes) if x)


def write_tasks(path, pool, context, documents, questions, seed, maker_args):
    """appends one line of JSON for each document"""
    with open(path, "a", encoding="utf-8") as f:
        for maker, doc, starts, turns in tasks(pool, context, documents, questions, seed, maker_args):
            ends = starts[1:] + [len(doc)]
            asked = []
            for a, c, info in turns:
                n = first_target(c)
                asked.append(dict(prompt=a[:n], answer=[x for x in a[n:] if x != EOS], kind=info["kind"], thinking=info["thinking"], shared=info["hook"] > 1))
            f.write(json.dumps(dict(context=context, document=[int(x) for x in doc], blocks=[[a, b] for a, b in zip(starts, ends) if doc[a] == maker.open[0]], end_of_thinking=END_THINK,
                                    questions=asked), default=int, separators=(",", ":")) + "\n")


def measure(m, pool, context, documents, questions, modes=("sparse", "dense"), seed=11, say=print, maker_args={}, greedy=True):
    res = {mode: dict(found=[], anchor=[], quote=[], direct=[], several=[], absent=[], partly=[], apart=[], rank=[], first=[], forced=[], unique=[], shared=[], known=[], unseen=[]) for mode in modes}
    recall = {mode: [] for mode in modes}
    dev = m.embed.device
    examples = []
    for maker, doc, _, turns in tasks(pool, context, documents, questions, seed, maker_args):
        prompts = [a[:first_target(c)] for a, c, _ in turns]
        for mode in modes:
            rt = Runtime(m, mode == "sparse")
            rt.read(doc)
            r = res[mode]
            # teacher-forced: recall, rank, whole answer
            L = max(len(a) for a, _, _ in turns)
            rt.branches(len(turns), L)
            t = torch.zeros(len(turns), L, dtype=torch.long, device=dev)
            for i, (a, _, _) in enumerate(turns): t[i, :len(a)] = torch.tensor(a, device=dev)
            h, rec = rt.forward(t, torch.zeros(len(turns), dtype=torch.long, device=dev), want_recall=len(doc) > m.c.topk)
            for i, (a, c, info) in enumerate(turns):
                rows = [j for j in range(len(a) - 1) if c[j + 1]]
                lg = rt.logits(h[i, rows])
                want = torch.tensor([a[j + 1] for j in rows], device=dev)
                r["forced"].append(float((lg.argmax(-1) == want).all()))
                if rec is not None: recall[mode].append(rec[:, i, rows].mean(1))
                if info["targets"] == 1:
                    starts_ = [n for n, j in enumerate(rows) if c[j + 1] in (K_BLOCK_START, K_DIRECT)]
                    n = starts_[1]
                    rank = int((lg[n] > lg[n, want[n]]).sum()) + 1
                    r["rank"].append(rank)
                    r["first"].append(float(rank == 1))
            # what is exact when teacher-forced is what greedy decoding writes; only the rest is decoded
            got = [a[len(p):] for (a, _, _), p in zip(turns, prompts)]
            wrong = [i for i, f in enumerate(r["forced"][-len(turns):]) if not f]
            if wrong and greedy:
                for i, g in zip(wrong, rt.greedy([prompts[i] for i in wrong], min(400, max(len(got[i]) for i in wrong) + 8))): got[i] = g
            elif wrong:
                for i in wrong: got[i] = []
            for (a, c, info), p, g in zip(turns, prompts, got):
                want, have = answer_of(a[len(p):], info["thinking"]), answer_of(g, info["thinking"])
                ok = float(have == want)
                k = info["kind"]
                if k == "found":
                    r["found" if info["thinking"] else "direct"].append(ok)
                    if info["thinking"]:
                        r["unique" if info["hook"] == 1 else "shared"].append(ok)
                        r["unseen" if info["held"] else "known"].append(ok)
                        r["anchor"].append(float(have is not None and anchors_of(have, maker) == anchors_of(want, maker)))
                elif k == "several": r["several"].append(ok)
                else: r[{"absent": "absent", "partly absent": "partly", "apart": "apart"}[k]].append(ok)
                if not ok and len(examples) < 12: examples.append((mode, context, k, pool.tok.decode(p, skip_special_tokens=False), pool.tok.decode(a[len(p):], skip_special_tokens=False), pool.tok.decode(g, skip_special_tokens=False)))
    out = {}
    for mode in modes:
        mean = lambda x: round(sum(x) / len(x), 4) if x else None
        r = res[mode]
        o = {k: mean(v) for k, v in r.items() if k not in ("quote", "held")}
        o.update({"n_" + k: len(r[k]) for k in ("found", "unique", "shared", "unseen", "several", "absent", "partly", "apart", "direct")})
        nf = r["absent"] + r["partly"]
        o["not_found_all"] = mean(nf)
        if recall[mode]: o["recall"] = [round(float(x), 4) for x in torch.stack(recall[mode]).mean(0)]
        out[mode] = o
        say(context, mode, json.dumps(o), flush=True)
    return out, examples


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    for k in ("pool", "tokenizer"): ap.add_argument("--" + k, required=True)
    ap.add_argument("--checkpoint", default="")
    ap.add_argument("--write", default="", help="writes the prompts to this file instead of answering them")
    ap.add_argument("--documents", type=int, default=0, help="documents per context length; 0: as many as the questions need")
    ap.add_argument("--several", type=float, default=.05, help="share of questions that several passages answer")
    ap.add_argument("--contexts", default="1024,4096,16384,32768,65536,131072")
    ap.add_argument("--questions", type=int, default=240, help="questions per context length")
    ap.add_argument("--modes", default="sparse,dense")
    ap.add_argument("--weights", default="ema")
    ap.add_argument("--out", default="")
    ap.add_argument("--examples", type=int, default=3)
    ap.add_argument("--plain", action="store_true", help="worded as the program words them, the rarest word first; without it only other wordings")
    ap.add_argument("--no-greedy", action="store_true")
    ap.add_argument("--seed", type=int, default=11)
    ap.add_argument("--seconds", type=float, default=1e9, help="starts no further context length after this time")
    ap.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    a = ap.parse_args()
    t0 = time.time()
    pool = Pool(a.pool, a.tokenizer)
    if not a.checkpoint and not a.write: ap.error("name a --checkpoint to measure or a file to --write")
    m = load(a.checkpoint, torch.bfloat16 if a.device == "cuda" else torch.float32, a.device, a.weights) if not a.write else None
    maker_args = dict(words=float(a.plain), several=a.several)
    result = {}
    if a.write: open(a.write, "w").close()
    for context in map(int, a.contexts.split(",")):
        if time.time() - t0 > a.seconds: break
        per = 12 if context <= 1024 else 24 if context <= 4096 else 40
        if a.documents: per = max(1, round(a.questions / a.documents))
        documents = max(1, round(a.questions / per))
        if a.write:
            write_tasks(a.write, pool, context, documents, per, a.seed, maker_args)
            continue
        figures, examples = measure(m, pool, context, documents, per, a.modes.split(","), seed=a.seed, greedy=not a.no_greedy, maker_args=maker_args)
        result[context] = figures
        for e in examples[:a.examples]: print("   ", *e, sep="\n      ")
        print(f"    {time.time() - t0:.0f} s", flush=True)
        if a.out: json.dump(result, open(a.out, "w"), indent=1)
