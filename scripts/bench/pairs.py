"""Two programs with a conversation between them: talk, the floor, and what a user could pick instead. The invariant:
each end is a process of its own with a pipe or file for keyboard and screen, started the same way for all."""

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
    """Commands in which {port} stands for the port; the far one listens."""

    name: str
    far: list
    near: list
    far_receives: list = field(default_factory=list)
    """Options of the far end when text goes only one way."""
    near_sends: list = field(default_factory=list)
    broker: list = field(default_factory=list)
    """Where both ends call, if neither can listen."""


def ours(static=False, *options):
    """talk: a handler with a pipe or terminal of its own, as in a window, and a client."""
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
    """The pairs that can send a file: a chat adds names to the lines."""
    pairs = [pair for pair in everyone() if not pair.broker]
    socat = next(pair for pair in pairs if pair.name == "socat")
    # What would be options of others are addresses here, and a direction.
    socat.far = ["socat", "-u", "TCP-LISTEN:{port},bind=127.0.0.1", "STDOUT"]
    socat.near = ["socat", "-u", "STDIN", "TCP:127.0.0.1:{port}"]
    return pairs


def environment():
    """That of this process, without what could change how talk behaves."""
    without = ("DISPLAY", "TMUX", "TALK_REPORT")
    kept = {key: value for key, value in os.environ.items() if key not in without}
    return {**kept, "TALK_NAME": "desk", "TERM": "xterm-256color"}


def command(template, port, options=()):
    """A command with its port filled in; options stand behind the program."""
    words = [str(word).format(port=port) for word in template]
    return [words[0], *options, *words[1:]]


@contextlib.contextmanager
def terminal():
    """A terminal for one program: its streams. Nobody looks at it."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        yield {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    finally:
        os.close(ours)
        os.close(theirs)


@contextlib.contextmanager
def receiver(pair, port, stdout):
    """The end that listens, and has nothing to say."""
    words = command(pair.far, port, pair.far_receives)
    with harness.running(words, env=environment(), stdout=stdout) as program:
        harness.wait_for_listener(port)
        yield program


def sender(pair, port):
    """The command of the end that only speaks."""
    return command(pair.near, port, pair.near_sends)


@contextlib.contextmanager
def conversation(pair, far_streams, near_streams):
    """Both ends, connected: the port, and every process of it, the far and the near end last."""
    port, streams = harness.free_port(), contextlib.ExitStack()

    def run(template, how):
        return streams.enter_context(harness.running(command(template, port), env=environment(), **how))

    with streams:
        processes = []
        if pair.broker:
            processes.append(run(pair.broker, {"stdout": DEVNULL}))
            harness.wait_for_listener(port)
            processes.append(run(pair.far, far_streams))
            # Whoever calls first is known to the broker before the other says anything.
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
    """The descriptors that `ping` converses through: into and out of the near end, into and out of the far end."""
    far, near = processes[-2:]
    return [stream.fileno() for stream in (near.stdin, near.stdout, far.stdin, far.stdout)]
