"""How soon a window is open: from the call to the handler's greeting, through a real xterm and through tmux, compared
with the least time that such a window can take. The invariant: one window at a time."""

import contextlib
import os
import signal
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from subprocess import PIPE

import harness
import pairs
import programs
import servers
from harness import series
from result import Figure, Panel, at_most


@contextlib.contextmanager
def display():
    """The environment of programs on a virtual display. The display does not reset when its last window closes, because
    the next window would have to wait for that."""
    words = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset"]
    with harness.running(words, stdout=PIPE) as server:
        yield {"DISPLAY": f":{int(server.stdout.readline())}"}


@contextlib.contextmanager
def tmux():
    """The environment of programs in a separate tmux that has the session that talk uses."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {"TMUX_TMPDIR": directory}
        run = partial(subprocess.run, env={**pairs.environment(), **environment}, check=True)
        run(["tmux", "-f", "/dev/null", "new-session", "-d", "-s", "talk"])
        try:
            yield environment
        finally:
            run(["tmux", "kill-server"])


def xterms(server):
    """The windows of a server: process -> command up to -e. A window that is closing has no command."""
    found = {}
    for pid in servers.family(server.pid)[1:]:
        with contextlib.suppress(FileNotFoundError, ValueError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if words[0] == "xterm":
                found[pid] = words[: words.index("-e") + 1]
    return found


def call(port):
    """Makes one call, which stays open; returns the process that measures and holds it."""
    dial = subprocess.Popen([programs.c("dial"), str(port), "1", "hold"], stdin=PIPE, stdout=PIPE)
    dial.stdout.readline()
    return dial


def answered(dial):
    """Ends a call; returns the milliseconds until it was answered."""
    said, _ = dial.communicate()
    if not (took := int(said.split()[1])):
        raise SystemExit("bench: a call got no answer")
    return took / 1e6


def through_xterm(server, port, seen):
    dial = call(port)
    [(window, seen[:])] = harness.wait_for("the xterm", lambda: xterms(server)).items()
    # The window stays open until a key is pressed.
    os.kill(window, signal.SIGTERM)
    harness.wait_for("the end of the xterm", lambda: not xterms(server))
    return answered(dial)


def through_tmux(environment, port):
    dial = call(port)
    close_windows(environment)
    return answered(dial)


def close_windows(environment):
    """Closes all windows of the session except the first."""
    words = ["tmux", "kill-window", "-a", "-t", "talk:0"]
    subprocess.run(words, env={**pairs.environment(), **environment}, check=True)


def bare(command, environment):
    """Milliseconds until the smallest program answers in a window that this command opens."""
    words = [programs.c("open"), *command, programs.c("answer")]
    [[took]] = harness.numbers(words, env={**pairs.environment(), **environment})
    return took / 1e6


def opened(effort):
    count, seen = effort.of(30, 8), []
    with contextlib.ExitStack() as block:
        on_display, in_tmux = block.enter_context(display()), block.enter_context(tmux())
        desk = lambda window, environment: block.enter_context(
            servers.serving(servers.desk(window=window), environment)
        )
        xterm_desk, xterm_port = desk("xterm", on_display)
        _, tmux_port = desk("tmux", in_tmux)
        through_xterm(xterm_desk, xterm_port, seen)
        new_window = ["tmux", "new-window", "-d", "-t", "=talk:", "--"]
        results = harness.rounds(
            count,
            {
                "bare xterm": partial(bare, seen, on_display),
                "talk, xterm": partial(through_xterm, xterm_desk, xterm_port, seen),
                "bare tmux window": partial(bare, new_window, in_tmux),
                "talk, tmux": partial(through_tmux, in_tmux, tmux_port),
            },
        )
    panels, claims = [], []
    for window, floor, ours in (("xterm", "bare xterm", "talk, xterm"), ("tmux", "bare tmux window", "talk, tmux")):
        panel = Panel(f"through {window}", "ms", series({name: results[name] for name in (floor, ours)}), floor)
        above = panel.rows[ours].median - panel.rows[floor].median
        panels.append(panel)
        claims.append(at_most(f"through {window}: above the {floor}", above, 10, "ms"))
    how = (
        "From connect to the greeting of the handler in the window. Bare is the same command, forked and executed, with "
        f"a C program in the window that only connects back. A round is one call: {count} of each."
    )
    return Figure("window", "A window open", how, panels, claims)
