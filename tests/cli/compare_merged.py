"""Whether a merged folder computes in transformers what base and adapter compute in PEFT, for export_test.cpp.

usage: compare_merged.py ADAPTER MERGED          (the base model is ADAPTER/base)

Exit status 77: a Python module is missing.
"""

import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"  # everything is at hand

try:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM
except ImportError as error:
    print(error)
    sys.exit(77)

adapter, merged = sys.argv[1:]
ids = torch.arange(3, 43).unsqueeze(0)
with torch.no_grad():
    base = AutoModelForCausalLM.from_pretrained(f"{adapter}/base", dtype=torch.float32)
    expected = PeftModel.from_pretrained(base, adapter)(ids).logits
    actual = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32)(ids).logits
error = ((actual - expected).norm() / expected.norm()).item()
print(f"relative error {error:.1e}")
sys.exit(0 if error < 1e-5 else 1)
