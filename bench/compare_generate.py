"""The best labels of contexts beside transformers: the same model, contexts and labels, float32, 2 threads.

    .venv/bin/python bench/compare_generate.py [RUN ...] [--llama-cpp PYTHON CONVERT]

RUN: run folders with a fine-tuned model; without any, runs/quickstart (SmolLM2, 64 labels), runs/pretrain_tiny (a small
model, 64) and runs/world_large (a small model, 761). Three jobs each: greedy (peer: generate with
prefix_allowed_tokens_fn, batch 64), the ten best (peer: 10 beams over the allowed prefixes, batch 8, which promises
nothing; `serendip generate` in mode exact proves its ten) and every label scored (peer: the prompt's cache continued with
all labels). With --llama-cpp greedy is also llama.cpp's, 64 sequences at a time (bench/llama_cpp_labels.py has the
environment, whose python this is; CONVERT is convert_hf_to_gguf.py of its sources). Prints a JSON line a job: contexts/s
of both, tokens and trie expansions a context, and the share of the rate of a 1024³ product that the tokens run came to.
Where Serendip's whole table would take more than SECONDS, it is stopped after that and its rate read from its progress.
"""

import argparse
import json
import re
import shutil
import signal
import subprocess
import tempfile
import time

import h5py
import torch

from compare_with_transformers import BINARY, Job

RUNS = ["runs/quickstart", "runs/pretrain_tiny", "runs/world_large"]
SECONDS = 90


