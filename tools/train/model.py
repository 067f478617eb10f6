"""The finder network for training: multi-head latent attention, lightning indexers and mixture-of-experts layers,
exactly the deepseek_v32 architecture (parameter names follow the Hugging Face checkpoint names where they can).

Everything except attention works on a flat list of tokens, so one compiled graph serves all context lengths.
"""
import math
from dataclasses import dataclass, asdict
import torch, torch.nn as nn, torch.nn.functional as F


@dataclass
class Config:
    vocab: int = 10240
    hidden: int = 384
    layers: int = 5
    heads: int = 8
    nope: int = 64
    rope: int = 32
    value: int = 64
    q_rank: int = 256
    kv_rank: int = 256
    dense_ffn: int = 768
    experts: int = 8
    active: int = 2
    expert_ffn: int = 128
    theta: float = 1000.0
    index_heads: int = 4
    index_dim: int = 64
    topk: int = 256


def rms(x, w):
    x = x.float()
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * w


def rotate_pairs(x, cos, sin):           # interleaved pairs: the main attention
    a, b = x[..., 0::2].float(), x[..., 1::2].float()
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


def rotate_halves(x, cos, sin):          # half-split pairs: the indexer
    n = x.shape[-1] // 2
    a, b = x[..., :n].float(), x[..., n:].float()
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def lin(x, w):
    return F.linear(x, w.to(x.dtype))


def attention_in(x, cos, sin, scale, norm, q_a, q_norm, q_b, kv_a, kv_norm, kv_b, heads, nope, rope, value, dtype):
    n = x.shape[0]
    h = rms(x, norm).to(dtype)
    qr = rms(lin(h, q_a), q_norm).to(dtype)
    q = lin(qr, q_b).view(n, heads, nope + rope)
    z = lin(h, kv_a)
    c = rms(z[:, :-rope], kv_norm).to(dtype)
    kv = lin(c, kv_b).view(n, heads, nope + value)
    co, si = cos[:, None], sin[:, None]
    q = torch.cat((q[..., :nope].float(), rotate_pairs(q[..., nope:], co, si)), -1) * scale
    kp = rotate_pairs(z[:, -rope:], cos, sin).to(dtype)
    k = torch.cat((kv[..., :nope], kp[:, None].expand(-1, heads, -1)), -1)
    return q.to(dtype), k, kv[..., nope:].contiguous(), h, qr


def tail_dense(x, o, out, norm, gate, up, down, dtype):
    x = x + lin(o, out).float()
    h = rms(x, norm).to(dtype)
    return x + lin(F.silu(lin(h, gate)) * lin(h, up), down).float()


def tail_moe(x, o, out, norm, router, bias, gate, up, down, sgate, sup, sdown, experts, dtype):
    x = x + lin(o, out).float()
    h32 = rms(x, norm)
    h = h32.to(dtype)
    s = torch.sigmoid(F.linear(h32, router))
    ar = torch.arange(experts, device=x.device)
    sel = s.detach() + bias
    first = ar == sel.argmax(-1, keepdim=True)
    second = ar == sel.masked_fill(first, -1e9).argmax(-1, keepdim=True)
    chosen = (first | second).float()
    w = s * chosen
    w = w / (w.sum(-1, keepdim=True) + 1e-20)
    a = F.silu(lin(h, gate)) * lin(h, up)
    a = (a.view(x.shape[0], experts, -1) * w[..., None].to(dtype)).view(x.shape[0], -1)
    y = lin(a, down) + lin(F.silu(lin(h, sgate)) * lin(h, sup), sdown)
    return x + y.float(), chosen.mean(0).detach()


class Indexer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.wq_b = nn.Parameter(torch.randn(c.index_heads * c.index_dim, c.q_rank) * c.q_rank ** -.5)
        self.wk = nn.Parameter(torch.randn(c.index_dim, c.hidden) * c.hidden ** -.5)
        self.norm_w, self.norm_b = nn.Parameter(torch.ones(c.index_dim)), nn.Parameter(torch.zeros(c.index_dim))
        self.weights_proj = nn.Parameter(torch.randn(c.index_heads, c.hidden) * c.hidden ** -.5)


