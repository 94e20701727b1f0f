"""Serendip beside transformers and PEFT on the quickstart's own job, each measured in the same call.

    make bench                                       (after make quickstart)
    .venv/bin/python bench/compare_with_transformers.py score|train|generate|tokenize

Every comparison runs the peer, then Serendip, and prints one JSON line with both figures and their ratio
(above 1: Serendip is faster). `score` also prints how far the log-probabilities are apart.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import h5py
import torch
import transformers
import yaml

RECIPE = "recipes/quickstart.yaml"
BINARY = "build/cuda/serendip" if pathlib.Path("build/cuda/serendip").exists() else "build/cpu/serendip"


class Job:
    """A run's model, template, descriptions and sets, read from its folder."""

    def __init__(self, binary, folder="runs/quickstart"):
        self.binary = binary
        resolved = yaml.safe_load((pathlib.Path(folder) / "recipe.yaml").read_text())
        self.run = pathlib.Path(resolved["run"]["folder"])
        self.model_path = resolved["model"]["path"]
        self.template = resolved["model"]["template"]
        self.sft = resolved["sft"]
        with h5py.File(self.run / "tree.h5") as tree:
            self.labels = [text.decode() for text in tree["level_2/description"][:]]
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(self.model_path)

    def model(self):
        return transformers.AutoModelForCausalLM.from_pretrained(self.model_path, dtype=torch.float32)

    def tuned_model(self):
        best = self.run / "sft/best"
        if not (best / "adapter_config.json").exists():
            return transformers.AutoModelForCausalLM.from_pretrained(best, dtype=torch.float32).eval()
        import peft

        return peft.PeftModel.from_pretrained(self.model(), best).merge_and_unload().eval()

    def prompt(self, context):
        """Ids, with what the tokenizer puts before every text."""
        return self.tokenizer.encode("") + self.ids(self.pieces(context))

    def pieces(self, context):
        """Template and descriptions tokenised apart, as Serendip does."""
        texts = re.split(r"\{\d\}", self.template)
        parts = [texts[0]]
        for cluster, text in zip(context, texts[1:]):
            parts += [self.labels[cluster], text]
        return parts

    def ids(self, parts):
        return [token for part in parts for token in self.tokenizer.encode(part, add_special_tokens=False)]

    def transitions(self, name):
        return [json.loads(line) for line in (self.run / name).read_text().splitlines()]

    def scratch(self, folder):
        for name in ["data.h5", "embedding.h5", "tree.h5", "transitions.h5", "sft_balanced.jsonl",
                     "sft_random.jsonl", "dev.jsonl", "test.jsonl"]:
            shutil.copy(self.run / name, folder)
        return f"run.folder={folder}"

    def serendip(self, *arguments, stdin=None):
        start = time.perf_counter()
        done = subprocess.run([self.binary, *arguments], check=True, capture_output=True, text=True, input=stdin)
        return done.stdout, time.perf_counter() - start


def report(name, unit, peer, ours, faster, **more):
    ratio = peer / ours if faster == "less" else ours / peer
    print(json.dumps({"comparison": name, "unit": unit, "peer": round(peer, 4), "serendip": round(ours, 4),
                      "ratio": round(ratio, 2), **more}), flush=True)


def compare_score(job):
    """All labels after 16 prompts. The peer reads the prompt once and continues its cache with 64 labels."""
    model = job.model().eval()
    prompts = ["".join(job.pieces(sample["context"])) for sample in job.transitions("test.jsonl")[:16]]
    end = model.config.eos_token_id
    label_ids = [job.tokenizer.encode(label, add_special_tokens=False) + [end] for label in job.labels]
    width = max(map(len, label_ids))
    padded = torch.tensor([ids + [end] * (width - len(ids)) for ids in label_ids])
    mask = torch.tensor([[1.0] * len(ids) + [0.0] * (width - len(ids)) for ids in label_ids])

    peer_scores = []
    start = time.perf_counter()
    with torch.no_grad():
        for prompt in prompts:
            prompt_ids = torch.tensor([job.tokenizer.encode(prompt)])
            first = model(prompt_ids, use_cache=True)
            first.past_key_values.batch_repeat_interleave(len(label_ids))
            rest = model(padded[:, :-1], past_key_values=first.past_key_values).logits
            logits = torch.cat([first.logits[:, -1:].expand(len(label_ids), 1, -1), rest], dim=1)
            log_prob = logits.log_softmax(-1).gather(2, padded.unsqueeze(2)).squeeze(2)
            peer_scores.append((log_prob * mask).sum(1))
    peer_seconds = time.perf_counter() - start

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "prompts.jsonl").write_text("".join(json.dumps({"prompt": p}) + "\n" for p in prompts))
        (folder / "labels.txt").write_text("".join(label + "\n" for label in job.labels))
        output, seconds = job.serendip("score", "--model", job.model_path, "--prompts", folder / "prompts.jsonl",
                                       "--labels", folder / "labels.txt", "--json")
    ours = torch.tensor([json.loads(line)["log_prob"] for line in output.splitlines()])
    report("score all labels", "prompts/s (Serendip's start included)", len(prompts) / peer_seconds,
           len(prompts) / seconds, "more", largest_difference=(ours - torch.stack(peer_scores)).abs().max().item())