def product_rate():
    """FLOP/s of a float32 product of 1024 by 1024, the floor of the tokens that must be run."""
    a, times = torch.randn(1024, 1024), []
    for _ in range(20):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * 1024**3 / sorted(times)[len(times) // 2]


class Run(Job):
    def __init__(self, binary, folder):
        super().__init__(binary, folder)
        self.tuned = self.tuned_model()
        self.end = self.tuned.config.eos_token_id
        self.label_ids = [self.ids([label]) + [self.end] for label in self.labels]
        self.product_rate = product_rate()
        self.best = None  # [M²] the labels of the last table that was finished
        self.next_tokens = {}  # of a prefix of a label
        for ids in self.label_ids:
            for i, token in enumerate(ids):
                self.next_tokens.setdefault(tuple(ids[:i]), set()).add(token)

    def padded(self, contexts):
        rows = [self.prompt(context) for context in contexts]
        width = max(map(len, rows))
        return (torch.tensor([[self.end] * (width - len(row)) + row for row in rows]),
                torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows]))

    def constrained(self, contexts, batch, beams):
        """Contexts a second of generate over the labels' prefixes."""
        start = time.perf_counter()
        for begin in range(0, len(contexts), batch):
            input_ids, mask = self.padded(contexts[begin:begin + batch])
            width = input_ids.shape[1]
            allowed = lambda _, ids: list(self.next_tokens.get(tuple(ids[width:].tolist()), {self.end}))
            self.tuned.generate(input_ids, attention_mask=mask, do_sample=False, num_beams=beams,
                                num_return_sequences=beams, max_new_tokens=max(map(len, self.label_ids)),
                                prefix_allowed_tokens_fn=allowed, pad_token_id=self.end)
        return len(contexts) / (time.perf_counter() - start)

    def scored(self, contexts):
        """Contexts a second of all labels continued from the prompt's cache."""
        width = max(map(len, self.label_ids))
        rows = torch.tensor([ids + [self.end] * (width - len(ids)) for ids in self.label_ids])
        start = time.perf_counter()
        with torch.no_grad():
            for context in contexts:
                first = self.tuned(torch.tensor([self.prompt(context)]), use_cache=True)
                first.past_key_values.batch_repeat_interleave(len(rows))
                rest = self.tuned(rows[:, :-1], past_key_values=first.past_key_values).logits
                torch.cat([first.logits[:, -1:].expand(len(rows), 1, -1), rest], dim=1).log_softmax(-1)
        return len(contexts) / (time.perf_counter() - start)

    def table(self, mode, k):
        """{"contexts_per_second", …}: of the whole table, or of what SECONDS allow."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ["data.h5", "tree.h5"]:
                shutil.copy(self.run / name, folder)
            shutil.copytree(self.run / "sft", f"{folder}/sft", symlinks=True,
                            ignore=shutil.ignore_patterns("trainer"))
            job = subprocess.Popen(
                [self.binary, "generate", "--recipe", self.run / "recipe.yaml", "--json", f"run.folder={folder}",
                 f"generate.mode={mode}", f"generate.k={k}", "run.threads=2"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                output, _ = job.communicate(timeout=SECONDS)
                result = json.loads(output)
                with h5py.File(f"{folder}/table.h5") as file:
                    self.best = file["label"][:, 0]
                return {"contexts_per_second": round(1 / result["seconds_per_row"], 1), "tokens": result["tokens_per_row"],
                        "share_of_product": round(result["flops_per_second"] / self.product_rate, 2),
                        "expansions": result["expansions_per_row"], "expansions_p99": result["expansions_p99"]}
            except subprocess.TimeoutExpired:
                job.send_signal(signal.SIGINT)
                _, log = job.communicate()
                rates = re.findall(r"contexts\s+([\d.,]+)/s", log)
                return {"contexts_per_second": float(rates[-1].replace(",", "")), "stopped_after": SECONDS}


def llama_cpp(run, contexts, python, convert):
    """Contexts a second of its batched greedy decoding, and their labels."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([run.binary, "export", "--merge", run.run / "sft/best", f"{folder}/model"], check=True,
                       capture_output=True)
        subprocess.run([".venv/bin/python", convert, f"{folder}/model", "--outtype", "f32", "--outfile",
                        f"{folder}/model.gguf"], check=True, capture_output=True)
        with open(f"{folder}/job.json", "w") as job:
            json.dump({"prompts": [run.prompt(context) for context in contexts], "labels": run.label_ids, "batch": 64,
                       "threads": 2}, job)
        done = subprocess.run([python, "bench/llama_cpp_labels.py", f"{folder}/model.gguf", f"{folder}/job.json"],
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        result = json.loads(done.stdout)
        return len(contexts) / result["seconds"], result["labels"]


def compare(run, arguments):
    generator = torch.Generator().manual_seed(1)
    contexts = torch.randint(len(run.labels), (64, 2), generator=generator).tolist()
    small = run.tuned.num_parameters() < 50e6
    for job, peer, mode, k in [
            ("greedy", lambda: run.constrained(contexts * (4 if small else 1), 64, 1), "greedy", 1),
            ("ten best", lambda: run.constrained(contexts[:32 if small else 16], 8, 10), "exact", 10),
            ("every label", lambda: run.scored(contexts[:8]), "full", 10)]:
        rate = peer()
        ours = run.table(mode, k)
        print(json.dumps({"run": str(run.run), "job": job, "labels": len(run.labels), "peer": round(rate, 2), **ours,
                          "ratio": round(ours["contexts_per_second"] / rate, 1)}), flush=True)
        if mode == "greedy" and arguments.llama_cpp:
            rate, labels = llama_cpp(run, contexts * (4 if small else 1), *arguments.llama_cpp)
            # The table leaves out what the context holds, the peer does not.
            pairs = [(label, run.best[c1 * len(run.labels) + c2]) for (c1, c2), label in zip(contexts, labels)
                     if label not in (c1, c2)] if run.best is not None else []
            print(json.dumps({"run": str(run.run), "job": "greedy, llama.cpp", "labels": len(run.labels),
                              "peer": round(rate, 2), "ratio": round(ours["contexts_per_second"] / rate, 1),
                              "same_label": [sum(int(a == b) for a, b in pairs), len(pairs)]}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", default=RUNS)
    parser.add_argument("--llama-cpp", nargs=2, metavar=("PYTHON", "CONVERT"))
    parser.add_argument("--binary", default=BINARY)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    for folder in arguments.runs:
        compare(Run(arguments.binary, folder), arguments)


if __name__ == "__main__":
    main()
