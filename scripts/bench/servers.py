"""Programs that answer many calls: talk's desk in the console, the floor, and the alternatives. The invariant: each runs
alone and is the same for every figure; its output is read, as at a terminal."""

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

import harness
import pairs
import programs

MOST = 2_000
"""Calls at once that every server is told to allow."""


@dataclass
class Server:
    """A command in which {port} stands for the port; without it, the program picks a free one and prints it."""

    name: str
    command: list


def desk(static=False, window="console"):
    """talk at the desk: the console with pipes, unless another window is named."""
    words = [programs.talk(static), "server", "0", "--bind", "127.0.0.1", "--name", "desk"]
    return Server("talk", [*words, "--max-calls", MOST, "--window", window])


def floor():
    return Server("C fork-only server", [programs.c("fork_server"), "{port}"])


def tcpserver(program, name, *options):
    """One program for each call, as with inetd; without name look-ups."""
    words = ["tcpserver", "-RHl0", "-c", MOST, *options, "127.0.0.1", "{port}", *program]
    return Server(name, words)


def ncat():
    listen = ["ncat", "-l", "-k", "--max-conns", MOST, "127.0.0.1", "{port}"]
    return Server("ncat -k -e cat", [*listen, "-e", "/bin/cat"])


def socat():
    listen = "TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork"
    return Server("socat fork EXEC", ["socat", listen, "EXEC:cat"])


def socat_ready():
    """socat with a listen backlog for all calls."""
    server = socat()
    return Server(server.name, [server.command[0], server.command[1] + f",backlog={MOST}", server.command[2]])


def everyone():
    """Every server, configured for many calls where that is possible; the first is the floor."""
    return [
        floor(),
        desk(),
        tcpserver(["cat"], "tcpserver + cat", "-b", str(MOST)),
        ncat(),
        socat_ready(),
    ]


@contextlib.contextmanager
def serving(server, environment=None):
    """Runs a server: its process and its port."""
    chooses = not any("{port}" in str(word) for word in server.command)
    port = 0 if chooses else harness.free_port()
    words = [str(word).format(port=port) for word in server.command]
    # Standard input is a pipe to which nothing is written.
    streams = {"stdin": PIPE, "stdout": PIPE, "env": {**pairs.environment(), **(environment or {})}}
    with harness.running(words, **streams) as program:
        if chooses:
            port = int(re.search(rb":(\d+)$", program.stdout.readline().strip())[1])
        else:
            harness.wait_for_listener(port)
        with harness.running(["cat"], stdin=program.stdout, stdout=DEVNULL):
            yield program, port


def family(pid):
    """A process and all its descendants."""
    children = []
    # A process that has just ended has no children.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]
