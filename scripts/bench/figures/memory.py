"""The memory of a call: the pages that its processes have written to and do not share (Private_Dirty), which a machine
needs for each further call. The invariant: it is read only when it no longer changes."""

import contextlib
import os
from functools import partial
from pathlib import Path
from subprocess import PIPE

import harness
import pairs
import programs
import servers
from harness import series
from result import Figure, Panel, at_most

BUILDS = {"glibc": False, "static musl": True}


def private_dirty(pids):
    """Kilobytes (proc_pid_smaps(5))."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))


@contextlib.contextmanager
def held(port, calls):
    """This many calls, answered and silent."""
    with harness.running([programs.c("dial"), port, calls, "hold"], stdin=PIPE, stdout=PIPE) as dial:
        assert dial.stdout.readline() == b"holding\n"
        yield


def per_call(server, calls):
    """Kilobytes for each of this many calls, including the growth of the server."""
    with servers.serving(server) as (process, port):
        total = lambda: private_dirty(servers.family(process.pid))
        before = harness.settled(total)
        with held(port, calls):
            return (harness.settled(total) - before) / calls


def on_terminal(command):
    """Kilobytes of a program with a call and a terminal."""
    port = harness.free_port()
    words = [programs.c("accept"), port, "5", *command]
    with pairs.terminal() as streams, harness.running(words, env=pairs.environment(), **streams) as program:
        harness.wait_for_listener(port)
        # The minimal program ignores the call.
        call = [programs.c("dial"), port, "1", "hold"]
        with harness.running(call, stdin=PIPE, stdout=PIPE) as dial:
            if "handler" in command:
                dial.stdout.readline()
            else:
                name = Path(f"/proc/{program.pid}/comm")
                harness.wait_for("the program", lambda: name.read_text().startswith("minimal"))
            return harness.settled(lambda: private_dirty([program.pid]))


def contenders():
    """Every server, by its name in this figure."""
    found = {"C fork-only server": servers.floor()}
    for build, static in BUILDS.items():
        least = programs.minimal(static)
        found[f"talk, console, {build}"] = servers.desk(static)
        found[f"forked minimal Rust program, {build}"] = servers.Server("", [least, "serve", "{port}"])
        found[f"tcpserver + minimal Rust program, {build}"] = servers.tcpserver([least, "hold"], "")
    others = [servers.tcpserver(["cat"], "tcpserver + cat"), servers.ncat(), servers.socat()]
    return found | {server.name: server for server in others}


def handlers():
    """The command of every program in a window."""
    found = {}
    for build, static in BUILDS.items():
        handler = [programs.talk(static), "handler", "5"]
        found[f"minimal Rust program, {build}"] = [programs.minimal(static), "hold"]
        found[f"talk handler, lines, {build}"] = [*handler, "--plain"]
        found[f"talk handler, editor, {build}"] = handler
    return found


def call(effort):
    count, many = effort.of(1_000, 100), effort.of(3, 1)
    console = {name: partial(per_call, server, count) for name, server in contenders().items()}
    window = {name: partial(on_terminal, command) for name, command in handlers().items()}
    # The pages of a program that was just built count as dirty until they are on the disk.
    os.sync()
    panels = [
        Panel("a call, server and handler together", "kB", series(harness.rounds(many, console)), "C fork-only server"),
        Panel("a handler in a window", "kB", series(harness.rounds(many, window))),
    ]
    of = lambda panel, name: panel.rows[name].median
    claims = []
    for build, limit in zip(BUILDS, (60, 40)):
        claims.append(at_most(f"console, {build}:", of(panels[0], f"talk, console, {build}"), limit, "kB"))
    for build in BUILDS:
        least = of(panels[1], f"minimal Rust program, {build}")
        above = of(panels[1], f"talk handler, lines, {build}") - least
        claims.append(at_most(f"handler, lines, {build}: above the minimal Rust program", above, 100, "kB"))
        editor = of(panels[1], f"talk handler, editor, {build}")
        claims.append(at_most(f"handler, editor, {build}:", editor, 600, "kB"))
    how = (
        f"Private dirty memory of idle calls: {count:,} at once for the servers, divided by their number; for the "
        "windows, one handler on a terminal. The minimal Rust program is the standard library and a buffer."
    )
    return Figure("memory", "Memory of a call", how, panels, claims)
