"""Token ids and decoded texts by the reference implementations, for tokenizer_reference_test.cpp.

usage: reference_tokens.py KIND SOURCE FOLDER

KIND is sentencepiece (SOURCE: a .model file), unigram (trained here), json (SOURCE: a tokenizer.json), llama, metaspace or gemma (SOURCE: a
.model file, written as the tokenizer.json of such models), or the name of a style below, trained here on a little
text (SOURCE is not read). FOLDER receives the tokenizer and
reference.json. Exit status 77: a Python module is missing.
"""

import inspect
import json
import random
import re
import shutil
import sys
import textwrap
from pathlib import Path

try:
    import sentencepiece
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from tokenizers import processors, trainers
except ImportError as error:
    print(error)
    sys.exit(77)

TEXTS = [
    "Hello world", " leading space", "  two leading", "a  b   c    d", "trailing  ", "", " ", "   ",
    "\n", "line one\n\nline three\r\nwindows\r\n", "\ttabs\t\tand spaces \t mixed", "\n  indented\n",
    "It's, they'RE, we'Ll; don't! I'M 'tis \u2019s", "in 1994, 3.14159 and 1,234,567 or  42 x2y 007",
    "\u0663\u0664\u0665 \u2167 \u00bd \u00b2", "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u4eca\u5929\u5929\u6c14\u5f88\u597d",
    "\u3053\u3093\u306b\u3061\u306f \ud55c\uad6d\uc5b4 \u0440\u0443\u0441\u0441\u043a\u0438\u0439 \u03b5\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac \u05e2\u05d1\u05e8\u05d9\u05ea \u0939\u093f\u0928\u094d\u0926\u0940",
    "\U0001f600 \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u2764\ufe0f",
    "caf\u00e9 cafe\u0301 \u1e9b\u0323 \uac00 \u1100\u1161 A\u030a \u212b", "na\u00efve \ufb01ne \u017fs \u0130I\u0131",
    "\u00a0nbsp\u3000ideographic\u2003em\u200bzero\u2028sep\u0085nel",
    "def f(x):\n    return {'a': [x ** 2 for _ in range(10)]}  # \u03c0\n",
    "https://example.org/a?b=c&d=%20#e <b>html</b> a_b-c/d\\e", "!!!???...---===>>>***",
    "pneumonoultramicroscopicsilicovolcanoconiosis" * 3, "a" * 700, "ab" * 300, " " * 500 + "x",
    "\n" * 300, "\ufffd \u0000 \u0001 \u007f \ufeffbom \ue000 \U0010ffff",
    "<s>", "</s>", "<unk>", "<s>a</s> b<s>", "x <|endoftext|> y", "<|endoftext|><|endoftext|>",
    "<|im_start|>user\nHi<|im_end|>\n", "<|im_star", "<|im_start", "<<s>>", "<0x0A>", "\u2581x\u2581 \u0120y",
    "<tag><tag_long><tag_", "[INST] hi [/INST]", "Sci-Fi & Fantasy: space opera, cyberpunk (1980s)",
]

LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
SIGNS = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
STYLES = {
    "gpt2": pre_tokenizers.ByteLevel(add_prefix_space=False),
    "prefix_space": pre_tokenizers.ByteLevel(add_prefix_space=True),
    "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                       pre_tokenizers.ByteLevel(add_prefix_space=False)]),
    "qwen2": pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(LETTERS + r"|\p{N}" + SIGNS), "isolated"),
         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
    "llama3": pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(LETTERS + r"|\p{N}{1,3}" + SIGNS), "isolated"),
         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
}


def random_texts(count: int) -> list[str]:
    """Texts of few characters each, so that runs and borders of every kind occur."""
    choose = random.Random(1)
    alphabets = ["ab \n", " '\n\tsdlLx1", "0123456789 .,", "<s>/|unk ", "e\u0301\u4f60\U0001f600 \u00e9n"]
    return ["".join(choose.choices(choose.choice(alphabets), k=choose.randrange(40)))
            for _ in range(count)]


