"""Cuts the training text into blocks (a sentence, some lines of code, a table row, a list item), adds generated
blocks, tokenises everything once and notes which words of a block a question may ask for.
    python pool.py --text FOLDER --tokenizer DIR --out pool.npz

The last part of every text file is held out: it is only used by evaluate.py.
"""
import argparse, os, random, re
import numpy as np
from tokenizers import Tokenizer

KINDS = ["prose", "code", "multi", "list", "table", "identifiers", "salad", "invented"]
MAX_TOKENS, MIN_TOKENS = 112, 4
WORD = re.compile(r"\w[\w\-.'’]*\w|\w")         # app/question/question_words.cpp cuts words the same way
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
SENTENCE = re.compile(r"(?<=[.!?:;])\s+(?=[A-Z`\"*(\[“])")
STOP = set("""a an the and or of to in on at by for from with as is are was were be been being it its this that these those there
here he she they we you i his her their our your my me him them us not no nor do does did done has have had can could will would
shall should may might must if then else than so but also into over under out up down about between which what where who whom
whose when why how all any each every some such only own same other more most very just too one two new use used using see
say says said mention mentions mentioned find quote passage passages sentence line lines document documents text part describe
describes described defined define definition show tell cover covers covered contain contains look please give get explain""".split())


def invented_word(rng, style):
    if style:
        on, vo, co = ["str", "kl", "v", "z", "gr", "w", "x", "qu", "j", "dr", "fl", "ph", "y"], ["ae", "io", "u", "y", "oa", "ei"], ["rk", "x", "nth", "z", "lt", "v", "ck", ""]
    else:
        on, vo, co = ["b", "k", "t", "d", "m", "n", "l", "r", "s", "p", "g", "h", "sh", "tr", "br", "cl", "st"], ["a", "e", "i", "o", "u", "ou", "ea", "ai"], ["", "", "n", "r", "l", "s", "t", "m", "nd", "st"]
    return "".join(rng.choice(on) + rng.choice(vo) + rng.choice(co) for _ in range(rng.choice((1, 2, 2, 3, 3, 4))))


def identifier(rng, words):
    parts = [rng.choice(words).lower() for _ in range(rng.choice((1, 2, 2, 3)))]
    k = rng.random()
    if k < .35: return "_".join(parts)
    if k < .6: return parts[0] + "".join(p.capitalize() for p in parts[1:])
    if k < .75: return "".join(p.capitalize() for p in parts)
    if k < .8: return "k" + "".join(p.capitalize() for p in parts)
    if k < .86: return "_".join(parts).upper()
    if k < .93: return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(rng.randrange(4, 10)))
    return parts[0] + str(rng.randrange(1, 1000))


def number(rng):
    k = rng.random()
    if k < .4: return str(rng.randrange(10 ** rng.choice((1, 2, 3, 4, 6))))
    if k < .7: return f"{rng.random() * 10 ** rng.choice((1, 2, 3)):.{rng.choice((1, 2, 3))}f}"
    if k < .8: return f"{rng.randrange(1, 1000)},{rng.randrange(1000):03d}"
    if k < .9: return f"{rng.randrange(1950, 2030)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
    return f"{rng.randrange(1, 100)}%"


