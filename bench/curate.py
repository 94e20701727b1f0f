"""The counting of `serendip curate` beside DuckDB and Polars, the same definition and the same counts.

    python bench/make_events.py /tmp/events --events 20000000 --users 400000
    serendip import run.folder=/tmp/run import.events=/tmp/events import.event_reward=reward
    python bench/curate.py /tmp/run --binary build/cuda/serendip

Needs duckdb, polars, pyarrow, h5py and xxhash. Each job is a process of its own; time and peak memory are the
process's, reading its input and writing its result included. The peers get the training users' events with
their clusters, sorted as data.h5 has them; Serendip reads data.h5, and also writes the held-out users'
transitions and the sets.
"""

import argparse
import os
import pathlib
import shutil
import time

import h5py
import numpy

CLUSTERS = [61, 761, 3044, 12176]
POSITIVE = 3.0

# A user's positive events in order: `before` is the cluster of the one before, `other` the last different one at
# or before it. A new cluster's context is the event before's (other, cluster).
SQL = f"""
COPY (
  SELECT c1, c2, label, count(*) AS count FROM (
    SELECT lag(other) OVER by_time AS c1, before AS c2, cluster AS label, is_new FROM (
      SELECT *, last_value(CASE WHEN before <> cluster THEN before END IGNORE NULLS) OVER by_time AS other FROM (
        SELECT *, lag(cluster) OVER by_time AS before FROM (
          SELECT *, position = min(position) OVER (PARTITION BY "user", cluster) AS is_new FROM '{{events}}'
        ) WHERE reward >= {POSITIVE} WINDOW by_time AS (PARTITION BY "user" ORDER BY position)
      ) WINDOW by_time AS (PARTITION BY "user" ORDER BY position)
    ) WINDOW by_time AS (PARTITION BY "user" ORDER BY position)
  ) WHERE is_new AND c1 IS NOT NULL GROUP BY ALL ORDER BY ALL
) TO '{{out}}' (FORMAT parquet)
"""


def run_duckdb(events, out, threads):
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}; SET temp_directory = '{out}.tmp'")
    connection.execute(SQL.format(events=events, out=out))


def run_polars(events, out):
    import polars as pl

    user, cluster = pl.col("user"), pl.col("cluster")

    def shifted(column):
        return pl.when(user == user.shift(1)).then(column.shift(1))

    before = pl.col("before")
    (
        pl.scan_parquet(events)
        .with_columns(is_new=pl.struct("user", "cluster").is_first_distinct())
        .filter(pl.col("reward") >= POSITIVE)
        .with_columns(before=shifted(cluster))
        .with_columns(other=pl.when(before != cluster).then(before).forward_fill().over("user"))
        .with_columns(c1=shifted(pl.col("other")))
        .filter(pl.col("is_new") & pl.col("c1").is_not_null())
        .group_by("c1", c2="before", label="cluster")
        .agg(count=pl.len())
        .sort("c1", "c2", "label")
        .sink_parquet(out)
    )


