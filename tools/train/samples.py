"""Makes training and evaluation prompts: a document of anchored blocks, then questions with their answers.

The layout is the program's (resources/models/finder/longleaf.json); every piece below is tokenised on its own:

    <bos>SYSTEM
    # heading\n
    [p41] text [p41]\n
    <User>question<Assistant><think>Looking for: a, b\nFound a rest of the block [p41]</think>[p41] text [p41]<eos>

Each token to be predicted has a class (K_*), so that every hop of the skill is measured by itself.
"""
import os, random
import numpy as np
from tokenizers import Tokenizer
from pool import STOP
from tokenizer import BOS, EOS, PAD, USER, ASSISTANT, THINK, END_THINK, SPECIALS, VOCAB

SYSTEM = "Find the passages that answer the question and quote them with their anchors.\n"
MAX_POSITION = 131072
(K_NONE, K_WORDS, K_DECIDE, K_FOUND_START, K_FOUND, K_THINK_ANCHOR, K_BLOCK_START, K_QUOTE, K_ANCHOR, K_END, K_NOTHING, K_DIRECT, K_CHOICE) = range(13)
CLASSES = ["-", "words", "decide", "found_start", "found", "think_anchor", "block_start", "quote", "anchor", "end", "nothing", "direct", "choice"]
CRITICAL = (K_CHOICE, K_DECIDE, K_FOUND_START, K_THINK_ANCHOR, K_BLOCK_START, K_END, K_DIRECT)

NOUNS = "passage sentence line paragraph part section block text row entry place".split()
VERBS = ["mentions", "talks about", "describes", "covers", "contains", "discusses", "refers to", "explains", "deals with", "is about", "includes", "lists", "names", "has", "says something about"]
FORMS = ["Which {n} {v} @?", "Find the {n} that {v} @.", "Quote the {n} that {v} @.", "Where does it say @?", "Where is @ defined?", "Where is @ described?", "What does it say about @?",
         "What does the document say about @?", "What does the text say about @?", "Show me the {n} about @.", "What is @?", "What are @?", "Is there anything about @?", "Does the text mention @?", "Look up @.",
         "Look for @ in the documents.", "Tell me about @.", "How does @ work?", "Please find @.", "Cite the {n} with @.", "I am looking for @.", "Where do they mention @?", "In which {n} is @ mentioned?",
         "Search for @.", "Give me the {n} on @.", "Please quote the {n} that {v} @.", "What do we know about @?", "Which {n}s {v} @?", "Find @", "Where is @ used?", "Where is the function @ defined?",
         "How is @ explained?", "What about @?", "Find the row for @.", "What is the value of @?", "Who is @?", "When was @?", "Why is there @?", "Find all passages about @.", "Everything about @, please.",
         "Welche Stelle erwähnt @?", "Wo steht etwas über @?", "Was steht im Text zu @?", "Finde @.", "Quel passage parle de @ ?", "Où est-il question de @ ?", "Que dit le texte sur @ ?", "¿Qué pasaje menciona @?",
         "¿Dónde se habla de @?", "Quale passaggio parla di @?", "Onde se fala de @?", "Waar staat iets over @?", "Который абзац упоминает @?", "Где говорится о @?", "哪一段提到 @？", "关于 @ 的内容在哪里？", "@ はどこに書いてありますか？", "어디에 @ 가 나오나요?"]
FORMS_HELD = ["Can you locate @ for me?", "Does any {n} mention @?", "I need the exact words on @.", "Which {n} of the report {v} @?", "Where can I read about @?", "Show where @ appears.", "Under which anchor is @ found?", "Wo wird @ erklärt?"]
GLUE = [" and"] * 12 + [","] * 10 + [" of the", " in", " with", " for", " to the", " or", " from", "", "", " in the", " of", " by the", " on", " and the", " with the", ", and"]
OPENERS = ["How is the", "What is the", "When does the", "Why is", "Where is the", "Who", "How many", "Which", "How do the", "Is the", "Does the", "What are the", "How can we", "Where are", "Why does the", "What", "When was the", "How"]
ENDINGS = ["?"] * 6 + [" used?", " done?", " explained?", "", " about?", " described?", " mentioned?", " there?", " called?"]

