"""Many short calls, one after another, after which the server holds what it held before.

The invariant: each call is over, in the log of the desk as well, before the next one begins.
"""

from __future__ import annotations

import socket
import subprocess
import time

import wire
from check import DEADLINE, ensure
from desk import Desk

# Calls before memory is first measured: what is allocated once is not a leak.
WARM_UP = 100
# One in this many calls is made by `talk client`.
CLIENT_SHARE = 100
# KiB by which the server's memory may grow. The allocator takes memory in steps of about 130 KiB; a leak of 32
# bytes in each of 10,000 calls would be more than this.
TOLERANCE = 256

Figures = dict[str, float]


def call_by_wire(desk: Desk, name: str, line: str) -> None:
    received = bytearray()
    with socket.create_connection(desk.address, DEADLINE) as caller:
        caller.sendall(wire.hello(name))
        answer = list(wire.take_frames(received))
        while not answer:
            received += (part := caller.recv(4096))
            ensure(part != b"", f"{name} is not answered")
            answer = list(wire.take_frames(received))
        hellos = [(tag, payload[:1], payload[2:]) for tag, payload in answer]  # whatever its flags are
        ensure(hellos == [(wire.HELLO, b"\x01", b"desk")], f"{name} is answered with {answer}")
        caller.sendall(wire.text(line) + wire.bye())
        caller.shutdown(socket.SHUT_WR)
        while part := caller.recv(4096):
            received += part
    ensure(received == wire.bye(), f"the goodbye of {name} is answered with {bytes(received)!r}")


def call_by_client(talk: str, desk: Desk, name: str, line: str) -> None:
    command = [talk, "client", desk.address[0], str(desk.address[1]), "--name", name]
    client = subprocess.run(command, input=f"{line}\n".encode(), capture_output=True, timeout=DEADLINE)
    ensure(client.returncode == 0, f"the client of {name} ends with {client.returncode}: {client.stderr!r}")


def check_log(desk: Desk, number: int, name: str, line: str) -> None:
    comes = desk.next_line()
    ensure(comes.startswith(f"call {number} from 127.0.0.1:") and comes.endswith(f" ({name})"), comes)
    expected = [f"-- [1 {name}] is the current call"] if number == 1 else []
    expected += [
        f"call {number} window open",
        f"[{number} {name}] {line}",
        f"call {number} ended: {name} left",
    ]
    shown = [desk.next_line() for _ in expected]
    ensure(shown == expected, f"the desk shows {shown} instead of {expected}")


def run(talk: str, count: int) -> Figures:
    """Makes this many calls; returns the figures."""
    with Desk(talk, 1) as desk:
        before = desk.holdings()

        def call(number: int) -> None:
            name, line = f"caller{number}", f"line {number}"
            if number % CLIENT_SHARE == 0:
                call_by_client(talk, desk, name, line)
            else:
                call_by_wire(desk, name, line)
            check_log(desk, number, name, line)
            # Only one call is admitted at a time.
            desk.wait_for_holdings(before)

        for number in range(1, WARM_UP + 1):
            call(number)
        memory_before, start = desk.memory(), time.monotonic()
        for number in range(WARM_UP + 1, WARM_UP + count + 1):
            call(number)
        seconds = time.monotonic() - start
        memory = desk.memory()
        cpu, handlers_cpu = desk.cpu()
    grown = memory.allocated - memory_before.allocated
    ensure(grown <= TOLERANCE, f"the server's memory has grown by {grown} KiB over {count} calls")
    return {
        "quick calls": count,
        "calls/s": count / seconds,
        "server: memory before, KiB": memory_before.allocated,
        "server: memory after, KiB": memory.allocated,
        "server: CPU in all, s": cpu,
        "handlers: CPU in all, s": handlers_cpu,
    }
