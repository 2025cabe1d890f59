"""The programs of the bench: both builds of talk, the small programs built here, and the versions of all others. The
invariant: everything that is built is under target/, and is rebuilt when its source has changed."""

import os
import platform
import re
import subprocess
from functools import cache
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BUILT = TARGET / "bench"

COMPETITORS = {
    "nc": ["dpkg-query", "-W", "-f", "${Version}", "netcat-openbsd"],
    "ncat": ["ncat", "--version"],
    "socat": ["socat", "-V"],
    "tcpserver": ["dpkg-query", "-W", "-f", "${Version}", "ucspi-tcp"],
    "xterm": ["xterm", "-version"],
    "tmux": ["tmux", "-V"],
    "valgrind": ["valgrind", "--version"],
    "cc": ["cc", "--version"],
    "rustc": ["rustc", "--version"],
}


def output(command):
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return said.stdout


def build(source, command):
    """The program of a source; builds it if it is out of date."""
    BUILT.mkdir(parents=True, exist_ok=True)
    program = BUILT / command[-1]
    newest = max(path.stat().st_mtime for path in (source, BENCH / "c" / "bench.h"))
    if not program.exists() or program.stat().st_mtime < newest:
        subprocess.run([*command[:-1], program, source], check=True)
    return program


@cache
def c(name):
    """A C program of the bench."""
    return build(BENCH / "c" / f"{name}.c", ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", name])


@cache
def musl():
    """The Rust target of static executables for this machine."""
    host = re.search(r"^host: (.*)$", output(["rustc", "-vV"]), re.MULTILINE)[1]
    target = host.replace("-gnu", "-musl")
    if target not in output(["rustup", "target", "list", "--installed"]).split():
        raise SystemExit(f"bench: static executables cannot be built here; run: rustup target add {target}")
    return target


@cache
def minimal(static=False):
    """The smallest Rust program with std."""
    how = ["--target", musl()] if static else []
    name = "minimal-static" if static else "minimal"
    optimised = ["-O", "-C", "panic=abort", "-C", "strip=symbols", "--edition", "2024"]
    return build(BENCH / "minimal.rs", ["rustc", *optimised, *how, "-o", name])


def cargo(command):
    """The output of cargo, which builds under the same target/ as everything here."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True).stdout


@cache
def talk(static=False):
    """talk as it is released."""
    how = ["--target", musl()] if static else []
    cargo(["cargo", "build", "--release", "--locked", "--quiet", *how])
    return TARGET / (musl() if static else "") / "release" / "talk"


@cache
def versions():
    """The programs that are compared: name -> version."""
    found = {"talk": output([talk(), "--version"]).split()[1]}
    for name, command in COMPETITORS.items():
        found[name] = re.search(r"\d+\.[\w.+-]+|(?<=XTerm\()\d+", output(command))[0]
    return found


def machine():
    """The machine that the bench runs on: property -> value."""
    processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {
        "processor": processor[1] if processor else platform.machine(),
        "cores": f"{len(os.sched_getaffinity(0))}",
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "distribution": platform.freedesktop_os_release()["PRETTY_NAME"],
        "load before": f"{os.getloadavg()[0]:.2f}",
    }