def write_tree(data, path):
    """Items to clusters by a hash of their number: what the clusters mean does not matter here."""
    items = data["/items/id"].shape[0]
    leaf = numpy.arange(items, dtype=numpy.int64) * 2654435761 % 4294967291 % CLUSTERS[3]
    leaf[: CLUSTERS[3]] = numpy.arange(CLUSTERS[3])
    parents = [-numpy.ones(61), numpy.arange(761) % 61, numpy.arange(3044) // 4, numpy.arange(12176) // 4]
    assignment = [None, None, None, leaf]
    for level in (2, 1, 0):
        assignment[level] = parents[level + 1][assignment[level + 1]]
    with h5py.File(path, "w") as tree:
        tree["/item_traffic"] = numpy.ones(items)
        for level, clusters in enumerate(CLUSTERS):
            group = tree.create_group(f"level_{level + 1}")
            group["assignment"] = assignment[level].astype(numpy.int32)
            group["parent"] = parents[level].astype(numpy.int32)
            group["traffic"] = numpy.bincount(assignment[level], minlength=clusters).astype(numpy.float64)
            names = [f"cluster {level + 1} {cluster}" for cluster in range(clusters)]
            group.create_dataset("description", data=names, dtype=h5py.string_dtype())
    return assignment[1].astype(numpy.int32)


def write_events(data, item_cluster, path):
    import pyarrow
    import pyarrow.parquet
    import xxhash

    ids, offsets = data["/users/id"][:], data["/users/offsets"][:]
    train = numpy.array([xxhash.xxh3_64_intdigest(user) % 10 > 1 for user in ids])
    schema = pyarrow.schema(
        [("user", pyarrow.int32()), ("position", pyarrow.int64()), ("cluster", pyarrow.int32()), ("reward", pyarrow.float32())]
    )
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        step = 100_000
        for first in range(0, len(ids), step):
            last = min(len(ids), first + step)
            begin, end = offsets[first], offsets[last]
            user = numpy.repeat(numpy.arange(first, last, dtype=numpy.int32), numpy.diff(offsets[first : last + 1]))
            keep = train[user]
            columns = [user, numpy.arange(begin, end), item_cluster[data["/events/item"][begin:end]], data["/events/reward"][begin:end]]
            writer.write_table(pyarrow.table([column[keep] for column in columns], schema=schema))


def measure(name, work, events):
    """Seconds and peak resident bytes of `work` in a process of its own."""
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        print(f"{name}: ended with {status} after {seconds:.1f} s", flush=True)
        return
    print(f"{name}: {seconds:.1f} s, {events / seconds / 1e6:.2f}M events/s, peak {usage.ru_maxrss / 2**10:.0f} MiB", flush=True)


def rows(path):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    return numpy.stack([table[name].to_numpy().astype(numpy.int64) for name in ("c1", "c2", "label", "count")], 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, help="folder with data.h5")
    parser.add_argument("--binary", default="build/cuda/serendip")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", type=int, default=1024, help="curate.memory, MiB")
    parser.add_argument("--peers", nargs="*", default=["duckdb", "polars"])
    arguments = parser.parse_args()
    folder = arguments.run / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    events, tree = folder / "events.parquet", arguments.run / "tree.h5"
    with h5py.File(arguments.run / "data.h5") as data:
        event_count = data["/events/item"].shape[0]

    def prepare():  # in a process of its own, or its memory would count as the jobs'
        with h5py.File(arguments.run / "data.h5") as data:
            write_events(data, write_tree(data, tree), events)

    measure("input for the peers", prepare, event_count)
    os.environ["POLARS_MAX_THREADS"] = str(arguments.threads)
    log = os.open(folder / "serendip.log", os.O_CREAT | os.O_WRONLY)

    def run_serendip():
        os.dup2(log, 1), os.dup2(log, 2)
        (arguments.run / "manifests" / "curate.json").unlink(missing_ok=True)
        recipe = [f"run.folder={arguments.run}", f"run.threads={arguments.threads}", f"curate.positive_reward={POSITIVE}"]
        os.execv(arguments.binary, [arguments.binary, "curate", *recipe, f"curate.memory={arguments.memory}"])

    jobs = {
        "serendip": run_serendip,
        "duckdb": lambda: run_duckdb(events, folder / "duckdb.parquet", arguments.threads),
        "polars": lambda: run_polars(events, folder / "polars.parquet"),
    }
    for name in ["serendip", *arguments.peers]:
        measure(name, jobs[name], event_count)
    with h5py.File(arguments.run / "transitions.h5") as file:
        ours = numpy.column_stack([file["/all/context"][:], file["/all/label"][:], file["/all/count"][:]])
    print(f"{ours[:, 3].sum()} transitions, {len(ours)} distinct")
    for peer in arguments.peers:
        path = folder / f"{peer}.parquet"
        same = path.exists() and numpy.array_equal(rows(path), ours)
        print(f"{peer}: {'the same counts' if same else 'OTHER COUNTS, or none'}")

if __name__ == "__main__":
    main()
