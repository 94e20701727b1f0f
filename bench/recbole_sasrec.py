"""RecBole's SASRec on a log, for bench/compare_sasrec.py; runs in an environment of its own:

    python3 -m venv recbole && recbole/bin/pip install recbole==1.2.1 torch==2.2.2 numpy==1.26.4 scipy==1.11.4 pandas==2.1.4
    recbole/bin/python bench/recbole_sasrec.py EVENTS.csv OUTPUT.json

EVENTS.csv has the columns user,item,time. RecBole's defaults (2 layers, 2 heads, 64 wide, dropout 0.5, full softmax,
Adam at 0.001) but batches of 512 prefixes: with the default 2,048 it learns a quarter as much in an epoch of the same
cost. Each user's last two events held out, early stopping after 4 epochs without a better validation NDCG@10.
OUTPUT.json, written after every epoch: epochs with their validation figure, wall and CPU seconds since the start of
training, and the test users' ranks of the best epoch so far, once among all items (RecBole's own figure) and once among
those not in the user's history, which at test time holds the validation item.
"""

import argparse
import csv
import json
import os
import pathlib
import tempfile
import time

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.trainer import Trainer
from recbole.model.sequential_recommender import SASRec
from recbole.utils import init_seed


def write_inter(events, folder):
    target = folder / "log"
    target.mkdir()
    with open(events, newline="") as source, open(target / "log.inter", "w") as out:
        out.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for row in csv.DictReader(source):
            out.write(f"{row['user']}\t{row['item']}\t{row['time']}\n")


def test_ranks(model, data):
    """(among all items, among unseen items), one a user in the order of the loader; ties count against."""
    everywhere, unseen = [], []
    model.eval()
    with torch.no_grad():
        for interaction, _, _, positive in data:
            scores = model.full_sort_predict(interaction)
            scores[:, 0] = -np.inf  # the padding item
            for row, item in enumerate(positive.tolist()):
                own = scores[row, item].item()
                everywhere.append(int((scores[row] >= own).sum()) - 1)
                history = data.histories[interaction["user_id"][row].item()]
                scores[row, [seen for seen in history if seen != item]] = -np.inf
                unseen.append(int((scores[row] >= own).sum()) - 1)
    return everywhere, unseen


def metrics(ranks):
    ranks = np.array(ranks)
    return {"ndcg_at_10": float(np.mean(np.where(ranks < 10, 1 / np.log2(ranks + 2), 0))),
            "hr_at_10": float(np.mean(ranks < 10)), "mrr": float(np.mean(1 / (ranks + 1)))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--length", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=2020)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.output = arguments.output.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        write_inter(arguments.events, pathlib.Path(scratch))
        os.chdir(scratch)  # RecBole leaves its logs where it runs
        config = Config(model="SASRec", dataset="log", config_dict={
            "data_path": scratch, "use_gpu": False, "seed": arguments.seed,
            "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "train_neg_sample_args": None,
            "eval_args": {"split": {"LS": "valid_and_test"}, "group_by": "user", "order": "TO", "mode": "full"},
            "MAX_ITEM_LIST_LENGTH": arguments.length, "epochs": arguments.epochs,
            "train_batch_size": 512, "stopping_step": 4,
            "metrics": ["Hit", "NDCG"], "topk": [10], "valid_metric": "NDCG@10", "show_progress": False})
        init_seed(config["seed"], config["reproducibility"])
        dataset = create_dataset(config)
        histories = {}
        for user, item in zip(dataset.inter_feat["user_id"].tolist(), dataset.inter_feat["item_id"].tolist()):
            histories.setdefault(user, []).append(item)
        train, validation, test = data_preparation(config, dataset)
        test.histories = histories
        model = SASRec(config, train.dataset)
        trainer = Trainer(config, model)
        start, cpu, epochs = time.perf_counter(), time.process_time(), []

        best = {"score": -1.0}

        def note(epoch, score):
            epochs.append({"epoch": epoch + 1, "validation_ndcg_at_10": score,
                           "wall_seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu})
            print(json.dumps(epochs[-1]), flush=True)
            if score > best["score"]:
                best.update(score=score, ranks=test_ranks(model, test))
            everywhere, unseen = best["ranks"]
            arguments.output.write_text(json.dumps({
                "arguments": vars(arguments) | {"events": arguments.events.name, "output": arguments.output.name},
                "parameters": sum(p.numel() for p in model.parameters()), "test_users": len(unseen),
                "items": dataset.item_num - 1, "epochs": epochs,
                "test_among_all": metrics(everywhere), "test_among_unseen": metrics(unseen),
                "ranks_among_unseen": unseen}))

        trainer.fit(train, validation, saved=False, show_progress=False, callback_fn=note)


if __name__ == "__main__":
    main()
