"""Many calls at once: numbered lines in both directions, each shown once and in order on either side.

The invariant: each line that a side shows is compared with the one line that may come next; any other is a violation.
"""

from __future__ import annotations

import random
import re
import selectors
import socket
import time
from collections.abc import Callable

import wire
from check import Violation, ensure, wait_for
from desk import Desk

# One in this many lines of the desk goes to every call.
ALL_SHARE = 10
# Lines that are said before the output is read again.
BATCH = 64
# Lines that are said right before a goodbye.
TRAILING_LINES = 3

TEXT = re.compile(r"(?P<said>> )?\[(?P<number>\d+) (?P<name>\w+)\] (?P<text>.*)")
COMES = re.compile(r"call (?P<number>\d+) from 127\.0\.0\.1:\d+ \((?P<name>\w+)\)")
EVENT = re.compile(r"call (?P<number>\d+) (?P<event>window open|ended: .*)")
# What the console says about its current call, each once: the first caller is it, and when they have left, nobody is.
NOTICES = [
    re.compile(r"-- \[\d+ \w+\] is the current call"),
    re.compile(r"-- no call is current; /\d+ turns to call \d+, /who lists them"),
]

Figures = dict[str, float]


def line(speaker: str, number: int) -> str:
    """A unique line of up to some 100 characters."""
    return f"{speaker}, line {number} " + "ä≠x" * (number * 7 % 25)


