"""How soon a call is answered, one call after the other and many at once, and whether a crowd can connect at all. The
invariant: a call that is not answered counts as the time for which it was waited for."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import harness
import programs
import servers
from harness import percentile, series
from result import Claim, Figure, Panel, ahead, at_most

RETRY = 0.9
"""A connection that took this many seconds was retried: the first retry comes after one second."""
LIMIT = 5
"""Seconds after which `dial` gives up a call."""


@dataclass
class Call:
    """Seconds to the connection, and to the first byte of the answer."""

    connected: float
    answered: float
    lost: bool


def dial(server, calls, how):
    """Calls a server and returns the result of each call."""
    with servers.serving(server) as (_, port):
        took = harness.numbers([programs.c("dial"), port, calls, how])
    return [Call((made or LIMIT * 1e9) / 1e9, (said or LIMIT * 1e9) / 1e9, not said) for made, said in took]


def answered(results, share):
    """Milliseconds to the answer; a call without one counts as the time for which it was waited for."""
    return series(results, lambda calls: percentile([call.answered * 1000 for call in calls], share))


def lost(results):
    """A sentence about the calls that were not answered."""
    counts = {name: sum(call.lost for calls in all for call in calls) for name, all in results.items()}
    said = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    return f"not answered, and counted as {LIMIT} s: {said}." if said else "all were answered."


def call(effort):
    everyone, sequential = servers.everyone(), effort.of(500, 100)
    panels, claims, losses, floor = [], [], [], everyone[0].name
    for title, calls, how in (
        ("one after the other", sequential, "sequential"),
        ("200 at once", 200, "together"),
    ):
        turns = {server.name: partial(dial, server, calls, how) for server in everyone}
        results = harness.rounds(effort.of(7, 2), turns)
        losses.append(f"Calls {title}: {lost(results)}")
        crowded = how == "together"
        half = Panel(f"{title}, median", "ms", answered(results, 0.5), floor, crowded)
        last = Panel(f"{title}, the slowest", "ms", answered(results, 1), floor, crowded)
        panels += [half, last]
        claims += [
            at_most(f"{title}, median:", half.ratio("talk"), 1.5, f"× the {floor}"),
            ahead(half, "talk", [server.name for server in everyone[2:]]),
        ]
    how = (
        "From connect to the first byte of the answer: talk's desk in the console, over pipes, against echo servers; "
        f"{sequential} calls one after the other in each round, then 200 at once. "
        + " ".join(losses)
    )
    return Figure("answer", "A call answered", how, panels, claims)


def counters():
    """The kernel's TCP counters of this machine: name -> count (proc_net_netstat)."""
    lines = Path("/proc/net/netstat").read_text().splitlines()
    names, values = (line.split()[1:] for line in lines if line.startswith("TcpExt:"))
    return dict(zip(names, map(int, values)))


@dataclass
class Arrival:
    retried: int
    turned_away: int
    lost: int
    seconds: float


def arrive(server, calls):
    """The result of this many calls at once."""
    before = counters()["ListenDrops"]
    made = dial(server, calls, "together")
    return Arrival(
        sum(call.connected > RETRY for call in made),
        counters()["ListenDrops"] - before,
        sum(call.lost for call in made),
        max(call.answered for call in made),
    )


def crowd(effort):
    calls = 1_000
    everyone = [
        servers.floor(),
        servers.desk(),
        servers.tcpserver(["cat"], "tcpserver + cat"),
        servers.ncat(),
        servers.socat(),
    ]
    turns = {server.name: partial(arrive, server, calls) for server in everyone}
    results = harness.rounds(effort.of(5, 1), turns)
    of = partial(series, results)
    retried = of(lambda arrival: arrival.retried)
    panels = [
        Panel("connections that took a second try", "connections", retried),
        Panel("packets dropped because the queue was full", "packets", of(lambda arrival: arrival.turned_away)),
        Panel(f"calls without an answer after {LIMIT} s", "calls", of(lambda arrival: arrival.lost)),
        Panel("until the last was answered or given up", "s", of(lambda arrival: arrival.seconds)),
    ]
    most = retried["talk"].high
    claims = [Claim("no connection takes a second try", f"{most:.0f} at most", most == 0)]
    how = (
        f"{calls:,} connections at once, with the default queue (listen backlog) of each server. "
        "The packets are those that the kernel of the machine counted as dropped because a queue was full (ListenDrops)."
    )
    return Figure("crowd", "A crowd arrives", how, panels, claims)
