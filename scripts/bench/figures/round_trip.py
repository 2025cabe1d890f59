"""The round trip of a line, and of two lines in a burst: the speed that a person notices. The invariant: the same program
sends the same lines to every contestant."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import PIPE

import harness
import pairs
import programs
from harness import Series, percentile, series
from result import Figure, Panel, ahead, at_most

WARM_UP = 100
"""Turns that `ping` makes before it begins to measure."""


@dataclass
class Turns:
    took: list[float]
    """Microseconds of each turn."""
    spent: float
    """Microseconds of CPU time for a turn, of all processes."""


def on_cpu(processes):
    """Microseconds of CPU time of these processes (proc_pid_schedstat)."""
    return sum(int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) for process in processes) / 1000


def ping(pair, lines, turns, seconds, pinned):
    pipes = {"stdin": PIPE, "stdout": PIPE}
    with harness.cores(pinned), pairs.conversation(pair, pipes, pipes) as (_, processes):
        fds = pairs.keyboards_and_screens(processes)
        before = on_cpu(processes)
        made = harness.numbers([programs.c("ping"), *fds, lines, turns, seconds], pass_fds=fds)
        spent = on_cpu(processes) - before
    return Turns([nanoseconds / 1000 for [nanoseconds] in made], spent / (len(made) + WARM_UP))


def system_calls(pair, turns):
    """System calls of all processes for each turn."""
    pipes = {"stdin": PIPE, "stdout": PIPE}
    with pairs.conversation(pair, pipes, pipes) as (_, processes):
        fds = pairs.keyboards_and_screens(processes)
        with harness.traced([process.pid for process in processes]) as counted:
            made = harness.numbers([programs.c("ping"), *fds, 1, turns, 60], pass_fds=fds)
    return counted[0] / (len(made) + WARM_UP)


def panel(results, title, share, **how):
    took = series(results, lambda turns: percentile(turns.took, share))
    return Panel(title, "µs", took, "floor", **how)


def measure(effort, lines, turns, seconds, pinned):
    contestants = {
        pair.name: partial(ping, pair, lines, turns, seconds, pinned) for pair in pairs.everyone()
    }
    return harness.rounds(effort.of(7, 2), contestants)


def line(effort):
    turns = effort.of(20_000, 2_000)
    pinned, free = [measure(effort, 1, turns, 10, pinned) for pinned in (True, False)]
    spent = series(pinned, lambda turns: turns.spent)
    calls = {pair.name: Series([system_calls(pair, 400)]) for pair in pairs.everyone()}
    half = panel(pinned, "median, on one core", 0.5)
    panels = [
        half,
        panel(pinned, "99th percentile, on one core", 0.99),
        panel(free, "median, on all cores", 0.5),
        Panel("CPU time of a trip, on one core", "µs of all processes", spent, "floor"),
        Panel("system calls of a trip", "of all processes", calls, "floor"),
    ]
    how = f"A line goes from a pipe through a socket to a pipe, and one comes back: {turns:,} trips in each round."
    claims = [
        at_most("median, on one core:", half.ratio("talk"), 1.05, "× the floor"),
        ahead(half, "talk", ["nc", "ncat", "socat"]),
    ]
    return Figure("round-trip", "Round trip of a line", how, panels, claims)


def burst(effort):
    turns, seconds = effort.of((1_000, 4), (50, 1))
    results = measure(effort, 2, turns, seconds, True)
    half = panel(results, "median, on one core", 0.5, logarithmic=True)
    counts = {name: sum(len(turns.took) for turns in all) for name, all in results.items()}
    how = (
        "Two lines go one way, the second when the first has arrived; then two come back in the same way. On one core, "
        f"up to {turns:,} turns or {seconds} s in each round; in total "
        + ", ".join(f"{name} {count:,}" for name, count in counts.items())
        + "."
    )
    claims = [at_most("median:", half.ratio("talk"), 1.1, "× the floor")]
    return Figure("burst", "Two lines in a burst, then the answer", how, [half], claims)
