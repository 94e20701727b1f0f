"""Fine-tuning beside transformers and PEFT: the same models, samples, order and settings, in one call.

    .venv/bin/python bench/compare_sft.py [--model smollm2|small] [--mode full|lora]      (after make quickstart)

Each of the four jobs runs 20 steps of 16 samples in float32, first in the peer (transformers' Trainer: padded to the
longest of a step, loss on the label alone), then in `serendip sft`, each in a process of its own, and prints one JSON
line: seconds a step (the first left out), samples/s, peak memory, the loss of the last step, and Serendip's share of
the machine's GEMM rate, once by the FLOPs that it computes and once by those that the padded step would take.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

from compare_with_transformers import BINARY, Job, RECIPE

STEPS, BATCH, SEED = 20, 16, 1
SMALL = "runs/pretrain_tiny/base_model"  # 4 layers, 192 wide, 4,096 pieces: recipes/pretrain_tiny.yaml
RATE = {"full": 1e-4, "lora": 1e-3}
MASK = (1 << 64) - 1


def mix(x):
    """csrc/base/random.h"""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def shuffled(count, epoch):
    """The order in which Serendip visits its samples."""
    order, counter = list(range(count)), 0
    stream = mix(mix(SEED) ^ epoch)
    for i in range(count, 1, -1):
        limit = MASK - MASK % i
        while True:
            x = mix(stream ^ counter)
            counter += 1
            if x < limit:
                break
        order[i - 1], order[x % i] = order[x % i], order[i - 1]
    return order


def order_of(count, places):
    epochs = -(-places // count)
    return [i for epoch in range(epochs) for i in shuffled(count, epoch)][:places]


def peer(model_path, mode, job):
    """Runs in a process of its own; prints {"losses", "seconds", "peak_memory"}."""
    import torch
    import transformers

    torch.set_num_threads(2)
    model = transformers.AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_path)
    end = model.config.eos_token_id
    if mode == "lora":
        import peft

        torch.manual_seed(SEED)
        model = peft.get_peft_model(model, peft.LoraConfig(
            r=job.sft["lora_rank"], lora_alpha=job.sft["lora_alpha"], lora_dropout=0.0,
            target_modules=job.sft["lora_targets"], task_type="CAUSAL_LM"))
        adapter = pathlib.Path(sys.argv[sys.argv.index("--adapter") + 1])
        from safetensors.torch import load_file

        peft.set_peft_model_state_dict(model, load_file(adapter))
    ids = lambda parts: [t for part in parts for t in tokenizer.encode(part, add_special_tokens=False)]
    rows = []
    samples = job.transitions("sft_balanced.jsonl")
    for i in order_of(len(samples), STEPS * BATCH):
        prompt = tokenizer.encode("") + ids(job.pieces(samples[i]["context"]))
        label = ids([job.labels[samples[i]["label"]]]) + [end]
        rows.append({"input_ids": prompt + label, "labels": [-100] * len(prompt) + label})

    def collate(batch):
        width = max(len(row["input_ids"]) for row in batch)
        pad = lambda row, key, value: row[key] + [value] * (width - len(row[key]))
        return {"input_ids": torch.tensor([pad(row, "input_ids", end) for row in batch]),
                "labels": torch.tensor([pad(row, "labels", -100) for row in batch]),
                "attention_mask": torch.tensor([[1] * len(row["input_ids"]) + [0] * (width - len(row["input_ids"]))
                                                for row in batch])}

    seconds, losses = [], []

    class Watch(transformers.TrainerCallback):
        def on_step_begin(self, *_, **__):
            self.start = time.perf_counter()

        def on_step_end(self, *_, **__):
            seconds.append(time.perf_counter() - self.start)

        def on_log(self, _args, _state, _control, logs=None, **__):
            if "loss" in logs:
                losses.append(logs["loss"])

    class Ordered(transformers.Trainer):
        def _get_train_sampler(self, *_):
            return torch.utils.data.SequentialSampler(self.train_dataset)

    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder, per_device_train_batch_size=BATCH, max_steps=STEPS, learning_rate=RATE[mode],
            lr_scheduler_type="constant", warmup_steps=0, weight_decay=0.0, max_grad_norm=1.0, logging_steps=1,
            report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True, remove_unused_columns=False, seed=SEED)
        Ordered(model=model, args=arguments, train_dataset=rows, data_collator=collate, callbacks=[Watch()]).train()
    width = max(len(row["input_ids"]) for row in rows)
    print(json.dumps({"losses": losses, "seconds": seconds, "width": width,
                      "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def compare(binary, job, name, model_path, mode, scratch):
    settings = [f"model.path={model_path}", f"sft.mode={mode}", f"sft.steps={STEPS}", f"sft.batch_size={BATCH}",
                f"sft.learning_rate={RATE[mode]}", "sft.warmup_steps=0", "sft.schedule=constant", f"sft.seed={SEED}",
                f"eval.every={STEPS}", "eval.match_contexts=1", "eval.sample=1", "run.threads=2"]
    adapter = []
    if mode == "lora":  # both start from our first adapter: one step at a rate of next to nothing
        first = scratch / f"{name}_first"
        first.mkdir()
        job.serendip("sft", "--recipe", RECIPE, job.scratch(first), *settings[:1], "sft.mode=lora", "sft.steps=1",
                     "sft.learning_rate=1e-30", f"sft.seed={SEED}", *settings[9:11], "eval.every=1")
        adapter = ["--adapter", str(first / "sft/step_1/adapter_model.safetensors")]
    child = subprocess.run([sys.executable, __file__, "--peer", str(model_path), "--mode", mode, *adapter], check=True,
                           capture_output=True, text=True)
    theirs = json.loads(child.stdout.splitlines()[-1])
    folder = scratch / f"{name}_{mode}"
    folder.mkdir()
    output, _ = job.serendip("sft", "--recipe", RECIPE, "--json", job.scratch(folder), *settings)
    steps = [json.loads(line) for line in (folder / "sft/metrics.jsonl").read_text().splitlines()]
    steps = [step for step in steps if "learning_rate" in step]
    result = json.loads(output)
    mean = lambda values: sum(values[1:]) / (len(values) - 1)
    peer_seconds = mean(theirs["seconds"])
    seconds = mean([step["seconds"] for step in steps])
    print(json.dumps({
        "model": name, "mode": mode, "peer_seconds": round(peer_seconds, 4), "serendip_seconds": round(seconds, 4),
        "peer_samples_per_second": round(BATCH / peer_seconds, 1), "samples_per_second": round(BATCH / seconds, 1),
        "ratio": round(peer_seconds / seconds, 2),
        "peer_peak_gb": round(theirs["peak_memory"] / 1e9, 2),
        "serendip_peak_gb": round(steps[-1]["peak_memory"] / 1e9, 2),
        "peer_loss": theirs["losses"][STEPS - 1], "serendip_loss": steps[-1]["loss"],
        "largest_loss_difference": max(abs(a - b["loss"]) for a, b in zip(theirs["losses"], steps)),
        "share_of_gemm_rate": round(result["share_of_gemm_rate"], 3),
        "shared_tokens": round(result["tokens_per_second"] * result["seconds_per_step"]),
        "padded_tokens": theirs["width"] * BATCH}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["smollm2", "small"])
    parser.add_argument("--mode", choices=["full", "lora"])
    parser.add_argument("--binary", default=BINARY)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--adapter", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    job = Job(arguments.binary)
    if arguments.peer:
        peer(arguments.peer, arguments.mode, job)
        return
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        for name, path in (("smollm2", job.model_path), ("small", SMALL)):
            for mode in ("full", "lora"):
                if name == (arguments.model or name) and mode == (arguments.mode or mode):
                    compare(arguments.binary, job, name, path, mode, scratch)


if __name__ == "__main__":
    main()
