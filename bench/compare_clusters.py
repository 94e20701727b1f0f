"""The partition of `serendip cluster` beside METIS, KaHIP, Mt-KaHyPar and faiss k-means, k = 761, the same graph.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install numpy h5py pymetis kahip mtkahypar faiss-cpu
    build/cuda/bench/cluster_bench 100000 /tmp/graph.h5        # or a run folder instead of 100000
    /tmp/peers/bin/python bench/compare_clusters.py /tmp/graph.h5

Each peer is a process of its own. Partitioners get the capped traffic as vertex weights and the cosines as edge
weights, and are asked for an upper bound 5% above the average and for the one that Serendip keeps; none knows a
lower bound. `cut` is the share of the edge weight between clusters.
"""

import argparse
import json
import subprocess
import sys
import time

import h5py
import numpy

K = 761


class Graph:
    def __init__(self, path):
        with h5py.File(path) as file:
            self.offset, self.neighbor, self.edge_weight = file["offset"][:], file["neighbor"][:], file["edge_weight"][:]
            self.weight, self.bound = file["item_weight"][:], file["bound"][:]
            self.tree = file["tree"][:]
        self.average = self.weight.sum() / K
        self.source = numpy.repeat(numpy.arange(len(self.weight), dtype=numpy.int32), numpy.diff(self.offset))
        # Integers of about 10^6 a cluster; 1 at least, as partitioners want it.
        self.integers = numpy.maximum(1, numpy.rint(self.weight / self.average * 1e6)).astype(numpy.int64)

    def figures(self, part):
        sums = numpy.bincount(part, self.weight, minlength=K) / self.average
        low, high = self.bound / self.average
        between = self.edge_weight[part[self.source] != part[self.neighbor]].sum(dtype=numpy.int64)
        return {
            "max": sums.max(),
            "min": sums.min(),
            "empty": int((numpy.bincount(part, minlength=K) == 0).sum()),
            "upper": bool(sums.max() <= high),
            "bound": bool(sums.max() <= high and sums.min() >= low),
            "cut": between / self.edge_weight.sum(dtype=numpy.int64),
        }


def metis(graph, tolerance, recursive):
    import pymetis

    options = pymetis.Options(ufactor=max(1, round(1000 * tolerance)))
    # 32 bits hold the sum of METIS's weights.
    scale = max(1, graph.integers.sum() // (1 << 30) + 1)
    weights = numpy.maximum(1, graph.integers // scale)
    return pymetis.part_graph(
        K, xadj=graph.offset, adjncy=graph.neighbor, vweights=weights, eweights=graph.edge_weight, recursive=recursive, options=options
    )[1]


def kahip(graph, tolerance, mode):
    import kahip

    lists = [x.tolist() for x in (graph.integers // 16 + 1, graph.offset, graph.edge_weight, graph.neighbor)]
    return kahip.kaffpa(*lists, K, tolerance, True, 1, getattr(kahip, mode))[1]


def mtkahypar(graph, tolerance, preset, threads):
    import mtkahypar

    mtkahypar.set_seed(1)
    library = mtkahypar.initialize(threads)
    context = library.context_from_preset(getattr(mtkahypar.PresetType, preset))
    context.set_partitioning_parameters(K, tolerance, mtkahypar.Objective.CUT)
    once = graph.source < graph.neighbor
    edges = list(zip(graph.source[once].tolist(), graph.neighbor[once].tolist()))
    whole = library.create_graph(
        context, len(graph.weight), len(edges), edges, graph.integers.tolist(), graph.edge_weight[once].tolist()
    )
    start = time.perf_counter()
    parts = whole.partition(context)
    return [parts.block_id(node) for node in range(len(graph.weight))], time.perf_counter() - start


def kmeans(path, threads):
    import faiss

    faiss.omp_set_num_threads(threads)
    with h5py.File(path) as file:
        vectors = file["vectors"][:].astype(numpy.float32)
    faiss.normalize_L2(vectors)
    means = faiss.Kmeans(vectors.shape[1], K, niter=20, spherical=True, seed=1)
    means.train(vectors)
    return means.index.search(vectors, 1)[1][:, 0]


def run_one(arguments):
    graph = Graph(arguments.graph)
    name, setting, tolerance = arguments.one.split(",")
    tolerance = float(tolerance)
    start = time.perf_counter()
    seconds = None
    if name == "METIS":
        part = metis(graph, tolerance, setting == "recursive")
    elif name == "KaHIP":
        part = kahip(graph, tolerance, setting)
    elif name == "Mt-KaHyPar":
        part, seconds = mtkahypar(graph, tolerance, setting, arguments.threads)
    else:
        part = kmeans(arguments.graph, arguments.threads)
    seconds = seconds or time.perf_counter() - start
    print(json.dumps(graph.figures(numpy.asarray(part, numpy.int32)) | {"seconds": seconds}))


def row(name, tolerance, figures):
    seconds = f"{figures['seconds']:.1f} s" if "seconds" in figures else ""
    print(
        f"| {name} | {tolerance} | {figures['max']:.2f} | {figures['min']:.2f} | {figures['empty']} "
        f"| {'met' if figures['bound'] else 'missed'} | {figures['cut']:.4f} | {seconds} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=900, help="seconds a peer may take")
    parser.add_argument("--only", default="", help="peers whose name begins so")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return run_one(arguments)
    graph = Graph(arguments.graph)
    own = graph.bound[1] / graph.average - 1
    print(f"{len(graph.weight)} items, {len(graph.neighbor) // 2} edges, bound {graph.bound / graph.average}")
    print("| partition | asked | max/avg | min/avg | empty | bound | cut | time |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
    ours = graph.figures(graph.tree)
    row("Serendip, level 2 of the tree", "", ours)
    jobs = [("METIS", "recursive"), ("METIS", "k-way"), ("KaHIP", "FASTSOCIAL"), ("KaHIP", "ECOSOCIAL")]
    jobs += [("Mt-KaHyPar", preset) for preset in ("DETERMINISTIC", "LARGE_K", "DEFAULT", "QUALITY")]
    met = {}
    for name, setting in [*jobs, ("faiss k-means", "")]:
        for tolerance in (0.05, 0.25, own) if setting else (0,):
            if not name.startswith(arguments.only):
                continue
            one = [sys.executable, __file__, arguments.graph, f"--threads={arguments.threads}", f"--one={name},{setting},{tolerance}"]
            title = f"{name} {setting}".strip()
            try:
                done = subprocess.run(one, capture_output=True, text=True, timeout=arguments.timeout)
                figures = json.loads(done.stdout.strip().splitlines()[-1])
            except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
                print(f"| {title} | {tolerance:.2f} | none: {type(error).__name__} after {arguments.timeout} s at most |", flush=True)
                continue
            row(title, f"{tolerance:.2f}" if setting else "", figures)
            if figures["bound"]:
                met[title] = min(figures["cut"], met.get(title, 1))
    if met:
        best = min(met, key=met.get)
        print(f"best that keeps the bound: {best}, {met[best]:.4f}; ours is {ours['cut'] / met[best] - 1:+.1%} of it")


if __name__ == "__main__":
    main()
