"""Run measurements: all of them, or those that are named. They print figures and assert nothing.

Run: python -m benchmarks [NAME ...]   or   make bench ARGS="ingest"
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_FOLDER = Path(__file__).parent


def main(names: list[str]) -> int:
    """Runs each benchmark in a process of its own; returns the number of those that failed."""
    known = sorted(
        [path.stem for path in _FOLDER.glob("[!_]*.py")] + [path.parent.name for path in _FOLDER.glob("*/__main__.py")]
    )
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.stderr.write(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(known)}\n")
        return 2
    failed = 0
    for name in names or known:
        print(f"\n== {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
