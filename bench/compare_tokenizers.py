"""Encoding beside `tokenizers` and `sentencepiece` on one core: 10 MB of English, and the quickstart's descriptions.

    .venv/bin/python bench/compare_tokenizers.py --binary build/cuda/bench/tokenizer_bench      (make bench does)

The English is the docstrings of the Python packages in .venv. One JSON line a tokenizer and text; ratio above 1:
Serendip is faster. Models that are not at hand are left out, and said so.
"""

import argparse
import ast
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import h5py
import sentencepiece
import tokenizers

SHARED = pathlib.Path(os.environ.get("SERENDIP_DATA", "../shared/data"))
MODELS = {"SmolLM2": pathlib.Path(".cache/models/SmolLM2-135M-Instruct/tokenizer.json"),
          "Llama 2": SHARED / "tokenizers/llama2.model", "Mistral": SHARED / "tokenizers/mistral_v1.model"}


def docstring_lines(megabytes):
    lines, size = [], 0
    for path in sorted(pathlib.Path(".venv").rglob("*.py")):
        try:
            nodes = list(ast.walk(ast.parse(path.read_text())))
        except (SyntaxError, UnicodeDecodeError, ValueError):
            continue
        for node in nodes:
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                found = [line.strip() for line in (ast.get_docstring(node) or "").splitlines() if line.strip()]
                lines += found
                size += sum(map(len, found))
        if size > megabytes * 1e6:
            break
    return lines


def description_lines():
    path = pathlib.Path("runs/quickstart/tree.h5")
    if not path.exists():
        return []
    with h5py.File(path) as tree:
        return [text.decode() for text in tree["level_2/description"][:]] * 2000


def peer_speed(model, lines):
    if model.suffix == ".json":
        tokenizer = tokenizers.Tokenizer.from_file(str(model))
        encode = lambda line: tokenizer.encode(line, add_special_tokens=False).ids
    else:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
        encode = processor.encode
    start = time.perf_counter()
    ids = sum(len(encode(line)) for line in lines)
    return sum(len(line.encode()) for line in lines) / 1e6 / (time.perf_counter() - start), ids


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="build/cpu/bench/tokenizer_bench")
    arguments = parser.parse_args()
    texts = {"English": docstring_lines(10), "descriptions": description_lines()}
    for name, model in MODELS.items():
        for text, lines in texts.items():
            if not model.exists() or not lines:
                print(json.dumps({"tokenizer": name, "text": text, "skipped": "not at hand"}))
                continue
            with tempfile.TemporaryDirectory() as folder:
                shutil.copy(model, f"{folder}/tokenizer{model.suffix}")
                pathlib.Path(folder, "lines.txt").write_text("".join(line + "\n" for line in lines))
                peer, peer_ids = peer_speed(model, lines)
                output = subprocess.run([arguments.binary, folder, f"{folder}/lines.txt"], check=True,
                                        capture_output=True, text=True).stdout
            ours = json.loads(output)
            print(json.dumps({"tokenizer": name, "text": text, "unit": "MB/s", "peer": round(peer, 2),
                              "serendip": round(ours["megabytes_per_second"], 2),
                              "ratio": round(ours["megabytes_per_second"] / peer, 2),
                              "same_number_of_ids": peer_ids == ours["ids"]}), flush=True)


if __name__ == "__main__":
    main()
