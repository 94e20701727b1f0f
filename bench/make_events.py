"""Writes an event log of any size, in parts, for the benchmarks of import and curate.

    python bench/make_events.py FOLDER --events 100000000 --parts 64 --format parquet [--strings]

Users and items are drawn by a power law; a part holds its share of the events in order of time, so that a
user's events lie all over the log; of every 1,000 rows one is late and stands among younger ones. Columns:
user_id, item_id (integers, or with --strings texts as "u00001234"), timestamp (seconds), reward (1 to 5).
The same arguments write the same events.
"""

import argparse
import pathlib

import numpy
import pyarrow
import pyarrow.csv
import pyarrow.parquet

START, DAYS = 1_700_000_000, 60


def power_law(random, count, size, exponent):
    """Numbers below `count`, drawn `size` times: the k-th is about (k + 10)^-exponent as likely."""
    low, high = 10.0 ** (1 - exponent), (count + 10.0) ** (1 - exponent)
    drawn = (low + random.random(size) * (high - low)) ** (1 / (1 - exponent)) - 10.0
    return numpy.minimum(drawn.astype(numpy.int64), count - 1)


def texts(letter, numbers):
    digits = numpy.char.zfill(numbers.astype("U8"), 8)
    return pyarrow.array(numpy.char.add(letter, digits))


def make_part(part, arguments):
    random = numpy.random.default_rng([arguments.seed, part])
    begin = arguments.events * part // arguments.parts
    size = arguments.events * (part + 1) // arguments.parts - begin
    span = numpy.int64(86400 * DAYS)
    time = START + numpy.arange(begin, begin + size) * span // arguments.events
    late = random.random(size) < 0.001
    time[late] -= random.integers(0, 86400, late.sum())
    user = power_law(random, arguments.users, size, 0.5)
    item = power_law(random, arguments.items, size, 0.9) * 7919 % arguments.items
    reward = random.integers(1, 6, size).astype(numpy.float32)
    ids = (texts("u", user), texts("i", item)) if arguments.strings else (user, item)
    return pyarrow.table({"user_id": ids[0], "item_id": ids[1], "timestamp": time, "reward": reward})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--events", type=int, default=100_000_000)
    parser.add_argument("--users", type=int, default=2_000_000)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--parts", type=int, default=64)
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    parser.add_argument("--strings", action="store_true", help="ids as texts")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for part in range(arguments.parts):
        table = make_part(part, arguments)
        path = arguments.folder / f"part_{part:04d}.{arguments.format}"
        if arguments.format == "parquet":
            pyarrow.parquet.write_table(table, path, row_group_size=1 << 18)
        else:
            pyarrow.csv.write_csv(table, path)


if __name__ == "__main__":
    main()
