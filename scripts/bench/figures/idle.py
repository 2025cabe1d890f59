"""What a conversation costs while nobody says anything: the battery of a laptop, the scheduler of a desk. The
invariant: nothing is said while the conversations are watched, all at the same time."""

import contextlib
import re
import time
from pathlib import Path
from subprocess import DEVNULL, PIPE

import harness
import pairs
import programs
import servers
from harness import Series
from result import Claim, Figure, Panel

LAST_LOOK = 12
"""Seconds after a line until it causes no more work: talk checks once, after 10, whether it has arrived."""

KEEPALIVE = "02"
"""The keepalive timer of a socket with nothing in flight (proc_net_tcp.rst)."""


@contextlib.contextmanager
def over_pipes(pair):
    """A conversation after a few lines: its port and processes."""
    pipes = {"stdin": PIPE, "stdout": PIPE}
    with pairs.conversation(pair, pipes, pipes) as (port, processes):
        fds = pairs.keyboards_and_screens(processes)
        harness.numbers([programs.c("ping"), *fds, 1, 1, 1], pass_fds=fds)
        yield port, [process.pid for process in processes]


@contextlib.contextmanager
def in_editors():
    """A conversation with a terminal on both sides."""
    with pairs.terminal() as far, pairs.terminal() as near:
        with pairs.conversation(pairs.ours(), far, near) as (port, processes):
            yield port, [process.pid for process in processes]


@contextlib.contextmanager
def in_console():
    """A conversation in the console of talk's desk."""
    with servers.serving(servers.desk()) as (server, port):
        words = pairs.command(pairs.ours().near, port)
        with harness.running(words, env=pairs.environment(), stdin=PIPE, stdout=DEVNULL) as client:
            harness.wait_for("the handler", lambda: len(servers.family(server.pid)) > 1)
            yield port, [*servers.family(server.pid), client.pid]


def switches(pids):
    """The context switches of these processes: one for each time that they woke up."""
    text = "".join(Path(f"/proc/{pid}/status").read_text() for pid in pids)
    return sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", text)))


def kept_alive(port):
    """Whether both sockets of a conversation have a keepalive timer."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = [row for row in rows if f":{port:04X}" in row[1] + row[2] and row[3] == harness.ESTABLISHED]
    return len(ends) >= 2 and all(row[5].startswith(KEEPALIVE) for row in ends)


def idle(effort):
    seconds = effort.of(60, 5)
    contestants = {pair.name: over_pipes(pair) for pair in pairs.everyone()}
    contestants |= {"talk, editors": in_editors(), "talk, console": in_console()}
    with contextlib.ExitStack() as block:
        conversations = {name: block.enter_context(opened) for name, opened in contestants.items()}
        time.sleep(LAST_LOOK)
        watch = {name: block.enter_context(harness.traced(pids)) for name, (_, pids) in conversations.items()}
        count = lambda: {name: switches(pids) for name, (_, pids) in conversations.items()}
        # Attaching strace wakes each process once.
        before = harness.settled(count)
        # The conversations are silent during this time, which is what is measured.
        time.sleep(seconds)
        after = count()
        alive = {name: kept_alive(port) for name, (port, _) in conversations.items()}
    woken = {name: Series([after[name] - before[name]]) for name in conversations}
    called = {name: Series(counted) for name, counted in watch.items()}
    panels = [Panel("system calls", "of all processes", called), Panel("wakeups", "of all processes", woken)]
    ours = [name for name in conversations if name.startswith("talk")]
    claims = []
    for panel in panels:
        found = sum(panel.rows[name].median for name in ours)
        claims.append(Claim(f"no {panel.title} in {', '.join(ours)}", f"{found:.0f}", found == 0))
    without = [name for name in ours if not alive[name]]
    said = f"not in {', '.join(without)}" if without else "on both ends"
    claims.append(Claim("keepalive by the kernel", said, not without))
    how = (
        f"All conversations at the same time, from {LAST_LOOK} s after the last line, watched for {seconds} s (strace, "
        "/proc/pid/status). "
        "A system call counts as several wakeups, because strace stops the process for it."
    )
    return Figure("idle", "Idle", how, panels, claims)
