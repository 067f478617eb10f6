"""Records what the `tokenizers` library makes of some thousand strings.

    python tests/golden/record_tokenizer.py

writes tests/golden/tokenizer/: texts.bin (the strings), one folder for each tokenizer that is made
here (tokenizer.json), and NAME.bin for each tokenizer with the ids of all strings. Added tokens are
taken out before encoding: our encoder treats every text as data.

Both files are a count and then, for each string, a length and that many items; all numbers are
LEB128, items are bytes in texts.bin and token ids in NAME.bin.
"""

import json
import pathlib
import random

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
OUT = HERE / "tokenizer"
STARTER = HERE.parent.parent / "resources/models/starter/tokenizer.json"

SENTENCES = """The committee found that the bridge had been inspected on 14 March 1997 and closed on 3 May.
It's what they've said: I'll go, you're late, we'd stay, she's here, I'm sure, don't, CAN'T, It'S.
Der Fluß überschwemmte 1.234,56 Hektar; größere Schäden blieben aus. Straße, STRASSE, Äpfel, Öl.
L'été dernier, l'équipe a mesuré 12 % d'humidité à Besançon, n'est-ce pas ? Œuvre, naïveté, cœur.
El niño preguntó: ¿cuántos años tiene? ¡Veintitrés! Mañana será otro día en Logroño.
Зимой река замёрзла, и 250 человек перешли её пешком. Ёлка, объявление, подъезд.
冬の川は凍り、250人が歩いて渡った。カタカナとひらがな、漢字が混ざる文です。
委员会发现，这座桥在1997年三月十四日检查过，五月三日关闭。稀疏注意力只看最相关的内容。
겨울에 강이 얼어 250명이 걸어서 건넜다. 한국어 문장은 띄어쓰기를 한다.
في الشتاء تجمد النهر وعبره ٢٥٠ شخصا سيرا على الأقدام. اللغة العربية تكتب من اليمين.
בחורף קפא הנהר ומאתיים וחמישים איש חצו אותו ברגל.
सर्दियों में नदी जम गई और २५० लोग पैदल पार हुए। हिन्दी में मात्राएँ होती हैं।
ในฤดูหนาวแม่น้ำกลายเป็นน้ำแข็ง และผู้คน ๒๕๐ คนเดินข้ามไป
Το χειμώνα το ποτάμι πάγωσε και 250 άνθρωποι το πέρασαν με τα πόδια. Άγγελος, ΐ, ΰ.
Mùa đông sông đóng băng và 250 người đã đi bộ qua. Tiếng Việt có nhiều dấu thanh.
for (int i = 0; i < n; ++i) { total += values[i] * 0x1F; }  // sum, not mean
def measure(path: str, *, limit: int = 10_000) -> dict[str, float]:
    return {name: value / 3.14e-2 for name, value in read(path) if value is not None}
SELECT name, COUNT(*) FROM pages WHERE text LIKE '%ice%' GROUP BY name ORDER BY 2 DESC;
std::vector<std::pair<std::string_view, Place>> seen; if (!seen.empty()) return seen.back().second->size();
| width | height | note |\n|------:|:------:|------|\n| 1,024 | 2.5 m | see [p12] |
$E = mc^2$, \\frac{a}{b} \\leq \\sum_{i=1}^{n} x_i, α + β ≥ γ, ∀x ∈ ℝ: x² ≥ 0, ½ + ¼ = ¾, Ⅳ, ①②③
https://example.org/a/b?c=d&e=%20f#g user@example.org C:\\Temp\\new\\table.txt /usr/lib/x86_64-linux-gnu
👍🏽 👩‍👩‍👧‍👦 🇩🇪🇯🇵 ☃️ ❤️‍🔥 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣ emoji everywhere🙂🙃🙂""".split("\n")

SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r\n\r\n", " \n", "\n ", " \t ", "\u00a0", "\u3000", "\u2009",
          "\u2028", "\u2029", "\u0085", "\u180e", "\u200b", "\ufeff", "\u1680", "\v", "\f", "\r", "\x1c", "\x1f"]
ODD = ["", "\x00", "\x7f", "a\x00b", "\ufffd", "\ufffe", "\U0010ffff", "\ue000", "\u0301", "a\u0301\u0302", "ſ", "'ſ", "'S",
       "'LL've", "’s", "ǅ", "ß", "İ", "K", "Å", "\u00ad", "ﬁ", "ﷺ", "𝔘𝔫𝔦", "𐍈", "٣٤٥٦", "๑๒๓๔", "１２３４", "〇", "々ゞ",
       "々々", "ｱｲｳ", "ー", "・", "「」", "한글", "ㄱㄴ", "\u1100\u1161", "\U000e0041", "<｜User｜>", "<｜Assistant｜></think>",
       "<|user|>", "[gMASK]<sop>", "<think>", "<｜begin▁of▁sentence｜>", "▁", "Ġ", "Ċ", "\u2066x\u2069", "0" * 50, "a" * 300,
       " " * 100, " " * 100 + "x", "\n" * 60, "=" * 77, "ab" * 150, "漢" * 90, "!" * 33, "-_" * 40, "\t" * 9 + "end"]


