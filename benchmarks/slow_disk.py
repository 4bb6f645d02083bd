"""Knows how to make an ordinary disk of a fast one: a shim that adds 5 ms to every fsync of a process and its children."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

MILLISECONDS = 5
SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static void wait_as_a_disk_does(void) {
    struct timespec left = {0, MILLISECONDS * 1000000L};
    while (nanosleep(&left, &left) != 0) { }
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int)) dlsym(RTLD_NEXT, "fsync");
    wait_as_a_disk_does();
    return real(file);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");
    wait_as_a_disk_does();
    return real(file);
}
"""


class NoShim(Exception):
    """This machine cannot build the shim: what is measured through it is not run."""


def environment(folder: Path) -> Mapping[str, str]:
    """The environment of a process on a slow disk; the shim is built in `folder`. Raises NoShim."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoShim("no C compiler here to build the 5 ms disk with")
    source, shim = folder / "slow_disk.c", folder / "slow_disk.so"
    source.write_text(SOURCE)
    built = subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", f"-DMILLISECONDS={MILLISECONDS}", "-o", shim, source, "-ldl"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if built.returncode:
        raise NoShim(f"the 5 ms disk does not compile here: {built.stderr.strip().splitlines()[-1:]}")
    return {**os.environ, "LD_PRELOAD": str(shim)}
