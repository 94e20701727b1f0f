"""llama.cpp's batched decoding, for bench/compare_generate.py --llama-cpp; runs in an environment of its own:

    python3 -m venv llama_cpp && llama_cpp/bin/pip install numpy llama-cpp-python==0.3.36
    llama_cpp/bin/python bench/llama_cpp_labels.py MODEL.gguf JOB.json

(MODEL.gguf: convert_hf_to_gguf.py --outtype f32, of the sources in llama-cpp-python's sdist.) JOB.json: {"prompts": lists
of token ids, "labels": lists of token ids with the terminator, "batch", "threads"}. Greedy over the labels: a sequence a
prompt, `batch` of them in the cache at a time, each step one token of each; what the prompts share is decoded once and
its cells copied; among the tokens that lead on to a label the one with the largest logit. Prints {"seconds", "labels"}:
of the decoding alone, and the label of each prompt.
"""

import ctypes
import json
import os
import pathlib
import sys
import time

import llama_cpp as llama
import numpy as np


class Cache:
    def __init__(self, path, job, longest):
        llama.llama_backend_init()
        self.model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
        parameters = llama.llama_context_default_params()
        parameters.n_seq_max = job["batch"] + 1
        parameters.n_ctx = 256 * ((longest * (job["batch"] + 1) + 255) // 256)
        parameters.n_batch = parameters.n_ubatch = 512
        parameters.n_threads = parameters.n_threads_batch = job["threads"]
        parameters.kv_unified = True
        self.context = llama.llama_init_from_model(self.model, parameters)
        self.memory = llama.llama_get_memory(self.context)
        self.vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self.model))
        self.batch = llama.llama_batch_init(parameters.n_batch, 0, 1)
        self.room = parameters.n_batch

    def decode(self, tokens):
        """tokens: (id, position, sequence, wanted). {sequence: logits [vocabulary]} of the wanted."""
        logits = {}
        for begin in range(0, len(tokens), self.room):
            piece = tokens[begin:begin + self.room]
            for i, (token, position, sequence, wanted) in enumerate(piece):
                self.batch.token[i], self.batch.pos[i] = token, position
                self.batch.n_seq_id[i], self.batch.seq_id[i][0] = 1, sequence
                self.batch.logits[i] = wanted
            self.batch.n_tokens = len(piece)
            if llama.llama_decode(self.context, self.batch) != 0:
                sys.exit("llama_decode failed")
            for i, (_, _, sequence, wanted) in enumerate(piece):
                if wanted:
                    row = llama.llama_get_logits_ith(self.context, i)
                    logits[sequence] = np.ctypeslib.as_array(row, shape=(self.vocabulary,)).copy()
        return logits


def run(cache, prompts, following, label_of):
    """The label of each prompt."""
    llama.llama_memory_clear(cache.memory, True)
    shared = len(os.path.commonprefix(prompts))
    shared = min(shared, min(map(len, prompts)) - 1)
    cache.decode([(token, i, 0, False) for i, token in enumerate(prompts[0][:shared])])
    for sequence in range(1, len(prompts) + 1):
        llama.llama_memory_seq_cp(cache.memory, 0, sequence, -1, -1)
    logits = cache.decode([(token, i, sequence, i == len(prompt) - 1) for sequence, prompt in enumerate(prompts, 1)
                           for i, token in enumerate(prompt) if i >= shared])
    answers = {sequence: () for sequence in logits}
    while logits:
        step = []
        for sequence, row in logits.items():
            allowed = following[answers[sequence]]
            answers[sequence] += (allowed[int(np.argmax(row[allowed]))],)
            if answers[sequence] not in label_of:
                place = len(prompts[sequence - 1]) + len(answers[sequence]) - 1
                step.append((answers[sequence][-1], place, sequence, True))
        logits = cache.decode(step)
    return [label_of[answers[sequence]] for sequence in range(1, len(prompts) + 1)]


def main():
    path, job = sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_text())
    following, label_of = {}, {}
    for label, ids in enumerate(map(tuple, job["labels"])):
        label_of[ids] = label
        for i, token in enumerate(ids):
            following.setdefault(ids[:i], set()).add(token)
    following = {prefix: sorted(tokens) for prefix, tokens in following.items()}
    silent = llama.llama_log_callback(lambda *_: None)
    llama.llama_log_set(silent, ctypes.c_void_p(0))
    longest = max(map(len, job["prompts"])) + max(map(len, job["labels"]))
    cache = Cache(path, job, longest)
    labels, start = [], time.perf_counter()
    for begin in range(0, len(job["prompts"]), job["batch"]):
        labels += run(cache, job["prompts"][begin:begin + job["batch"]], following, label_of)
    print(json.dumps({"seconds": time.perf_counter() - start, "labels": labels}))


if __name__ == "__main__":
    main()