def texts():
    rng = random.Random(20260701)
    made = ODD + SPACES + SENTENCES
    made += [" " + s for s in SENTENCES] + [s + "\n" for s in SENTENCES] + ["\n".join(SENTENCES)]
    made += [a + b for a in SPACES for b in SPACES[:12]] + [a + "x" + b + "7" for a in SPACES for b in SPACES]
    words = sorted({w for s in SENTENCES for w in s.split()})
    letters = sorted(set("".join(SENTENCES)))
    blocks = [(0x20, 0x7f), (0xa0, 0x250), (0x300, 0x36f), (0x370, 0x530), (0x590, 0x7ff), (0x900, 0xe7f), (0x1e00, 0x2100),
              (0x2100, 0x2c00), (0x2e80, 0x3400), (0x4e00, 0x9fff), (0xac00, 0xd7a4), (0xf900, 0xfffd), (0x10000, 0x10400),
              (0x1d400, 0x1d800), (0x1f000, 0x1fb00), (0x20000, 0x20400), (0xe0000, 0xe0080)]

    def character():
        low, high = rng.choice(blocks)
        return chr(rng.randrange(low, high))

    for _ in range(500):
        made.append("".join(rng.choice(words) + rng.choice(SPACES[:10] + [" "] * 20) for _ in range(rng.randint(1, 8))))
    for _ in range(400):
        made.append("".join(rng.choice(letters) for _ in range(rng.randint(1, 24))))
    for _ in range(500):
        made.append("".join(character() for _ in range(rng.randint(1, 12))))
    for _ in range(250):
        made.append("".join(rng.choice("0123456789.,-eExX_ ") for _ in range(rng.randint(1, 20))))
    for _ in range(250):
        made.append("".join(rng.choice(SPACES + ["a", "Ж", "中", "7", "!", "é"]) for _ in range(rng.randint(1, 10))))
    for _ in range(150):
        made.append("".join(rng.choice("(){}[]<>;:=+-*/&|!\"'`~^%$#@?,.\\ \n\tabcXYZ09") for _ in range(rng.randint(1, 40))))
    return list(dict.fromkeys(made))


DEEPSEEK = ["\\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
            "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"]
DEEPSEEK_LLM = ["[\r\n]", "\\s?["
                "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af"
                "\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5"
                "\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba"
                "\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45"
                "\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe"
                "\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102"
                "\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139"
                "\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3"
                "\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06"
                "\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3"
                "\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-\U000118df"
                "\U0001e900-\U0001e943"
                "]+",
                "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", "\\s+$",
                "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"]
GLM = ["(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
       "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"]


def splits(patterns):
    return [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]


def train(name, pre_tokenizer, size, *, merges_as_text, ignore_merges, controls):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=controls, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    rng = random.Random(7)
    corpus = SENTENCES * 3 + [" ".join(rng.sample(" ".join(SENTENCES).split(), 12)) for _ in range(400)]
    tokenizer.train_from_iterator(corpus, trainer)
    data = json.loads(tokenizer.to_str())
    if merges_as_text:
        data["model"]["merges"] = [" ".join(pair) for pair in data["model"]["merges"]]
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    return data


def leb128(number):
    out = bytearray()
    while number > 0x7f:
        out.append(0x80 | number & 0x7f)
        number >>= 7
    out.append(number)
    return bytes(out)


def packed(rows):
    out = bytearray(leb128(len(rows)))
    for row in rows:
        out += leb128(len(row))
        out += row if isinstance(row, bytes) else b"".join(leb128(item) for item in row)
    return bytes(out)


def record(name, data, strings):
    data = dict(data, added_tokens=[])
    tokenizer = Tokenizer.from_str(json.dumps(data))
    ids = [tokenizer.encode(s, add_special_tokens=False).ids for s in strings]
    (OUT / f"{name}.bin").write_bytes(packed(ids))
    print(name, len(strings), "strings,", sum(map(len, ids)), "tokens")


def main():
    strings = texts()
    OUT.mkdir(exist_ok=True)
    (OUT / "texts.bin").write_bytes(packed([s.encode() for s in strings]))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    record("starter", json.loads(STARTER.read_text()), strings)
    record("deepseek", train("deepseek", pre_tokenizers.Sequence(splits(DEEPSEEK) + [byte_level]), 1100,
                             merges_as_text=True, ignore_merges=False,
                             controls=["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>",
                                       "<think>", "</think>"]), strings)
    record("deepseek_llm", train("deepseek_llm", pre_tokenizers.Sequence(
        splits(DEEPSEEK_LLM) + [pre_tokenizers.Digits(individual_digits=True), byte_level]), 1000,
        merges_as_text=True, ignore_merges=False, controls=["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"]), strings)
    record("glm", train("glm", pre_tokenizers.Sequence(splits(GLM) + [byte_level]), 1000,
                        merges_as_text=False, ignore_merges=True,
                        controls=["<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>",
                                  "<|observation|>", "<think>", "</think>"]), strings)
    record("gpt2", train("gpt2", pre_tokenizers.Sequence([
        pre_tokenizers.Split("[p", "isolated"), pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]), 700,
        merges_as_text=False, ignore_merges=False, controls=["<|endoftext|>"]), strings)


main()