class Call:
    """One call, both sides of it."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.desk, self.name = desk, name
        self.number = 0  # at the desk, once it is known there
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received, self.outgoing = bytearray(), bytearray()
        self.said: list[str] = []  # by the caller
        self.shown = 0  # of these, at the desk
        self.told: list[str] = []  # to the caller
        self.echoed = 0  # of these, at the desk
        self.heard = 0  # of these, by the caller
        self.leaves = False  # the caller leaves before the desk does
        self.answered = self.left = self.closed = False
        self.logged = 0  # events in the desk's log

    def ring(self) -> None:
        self.socket.connect_ex(self.desk.address)
        self.send(wire.hello(self.name))

    def say(self) -> None:
        self.said.append(line(self.name, len(self.said)))
        self.send(wire.text(self.said[-1]))

    def tell(self) -> None:
        self.told.append(line(f"you, {self.name}", len(self.told)))
        self.desk.type(f"/{self.number} {self.told[-1]}")

    def part(self) -> None:
        """One of the two says goodbye, while lines are still on their way."""
        for _ in range(TRAILING_LINES):
            self.say()
        if self.leaves:
            self.send(wire.bye())
            return
        for _ in range(TRAILING_LINES):
            self.tell()
        self.desk.type(f"/hangup {self.number}")

    def send(self, data: bytes) -> None:
        self.outgoing += data
        self.flush()

    def flush(self) -> None:
        try:
            del self.outgoing[: self.socket.send(self.outgoing)]
        except BlockingIOError:
            pass
        writes = selectors.EVENT_WRITE if self.outgoing else 0
        self.desk.watch(self.socket.fileno(), selectors.EVENT_READ | writes, self.moved)

    def moved(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self.flush()
        if events & selectors.EVENT_READ:
            self.receive()

    def receive(self) -> None:
        part = self.socket.recv(1 << 16)
        self.received += part
        for tag, payload in wire.take_frames(self.received):
            ensure(not self.left, f"{self.name} gets {tag!r} {payload!r} after the goodbye")
            if tag == wire.HELLO:
                ensure(not self.answered, f"{self.name} is answered twice")
                self.answered = True
            elif tag == wire.TEXT:
                self.heard = self.check("hears", payload.decode(), self.told, self.heard)
            else:
                ensure(tag == wire.BYE, f"{self.name} gets {tag!r} {payload!r}")
                self.left = True
                if not self.leaves:
                    self.send(wire.bye())
        if not part:
            ensure(self.left and not self.received, f"{self.name}: the connection ends in mid-conversation")
            self.closed = True
            self.desk.watch(self.socket.fileno(), 0, self.moved)
            self.socket.close()

    def show(self, row: re.Match[str]) -> None:
        """The desk shows a line of this call."""
        if row["said"]:
            self.echoed = self.check("is told", row["text"], self.told, self.echoed)
        else:
            self.shown = self.check("says", row["text"], self.said, self.shown)

    def check(self, does: str, text: str, lines: list[str], number: int) -> int:
        """Checks that `text` is the line with this number; returns the next number."""
        expected = lines[number] if number < len(lines) else "nothing"
        ensure(text == expected, f"{self.name} {does} '{text}' instead of '{expected}'")
        return number + 1

    def log(self, event: str) -> None:
        """The desk logs an event of this call."""
        end = f"{self.name} left" if self.leaves else f"said goodbye to {self.name}"
        self.logged = self.check("in the log:", event, ["window open", f"ended: {end}"], self.logged)
        ensure(self.logged == 1 or self.is_through(), f"{self.name} ends before all lines are shown")

    def is_open(self) -> bool:
        return self.answered and self.logged == 1

    def is_through(self) -> bool:
        """Everything that was said is shown."""
        return self.shown == len(self.said) and self.echoed == self.heard == len(self.told)

    def is_over(self) -> bool:
        return self.closed and self.logged == 2


class Crowd:
    """All the calls."""

    def __init__(self, desk: Desk, count: int) -> None:
        self.desk = desk
        self.calls = [Call(desk, f"caller{number}") for number in range(count)]
        self.ringing = {call.name: call for call in self.calls}
        self.by_number: dict[int, Call] = {}
        self.told_all = 0
        self.notices = NOTICES.copy()

    def wait_for(self, what: str, holds: Callable[[Call], bool]) -> None:
        """Moves data until this holds for every call."""
        missing = self.calls

        def still_missing() -> list[str]:
            nonlocal missing
            missing = [call for call in missing if not holds(call)]
            return [call.name for call in missing]

        wait_for(what, still_missing, lambda: self.move(1))

    def move(self, seconds: float) -> None:
        self.desk.move(seconds)
        while self.desk.lines:
            self.take(self.desk.lines.popleft())

    def take(self, shown: str) -> None:
        """Passes a line of the desk to its call."""
        if (row := TEXT.fullmatch(shown)) and (call := self.known(row)) and call.name == row["name"]:
            call.show(row)
        elif (comes := COMES.fullmatch(shown)) and comes["name"] in self.ringing:
            call = self.ringing.pop(comes["name"])
            call.number = int(comes["number"])
            self.by_number[call.number] = call
        elif self.notices and self.notices[0].fullmatch(shown):
            self.notices.pop(0)
        elif (event := EVENT.fullmatch(shown)) and (call := self.known(event)):
            call.log(event["event"])
        else:
            raise Violation(f"the desk shows '{shown}'")

    def known(self, shown: re.Match[str]) -> Call | None:
        return self.by_number.get(int(shown["number"]))

    def tell_all(self) -> None:
        said = line("everybody", self.told_all)
        self.told_all += 1
        for call in self.calls:
            call.told.append(said)
        self.desk.type(f"/all {said}")

    def converse(self, lines: int) -> None:
        """Each caller says this many lines and is told as many, in random order."""
        to_all = lines // ALL_SHARE
        turns = [call.say for call in self.calls] * lines
        turns += [call.tell for call in self.calls] * (lines - to_all) + [self.tell_all] * to_all
        random.shuffle(turns)
        for number, turn in enumerate(turns):
            turn()
            if number % BATCH == 0:
                self.move(0)
        self.wait_for("all lines", Call.is_through)

    def part(self) -> None:
        """Every other caller leaves; the desk hangs up on the rest."""
        for number, call in enumerate(self.calls):
            call.leaves = number % 2 == 0
            call.part()
        self.wait_for("all calls to end", Call.is_over)


def run(talk: str, count: int, lines: int) -> Figures:
    """Holds this many calls at once; returns the figures."""
    with Desk(talk, count) as desk:
        before = desk.holdings()
        crowd = Crowd(desk, count)
        start = time.monotonic()
        for call in crowd.calls:
            call.ring()
        crowd.wait_for("answers to all calls", Call.is_open)
        open_after = time.monotonic() - start
        descriptors = len(desk.holdings()["descriptors"])

        start, (cpu_before, _) = time.monotonic(), desk.cpu()
        crowd.converse(lines)
        seconds, (cpu_after, _) = time.monotonic() - start, desk.cpu()
        server, handlers = desk.memory(), desk.memory_of_processes()

        start = time.monotonic()
        crowd.part()
        desk.wait_for_holdings(before)
        gone_after = time.monotonic() - start
        cpu, handlers_cpu = desk.cpu()
    said = 2 * count * lines
    return {
        "calls at once": count,
        "all open after, s": open_after,
        "lines, both directions": said,
        "lines/s": said / seconds,
        "all gone after, s": gone_after,
        "server: descriptors": descriptors,
        "server: memory, KiB": server.allocated,
        "server: RSS, KiB": server.resident,
        "server: CPU for the lines, s": cpu_after - cpu_before,
        "server: CPU in all, s": cpu,
        "handlers: private memory, KiB": handlers.private,
        "handlers: private memory each, KiB": handlers.private / count,
        "handlers: RSS, KiB": handlers.resident,
        "handlers: CPU in all, s": handlers_cpu,
    }