def trained(style: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=style == "llama3"))
    tokenizer.pre_tokenizer = STYLES[style]
    tokenizer.decoder = decoders.ByteLevel()
    if style == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    corpus = [inspect.getsource(module) for module in (json, random, textwrap)] + TEXTS
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=1500, show_progress=False, special_tokens=["<|endoftext|>", "<|im_start|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_tokens(["<tag>", "<tag_long>", "caf\u00e9 tag"])  # not special
    if style == "llama3":
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single="<|im_start|> $A", special_tokens=[
                ("<|im_start|>", tokenizer.token_to_id("<|im_start|>"))])])
    return tokenizer


def converted(style: str, model: Path) -> Tokenizer:
    """A sentencepiece BPE model as tokenizer.json: merges are all pairs that make a piece, best piece first."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    vocabulary = {processor.id_to_piece(i): i for i in range(processor.get_piece_size())}
    merges = []
    for piece, index in vocabulary.items():
        if not (processor.is_control(index) or processor.is_unknown(index) or processor.is_byte(index)):
            splits = [(piece[:i], piece[i:]) for i in range(1, len(piece))]
            splits = [pair for pair in splits if pair[0] in vocabulary and pair[1] in vocabulary]
            splits.sort(key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
            merges += [(-processor.get_score(index), pair) for pair in splits]
    merges = [pair for _, pair in sorted(merges, key=lambda entry: entry[0])]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    replace_back = decoders.Replace("\u2581", " ")
    if style == "llama":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    elif style == "metaspace":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", prepend_scheme="first", split=False)
    else:
        tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    strip = [] if style == "gemma" else [decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence([replace_back, decoders.ByteFallback(), decoders.Fuse(), *strip])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.add_tokens(["<tag>", "<tag_long>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))])
    return tokenizer


def json_reference(tokenizer: Tokenizer) -> dict:
    texts = TEXTS + random_texts(2000)
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    choose = random.Random(2)
    drawn = [choose.choices(range(tokenizer.get_vocab_size()), k=12) for _ in range(400)]
    to_decode = ids + drawn
    return {"texts": texts, "ids": ids, "to_decode": to_decode,
            "decoded": [tokenizer.decode(row, skip_special_tokens=True) for row in to_decode],
            "prefix": tokenizer.encode("").ids, "size": tokenizer.get_vocab_size()}


def sentencepiece_reference(model: Path, texts: list[str]) -> dict:
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    size = processor.get_piece_size()
    special = {processor.id_to_piece(i): i for i in range(size)
               if processor.is_control(i) or processor.is_unknown(i)}
    pattern = "(" + "|".join(re.escape(piece) for piece in special) + ")"

    def encode(text: str) -> list[int]:
        # Special spellings first, then each stretch between them alone.
        ids = []
        for part in re.split(pattern, text):
            ids += [special[part]] if part in special else processor.encode(part)
        return ids

    ids = [encode(text) for text in texts]
    plain = [i for i in range(size) if i not in special.values()]
    choose = random.Random(2)
    to_decode = ids + [choose.choices(plain, k=12) for _ in range(400)]
    decoded = [processor.decode([i for i in row if i not in special.values()]) for row in to_decode]
    return {"texts": texts, "ids": ids, "to_decode": to_decode, "decoded": decoded,
            "prefix": [processor.bos_id()], "size": size}


def main(kind: str, source: str, folder: Path) -> None:
    texts = TEXTS + random_texts(2000)
    if kind == "unigram":  # where cuts have equal scores, as in runs of one sign, versions of sentencepiece differ
        source = str(folder / "trained.model")
        corpus = [line for module in (inspect, json, random, textwrap)
                  for line in inspect.getsource(module).splitlines()]
        texts = [text for text in TEXTS + corpus if not re.search(r"(\S)\1\1", text)]
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus + TEXTS[:6]), model_prefix=source.removesuffix(".model"), vocab_size=800,
            model_type="unigram", byte_fallback=True, hard_vocab_limit=False, minloglevel=2)
    if kind in ("sentencepiece", "unigram"):
        shutil.copyfile(source, folder / "tokenizer.model")
        reference = sentencepiece_reference(Path(source), texts)
    else:
        if kind == "json":
            shutil.copyfile(source, folder / "tokenizer.json")
        elif kind in ("llama", "metaspace", "gemma"):
            converted(kind, Path(source)).save(str(folder / "tokenizer.json"))
        else:
            trained(kind).save(str(folder / "tokenizer.json"))
        reference = json_reference(Tokenizer.from_file(str(folder / "tokenizer.json")))
    (folder / "reference.json").write_text(json.dumps(reference))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
