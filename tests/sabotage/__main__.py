"""Applies each `*.patch` here to a copy of the tree and runs the law it names, which must turn red.

The first line of a patch names the law: `law: tests/properties/test_laws.py::test_name`. Exit 1 if any law stays green
or a patch does not apply any more; bounded in time, and it never touches the working tree.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ROOMS = ("bot", "handlers", "scheduler", "storage", "casework", "tests")
LIMIT_SECONDS = 240


def main() -> int:
    patches = sorted(HERE.glob("*.patch"))
    wanted = set(sys.argv[1:])
    stayed_green = [p.stem for p in patches if (not wanted or p.stem in wanted) and not _turns_red(p)]
    print(f"{len(patches) - len(stayed_green)} laws seen to fail, {len(stayed_green)} stayed green")
    return 1 if stayed_green or not patches else 0


def _turns_red(patch: Path) -> bool:
    first, _, diff = patch.read_text().partition("\n")
    law = first.removeprefix("law: ").strip()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        _copy_to(copy)
        applied = subprocess.run(
            ["git", "apply", "-"], input=diff, text=True, cwd=copy, capture_output=True, check=False
        )
        if applied.returncode:
            print(f"BROKEN  {patch.stem}: {applied.stderr.strip()}")
            return False
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", law],
            cwd=copy, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False,
            env={**os.environ, "PORCHLIGHT_LAWS": "sabotage"},
        )  # fmt: skip
        red = ran.returncode == 1
        print(f"{'red    ' if red else 'GREEN  '} {patch.stem}: {law}")
        if ran.returncode not in (0, 1):
            print(ran.stdout[-2000:], ran.stderr[-2000:])
        return red


def _copy_to(folder: Path) -> None:
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)


if __name__ == "__main__":
    sys.exit(main())