def generated(kind, rng, words, held):
    w = lambda: rng.choice(words)
    if kind == "table":
        n, style, out, cells = rng.randrange(3, 30), rng.randrange(4), [], rng.randrange(2, 6)
        head = [w().capitalize() for _ in range(cells)]
        for _ in range(n):
            row = [(" ".join(w() for _ in range(rng.choice((1, 1, 2)))) if c == 0 or rng.random() < .25 else number(rng) if rng.random() < .75 else identifier(rng, words)) for c in range(cells)]
            if style == 0: out.append("| " + " | ".join(row) + " |")
            elif style == 1: out.append("; ".join(f"{h}: {x}" for h, x in zip(head, row)))
            elif style == 2: out.append(" | ".join(row))
            else: out.append(" ".join(row))
        return out
    if kind == "identifiers":
        out = []
        for _ in range(rng.randrange(3, 30)):
            f = rng.randrange(7)
            i = lambda: identifier(rng, words)
            out.append([lambda: f"{i()} = {number(rng)}", lambda: f"const int {i()} = {i()};", lambda: f"{i()}({i()}, {i()});", lambda: f"def {i()}({i()}, {i()}=None):\n    return {i()}({i()})",
                        lambda: f"if ({i()} > {number(rng)}) {{\n  {i()}.{i()}({i()});\n}}", lambda: f"{i()}: {i()} {number(rng)} {w()}", lambda: f"// {w()} {w()} {i()} {w()}\n{i()} {i()} = {i()}->{i()}();"][f]())
        return out
    if kind == "salad":
        return [" ".join([w().capitalize()] + [w() for _ in range(rng.randrange(4, 28))]) + rng.choice((".", ".", "", "?", ":")) for _ in range(rng.randrange(3, 20))]
    names = [invented_word(rng, held) for _ in range(rng.randrange(30, 400))]
    return [" ".join([rng.choice(names).capitalize()] + [rng.choice(names) for _ in range(rng.randrange(3, 22))]) + rng.choice((".", ".", ",", "")) for _ in range(rng.randrange(3, 20))]


def prose_blocks(lines, rng):
    for line in lines:
        sentences = [s for s in SENTENCE.split(" ".join(line.split())) if s]
        i = 0
        while i < len(sentences):
            n = rng.choice((1, 1, 1, 1, 2, 3))
            yield " ".join(sentences[i:i + n])
            i += n


def code_blocks(lines, rng):
    i, depth, unit = 0, 0, rng.choice(("  ", "    "))
    while i < len(lines):
        n = rng.choice((1, 1, 1, 2, 3, 4, 6))
        if rng.random() < .01: unit = rng.choice(("  ", "    ", "\t"))
        out, base = [], None
        for line in lines[i:i + n]:
            if line.startswith("}"): depth = max(0, depth - 1)
            base = depth if base is None else min(base, depth)
            out.append((depth, line))
            depth = max(0, min(5, depth + line.count("{") - line.count("}") + (1 if line.startswith("}") else 0)))
        yield "\n".join(unit * (d - base) + x for d, x in out)
        i += n


