"""Measuring: rounds in which every contestant takes a turn, programs pinned to one core, and statistics. The invariant:
every value of every round counts; none is discarded."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

DEADLINE = 60
"""Seconds to wait for something that must happen before the bench fails."""


@dataclass
class Effort:
    """How much to measure: everything, or what fits into two minutes."""

    quick: bool

    def of(self, full, quick):
        return quick if self.quick else full


@dataclass
class Series:
    """The values of one contestant, one for each round."""

    values: list[float]

    @property
    def median(self):
        return median(self.values)

    @property
    def low(self):
        return min(self.values)

    @property
    def high(self):
        return max(self.values)


def percentile(values, share):
    """The value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rounds(count, contestants):
    """Runs every contestant (name -> function) once in each round: A B C A B C. Returns name -> results."""
    results = {name: [] for name in contestants}
    for number in range(count):
        for name, turn in contestants.items():
            progress(f"round {number + 1} of {count}: {name}")
            results[name].append(turn())
    progress("")
    return results


def series(results, value=lambda result: result):
    """Name -> Series, of one value of each result."""
    return {name: Series([value(result) for result in all]) for name, all in results.items()}


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def cores(pinned):
    """If `pinned`, everything started within the block runs on one core."""
    every = os.sched_getaffinity(0)
    if pinned:
        os.sched_setaffinity(0, {max(every)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, every)


@contextlib.contextmanager
def running(command, **how):
    """A program that runs for as long as the block."""
    how = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **how}
    program = subprocess.Popen([str(word) for word in command], start_new_session=True, **how)
    try:
        yield program
    finally:
        for stream in (program.stdin, program.stdout):
            if stream:
                stream.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def numbers(command, **how):
    """Runs a measuring program and returns the numbers that it printed, a list for each line."""
    words = [str(word) for word in command]
    output = subprocess.run(words, check=True, stdout=subprocess.PIPE, **how).stdout
    return [[int(number) for number in line.split()] for line in output.splitlines()]


def wait_for(what, found):
    """Polls `found` until it returns something, and returns that. For what no event announces."""
    deadline = time.monotonic() + DEADLINE
    while not (result := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.005)
    return result


@contextlib.contextmanager
def traced(pids):
    """Counts the system calls that these processes complete; the list holds their number when the block is over."""
    words = ["strace", "-c", "-f", *(word for pid in pids for word in ("-p", str(pid)))]
    counted = []
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as strace:
        for _ in pids:
            while "attached" not in strace.stderr.readline():
                assert strace.poll() is None, "strace cannot attach"
        yield counted
        strace.send_signal(signal.SIGINT)
        # The last row of strace's table: % of time, seconds, microseconds of a call, calls, errors if any, "total".
        table = [line.split() for line in strace.stderr]
        counted.append(sum(int(row[3]) for row in table if row[-1:] == ["total"]))


def settled(look):
    """Looks until two looks in a row give the same value, and returns that value."""
    seen = [look()]

    def unchanged():
        time.sleep(0.1)
        seen.append(look())
        return seen[-1] == seen[-2]

    wait_for("something to settle", unchanged)
    return seen[-1]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


LISTENING, ESTABLISHED = "0A", "01"


def connections(port, state):
    """The number of sockets bound to `port` on this machine that are in a state (proc_net_tcp.rst)."""
    rows = []
    for table in ("tcp", "tcp6"):
        rows += Path("/proc/net", table).read_text().splitlines()[1:]
    ours = f":{port:04X}"
    return sum(row.split()[1].endswith(ours) and row.split()[3] == state for row in rows)


def wait_for_listener(port):
    wait_for(f"somebody to listen on port {port}", lambda: connections(port, LISTENING))
