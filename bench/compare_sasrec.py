"""The sequence recommender beside RecBole's SASRec: the same events, held-out events, length and model size.

    .venv/bin/python bench/compare_sasrec.py prepare          writes .cache/sasrec/{ml-100k,ml-small}.csv
    recbole/bin/python bench/recbole_sasrec.py .cache/sasrec/ml-100k.csv bench/recbole_sasrec/ml-100k.json
    .venv/bin/python bench/compare_sasrec.py compare ml-100k [--seeds 1 2 3]

(make data data-movielens-small first; bench/recbole_sasrec.py says how its environment is made.) Ratings count as
events whatever their value, MovieLens small in its 5-core; a user's events are numbered in the order of time, then of
input, so that equal times are the same for both. Both hold out each user's last two events, pick the epoch by the
validation one, and read it as history when the last one is predicted; test ranks are among all items that the user has
not had (RecBole's validation is among all items, so validation figures are not comparable). `compare` runs `serendip
recommend train` once a seed and prints one JSON line a run, then the peer's: NDCG@10, HR@10, MRR, and the seconds to
the end of the best epoch and of training here, CPU seconds to the end of its best epoch there. Ours on one thread.
"""

import argparse
import collections
import csv
import json
import pathlib
import statistics
import subprocess
import tempfile

FOLDER = pathlib.Path(".cache/sasrec")
PEER = pathlib.Path("bench/recbole_sasrec")  # what the peer came to, kept
SOURCES = {  # file, columns of user, item and time, delimiter, core
    "ml-100k": (".cache/data/ml-100k/ml-100k.inter", ("user_id:token", "item_id:token", "timestamp:float"), "\t", 1),
    "ml-small": (".cache/data/ml-latest-small/ratings.csv", ("userId", "movieId", "timestamp"), ",", 5),
}
METRICS = ("ndcg_at_10", "hr_at_10", "mrr")


def core(rows, least):
    """Rows of users and items with at least `least` of them, until nothing more falls out."""
    while True:
        users, items = (collections.Counter(row[at] for row in rows) for at in (0, 1))
        kept = [row for row in rows if users[row[0]] >= least and items[row[1]] >= least]
        if len(kept) == len(rows):
            return rows
        rows = kept


def prepare(name):
    path, columns, delimiter, least = SOURCES[name]
    with open(path, newline="") as source:
        rows = [tuple(row[column] for column in columns) for row in csv.DictReader(source, delimiter=delimiter)]
    rows = sorted(core(rows, least), key=lambda row: (row[0], float(row[2])))  # a stable sort
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / f"{name}.csv", "w") as out:
        out.write("user,item,time\n")
        place = collections.Counter()
        for user, item, _ in rows:
            out.write(f"{user},{item},{place[user]}\n")
            place[user] += 1
    print(f"{FOLDER / name}.csv: {len(rows)} events, {len(place)} users, {len({row[1] for row in rows})} items")


def serendip(binary, name, seed, settings):
    with tempfile.TemporaryDirectory() as folder:
        keys = [f"run.folder={folder}", f"import.events={FOLDER / name}.csv", "import.event_user=user",
                "import.event_item=item", "import.event_time=time", "embed.co_consumption=1", "cluster.clusters=64",
                "cluster.clusters_level_1=16", "sft.steps=0", f"recommend.seed={seed}", "recommend.dimensions=64",
                "recommend.layers=2", "recommend.heads=2", "recommend.max_length=50", "run.threads=1", *settings]
        output = subprocess.run([binary, "run", "--json", *keys], check=True, capture_output=True, text=True).stdout
        result = next(stage["result"] for stage in json.loads(output)["stages"] if stage["name"] == "recommend_train")
        epochs = [json.loads(line) for line in (pathlib.Path(folder) / "metrics.jsonl").read_text().splitlines()]
    return {"data": name, "side": "serendip", "seed": seed, **{m: round(result["test"][m], 4) for m in METRICS},
            "validation_ndcg_at_10": round(result["validation_ndcg_at_10"], 4), "epochs": len(epochs),
            "best_epoch": result["best_epoch"],
            "seconds_to_best": round(sum(epoch["seconds"] for epoch in epochs[:result["best_epoch"]]), 1),
            "seconds": round(sum(epoch["seconds"] for epoch in epochs), 1), "parameters": result["parameters"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["prepare", "compare"])
    parser.add_argument("name", nargs="?", choices=list(SOURCES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--binary", default="build/cuda/serendip")
    parser.add_argument("--set", nargs="*", default=[], help="more keys of the recipe, as recommend.dropout=0.3")
    arguments = parser.parse_args()
    if arguments.action == "prepare":
        for name in [arguments.name] if arguments.name else SOURCES:
            prepare(name)
        return
    if not arguments.name:
        parser.error("compare: which data?")
    saved = PEER / f"{arguments.name}.json"
    peer = json.loads(saved.read_text()) if saved.exists() else None
    runs = []
    for seed in arguments.seeds:
        runs.append(serendip(arguments.binary, arguments.name, seed, arguments.set))
        print(json.dumps(runs[-1]), flush=True)
    print(json.dumps({"data": arguments.name, "side": "serendip, mean",
                      **{m: round(statistics.mean(run[m] for run in runs), 4) for m in METRICS}}))
    if peer:
        best = max(peer["epochs"], key=lambda epoch: epoch["validation_ndcg_at_10"])
        print(json.dumps({"data": arguments.name, "side": "recbole 1.2.1", "seed": peer["arguments"]["seed"],
                          **{m: round(peer["test_among_unseen"][m], 4) for m in METRICS},
                          "among_all": {m: round(peer["test_among_all"][m], 4) for m in METRICS},
                          "validation_ndcg_at_10": best["validation_ndcg_at_10"], "epochs": len(peer["epochs"]),
                          "best_epoch": best["epoch"], "cpu_seconds_to_best": round(best["cpu_seconds"], 1), "parameters": peer["parameters"]}))
    else:
        print(f"{saved} is absent: bench/recbole_sasrec.py makes it")


if __name__ == "__main__":
    main()