class Layer(nn.Module):
    def __init__(self, c, i):
        super().__init__()
        p = lambda o, n, g=.7: nn.Parameter(torch.randn(o, n) * n ** -.5 * g)
        one = lambda n: nn.Parameter(torch.ones(n))
        self.i = i
        self.norm1, self.norm2, self.q_norm, self.kv_norm = one(c.hidden), one(c.hidden), one(c.q_rank), one(c.kv_rank)
        self.q_a, self.q_b = p(c.q_rank, c.hidden), p(c.heads * (c.nope + c.rope), c.q_rank)
        self.kv_a, self.kv_b = p(c.kv_rank + c.rope, c.hidden), p(c.heads * (c.nope + c.value), c.kv_rank)
        self.out = p(c.hidden, c.heads * c.value, .2)
        self.indexer = Indexer(c)
        self.moe = i > 0
        if self.moe:
            n = c.experts * c.expert_ffn
            self.router = nn.Parameter(torch.randn(c.experts, c.hidden) * .02)
            self.register_buffer("bias", torch.zeros(c.experts))
            self.gate, self.up, self.down = p(n, c.hidden), p(n, c.hidden), nn.Parameter(torch.randn(c.hidden, n) * c.expert_ffn ** -.5 * .2)
            self.sgate, self.sup, self.sdown = p(c.expert_ffn, c.hidden), p(c.expert_ffn, c.hidden), p(c.hidden, c.expert_ffn, .2)
        else:
            self.gate, self.up, self.down = p(c.dense_ffn, c.hidden), p(c.dense_ffn, c.hidden), p(c.hidden, c.dense_ffn, .2)


def causal_attention(q, k, v):
    """[B,T,H,D] -> [B,T,H,V]; values are padded to the key width for the flash kernels"""
    d = q.shape[-1] - v.shape[-1]
    o = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), F.pad(v, (0, d)).transpose(1, 2), is_causal=True, scale=1.0)
    return o.transpose(1, 2)[..., : v.shape[-1]]


