"""The throughput of text: a log, a build, a file in a pipe. The invariant: nothing is timed before the text was seen to
arrive unchanged."""

import contextlib
import hashlib
import os
import random
import time
from dataclasses import dataclass
from functools import partial
from subprocess import DEVNULL, PIPE

import harness
import pairs
import programs
from harness import series
from result import Figure, Panel, ahead, at_most

BLOCK = 1_000_000
"""Bytes of distinct lines, approximately; the file repeats them."""


@dataclass
class Transfer:
    seconds: float
    cpu_seconds: float
    made: object


def lines(size):
    """A file of lines of 20 to 120 bytes, the same on every machine."""
    path = programs.BUILT / f"lines-{size // 1_000_000}"
    if not path.exists():
        letters, chance, block = b"abcdefghijklmnopqrstuvwxyz     ", random.Random(1), bytearray()
        while len(block) < BLOCK:
            block += bytes(chance.choices(letters, k=chance.randint(19, 119))) + b"\n"
        path.write_bytes(bytes(block) * (size // len(block)))
    return path


def transfer(pair, path, piped, pinned=False, stdout=DEVNULL, read=lambda stream: None):
    """Sends the file. Returns the seconds from the start of the sender to the end of the receiver, the CPU seconds of
    both, and the result of `read` on the receiver's output."""
    port = harness.free_port()
    with contextlib.ExitStack() as block:
        run = lambda command, **streams: block.enter_context(harness.running(command, **streams))
        block.enter_context(harness.cores(pinned))
        far = block.enter_context(pairs.receiver(pair, port, stdout))
        source = block.enter_context(open(path, "rb"))
        if piped:
            source = run([programs.c("feed"), path], stdout=PIPE).stdout
        begun = time.monotonic()
        near = run(pairs.sender(pair, port), env=pairs.environment(), stdin=source, stdout=DEVNULL)
        made = read(far.stdout)
        _, _, receiving = os.wait4(far.pid, 0)
        took = time.monotonic() - begun
        _, _, sending = os.wait4(near.pid, 0)
    spent = [usage.ru_utime + usage.ru_stime for usage in (sending, receiving)]
    return Transfer(took, sum(spent), made)


def verify(contestants, path):
    """Checks, outside the timed part, that the text arrives byte for byte."""
    with open(path, "rb") as file:
        original = hashlib.file_digest(file, "sha256").digest()
    digest = lambda stream: hashlib.file_digest(stream, "sha256").digest()
    for pair in contestants:
        for piped in (True, False):
            received = transfer(pair, path, piped, stdout=PIPE, read=digest).made
            if received != original:
                raise SystemExit(f"bench: {pair.name} changed the text on its way")


def text(effort):
    size, contestants = effort.of(200_000_000, 50_000_000), pairs.one_way()
    path = lines(size)
    size = path.stat().st_size
    verify(contestants, path)
    rate = lambda results: series(results, lambda transfer: size / transfer.seconds / 1e6)
    panels, claims = [], []
    for source, piped in (("a pipe", True), ("a file", False)):
        for place, pinned in (("on all cores", False), ("on one core", True)):
            turns = {pair.name: partial(transfer, pair, path, piped, pinned) for pair in contestants}
            results = harness.rounds(effort.of(7, 2), turns)
            speed = Panel(f"from {source}, {place}", "MB/s", rate(results), "floor")
            spent = series(results, lambda transfer: transfer.cpu_seconds * 1000)
            panels += [speed, Panel(f"CPU of both ends, from {source}, {place}", "ms", spent, "floor")]
            if not pinned:
                claims.append(ahead(speed, "talk", ["nc"], higher=True))
                cost = spent["talk"].median / spent["nc"].median
                claims.append(at_most(f"CPU of both ends, from {source}:", cost, 1.3, "× nc"))
    how = (
        f"{size / 1e6:.0f} MB of lines of 20 to 120 bytes, from the start of the sender to the end of the receiver, "
        "which writes to /dev/null. Before that, the output of every contestant was compared with its input."
    )
    return Figure("throughput", "Throughput of text", how, panels, claims)
