"""How soon a call is answered, one call after the other and many at once; and whether a crowd gets in at all.
The invariant: a call that nobody answers counts, as long as it was waited for."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import harness
import programs
import servers
from harness import percentile, series
from result import Claim, Figure, Panel, ahead, at_most

RETRY = 0.9
"""A connection that took this many seconds was begun again: the first retry comes after one."""
LIMIT = 5
"""Seconds after which dial gives a call up."""


@dataclass
class Call:
    """Seconds to the connection, and to the first byte of the answer."""

    connected: float
    answered: float
    lost: bool


def dial(server, calls, how):
    """Calls a server; what became of each call."""
    with servers.serving(server) as (_, port):
        took = harness.numbers([programs.c("dial"), port, calls, how])
    return [Call((made or LIMIT * 1e9) / 1e9, (said or LIMIT * 1e9) / 1e9, not said) for made, said in took]


def answered(results, share):
    """Milliseconds to the answer; a call that got none counts as long as it was waited for."""
    return series(results, lambda calls: percentile([call.answered * 1000 for call in calls], share))


def lost(results):
    """A sentence about the calls that nobody answered."""
    counts = {name: sum(call.lost for calls in all for call in calls) for name, all in results.items()}
    said = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    return f"never answered, and counted as {LIMIT} s: {said}." if said else "every one was answered."


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
        "From connect to the first byte of the answer: talk's desk in the console, over pipes, against servers that "
        f"send back what comes; {sequential} calls one after the other in each round, then 200 at once. "
        + " ".join(losses)
    )
    return Figure("answer", "A call answered", how, panels, claims)


def counters():
    """What the kernel counts about TCP on this machine: name -> count (proc_net_netstat)."""
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
    """What became of so many calls at once."""
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
        Panel("packets that a full queue turned away", "packets", of(lambda arrival: arrival.turned_away)),
        Panel(f"calls without an answer after {LIMIT} s", "calls", of(lambda arrival: arrival.lost)),
        Panel("until the last was answered or given up", "s", of(lambda arrival: arrival.seconds)),
    ]
    most = retried["talk"].high
    claims = [Claim("no connection takes a second try", f"{most:.0f} at most", most == 0)]
    how = (
        f"{calls:,} connections at once, with the queue (listen backlog) that each server has unless told otherwise. "
        "The packets are those that the kernel counted as dropped for a full queue (ListenDrops) on the whole machine."
    )
    return Figure("crowd", "A crowd arrives", how, panels, claims)
