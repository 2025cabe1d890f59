"""The number of instructions that the pure modules execute, counted by callgrind. It is the same on a busy machine, so
that a slow-down shows. The invariant: the start of the program is not counted.

The baseline is instructions.json. It is created if it does not exist: remove it to accept the present counts."""

import json
import re
import subprocess
from functools import cache

import programs
from harness import Series
from result import Figure, Panel, at_most

BASELINE = programs.BENCH / "instructions.json"
TIMES = 1_000
MARGIN = 1.05

# What is counted: the argument of the program, the lines in one repetition, and a description.
WORK = {
    "encode": (1, "a line into a frame"),
    "decode": (1, "a frame found in bytes"),
    "converse": (1, "a line through both ends of a conversation"),
    "converse-bulk": (1000, "the same, a thousand lines at once"),
    "printable": (1, "a line that needs no change through the sanitizer"),
    "printable-foreign": (1, "a line with emoji, escapes and invisibles through it"),
}


@cache
def program():
    """The modules of talk in a release build, with a program that calls them."""
    words = ["cargo", "bench", "--locked", "--quiet", "--no-run", "--bench", "instructions"]
    said = programs.cargo([*words, "--message-format", "json"])
    built = [json.loads(line) for line in said.splitlines()]
    return next(one["executable"] for one in built if one.get("target", {}).get("name") == "instructions")


def collected(what, times):
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program(), what, str(times)]
    said = subprocess.run(words, check=True, stderr=subprocess.PIPE, text=True).stderr
    return int(re.search(r"Collected : (\d+)", said)[1])


def count(what, lines):
    """Instructions for each line, without those that start the program."""
    times = max(1, TIMES // lines)
    return round((collected(what, 2 * times) - collected(what, times)) / times / lines, 1)


def counted(_effort):
    counts = {what: count(what, lines) for what, (lines, _) in WORK.items()}
    rustc = programs.versions()["rustc"]
    if not BASELINE.exists():
        BASELINE.write_text(json.dumps({"rustc": rustc, "instructions": counts}, indent=4) + "\n")
    baseline = json.loads(BASELINE.read_text())
    rows = {about: Series([counts[what]]) for what, (_, about) in WORK.items()}
    claims = [
        at_most(f"{about}:", counts[what] / baseline["instructions"][what], MARGIN, "× the baseline")
        for what, (_, about) in WORK.items()
    ]
    how = (
        "Counted by callgrind, for each line; the baseline (scripts/bench/instructions.json) was counted with rustc "
        f"{baseline['rustc']}, this with {rustc}."
    )
    return Figure("instructions", "Instructions", how, [Panel("for each line", "instructions", rows)], claims)
