#!/usr/bin/env python3
"""Call a talk desk: client.py <host> [<port>]. Exit status 0: the desk has confirmed every line (docs/PROTOCOL.md)."""
import contextlib, getpass, os, socket, sys, threading, time

def frame(tag, payload):
    return tag + len(payload).to_bytes(2, "big") + payload

def send(tag, payload=b""):
    """Sends a frame, before BYE also an ACK, unless BYE has been sent; returns whether it was sent."""
    global left, said
    with sending:
        if left:
            return False
        said += tag in (b"T", b"t")
        ack = frame(b"K", shown.to_bytes(8, "big")) if tag == b"B" and acknowledges else b""
        desk.sendall(ack + frame(tag, payload))
        if left := tag == b"B":
            desk.shutdown(socket.SHUT_WR)
        return True

def acknowledge():
    """Says once a second how many frames have been shown, if there are more."""
    told = 0
    with contextlib.suppress(OSError):
        while not left:
            time.sleep(1)
            if (count := shown) > told:
                send(b"K", count.to_bytes(8, "big"))
                told = count

def say_lines():
    with contextlib.suppress(OSError):  # the other thread notices it as well
        for piece in iter(lambda: sys.stdin.buffer.readline(16384), b""):
            send(b"T" if piece.endswith(b"\n") else b"t", piece.rstrip(b"\n"))
        send(b"B")

def read(length):
    if len(data := stream.read(length)) < length:
        raise EOFError("the desk hung up")
    return data

def show(text):
    if sys.stdout.isatty():  # untrusted text must not control a terminal
        text = "".join(c if c.isprintable() or c in "\t\n" else "?" for c in text.decode(errors="replace")).encode()
    sys.stdout.buffer.write(text)
    sys.stdout.flush()

def converse():
    """Returns when the desk has answered our BYE, and has shown every line if it says what it shows."""
    global acknowledges, shown
    send(b"H", b"\1\x08" + getpass.getuser().encode()[:64])
    answered, confirmed = False, 0
    while True:
        tag, length = read(1), int.from_bytes(read(2), "big")
        if length > {b"H": 66, b"B": 200}.get(tag, 16384) or tag == b"K" and length != 8:
            raise ValueError(f"a frame of {length} bytes is not allowed")
        payload = read(length)
        if tag == b"H":
            if answered or payload[:1] != b"\1" or length < 3:
                raise ValueError("not the HELLO that is expected")
            answered, acknowledges = True, payload[1] & 8 != 0
            desk.settimeout(None)
            for job in [say_lines] + [acknowledge] * acknowledges:
                threading.Thread(target=job, daemon=True).start()
        elif tag in (b"T", b"t"):
            if not answered:
                raise ValueError("text before HELLO")
            show(payload + b"\n" * (tag == b"T"))
            shown += 1
        elif tag == b"K" and acknowledges:
            if not confirmed <= (count := int.from_bytes(payload, "big")) <= said:
                raise ValueError(f"ACK {count} after ACK {confirmed}, with {said} sent")
            confirmed = count
        elif tag == b"B":
            if send(b"B"):
                raise EOFError(f"the desk left first: {payload}")
            if acknowledges and confirmed < said:
                raise EOFError(f"the desk has not shown the last {said - confirmed} frames")
            return

desk = socket.create_connection((sys.argv[1], int((sys.argv[2:] or [8255])[0])), timeout=60)
stream, sending, left, status = desk.makefile("rb"), threading.Lock(), False, 1
acknowledges, said, shown = False, 0, 0
try:
    converse()
    status = 0
except (EOFError, OSError) as why:
    print("client.py:", why, file=sys.stderr)
except ValueError as why:
    print("client.py: protocol error:", why, file=sys.stderr)
    with contextlib.suppress(OSError):
        send(b"B", f"protocol error: {why}".encode())
        desk.settimeout(2)
        while desk.recv(65536):  # closing with unread data resets the connection, and the desk might lose our reason
            pass
os._exit(status)  # the other thread may still wait for standard input
