"""A server under load, with its console on pipes, and its resources.

Nothing here waits without a deadline. The invariant: the files of the server are in a private directory, which is empty
when no call is left.
"""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from check import ensure, wait_for


@dataclass
class Memory:
    """KiB."""

    allocated: int = 0  # anonymous, though a forked process may share it
    private: int = 0  # changed by one process and shared with no other
    resident: int = 0

    def __add__(self, other: Memory) -> Memory:
        return Memory(
            self.allocated + other.allocated,
            self.private + other.private,
            self.resident + other.resident,
        )


def memory(pid: int) -> Memory:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    size = {field: int(kib) for field, kib in re.findall(r"^(\w+): +(\d+) kB", rollup, re.M)}
    return Memory(size["Anonymous"], size["Private_Dirty"], size["Rss"])


class Desk:
    """A running server."""

    def __init__(self, talk: str, max_calls: int) -> None:
        self.files = tempfile.TemporaryDirectory(prefix="load-")
        options = ["--bind", "127.0.0.1", "--window", "console", "--name", "desk"]
        self.process = subprocess.Popen(
            [talk, "server", "0", *options, "--max-calls", str(max_calls)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"TMPDIR": self.files.name, "XDG_RUNTIME_DIR": self.files.name},
        )
        assert self.process.stdin and self.process.stdout
        self.pid = self.process.pid
        self.stdin, self.stdout = self.process.stdin.fileno(), self.process.stdout.fileno()
        self.typed, self.shown = bytearray(), bytearray()
        self.lines: deque[str] = deque()
        self.selector = selectors.DefaultSelector()

    def __enter__(self) -> Desk:
        for pipe in self.stdin, self.stdout:
            os.set_blocking(pipe, False)
        self.watch(self.stdout, selectors.EVENT_READ, lambda _: self.read())
        address = self.next_line()
        ensure(address.startswith("listening on 127.0.0.1:"), f"the first line is '{address}'")
        self.address = ("127.0.0.1", int(address.rpartition(":")[2]))
        windows = self.next_line()
        ensure(windows.startswith("windows: console"), f"the second line is '{windows}'")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.selector.close()
        self.files.cleanup()

    def watch(self, fd: int, events: int, moved: Callable[[int], None]) -> None:
        """Calls `moved` on exactly these events from now on; with 0, on none."""
        watched = self.selector.get_map().get(fd)
        if watched is None and events:
            self.selector.register(fd, events, moved)
        elif watched is not None and not events:
            self.selector.unregister(fd)
        elif watched is not None and watched.events != events:
            self.selector.modify(fd, events, moved)

    def move(self, seconds: float) -> None:
        """Moves what can be moved, waiting for at most this time."""
        for key, events in self.selector.select(seconds):
            key.data(events)

    def type(self, line: str) -> None:
        self.typed += line.encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        try:
            del self.typed[: os.write(self.stdin, self.typed)]
        except BlockingIOError:
            pass
        self.watch(self.stdin, selectors.EVENT_WRITE if self.typed else 0, lambda _: self.flush())

    def read(self) -> None:
        part = os.read(self.stdout, 1 << 20)
        ensure(part != b"", "the server has ended")
        *lines, self.shown = (self.shown + part).split(b"\n")
        self.lines.extend(line.decode() for line in lines)

    def next_line(self) -> str:
        wait_for("a further line of the desk", lambda: not self.lines, lambda: self.move(1))
        return self.lines.popleft()

    def processes(self) -> list[int]:
        """The processes of its calls, including those that have ended and were not reaped."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def descriptors(self) -> list[str]:
        """What its descriptors refer to. Some may be closed while they are listed."""
        targets = []
        for fd in os.scandir(f"/proc/{self.pid}/fd"):
            with suppress(FileNotFoundError):
                targets.append(os.readlink(fd.path))
        return sorted(targets)

    def holdings(self) -> dict[str, list[str]]:
        """The resources that it must have released when no call is left."""
        return {
            "descriptors": self.descriptors(),
            "processes": [str(pid) for pid in self.processes()],
            "files": os.listdir(self.files.name),
        }

    def wait_for_holdings(self, before: dict[str, list[str]]) -> None:
        """Waits until it holds exactly what it held before."""

        def difference() -> str:
            after = self.holdings()
            return "" if after == before else f"{before} has become {after}"

        wait_for("the desk to give everything back", difference, lambda: time.sleep(0.001))

    def memory(self) -> Memory:
        return memory(self.pid)

    def memory_of_processes(self) -> Memory:
        return sum(map(memory, self.processes()), Memory())

    def cpu(self) -> tuple[float, float]:
        """CPU seconds of the server, and of its reaped children (proc(5), stat)."""
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        user, system, reaped_user, reaped_system = (int(ticks) for ticks in stat[11:15])
        tick: int = os.sysconf("SC_CLK_TCK")
        return (user + system) / tick, (reaped_user + reaped_system) / tick