# random wrappings out of function words, so that no fixed set of wordings is learned by heart
POLITE = "can could would you please me i we need want to know read see show tell give help hello hi let us exact words word related regarding concerning about report file files chapter page pages book code answer question information info details thing things happens happened mean means called appear appears appearing located locate exactly anywhere somewhere here there my our".split()
FUNCTION = sorted(STOP | set(NOUNS) | set(POLITE) | {w for v in VERBS for w in v.split()})


class Pool:
    def __init__(self, path, tokenizer):
        z = np.load(path)
        self.ids, self.offsets, self.spans, self.span_offsets = (z[k] for k in ("ids", "offsets", "spans", "span_offsets"))
        self.kinds, self.splits, self.lower = z["kinds"], z["splits"], z["lower"]
        self.words, self.word_offsets = z["words"], z["word_offsets"]
        self.texts = z["texts"].tobytes().decode().split("\n")
        self.tok = Tokenizer.from_file(os.path.join(tokenizer, "tokenizer.json"))
        self.ranges = {}
        for s in (0, 1):
            for k in range(8):
                w = np.where((self.kinds == k) & (self.splits == s))[0]
                self.ranges[s, k] = (int(w[0]), int(w[-1]) + 1)
        self._enc = {}
        self.spaced = [(self.tok.id_to_token(i) or "").startswith("Ġ") for i in range(VOCAB)]
        self.wordy = [bool(t) and (t[1:] if t[0] == "Ġ" else t).isalnum() for t in (self.tok.id_to_token(i) or "" for i in range(VOCAB))]

    def enc(self, text):
        r = self._enc.get(text)
        if r is None:
            r = self.tok.encode(text, add_special_tokens=False).ids
            if len(self._enc) < 200000: self._enc[text] = r
        return r

    def block(self, i):
        o, s = self.offsets, self.span_offsets
        return self.ids[o[i]:o[i + 1]].tolist(), self.spans[s[i]:s[i + 1]].tolist()

    def word(self, t):
        return self.words[self.word_offsets[t]:self.word_offsets[t + 1]].tolist()


class Block:
    __slots__ = ("ids", "spans", "number", "keys")

    def __init__(self, ids, spans):
        self.ids, self.spans, self.number, self.keys = ids, spans, 0, None


