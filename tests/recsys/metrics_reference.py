"""Recomputes the ranking metrics from saved scores and compares them: metrics_reference.py FILE."""
import json
import math
import sys

data = json.load(open(sys.argv[1]))
cluster, items = data["item_cluster"], len(data["item_cluster"])
ranks, lists, novel = [], [], []
for scores, seen, target in zip(data["scores"], data["seen"], data["target"]):
    kept = [item for item in range(items) if item not in seen or item == target]
    ranks.append(sorted(kept, key=lambda item: (-scores[item], item)).index(target))
    unseen = [item for item in range(items) if item not in seen]
    lists.append(sorted(unseen, key=lambda item: (-scores[item], item))[:10])
    known = {cluster[item] for item in seen}
    novel += [cluster[item] not in known for item in lists[-1]]

users = len(ranks)
expected = {"users": users, "mrr": sum(1 / (rank + 1) for rank in ranks) / users,
            "coverage_at_10": len({item for items_of in lists for item in items_of}) / items,
            "novelty_at_10": sum(novel) / len(novel)}
for k in (5, 10, 20):
    expected[f"hr_at_{k}"] = sum(rank < k for rank in ranks) / users
    expected[f"ndcg_at_{k}"] = sum(1 / math.log2(rank + 2) for rank in ranks if rank < k) / users

metrics = data["metrics"]
assert metrics.keys() == expected.keys(), f"expected {sorted(expected)}, got {sorted(metrics)}"
for name, value in expected.items():
    assert abs(metrics[name] - value) < 1e-12, f"{name}: expected {value}, got {metrics[name]}"
