"""What talk costs before it does anything: time to start, and size on disk. The invariant: a whole process is timed, from
fork to its end."""

from functools import partial

import harness
import programs
from harness import Series, percentile, series
from result import Figure, Panel, at_most


def start(command, times):
    """Milliseconds of a whole process, the median of `times` runs."""
    return percentile([took for [took] in harness.numbers([programs.c("start"), times, *command])], 0.5) / 1e6


def started(effort):
    times = effort.of(1_000, 200)
    commands = {
        "true": ["true"],
        "talk --version": [programs.talk(), "--version"],
        "talk --version, static": [programs.talk(static=True), "--version"],
        "minimal Rust program": [programs.minimal(), "hold"],
    }
    turns = {name: partial(start, command, times) for name, command in commands.items()}
    panel = Panel("a whole process", "ms", series(harness.rounds(effort.of(7, 3), turns)), "true")
    above = panel.rows["talk --version"].median - panel.rows["true"].median
    how = f"From fork to the end of the process; the median of {times:,} runs in each round."
    return Figure("start", "Start", how, [panel], [at_most("above true:", above, 1, "ms")])


def size(_effort):
    limits = {"glibc": (False, 1.2), "static musl": (True, 2)}
    found = {name: programs.talk(static).stat().st_size / 1e6 for name, (static, _) in limits.items()}
    panel = Panel("the stripped executable", "MB", {name: Series([value]) for name, value in found.items()})
    claims = [at_most(f"{name}:", found[name], limit, "MB") for name, (_, limit) in limits.items()]
    return Figure("size", "Size", "The executable as make builds it, and as one static file.", [panel], claims)
