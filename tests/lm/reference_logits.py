"""Logits of transformers in float32 for decoder_test.cpp.

usage: reference_logits.py MODEL OUTPUT ID...

Writes OUTPUT (safetensors): logits [length, vocabulary]. Exit status 77: a Python module is missing.
"""

import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"  # everything is at hand

try:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM
except ImportError as error:
    print(error)
    sys.exit(77)

model, output, *ids = sys.argv[1:]
network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
with torch.no_grad():
    logits = network(torch.tensor([[int(x) for x in ids]])).logits[0]
save_file({"logits": logits.contiguous()}, output)
