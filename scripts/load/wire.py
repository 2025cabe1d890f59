"""The frames of the protocol, written from docs/PROTOCOL.md alone."""

from __future__ import annotations

from collections.abc import Iterator

HELLO, TEXT, BYE = b"H", b"T", b"B"


def frame(tag: bytes, payload: bytes) -> bytes:
    return tag + len(payload).to_bytes(2, "big") + payload


def hello(name: str) -> bytes:
    return frame(HELLO, b"\x01\x00" + name.encode())


def text(line: str) -> bytes:
    return frame(TEXT, line.encode())


def bye() -> bytes:
    return frame(BYE, b"")


def take_frames(received: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """Removes the complete frames from what was received; yields their tags and payloads."""
    while len(received) >= 3:
        end = 3 + int.from_bytes(received[1:3], "big")
        if len(received) < end:
            return
        whole = bytes(received[:end])
        del received[:end]
        yield whole[:1], whole[3:]
