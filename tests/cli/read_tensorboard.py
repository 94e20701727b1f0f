"""Whether TensorBoard's own reader finds in FOLDER's event files what metrics.jsonl says: read_tensorboard.py FOLDER"""

import json
import pathlib
import sys

from tensorboard.backend.event_processing import event_accumulator


def main():
    folder = pathlib.Path(sys.argv[1])
    events = event_accumulator.EventAccumulator(str(folder), size_guidance={event_accumulator.SCALARS: 0})
    events.Reload()
    expected = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        for name, value in entry.items():
            if isinstance(value, (int, float)) and name != "step":
                expected.setdefault(f"{entry['stage']}/{name}", []).append((entry["step"], value))
    assert set(events.Tags()["scalars"]) == set(expected), (events.Tags()["scalars"], sorted(expected))
    for tag, points in expected.items():
        found = [(event.step, event.value) for event in events.Scalars(tag)]
        assert len(found) == len(points), (tag, found, points)
        for (step, value), (wanted_step, wanted) in zip(found, points):
            assert step == wanted_step and abs(value - wanted) <= 1e-6 * abs(wanted), (tag, step, value, wanted)
    print(f"{len(expected)} scalars")


if __name__ == "__main__":
    main()