def compare_train(job):
    """LoRA steps: PEFT with padded batches, dynamic length, label-only loss, against `serendip sft`."""
    import peft

    config = peft.LoraConfig(r=job.sft["lora_rank"], lora_alpha=job.sft["lora_alpha"], lora_dropout=0.0,
                             target_modules=job.sft["lora_targets"], task_type="CAUSAL_LM")
    model = peft.get_peft_model(job.model(), config)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3, weight_decay=0.0)
    samples = job.transitions("sft_balanced.jsonl")
    generator = torch.Generator().manual_seed(1)
    end = model.config.eos_token_id
    seconds = []
    for step in range(6):
        chosen = [samples[i] for i in torch.randint(len(samples), (16,), generator=generator)]
        rows = []
        for sample in chosen:
            prompt = job.ids(job.pieces(sample["context"]))
            label = job.tokenizer.encode(job.labels[sample["label"]], add_special_tokens=False) + [end]
            rows.append((prompt + label, [-100] * len(prompt) + label))
        width = max(len(ids) for ids, _ in rows)
        input_ids = torch.tensor([ids + [end] * (width - len(ids)) for ids, _ in rows])
        labels = torch.tensor([target + [-100] * (width - len(target)) for _, target in rows])
        mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in rows])
        start = time.perf_counter()
        model(input_ids=input_ids, attention_mask=mask, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step > 0:
            seconds.append(time.perf_counter() - start)
    del model, optimizer
    with tempfile.TemporaryDirectory() as folder:
        output, _ = job.serendip("sft", "--recipe", RECIPE, "--json", job.scratch(folder), "sft.steps=10",
                                 "eval.every=10", "eval.match_contexts=1", "eval.sample=1")
    report("LoRA step of 16 samples", "s", sum(seconds) / len(seconds), json.loads(output)["seconds_per_step"], "less")


def compare_generate(job):
    """Greedy labels: the peer decodes freely at batch 64; Serendip keeps to the trie and fills all 4,096 rows."""
    model = job.tuned_model()
    clusters = len(job.labels)
    generator = torch.Generator().manual_seed(1)
    contexts = torch.randint(clusters, (128, 2), generator=generator).tolist()
    longest = max(len(job.ids([label])) for label in job.labels) + 1
    end = model.config.eos_token_id
    start = time.perf_counter()
    for begin in range(0, len(contexts), 64):
        rows = [job.ids(job.pieces(context)) for context in contexts[begin:begin + 64]]
        width = max(map(len, rows))
        input_ids = torch.tensor([[end] * (width - len(row)) + row for row in rows])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
        model.generate(input_ids, attention_mask=mask, do_sample=False, max_new_tokens=longest, pad_token_id=end)
    peer = len(contexts) / (time.perf_counter() - start)
    del model
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(job.run / "sft", f"{folder}/sft", symlinks=True)
        output, _ = job.serendip("generate", "--recipe", RECIPE, "--json", job.scratch(folder))
    report("greedy labels", "contexts/s", peer, 1 / json.loads(output)["seconds_per_row"], "more")


def compare_tokenize(job):
    """The descriptions and prompts, 200 times over, through `tokenizers` and `serendip tokenize`, start included."""
    lines = job.labels + ["".join(job.pieces(s["context"])).replace("\n", " ") for s in job.transitions("test.jsonl")]
    lines *= 200
    backend = job.tokenizer.backend_tokenizer
    start = time.perf_counter()
    peer_ids = [backend.encode(line, add_special_tokens=False).ids for line in lines]
    peer = time.perf_counter() - start
    output, seconds = job.serendip("tokenize", "--model", job.model_path, stdin="".join(line + "\n" for line in lines))
    same = [json.loads(line) for line in output.splitlines()] == peer_ids
    report("tokenize one by one", "lines/s (Serendip's start and printing included)", len(lines) / peer,
           len(lines) / seconds, "more", same_ids=same)


COMPARISONS = {"score": compare_score, "train": compare_train, "generate": compare_generate,
               "tokenize": compare_tokenize}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", nargs="*", choices=[[], *COMPARISONS], default=[])
    parser.add_argument("--binary", default=BINARY)
    arguments = parser.parse_args()
    job = Job(arguments.binary)
    for name in arguments.comparison or COMPARISONS:
        COMPARISONS[name](job)


if __name__ == "__main__":
    main()
