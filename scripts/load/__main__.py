"""Puts load on a desk and reports what it took: python3 scripts/load --help

First many calls at once (crowd), then many short calls, one after another (quick). The invariant: the first line that is
lost, duplicated, out of order or unknown, or that does not come in time, ends the run with status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys

# Do not leave __pycache__ in the source tree.
sys.dont_write_bytecode = True

import crowd
import quick
from check import Violation


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="load", description="Puts load on a desk and reports what it took.")
    parser.add_argument("talk", nargs="?", default="target/release/talk", help="the program (%(default)s)")
    parser.add_argument("--calls", type=int, default=1000, help="calls at once (%(default)s)")
    parser.add_argument("--lines", type=int, default=20, help="lines each way in each of them (%(default)s)")
    parser.add_argument(
        "--quick", type=int, default=10_000, help="quick calls one after another (%(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=int.from_bytes(os.urandom(4)), help="repeat an earlier run"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


def show(title: str, figures: dict[str, float]) -> None:
    print(title)
    for what, figure in figures.items():
        print(f"  {what:<38} {figure:>12,.{1 if isinstance(figure, float) else 0}f}")


def main() -> int:
    asked = options()
    random.seed(asked.seed)
    print(f"load: seed {asked.seed}", file=sys.stderr)
    # One socket for each call, and some more.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        at_once = crowd.run(asked.talk, asked.calls, asked.lines)
        one_by_one = quick.run(asked.talk, asked.quick)
    except (Violation, OSError, subprocess.SubprocessError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    if asked.json:
        print(json.dumps({"at once": at_once, "one after another": one_by_one}, indent=2))
    else:
        show("at once", at_once)
        show("one after another", one_by_one)
    return 0


sys.exit(main())
