"""Pairs of programs that hold a conversation: talk, the floor, and the alternatives. The invariant: each side is a
separate process with a pipe or file for keyboard and screen, started in the same way for all."""

import contextlib
import fcntl
import os
import struct
import termios
from dataclasses import dataclass, field
from subprocess import DEVNULL

import harness
import programs


@dataclass
class Pair:
    """Commands in which {port} stands for the port; `far` listens."""

    name: str
    far: list
    near: list
    far_receives: list = field(default_factory=list)
    """Options of the far side when text goes only one way."""
    near_sends: list = field(default_factory=list)
    broker: list = field(default_factory=list)
    """A program that both sides call, if neither can listen."""


def ours(static=False, *options):
    """talk: a handler with a separate pipe or terminal, as in a window, and a client."""
    talk = programs.talk(static)
    return Pair(
        "talk",
        [programs.c("accept"), "{port}", "5", talk, "handler", "5", *options],
        [talk, "client", "127.0.0.1", "{port}", "--name", "caller"],
    )


def everyone():
    """All pairs; the first is the floor."""
    floor = programs.c("floor")
    here = ["127.0.0.1", "{port}"]
    return [
        Pair("floor", [floor, "listen", "{port}"], [floor, "call", "{port}"]),
        ours(),
        Pair("nc", ["nc.openbsd", "-l", *here], ["nc.openbsd", *here], ["-d"], ["-N"]),
        Pair("ncat", ["ncat", "-l", *here], ["ncat", *here], ["--recv-only"], ["--send-only"]),
        Pair(
            "socat",
            ["socat", "STDIO", "TCP-LISTEN:{port},bind=127.0.0.1"],
            ["socat", "STDIO", "TCP:127.0.0.1:{port}"],
        ),
        Pair("ncat --chat", ["ncat", *here], ["ncat", *here], broker=["ncat", "-l", "--chat", *here]),
    ]


def one_way():
    """The pairs that can send a file unchanged: a chat adds names to the lines."""
    pairs = [pair for pair in everyone() if not pair.broker]
    socat = next(pair for pair in pairs if pair.name == "socat")
    # socat takes addresses and a direction in place of options.
    socat.far = ["socat", "-u", "TCP-LISTEN:{port},bind=127.0.0.1", "STDOUT"]
    socat.near = ["socat", "-u", "STDIN", "TCP:127.0.0.1:{port}"]
    return pairs


def environment():
    """The environment of this process, without variables that change how talk behaves."""
    without = ("DISPLAY", "TMUX", "TALK_HANDOVER")
    kept = {key: value for key, value in os.environ.items() if key not in without}
    return {**kept, "TALK_NAME": "desk", "TERM": "xterm-256color"}


def command(template, port, options=()):
    """A command with its port filled in; options go after the program."""
    words = [str(word).format(port=port) for word in template]
    return [words[0], *options, *words[1:]]


@contextlib.contextmanager
def terminal():
    """The streams of a terminal for one program. Nothing reads its screen."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        yield {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    finally:
        os.close(ours)
        os.close(theirs)


@contextlib.contextmanager
def receiver(pair, port, stdout):
    """The side that listens and has nothing to say."""
    words = command(pair.far, port, pair.far_receives)
    with harness.running(words, env=environment(), stdout=stdout) as program:
        harness.wait_for_listener(port)
        yield program


def sender(pair, port):
    """The command of the side that only sends."""
    return command(pair.near, port, pair.near_sends)


@contextlib.contextmanager
def conversation(pair, far_streams, near_streams):
    """Both sides, connected: the port and all processes, the far and the near side last."""
    port, streams = harness.free_port(), contextlib.ExitStack()

    def run(template, how):
        return streams.enter_context(harness.running(command(template, port), env=environment(), **how))

    with streams:
        processes = []
        if pair.broker:
            processes.append(run(pair.broker, {"stdout": DEVNULL}))
            harness.wait_for_listener(port)
            processes.append(run(pair.far, far_streams))
            # The broker must know the first caller before the other one says anything.
            harness.wait_for("the first caller", lambda: harness.connections(port, harness.ESTABLISHED))
        else:
            processes.append(run(pair.far, far_streams))
            harness.wait_for_listener(port)
        processes.append(run(pair.near, near_streams))
        expected = 2 if pair.broker else 1
        connected = lambda: harness.connections(port, harness.ESTABLISHED) >= expected
        harness.wait_for("the conversation", connected)
        yield port, processes


def keyboards_and_screens(processes):
    """The descriptors that `ping` uses: input and output of the near side, then of the far side."""
    far, near = processes[-2:]
    return [stream.fileno() for stream in (near.stdin, near.stdout, far.stdin, far.stdout)]
