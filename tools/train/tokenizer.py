"""Trains the byte-level BPE tokenizer of the finder model and writes a Hugging Face tokenizer.json.

The pre-tokenizer is DeepSeek's (three Split rules, then ByteLevel). Numbers of one to three digits are
single tokens, so that an anchor such as [p41] is short and exact.
    python tokenizer.py --text FOLDER --out DIR
"""
import argparse, json, os, random, re
from tokenizers import Tokenizer, models, pre_tokenizers, decoders, trainers, Regex

VOCAB = 10240
SPECIALS = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "<｜User｜>", "<｜Assistant｜>", "<think>", "</think>"]
BOS, EOS, PAD, USER, ASSISTANT, THINK, END_THINK = range(7)
SPLITS = [
    r"\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
]


def pre_tokenizer():
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(s), "isolated") for s in SPLITS]
                                   + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def byte_alphabet():
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, n = {b: chr(b) for b in keep}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + n)
            n += 1
    return [table[b] for b in range(256)]


def train(folder, held_out_from=0.93):
    rng = random.Random(1)

    def lines():
        for name in ("prose_en.txt", "code.txt", "prose_multi.txt"):
            all_lines = open(os.path.join(folder, name), encoding="utf-8").read().split("\n")
            for line in all_lines[: int(len(all_lines) * held_out_from)]:
                line = re.sub(r"\d", "", line)
                k = rng.random()
                if k < 0.1:
                    line = "[p] " + line + " [p]\n"
                elif k < 0.5:
                    line = " " + line
                elif k < 0.6:
                    line = "  " * rng.randrange(1, 4) + line + "\n"
                yield line

    numbers = 110 + 1000 - 10
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizer()
    trainer = trainers.BpeTrainer(vocab_size=VOCAB - len(SPECIALS) - numbers, min_frequency=2, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), max_token_length=24)
    tok.train_from_iterator(lines(), trainer)
    learned = json.loads(tok.to_str())["model"]["merges"]
    learned = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in learned]

    digits = "0123456789"
    order = SPECIALS + byte_alphabet()
    order += [a + b for a in digits for b in digits] + [a + b + c for a in digits for b in digits for c in digits]
    merges = [(a, b) for a in digits for b in digits]
    merges += [(a + b, c) for a in digits for b in digits for c in digits]
    merges += [(a, b + c) for a in digits for b in digits for c in digits]
    seen = set(order)
    for a, b in learned:
        if len(order) >= VOCAB:
            break
        if a + b not in seen:
            order.append(a + b)
            seen.add(a + b)
        merges.append((a, b))
    merges = [m for m in merges if m[0] in seen and m[1] in seen and m[0] + m[1] in seen]
    vocab = {t: i for i, t in enumerate(order)}
    assert len(vocab) == len(order)
    return dict(
        version="1.0", truncation=None, padding=None,
        added_tokens=[dict(id=i, content=t, single_word=False, lstrip=False, rstrip=False, normalized=False,
                           special=i < 3) for i, t in enumerate(SPECIALS)],
        normalizer=None,
        pre_tokenizer=dict(type="Sequence", pretokenizers=[
            dict(type="Split", pattern=dict(Regex=s), behavior="Isolated", invert=False) for s in SPLITS]
            + [dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False)]),
        post_processor=None, decoder=dict(type="ByteLevel", add_prefix_space=True, trim_offsets=True, use_regex=True),
        model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                   fuse_unk=False, byte_fallback=False, ignore_merges=False, vocab=vocab,
                   merges=[list(m) for m in merges]))


def write(folder, out):
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(train(folder), f, ensure_ascii=False)
    with open(os.path.join(out, "tokenizer_config.json"), "w", encoding="utf-8") as f:
        json.dump(dict(tokenizer_class="PreTrainedTokenizerFast", bos_token=SPECIALS[BOS], eos_token=SPECIALS[EOS],
                       pad_token=SPECIALS[PAD], model_max_length=131072, add_bos_token=False, add_eos_token=False,
                       clean_up_tokenization_spaces=False), f, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--text", required=True)
    ap.add_argument("--out", required=True)
    a = ap.parse_args()
    write(a.text, a.out)
    t = Tokenizer.from_file(os.path.join(a.out, "tokenizer.json"))
    print("vocabulary", t.get_vocab_size())
    for s in ["[p41] The first sentence. [p41]\n", "[p1234] int f(int x) {\n  return x + 1;\n} [p1234]\n", "Looking for: alpha, beta\nFound alpha", "哪一段提到 数据库？"]:
        print([t.decode([i]) for i in t.encode(s, add_special_tokens=False).ids])
