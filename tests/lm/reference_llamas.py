"""Small random Llama models of every kind that config.json can describe, with transformers' logits.

usage: reference_llamas.py FOLDER

Writes FOLDER/NAME/: the model's folder, and in logits.safetensors ids [length] and logits [length, vocabulary].
Exit status 77: a Python module is missing.
"""

import pathlib
import sys

try:
    import torch
    from safetensors.torch import save_file
    from transformers import LlamaConfig, LlamaForCausalLM
except ImportError as error:
    print(error)
    sys.exit(77)

LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
KINDS = {
    "untied": {},
    "tied": {"tie_word_embeddings": True},
    "wide_heads": {"head_dim": 20},
    "multi_head": {"num_key_value_heads": 6},
    "attention_bias": {"attention_bias": True},
    "mlp_bias": {"mlp_bias": True},
    "llama3": {"rope_parameters": LLAMA3},
    "linear": {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}},
    "dynamic": {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}},
    "sharded_bfloat16": {"dtype": "bfloat16"},
}

torch.manual_seed(11)
for name, extra in KINDS.items():
    settings = {"num_key_value_heads": 2, "max_position_embeddings": 512, "dtype": "float32"} | extra
    config = LlamaConfig(vocab_size=1003, hidden_size=96, intermediate_size=160, num_hidden_layers=2,
                         num_attention_heads=6, **settings)
    model = LlamaForCausalLM(config).eval()
    for parameter in model.parameters():  # biases and norms too
        torch.nn.init.normal_(parameter, mean=float(parameter.dim() == 1), std=0.1)
    model = model.to(getattr(torch, settings["dtype"]))
    folder = pathlib.Path(sys.argv[1]) / name
    model.save_pretrained(folder, max_shard_size="200KB" if "sharded" in name else "1GB")
    ids = torch.randint(1003, (1, 150))
    with torch.no_grad():
        logits = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()(ids).logits[0].contiguous()
    save_file({"ids": ids[0].float(), "logits": logits}, folder / "logits.safetensors.reference")
