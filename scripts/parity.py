"""Small random models of every supported architecture, with what transformers and PEFT compute on them.

    .venv/bin/python scripts/parity.py tests/data/parity --golden      the files that the tests keep
    .venv/bin/python scripts/parity.py FOLDER --seed N                 fresh ones, every gradient whole

Writes FOLDER/KIND/: a Hugging Face folder (or a PEFT folder beside its base, KIND/base), and expected.safetensors:
  ids [tokens], lengths [sequences], label_start [sequences]   three sequences of different lengths
  logits [tokens, columns]                                     every `column_stride`-th column
  loss []                       mean negative log-likelihood of the tokens from label_start on, a sequence alone
  bfloat16_error []             how far transformers' own bfloat16 logits are from them, relative; models only
  grad.NAME [values]            every stride.NAME-th value of the loss' gradient by parameter NAME
`parity_test` compares the C++ decoder with them. Needs torch, transformers and peft; exit status 77 without them.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"  # everything is at hand

try:
    import peft
    import torch
    import transformers
    from safetensors.torch import save_file
except ImportError as error:
    print(error)
    sys.exit(77)

VOCABULARY = 1003
LENGTHS = [3, 17, 40]
SHAPE = {"vocab_size": VOCABULARY, "hidden_size": 18, "intermediate_size": 20, "num_hidden_layers": 2,
         "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 10, "max_position_embeddings": 64,
         "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 16}


def rope(kind, **more):
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0, **more}}


KINDS = {  # name: (model_type, settings)
    "llama": ("llama", {}),
    "llama_head_dim": ("llama", {"hidden_size": 24, "head_dim": None}),
    "llama_tied": ("llama", {"tie_word_embeddings": True}),
    "llama_multi_head": ("llama", {"num_key_value_heads": 6}),
    "llama_biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama_llama3": ("llama", {"rope_parameters": LLAMA3}),
    "llama_linear": ("llama", rope("linear", factor=4.0)),
    "llama_dynamic": ("llama", rope("dynamic", factor=4.0) | {"max_position_embeddings": 24}),
    "llama_sharded": ("llama", {"dtype": "bfloat16"}),
    "mistral": ("mistral", {"sliding_window": None}),
    "mistral_window": ("mistral", {"sliding_window": 8}),
    "qwen2": ("qwen2", {"hidden_size": 24, "head_dim": None}),
    "qwen2_window": ("qwen2", {"hidden_size": 24, "head_dim": None, "use_sliding_window": True, "sliding_window": 8,
                               "max_window_layers": 1, "tie_word_embeddings": True}),
    "qwen3": ("qwen3", {"attention_bias": True}),
    "qwen3_window": ("qwen3", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0}),
    "gemma": ("gemma", {}),
    "gemma2": ("gemma2", {"sliding_window": 8, "query_pre_attn_scalar": 24, "attn_logit_softcapping": 5.0,
                          "final_logit_softcapping": 3.0}),
    "gemma3": ("gemma3_text", {"sliding_window": 8, "sliding_window_pattern": 2, "query_pre_attn_scalar": 24,
                               "rope_parameters": {
                                   "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                                   "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0}}}),
    "llama_lora": ("llama", {}),
    "gemma2_lora": ("gemma2", {"sliding_window": 8, "query_pre_attn_scalar": 24}),
}


def make_model(model_type, settings):
    shape = {name: value for name, value in (SHAPE | settings).items() if value is not None or name == "sliding_window"}
    config = transformers.AutoConfig.for_model(model_type, **shape)
    config._attn_implementation = "eager"  # the only one with soft caps
    model = transformers.AutoModelForCausalLM.from_config(config)
    for name, parameter in model.named_parameters():  # norms and biases too
        centre = 1.0 if parameter.dim() == 1 and "bias" not in name and "gemma" not in model_type else 0.0
        torch.nn.init.normal_(parameter, mean=centre, std=0.2)
    return model


def save_model(model, folder, settings, golden):
    dtype = getattr(torch, settings.get("dtype", "float16" if golden else "float32"))
    model.to(dtype).save_pretrained(folder, max_shard_size="30KB" if settings.get("dtype") else "1GB")
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def add_adapter(model, folder):
    gemma = "gemma" in model.config.model_type
    config = peft.LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, use_rslora=not gemma, task_type="CAUSAL_LM",
                             target_modules="all-linear" if gemma else ["q_proj", "o_proj", "down_proj"])
    model = peft.get_peft_model(model, config)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    model.peft_config["default"].base_model_name_or_path = "base"
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    saved = json.loads(path.read_text())
    saved["target_modules"].sort()  # a set: its order changes from run to run
    path.write_text(json.dumps(saved, indent=2, sort_keys=True) + "\n")
    return model


def adapter_name(name):
    return name.replace(".default.", ".")


def bfloat16_logits(model, ids):
    """Of a copy whose rotary buffers stay in float32, as from_pretrained makes it."""
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        model.save_pretrained(folder)
        narrow = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16,
                                                                   attn_implementation="eager")
        return narrow(ids.unsqueeze(0)).logits[0].float()


def expect(model, golden):
    sequences = [torch.randint(3, VOCABULARY, (length,)) for length in LENGTHS]
    starts = [length // 2 for length in LENGTHS]
    logits, loss, count = [], 0.0, 0
    for ids, start in zip(sequences, starts):
        rows = model(ids.unsqueeze(0)).logits[0]
        logits.append(rows.detach())
        loss = loss + torch.nn.functional.cross_entropy(rows[start - 1:-1], ids[start:], reduction="sum")
        count += len(ids) - start
    loss = loss / count
    loss.backward()
    stride = 97 if golden else 1
    expected = {"ids": torch.cat(sequences).float(), "lengths": torch.tensor(LENGTHS).float(),
                "label_start": torch.tensor(starts).float(), "loss": loss.detach().reshape(1),
                "logits": torch.cat(logits)[:, ::stride].contiguous(), "column_stride": torch.tensor([float(stride)])}
    if not isinstance(model, peft.PeftModel):
        narrow = torch.cat([bfloat16_logits(model, ids) for ids in sequences])
        error = (narrow - torch.cat(logits)).norm() / torch.cat(logits).norm()
        expected["bfloat16_error"] = error.reshape(1)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            values = parameter.grad.flatten()
            step = max(1, len(values) // 32) if golden else 1
            expected["grad." + adapter_name(name)] = values[::step].contiguous()
            expected["stride." + adapter_name(name)] = torch.tensor([float(step)])
    return expected


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--golden", action="store_true", help="float16 weights, samples of logits and gradients")
    arguments = parser.parse_args()
    for name, (model_type, settings) in KINDS.items():
        torch.manual_seed(arguments.seed)
        folder = arguments.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        base = folder / "base" if name.endswith("lora") else folder
        model = save_model(make_model(model_type, settings), base, settings, arguments.golden)
        if name.endswith("lora"):
            model = add_adapter(model, folder)
        save_file(expect(model, arguments.golden), folder / "expected.safetensors")


if __name__ == "__main__":
    main()