def build(folder, tokenizer, held_out_from=.93, seed=7, generated_tokens=2_500_000):
    rng = random.Random(seed)
    read = lambda f: [x.strip() for x in open(os.path.join(folder, f), encoding="utf-8").read().split("\n") if x.strip()]
    groups = []                                    # (split, kind, [text])
    vocabulary = {}
    for split in (0, 1):
        cut = lambda x: x[: int(len(x) * held_out_from)] if split == 0 else x[int(len(x) * held_out_from):]
        en, code, multi = cut(read("prose_en.txt")), cut(read("code.txt")), cut(read("prose_multi.txt"))
        counts = {}
        for line in en:
            for x in re.findall(r"[A-Za-z]{3,14}", line): counts[x] = counts.get(x, 0) + 1
        words = [x for x in counts if x.lower() not in STOP and (split == 1 or counts[x] > 1)]
        if split == 1: words = [x for x in words if x not in vocabulary]
        else: vocabulary = counts
        groups += [(split, 0, list(prose_blocks(en, rng))), (split, 1, list(code_blocks(code, rng))), (split, 2, list(prose_blocks(multi, rng)))]
        items = rng.sample(groups[-3][2], len(groups[-3][2]) // 8) + rng.sample(groups[-1][2], len(groups[-1][2]) // 12)
        rng.shuffle(items)
        mark = ["- "] * 4 + ["* ", "• ", None, None]
        out, n = [], 0
        for i, x in enumerate(items):
            if i % 9 == 0: m, n = rng.choice(mark), 0
            n += 1
            out.append((m or f"{n}. ") + x)
        groups.append((split, 3, out))
        for k, name in enumerate(KINDS[4:], 4):
            out, size, goal = [], 0, (generated_tokens if split == 0 else generated_tokens // 6) * 2.6 / 4
            while size < goal:
                g = generated(name, rng, words, split == 1)
                out += g
                size += sum(map(len, g))
            groups.append((split, k, out))

    tok = Tokenizer.from_file(os.path.join(tokenizer, "tokenizer.json"))
    text_id, texts = {}, []
    ids, offsets, spans, span_offsets, kinds, splits = [], [0], [], [0], [], []
    total = n_spans = 0
    for split, kind, blocks in groups:
        for at in range(0, len(blocks), 20000):
            chunk = blocks[at:at + 20000]
            for text, enc in zip(chunk, tok.encode_batch([" " + x for x in chunk], add_special_tokens=False)):
                t, off = enc.ids, enc.offsets
                if len(t) > MAX_TOKENS:            # cut at a word boundary, keep the first piece
                    n = MAX_TOKENS
                    while n > MIN_TOKENS and not (" " + text)[off[n][0]].isspace(): n -= 1
                    t = t[:n]
                    if n <= MIN_TOKENS or t[-1] in (5, 6): continue
                    end = off[n - 1][1]
                    if tok.encode((" " + text)[:end].rstrip(), add_special_tokens=False).ids != t: continue
                if len(t) < MIN_TOKENS: continue
                start_of, end_of = {}, {}
                for i in range(len(t)):
                    a, b = off[i]
                    for c in range(a, b): start_of.setdefault(c, i); end_of[c] = i + 1
                block_spans = []
                padded = " " + text
                for m in WORD.finditer(padded):
                    a, b = m.span()
                    if b - 1 not in end_of or a not in start_of: continue
                    w = m.group()
                    if UNSPACED.search(w):
                        i, e = start_of[a], end_of[b - 1]
                        while i < e:
                            j = min(e, i + rng.choice((2, 3, 4, 6)))
                            s = padded[off[i][0]:off[j - 1][1]].strip()
                            if len(s) >= 2 and "�" not in s: block_spans.append((i, j, s))
                            i = j
                        continue
                    if w.lower() in STOP or len(w) > 40: continue
                    if len(w) < 3 and not w.isdigit(): continue
                    block_spans.append((start_of[a], end_of[b - 1], w))
                ids.append(np.array(t, np.uint16))
                total += len(t)
                offsets.append(total)
                for i, j, s in block_spans:
                    if s not in text_id:
                        text_id[s] = len(texts)
                        texts.append(s)
                    spans.append((i, j, text_id[s]))
                n_spans = len(spans)
                span_offsets.append(n_spans)
                kinds.append(kind)
                splits.append(split)
    lower_id, lower = {}, np.zeros(len(texts), np.int32)
    for i, s in enumerate(texts): lower[i] = lower_id.setdefault(s.lower(), len(lower_id))
    kw = tok.encode_batch([" " + s for s in texts], add_special_tokens=False)
    kw_offsets = np.cumsum([0] + [len(x.ids) for x in kw]).astype(np.int32)
    return dict(ids=np.concatenate(ids), offsets=np.array(offsets, np.int32), spans=np.array(spans, np.int32), span_offsets=np.array(span_offsets, np.int32),
                kinds=np.array(kinds, np.uint8), splits=np.array(splits, np.uint8), lower=lower,
                words=np.concatenate([np.array(x.ids, np.uint16) for x in kw]), word_offsets=kw_offsets,
                texts=np.frombuffer("\n".join(texts).encode(), np.uint8))


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    for k in ("text", "tokenizer", "out"): ap.add_argument("--" + k, required=True)
    a = ap.parse_args()
    pool = build(a.text, a.tokenizer)
    np.savez_compressed(a.out, **pool)
    n = np.diff(pool["offsets"])
    for s in (0, 1):
        for k, name in enumerate(KINDS):
            sel = (pool["kinds"] == k) & (pool["splits"] == s)
            print(["train", "held"][s], name, int(sel.sum()), "blocks", int(n[sel].sum()), "tokens")
    print("words", len(pool["lower"]), "file", os.path.getsize(a.out))
