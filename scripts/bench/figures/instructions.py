"""How many instructions the pure modules need, under callgrind: the same on a busy machine, so that a slow-down shows.
The invariant: the start of the program is not in the count.

Compared with instructions.json, which is written anew when it is not there: remove it to accept what is now."""

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

# What is counted: its name here, how many lines one time is, and what it is.
WORK = {
    "encode": (1, "a line into a frame"),
    "decode": (1, "a frame found in bytes"),
    "converse": (1, "a line through both ends of a conversation"),
    "converse-bulk": (1000, "the same, a thousand lines at once"),
    "printable": (1, "a line that needs no change through the printable gate"),
    "printable-foreign": (1, "a line with emoji, escapes and invisibles through it"),
}


@cache
def program():
    """The modules of talk as it is released, with something that calls them."""
    words = ["cargo", "bench", "--locked", "--quiet", "--no-run", "--bench", "instructions"]
    said = programs.cargo([*words, "--message-format", "json"])
    built = [json.loads(line) for line in said.splitlines()]
    return next(one["executable"] for one in built if one.get("target", {}).get("name") == "instructions")


def collected(what, times):
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program(), what, str(times)]
    said = subprocess.run(words, check=True, stderr=subprocess.PIPE, text=True).stderr
    return int(re.search(r"Collected : (\d+)", said)[1])


def count(what, lines):
    """Instructions for each line, without those of the program's start."""
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