class Maker:
    """split 0: training text, 1: held-out text. direct, not_found, several: shares of answers without thinking, without a match, with
    more than one; hard: share of questions whose words are also put into other blocks; common: share of questions made of words that
    several blocks hold; words: share of questions worded as the program words them, the rarest word first; partly: share of the questions without
    a match of which some words do stand there; permute: share of documents in which all
    ordinary tokens are exchanged for others, so that nothing but the document helps; skip: share of prompts with position skips."""

    def __init__(self, pool, seed, split=0, direct=.1, not_found=.15, several=.08, hard=.35, common=.25, permute=.15, kinds=None, held_forms=0., skip=.8, variants=.07, words=.75, partly=.2):
        self.p, self.r, self.split = pool, random.Random(seed), split
        self.n = np.random.default_rng(seed)
        self.direct, self.not_found, self.several, self.hard, self.common, self.permute, self.kinds = direct, not_found, several, hard, common, permute, kinds
        self.held_forms, self.skip, self.variants, self.words, self.partly = held_forms, skip, variants, words, partly
        e = pool.enc
        self.open, self.close, self.bracket, self.bracket_nl = e("[p"), e(" [p"), e("]"), e("]\n")
        self.looking, self.comma, self.nl, self.found, self.nothing = e("Looking for:"), e(","), e("\n"), e("Found"), e("Nothing found")
        self.absent = e("Not found in the documents.")
        self.system = e(SYSTEM)
        self.base = len(SPECIALS) + 256 + 1100       # first ordinary merged token
        self.num = [None] * 10000

    def number(self, n):
        r = self.num[n]
        if r is None: r = self.num[n] = self.p.enc(str(n))
        return r

    def random_tokens(self):
        r, out, spans = self.r, [], []
        base, n = self.base, r.randrange(4, 18)
        for _ in range(n):
            k = r.choice((1, 1, 2, 2, 3))
            spans.append((len(out), len(out) + k, -1))
            out += [r.randrange(base, VOCAB) for _ in range(k)]
        return Block(out, spans)

    def heading(self):
        r, k = self.r, self.r.random()
        w = lambda: r.choice(self.titles)
        if k < .4: t = f"{w()}{r.choice(('.pdf', '.pdf', '.docx', '.epub'))}, page {r.randrange(1, 400)}"
        elif k < .75: t = "/".join([w() for _ in range(r.choice((1, 1, 2, 3)))]) + r.choice((".cc", ".h", ".py", ".rs", ".md", ".c", ".js", ".go", ".txt", ".html", ".csv"))
        else: t = " ".join([w().capitalize()] + [w() for _ in range(r.choice((0, 1, 2, 3)))])
        return self.p.enc("# " + t + "\n") if r.random() < .5 else self.p.tok.encode("# " + t + "\n", add_special_tokens=False).ids

    @property
    def titles(self):
        if not hasattr(self, "_titles"):
            r = random.Random(5 + self.split)
            lo, hi = self.p.ranges[self.split, 6]
            s = self.p.span_offsets
            self._titles = [self.p.texts[self.p.spans[s[i]][2]].lower() for i in (r.randrange(lo, hi) for _ in range(3000)) if s[i + 1] > s[i]]
        return self._titles

    def document(self, budget, permute):
        """blocks and headings that fill about `budget` tokens: list of Block or heading ids"""
        r, p, out, n = self.r, self.p, [], 0
        kinds = self.kinds or r.choice(((0,), (0,), (1,), (1,), (2,), (0, 3, 4), (1, 5), (0, 1), (4,), (6, 7), (7,), (8, 7), (0, 1, 2, 3, 4, 5, 6, 7, 8), (0, 1, 2, 3, 4), (0, 3)))
        while n < budget:
            k = r.choice(kinds)
            if r.random() < .85 or not out:
                h = self.heading()
                out.append(h)
                n += len(h)
            run = r.choice((3, 6, 12, 25, 50, 200, 800))
            if k == 8:
                for _ in range(min(run, 12)):
                    b = self.random_tokens()
                    out.append(b)
                    n += len(b.ids) + 9
                    if n >= budget: break
                continue
            lo, hi = p.ranges[self.split, k]
            i = r.randrange(lo, hi)
            for j in range(i, min(hi, i + run)):
                ids, spans = p.block(j)
                if permute is not None: ids = permute[ids].tolist()
                out.append(Block(ids, spans))
                n += len(ids) + 9
                if n >= budget: break
        return out

    def keyword(self, b, span):
        """identity and question tokens of a keyword: (key, lower id or None, question tokens, text or None)"""
        i, j, t = span
        if t < 0 or self.perm is not None: return (tuple(b.ids[i:j]) if t < 0 else int(self.p.lower[t])), b.ids[i:j], None
        return int(self.p.lower[t]), self.p.word(t), self.p.texts[t]

    def key(self, b, span):
        return tuple(b.ids[span[0]:span[1]]) if span[2] < 0 else int(self.p.lower[span[2]])

    def choose(self, b, counts):
        """spans of the keywords asked for; adjacent ones may form a phrase. counts: how many blocks hold each word"""
        r, s = self.r, b.spans
        if r.random() < self.common:
            s = [x for x in s if counts[self.key(b, x)] > 1] or s
        if self.perm is None and r.random() < .7:      # mostly words that stand after a space in the block, as they do in the question
            plain = [x for x in s if x[2] >= 0 and b.ids[x[0]:x[1]] == self.p.word(x[2])]
            s = plain or s
        k = r.choice((1, 1, 2, 2, 2, 3, 3, 4, 5))
        if r.random() < .3 and len(s) > 1:
            a = r.randrange(len(s))
            return s[a:a + k], True
        s = r.sample(s, min(k, len(s)))
        if r.random() < .5: s.sort()
        return s, False

    def near(self, tokens, text):
        """a word that begins as this one does and is another: "seedlings" for "seedling", "dolphins" for "dollars"; None where there is none"""
        r = self.r
        if text and text.isalpha() and r.random() < .5:
            other = text[:-1] if text.endswith("s") else text + "s"
            return list(self.p.enc((" " if self.p.tok.decode(tokens[:1]).startswith(" ") else "") + other)) if len(other) > 3 else None
        if len(tokens) < 2: return None
        lo, hi = self.p.ranges[self.split, r.choice((0, 1, 7))]
        ids, spans = self.p.block(r.randrange(lo, hi))
        tails = [ids[j - 1] for i, j, _ in spans if j - i > 1]
        if not tails: return None
        out = tokens[:-1] + [int(self.perm[r.choice(tails)]) if self.perm is not None else r.choice(tails)]
        return out if out != tokens else None

    def question(self, groups, plain):
        """groups: list of (question tokens, text or None); returns question ids and the thinking's keyword list"""
        self.held_form = False
        r, e = self.r, self.p.enc
        listed = [list(g[0]) for g in groups]
        if plain:                                       # as the program asks (question_words): nothing but the words, the rarest first
            ids = list(e("Which passage mentions"))
            for i, k in enumerate(listed): ids += (list(e(" and" if i == len(listed) - 1 else ",")) if i else []) + k
            return ids + list(e("?")), listed
        style = r.random()
        texts = [g[1] for g in groups]
        if all(t is not None for t in texts) and r.random() < self.variants:      # another case or number than in the block
            i = r.randrange(len(texts))
            t = texts[i]
            v = r.choice((t.lower(), t.capitalize(), t.upper(), t + "s" if t.isalpha() and not t.endswith("s") else t[:-1] if t.endswith("s") and len(t) > 4 else t.lower()))
            texts[i], listed[i] = v, list(e(" " + v))
        held = self.held_form = r.random() < self.held_forms
        if not held and .25 <= style < .5:
            words = [r.choice(FUNCTION) for _ in range(r.choice((1, 2, 3, 4, 5, 7)))]
            if r.random() < .8: words[0] = words[0].capitalize()
            ids = list(e(words[0]))
            for w in words[1:]: ids += e(" " + w)
            for i, k in enumerate(listed): ids += (list(e(r.choice(GLUE) if r.random() < .6 else " " + r.choice(FUNCTION))) if i else []) + k
            for _ in range(r.choice((0, 0, 1, 2, 3, 4))): ids += e(" " + r.choice(FUNCTION))
            mark = r.choice(("?", "?", ".", ""))
            return ids + (list(e(mark)) if mark else []), listed
        if not held and style < .25:
            opener = r.choice(OPENERS) if r.random() < .85 else ""
            ids = list(e(opener)) if opener else []
            for i, k in enumerate(listed): ids += (list(e(r.choice(GLUE))) if i else []) + k
            ids += e(r.choice(ENDINGS)) if opener else []
            if not opener and all(t is not None for t in texts): ids = list(self.p.tok.encode(", ".join(texts) if r.random() < .5 else " ".join(texts), add_special_tokens=False).ids)
            return ids, listed
        form = r.choice(FORMS_HELD if held else FORMS).replace("{n}", r.choice(NOUNS)).replace("{v}", r.choice(VERBS))
        if r.random() < .06 and not held: form = form.rstrip("?.").lower()
        a, z = form.split("@")
        if all(t is not None for t in texts) and r.random() < .12:
            q = r.choice(('"', '"', "'", "`", "“"))
            c = {"“": "”"}.get(q, q)
            return list(self.p.tok.encode(a + " and ".join(q + t + c for t in texts) + z, add_special_tokens=False).ids), listed
        if a and not a.endswith(" "): a += " "
        ids = list(e(a[:-1])) if a else []
        sep = r.choice((" and", ",", ",", "mixed"))
        for i, k in enumerate(listed):
            ids += (list(e((" and" if i == len(listed) - 1 else ",") if sep == "mixed" else sep)) if i else []) + k
        if z: ids += e(z)
        return ids, listed

    def sample(self, T, turns=None, separate=False):
        """One prompt of at most T tokens. Returns ids, classes, turn numbers, line starts, and (if separate) the turns apart."""
        r, p = self.r, self.p
        self.perm = None
        if r.random() < self.permute:
            v = np.arange(VOCAB)
            v[self.base:] = self.base + self.n.permutation(VOCAB - self.base)
            self.perm = v
        share = r.choice((.35, .5, .6)) if T < 3000 else r.choice((.6, .75)) if T < 6000 else .85
        budget = T - 20 if separate else int(T * share) if T < 20000 else T - 6000
        doc = self.document(budget, self.perm)
        blocks = [b for b in doc if isinstance(b, Block)]
        n = 1 if r.random() < .6 else r.randrange(1, 9000)
        n = max(1, min(n, 9990 - 2 * len(blocks)))
        gap = r.choice((0, 0, 0, .05))
        for b in blocks:
            b.number = n
            n += 1 if not gap or r.random() > gap else r.randrange(1, 12)
        want = turns or (60 if T > 6000 else 24)
        usable = [b for b in blocks if b.spans]
        plans, counts = [], {}
        for b in usable:
            for k in {self.key(b, x) for x in b.spans}: counts[k] = counts.get(k, 0) + 1
        for _ in range(want if usable else 0):
            b = r.choice(usable)
            s, phrase = self.choose(b, counts)
            plans.append((b, s, phrase))
        # distractors: some of the words of a question in other blocks; second targets: all of them
        planned = {id(b) for b, _, _ in plans}
        free = [b for b in usable if id(b) not in planned and len(b.spans) > 3 and len(b.ids) < 60]
        for b, s, phrase in plans if free else ():
            k = r.random()
            twin = k < self.several and len(b.ids) < 50
            if not twin and (k > self.several + self.hard or len(s) < 2): continue
            for _ in range(r.choice((1, 1, 2)) if twin else r.choice((1, 2, 3))):
                d = r.choice(free)
                if len(d.ids) > 70: continue
                put = [(b.ids[i:j], t) for i, j, t in (s if twin else r.sample(s, r.randrange(1, len(s))))]
                if not twin and r.random() < .4:          # words that only look alike
                    put = [(w, -1) for w, t in put for w in [self.near(w, p.texts[t] if t >= 0 and self.perm is None else None)] if w]
                if not put or len(put) > len(d.spans): continue
                at = sorted(r.sample(range(len(d.spans)), len(put)))
                ids, spans, last = [], [], 0
                for m, (i, j, t) in enumerate(d.spans):
                    if i < last: continue
                    ids += d.ids[last:i]
                    if m in at:
                        w, t = put[at.index(m)]
                    else: w = d.ids[i:j]
                    spans.append((len(ids), len(ids) + len(w), t))
                    ids += w
                    last = j
                d.ids, d.spans = ids + d.ids[last:], spans
        where = {}
        for x, b in enumerate(blocks):
            b.keys = [self.key(b, s) for s in b.spans]
            for k in b.keys: where.setdefault(k, set()).add(x)

        ids, cls, turn, starts = [BOS] + list(self.system), None, None, []
        for b in doc:
            starts.append(len(ids))
            if isinstance(b, Block): ids += self.open + self.number(b.number) + self.bracket + b.ids + self.close + self.number(b.number) + self.bracket_nl
            else: ids += b
        cls, turn, out, t = [0] * len(ids), [0] * len(ids), [], 0
        doc_len = len(ids)
        for b, s, phrase in plans:
            made = self.turn(b, s, phrase, blocks, where)
            if made is None: continue
            a, c, info = made
            if not separate and len(ids) + len(a) > T:
                if T - len(ids) < 90: break
                continue
            t += 1
            if separate: out.append((a, c, info))
            else:
                starts.append(len(ids))
                ids += a
                cls += c
                turn += [min(t, 255)] * len(a)
        if separate: return ids, starts, out
        return ids[:T], cls[:T], turn[:T], starts, doc_len

    def lower_known(self, tokens, where):
        """whether these tokens spell a word that stands in the document"""
        if not hasattr(self, "_ids"): self._ids = {t.lower(): int(i) for t, i in zip(self.p.texts, self.p.lower)}
        i = self._ids.get(self.p.tok.decode(tokens).strip().lower())
        return tuple(tokens) in where or (i is not None and i in where)

    def place_of(self, b, keys):
        """the first place in a block where words with these keys stand side by side: begin and end, or None"""
        s, own, n, m = b.spans, b.keys, -1, len(keys)
        while True:
            try: n = own.index(keys[0], n + 1)
            except ValueError: return None
            if tuple(own[n:n + m]) == keys and all(s[n + x - 1][1] == s[n + x][0] and self.p.spaced[b.ids[s[n + x][0]]] for x in range(1, m)): return s[n][0], s[n + m - 1][1]

    def longer(self, b, place, holders, blocks):
        """a place in a block with its neighbouring words, until no other of the blocks holds the same tokens: the place and who holds them"""
        i, j = place
        for _ in range(4):
            if len(holders) < 2: break
            if j < len(b.ids) and self.p.spaced[b.ids[j]] and self.p.wordy[b.ids[j]]:      # the word behind it
                j += 1
                while j < len(b.ids) and self.p.wordy[b.ids[j]] and not self.p.spaced[b.ids[j]]: j += 1
            elif i > 0 and self.p.spaced[b.ids[i]] and self.p.wordy[b.ids[i - 1]]:         # or the one before
                i -= 1
                while i > 0 and self.p.wordy[b.ids[i - 1]] and not self.p.spaced[b.ids[i]]: i -= 1
            else: break
            want, n = b.ids[i:j], j - i
            holders = {x for x in holders if any(y[m:m + n] == want for y in (blocks[x].ids,) for m in range(len(y) - n + 1) if y[m] == want[0])}
        return (i, j), holders

    def hooked(self, b, words, blocks, where):
        """words of a block, as question_words.cpp puts them; and the blocks that hold them. Words that stand side by side are one item; the
        rarest item is the hook, and takes its neighbours along if other blocks hold it too."""
        at = {w[0]: b.spans[b.keys.index(w[0])] for w in words}
        runs = []
        merge = self.perm is None and self.r.random() < .8
        for w in sorted(words, key=lambda w: at[w[0]][0]):
            i, j, _ = at[w[0]]
            if merge and runs and at[runs[-1][-1][0]][1] == i and self.p.spaced[b.ids[i]]: runs[-1].append(w)
            else: runs.append([w])
        items = []
        for run in runs:
            keys = tuple(w[0] for w in run)
            holders = set.intersection(*[where[k] for k in keys])
            if len(run) > 1: holders = {x for x in holders if self.place_of(blocks[x], keys) is not None}
            (tokens, text), begin = run[0][1], at[keys[0]][1]
            place = at[keys[0]][0], at[keys[-1]][1]
            items.append((keys, (list(tokens) + b.ids[begin:place[1]], text if len(run) == 1 else None), place, holders))
        items.sort(key=lambda x: len(x[3]))
        keys, group, place, holders = items[0]
        if len(holders) > 1 and self.perm is None and self.r.random() < .9:
            more, left = self.longer(b, place, holders, blocks)
            if more != place and len(left) == 1:
                tokens = b.ids[more[0]:more[1]] if more[0] < place[0] else group[0] + b.ids[place[1]:more[1]]
                items = [(keys, (list(tokens), None), more, left)] + [x for x in items[1:] if x[2][0] < more[0] or x[2][1] > more[1]]
        return [x[:3] for x in items], set.intersection(*[x[3] for x in items])

    def turn(self, b, spans, phrase, blocks, where):
        r = self.r
        u = r.random()
        kind = "found"
        plain = r.random() < self.words
        words = None                                   # (key or keys, group, its place in b if that is known) of each, in the question's order
        if u < self.not_found:
            kind, targets = "absent", []
            lo, hi = self.p.ranges[self.split, r.choice(self.kinds or (0, 1, 2, 4, 5, 7))] if not self.kinds or max(self.kinds) < 8 else self.p.ranges[self.split, 7]
            other, os_ = self.p.block(r.randrange(lo, hi))
            if self.perm is not None: other = self.perm[other].tolist()
            o = Block(other, os_)
            os_ = [s for s in os_ if self.key(o, s) not in where]
            if not os_: return None
            chosen = [(o, s) for s in r.sample(os_, min(len(os_), r.choice((1, 1, 2, 2, 3))))]
            if r.random() < self.partly: chosen = chosen[:2] + [(b, r.choice(spans))]; kind = "partly absent"
            r.shuffle(chosen)
            words = [(self.key(x, s), self.keyword(x, s)[1:], None) for x, s in chosen]
            if r.random() < .35:                       # almost a word of the documents
                _, tokens, text = self.keyword(b, r.choice(b.spans))
                n = self.near(list(tokens), text)
                if n is None or (text and self.lower_known(n, where)): return None
                words = [(tuple(n), (n, None), None)] + (words[1:] if r.random() < .3 else [])
                kind = "absent"
        elif u < self.not_found + .05 and len(blocks) > 3 and any(len(where[self.key(b, s)]) == 1 for s in b.spans):
            # words that do not stand together: the block that holds the rarest one
            kind, targets = "apart", [b]
            own = [r.choice([s for s in b.spans if len(where[self.key(b, s)]) == 1])]
            words = [(self.key(b, s), self.keyword(b, s)[1:], None) for s in own]
            for c in r.sample(blocks, min(len(blocks), r.choice((1, 2, 3)))):
                s = r.choice(c.spans) if c.spans else None
                if s and self.key(c, s) not in [w[0] for w in words] and 1 < len(where[self.key(c, s)]): words.append((self.key(c, s), self.keyword(c, s)[1:], None))
            if len(words) < 2: return None
            phrase = False
            r.shuffle(words)
        else:
            spans = list(spans)
            keys = list(dict.fromkeys(self.key(b, s) for s in spans))
            match = set.intersection(*[where.get(k, set()) for k in keys])
            extra = [s for s in b.spans if s not in spans]
            r.shuffle(extra)
            most = 1 if self.perm is not None else 3
            while len(match) > most and extra and (most == 1 or r.random() < .8):
                s = extra.pop()
                k = self.key(b, s)
                if k in keys: continue
                keys.append(k)
                spans.append(s)
                phrase = False
                match &= where.get(k, set())
            if not match or (len(match) > 1 and self.perm is not None) or len(keys) > 6: return None
            if phrase and not plain and len(spans) > 1 and len(keys) == len(spans) and len(match) == 1:   # contiguous words of the block, as they stand
                i, j = spans[0][0], spans[-1][1]
                phrase = b.ids[i:j]
                if not all(x >= 7 for x in phrase) or j - i >= 30: return None
                words = [(keys[0], (phrase, None), (i, j))]
            else:
                words = [(k, self.keyword(b, next(s for s in spans if self.key(b, s) == k))[1:], None) for k in keys]
                if plain: words, match = self.hooked(b, words, blocks, where)
            targets = [blocks[x] for x in sorted(match)[:3]]       # the first three, where there are more
            if len({tuple(x.ids) for x in targets}) < len(targets): return None
            if len(match) > 1: kind = "several"
        count = lambda k: len(where.get(k, ()))
        if plain and kind not in ("found", "several"): words.sort(key=lambda w: count(w[0]))
        q, listed = self.question([w[1] for w in words], plain)
        if not q: return None
        # the thinking names the hook first: the program has put it first; in other wordings it is the word that the fewest blocks hold
        counts = [count(w[0][0] if plain and kind in ("found", "several") else w[0]) for w in words]
        n = 0 if plain else counts.index(min(counts))
        listed = [listed[n]] + listed[:n] + listed[n + 1:]
        first, _, place = words[n]
        thinking = r.random() >= self.direct
        a = [USER] + list(q) + [ASSISTANT, THINK if thinking else END_THINK]
        c = [0] * len(a)

        def add(tokens, k):
            a.extend(tokens)
            c.extend([k] * len(tokens))
        if thinking:
            add(self.looking, K_WORDS)
            for i, k in enumerate(listed):
                if i: add(self.comma, K_WORDS)
                add(k, K_WORDS)
            add(self.nl, K_WORDS)
            if not targets:
                add(self.nothing[:1], K_DECIDE)
                add(self.nothing[1:], K_NOTHING)
            for n, x in enumerate(targets):
                add(self.found[:1], K_DECIDE)
                add(self.found[1:], K_WORDS)
                at, end = place if place and x is b else self.place_of(x, first if isinstance(first, tuple) and plain and kind == "several" else (first,))
                add(x.ids[at:at + 1], K_FOUND_START)
                add(x.ids[at + 1:end], K_FOUND)
                add(x.ids[end:end + 1], K_CHOICE)        # here the hook is named, and the block has to be the right one
                add(x.ids[end + 1:], K_FOUND)
                add(self.close, K_THINK_ANCHOR)
                add(self.number(x.number), K_THINK_ANCHOR)
                add(self.bracket_nl if n + 1 < len(targets) else self.bracket, K_END)
            add([END_THINK], K_END)
        if not targets:
            add(self.absent[:1], K_BLOCK_START if thinking else K_DIRECT)
            add(self.absent[1:], K_NOTHING)
        for n, x in enumerate(targets):
            k = K_BLOCK_START if thinking else K_DIRECT
            add(self.open, k)
            add(self.number(x.number), k)
            add(self.bracket, k)
            add(x.ids[:1], k)
            add(x.ids[1:], K_QUOTE)
            add(self.close, K_ANCHOR)
            add(self.number(x.number), K_ANCHOR)
            add(self.bracket_nl if n + 1 < len(targets) else self.bracket, K_END)
        add([EOS], K_END)
        return a, c, dict(kind=kind, thinking=thinking, targets=len(targets), held=self.held_form, hook=min(counts))

    def positions(self, T, starts):
        """Position ids: distances inside a block are kept, distances between blocks are stretched at random up to the full context."""
        step = np.ones(T, np.int64)
        step[0] = 0
        r = self.r
        if r.random() < self.skip and T < MAX_POSITION - 2000:
            room = MAX_POSITION - T - 64
            total = min(room, int(np.exp(self.n.random() * np.log(room))))
            at = np.array([s for s in starts if s < T])
            at = at[self.n.random(len(at)) < r.choice((.1, .4, .9))]
            if len(at):
                w = self.n.exponential(size=len(at)) ** r.choice((1, 2, 3))
                np.add.at(step, at, (w / w.sum() * total).astype(np.int64))
        return np.cumsum(step)

    def batch(self, B, T, rows=32):
        ids = np.full((B, T), PAD, np.uint16)
        cls = np.zeros((B, T), np.uint8)
        turn = np.zeros((B, T), np.uint8)
        pos = np.zeros((B, T), np.int32)
        pick = np.zeros((B, rows), np.int32)
        for b in range(B):
            i, c, t, s, doc = self.sample(T)
            n = len(i)
            ids[b, :n], cls[b, :n], turn[b, :n] = i, c, t
            pos[b] = self.positions(T, s)
            w = np.where(cls[b, 1:])[0]
            m = min(len(w), rows * 3 // 4)
            if m: pick[b, :m] = self.n.choice(w, m, replace=False)
            pick[b, m:] = self.n.integers(min(64, n - 1), n, rows - m)
        return ids, cls, turn, pos, pick


if __name__ == "__main__":
    import sys, time
    p = Pool(sys.argv[1], sys.argv[2])
    m = Maker(p, 3)
    for T in (768, 768, 768):
        i, c, t, s, d = m.sample(T)
        print(p.tok.decode(i, skip_special_tokens=False))
        print(len(i), d, max(t), sum(x > 0 for x in c))
    for T in (1024, 4096, 32768, 131072):
        t0 = time.time()
        n = max(1, 65536 // T)
        b = m.batch(n, T)
        dt = time.time() - t0
        print(T, f"{n * T / dt / 1e3:.0f} kt/s", "loss share", (b[1] > 0).mean(), "pad", (b[0] == PAD).mean(), "turns", b[2].max(1)[:8], "maxpos", b[3].max())