class Finder(nn.Module):
    def __init__(self, c, dtype=torch.float32, compiled=False):
        super().__init__()
        self.c, self.dtype = c, dtype
        self.embed = nn.Parameter(torch.randn(c.vocab, c.hidden) * .1)
        self.layers = nn.ModuleList([Layer(c, i) for i in range(c.layers)])
        self.norm = nn.Parameter(torch.ones(c.hidden))
        self.f_in, self.f_dense, self.f_moe = attention_in, tail_dense, tail_moe
        if compiled:
            self.f_in, self.f_dense, self.f_moe = (torch.compile(f, dynamic=True) for f in (attention_in, tail_dense, tail_moe))
        self.register_buffer("freq", c.theta ** (-torch.arange(0, c.rope, 2).double() / c.rope).float(), persistent=False)

    def angles(self, pos):
        a = pos.reshape(-1).float()[:, None] * self.freq
        return a.cos(), a.sin()

    def project(self, l, x, cos, sin, scale):
        c = self.c
        return self.f_in(x, cos, sin, scale, l.norm1, l.q_a, l.q_norm, l.q_b, l.kv_a, l.kv_norm, l.kv_b, c.heads, c.nope, c.rope, c.value, self.dtype)

    def finish(self, l, x, o, loads=None):
        if not l.moe: return self.f_dense(x, o, l.out, l.norm2, l.gate, l.up, l.down, self.dtype)
        x, load = self.f_moe(x, o, l.out, l.norm2, l.router, l.bias, l.gate, l.up, l.down, l.sgate, l.sup, l.sdown, self.c.experts, self.dtype)
        if loads is not None: loads.append((l, load))
        return x

    # ---- indexer
    def index_keys(self, l, h, cos, sin):
        c, x = self.c, l.indexer
        k = F.layer_norm(lin(h, x.wk).float(), (c.index_dim,), x.norm_w, x.norm_b, 1e-6)
        return torch.cat((rotate_halves(k[..., :c.rope], cos, sin), k[..., c.rope:]), -1)

    def index_queries(self, l, h, qr, cos, sin):
        c, x = self.c, l.indexer
        q = lin(qr, x.wq_b).view(-1, c.index_heads, c.index_dim)
        q = torch.cat((rotate_halves(q[..., :c.rope], cos[:, None], sin[:, None]), q[..., c.rope:].float()), -1)
        w = F.linear(h.float(), x.weights_proj) * (c.index_heads ** -.5 * c.index_dim ** -.5)
        return q, w

    def index_scores(self, q, w, k):
        """q [B,R,h,d], w [B,R,h], k [B,T,d] or [T,d] -> [B,R,T]"""
        k = k.transpose(-2, -1)
        s = 0
        for i in range(self.c.index_heads): s = s + F.relu(torch.matmul(q[:, :, i], k)) * w[:, :, i, None]
        return s

    def index_loss(self, l, h, qr, q, k, cos, sin, B, T, rows, focus=False):
        """KL(mean attention || softmax of the index scores) on some rows, which trains the indexer only; the share of attention
        that a perfect choice of few keys could keep, on the same rows (its -log trains the main attention to be concentrated)"""
        c = self.c
        at = (torch.arange(B, device=rows.device)[:, None] * T + rows).reshape(-1)
        with torch.set_grad_enabled(focus and torch.is_grad_enabled()):
            qs = q[at].view(B, -1, c.heads, c.nope + c.rope).transpose(1, 2)
            s = torch.matmul(qs, k.view(B, T, c.heads, -1).permute(0, 2, 3, 1)).float()
            future = torch.arange(T, device=rows.device)[None, None] > rows[:, :, None]
            p = s.masked_fill(future[:, None], -1e30).softmax(-1).mean(1)
            del s
            spread = -(p.topk(min(c.topk // 2, T // 8), -1)[0].sum(-1) + 1e-6).log().mean() if focus else None
            p = p.detach()
        h, qr = h.detach(), qr.detach()
        ik = self.index_keys(l, h, cos, sin).view(B, T, -1)
        iq, iw = self.index_queries(l, h[at], qr[at], cos[at], sin[at])
        R = rows.shape[1]
        ls = self.index_scores(iq.view(B, R, c.index_heads, -1), iw.view(B, R, -1), ik).masked_fill(future, -1e30).log_softmax(-1)
        kl = (p * ((p + 1e-9).log() - ls)).sum(-1).mean()
        with torch.no_grad():
            n = min(c.topk, T)
            recall = p.gather(-1, ls.topk(n, -1)[1]).sum(-1).mean() if T > c.topk else torch.ones((), device=h.device)
        return kl, recall, spread

    @torch.no_grad()
    def selection(self, l, h, qr, cos, sin, B, T, chunk=2048):
        """additive mask of the top-k keys of each row, [B,1,T,T]"""
        c = self.c
        ik = self.index_keys(l, h, cos, sin).view(B, T, -1).to(self.dtype)
        iq, iw = self.index_queries(l, h, qr, cos, sin)
        iq, iw = iq.view(B, T, c.index_heads, -1).to(self.dtype), iw.view(B, T, -1).to(self.dtype)
        mask = torch.empty(B, 1, T, T, dtype=self.dtype, device=h.device)
        ar = torch.arange(T, device=h.device)
        for a in range(0, T, chunk):
            b = min(T, a + chunk)
            s = self.index_scores(iq[:, a:b], iw[:, a:b], ik[:, :b]).float().masked_fill_((ar[:b] > ar[a:b, None])[None], -1e30)
            if b > c.topk:
                edge = s.topk(c.topk, -1)[0][..., -1:]
                s = torch.where((s >= edge) & (s > -1e29), 0.0, -1e30)
            else: s = torch.where(s > -1e29, 0.0, -1e30)
            mask[:, 0, a:b, :b] = s.to(self.dtype)
            mask[:, 0, a:b, b:] = -1e30
        return mask

    def forward(self, ids, pos, scales=None, rows=None, sparse=False, loads=None, focus=None):
        """ids, pos [B,T] -> hidden [B*T, hidden], mean KL, recalls. scales: attention temperature per layer while training."""
        c = self.c
        B, T = ids.shape
        x = F.embedding(ids.reshape(-1), self.embed).float()
        cos, sin = self.angles(pos)
        base = (c.nope + c.rope) ** -.5
        kls, recalls = [], []
        for i, l in enumerate(self.layers):
            scale = torch.full((), base, device=x.device) if scales is None else base * scales[i]
            q, k, v, h, qr = self.project(l, x, cos, sin, scale)
            q4, k4, v4 = (t.view(B, T, c.heads, -1) for t in (q, k, v))
            if sparse and T > c.topk:
                m = self.selection(l, h.detach(), qr.detach(), cos, sin, B, T)
                o = F.scaled_dot_product_attention(q4.transpose(1, 2), k4.transpose(1, 2), v4.transpose(1, 2), attn_mask=m.expand(-1, c.heads, -1, -1), scale=1.0).transpose(1, 2)
            else: o = causal_attention(q4, k4, v4)
            if rows is not None:
                kl, rec, spread = self.index_loss(l, h, qr, q if focus is not None else q.detach(), k if focus is not None else k.detach(), cos, sin, B, T, rows, focus is not None)
                if focus is not None: focus.append(spread)
                kls.append(kl)
                recalls.append(rec)
            x = self.finish(l, x, o.reshape(B * T, -1), loads)
        return rms(x, self.norm), kls, recalls

    def logits(self, h):
        return F.linear(h.to(self.dtype), self.embed.to(self.dtype))


def orthonormal(n):
    return torch.linalg.qr(torch.randn(n, n))[0]


@torch.no_grad()
def construct(m):
    """Constructed start: channel 0 constant; S = code of the token, A1/A2/A3 = codes of earlier tokens. Layer 0 has positional heads that
    fetch the tokens 1 and 2 back and a local average; later layers start as induction heads. Training keeps what helps."""
    c = m.c
    d, H, n0, r = c.hidden, c.heads, c.nope, c.rope
    f = m.freq.cpu()
    Q = torch.zeros(d - 1, d)
    Q[:, 1:] = orthonormal(d - 1)
    nS = 128
    nA = (d - 1 - nS) // 3
    S, A1, A2, A3 = Q[:nS], Q[nS:nS + nA], Q[nS + nA:nS + 2 * nA], Q[nS + 2 * nA:nS + 3 * nA]
    m.embed.copy_(torch.randn(c.vocab, nS) @ S * .16 + torch.randn(c.vocab, d - 1 - nS) @ Q[nS:] * .02)
    m.embed[:, 0] = .3
    q = c.q_rank
    local, peak, gain, wa, wo_, ws = .8 * 16 / r, 6. * 16 / r, 2.5, .2, .4, .14
    base = (n0 + r) ** -.5
    for li, l in enumerate(m.layers):
        P = torch.zeros(q, d)
        P[0, 0] = .35
        P[1:1 + nS] = S
        rest = q - 1 - nS
        h3 = min(nA, rest // 3)
        h1 = min(nA, (rest - h3 + 1) // 2 + 6)
        h2 = rest - h1 - h3
        o3 = 1 + nS + h1 + h2
        if li == 0: P[1 + nS:] = Q[nS:nS + rest]
        else: P[1 + nS:1 + nS + h1], P[1 + nS + h1:o3], P[o3:] = A1[:h1], A2[:h2], A3[:h3]
        l.q_a.mul_(.05).add_(P)
        K = P.clone()
        K[0] = 0
        l.kv_a.mul_(.05)
        l.kv_a[:c.kv_rank].add_(K[:c.kv_rank])
        l.kv_a[c.kv_rank:] = torch.randn(r, d) * .01
        l.kv_a[c.kv_rank::2, 0] = .35
        wq, wk, wo = l.q_b.view(H, n0 + r, q), l.kv_b.view(H, n0 + c.value, c.kv_rank), l.out.view(d, H, c.value)
        last = li == c.layers - 1
        kinds = [1, 2, 3, "local", 4, "local", (1, 64), (2, 64)] if li == 0 else ["i1", "i2", 1, "local", "bag", "same", "i2b", "local"] if not last else ["i2", "i1", "bag", "self", "i2b", "same", "local", "i1b"]
        for h, kind in enumerate(kinds[:H]):
            wq[h] *= .15
            wk[h, :n0] *= .15
            half = 64 if isinstance(kind, tuple) or (isinstance(kind, str) and kind.endswith("b")) else 0
            copy = torch.zeros(c.value, c.kv_rank)
            nv = min(c.value, nS - half)
            copy[torch.arange(nv), 1 + half + torch.arange(nv)] = 1.
            o = kind[0] if isinstance(kind, tuple) else kind
            g = gain
            if o in (1, 2, 3, 4, "local", "self"):
                dl = {"local": 4, "self": 0}.get(o, o)
                amp = (local if o == "local" else peak) / base
                if o == "self": amp = peak + 1.5 / base
                wq[h, n0 + 0::2, 0] += amp * (f * dl).cos()
                wq[h, n0 + 1::2, 0] -= amp * (f * dl).sin()
            if li == 0 and (o in (1, 2) or o == "local"):
                D = A1 if o == 1 else A2 if o == 2 else A3
                n = min(nv, D.shape[0] - half)
                wk[h, n0:] = copy
                wo[:, h] *= .1
                if n > 0: wo[:, h, :n] += wa * (1.5 if o == "local" else 1) * D[half:half + n].t()
            elif o in ("i1", "i2", "i1b", "i2b"):
                if o[:2] == "i1":
                    for t in range(min(n0, nS, h1)): wq[h, t, 1 + t] += g; wk[h, t, 1 + nS + t] += g
                else:
                    n = min(n0 // 2, h1, h2)
                    for t in range(n):
                        wq[h, t, 1 + t] += g; wk[h, t, 1 + nS + t] += g
                        wq[h, n + t, 1 + nS + t] += g; wk[h, n + t, 1 + nS + h1 + t] += g
                wk[h, n0:] = copy
                wo[:, h] *= .1
                wo[:, h, :nv] += (wo_ if last else .1) * S[half:half + nv].t()
            elif o == "bag":
                n = n0 // 2
                n3 = min(n0 - n, h3)
                for t in range(n): wq[h, t, o3 + min(t, h3 - 1)] += g; wk[h, t, 1 + t] += g
                for t in range(n3): wq[h, n + t, o3 + t] += g; wk[h, n + t, o3 + t] += g
                wk[h, n0:] = copy
                wo[:, h] *= .1
                wo[:, h, :nv] += (.2 if last else .1) * S[half:half + nv].t()
            elif o == "same":
                for t in range(n0): wq[h, t, 1 + t] += g; wk[h, t, 1 + t] += g
            elif o == "self":
                wk[h, n0:] = copy
                wo[:, h] *= .1
                wo[:, h, :nv] -= ws * S[half:half + nv].t()
    return m


if __name__ == "__main__":
    torch.manual_seed(0)
    m = construct(Finder(Config()))
    print("parameters", sum(p.numel() for p in m.parameters()), "shipped", sum(p.numel() for p in m.parameters()) + m.embed.numel())
    ids = torch.randint(1400, 10240, (2, 64)).repeat(1, 3)
    pos = torch.arange(192).expand(2, -1)
    h, kl, rec = m(ids, pos, rows=torch.randint(0, 192, (2, 16)))
    lg = m.logits(h).view(2, 192, -1)
    print("copies before training", (lg[:, 64:-1].argmax(-1) == ids[:, 65:]).float().mean().item(), [round(float(k), 2) for k in kl], [round(float(k), 2) for k in rec])
