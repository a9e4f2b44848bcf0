# SPDX-License-Identifier: MIT
"""A crowd of connections that want to use up a worker, in a process of its own: tests/http/crowd.py KIND COUNT PORT.

    idle    connects and says nothing
    head    sends a head, a byte at a time and never the end of it
    body    sends a body like that
    read    asks for a lot and reads nothing
    full    sends the largest head that is allowed, but for its last byte
    large   sends the largest body that is allowed, but for its last byte

Writes `ready` when all are connected and have begun. Then the bytes trickle, until the worker has closed every one of
them or standard input ends; the last line counts how they ended: `STATUS N`, `silent N`, `reset N`, `open N`."""

import collections
import contextlib
import re
import selectors
import socket
import sys
import time

TRICKLE_S = 0.25
HOST = b"Host: localhost\r\n"
BODY = b"PUT /api/kv/crowd HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
HEAD = b"GET /livez HTTP/1.1\r\n" + HOST + b"X: "
LINE = b"GET /livez?" + b"x" * (8192 - 22) + b" HTTP/1.1\r\n"
LARGEST = (1 << 20) + 65536  # max_value_size and what a body may have around it

# What is sent at once, and whether more bytes follow.
KINDS = {
    "idle": (b"", False),
    "head": (HEAD, True),
    "body": (BODY % 1_000_000 + b'{"value":"', True),
    "read": (b"GET /api/kv HTTP/1.1\r\n" + HOST + b"\r\n", False),
    "full": (LINE + HOST + b"X: " + b"x" * (16384 - len(HOST) - 3 - 5), False),
    "large": (BODY % LARGEST + b" " * (LARGEST - 1), False),
}


def main():
    kind, count, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    start, trickles = KINDS[kind]
    selector = selectors.DefaultSelector()
    ends = collections.Counter()
    got = {}
    for _ in range(count):
        s = socket.socket()
        if kind == "read":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(start)
        s.setblocking(False)
        got[s] = b""
        if kind != "read":
            selector.register(s, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)

    def end(s, how):
        ends[how] += 1
        with contextlib.suppress(KeyError):
            selector.unregister(s)
        s.close()
        del got[s]

    due = time.monotonic() + TRICKLE_S
    while got:
        for key, _ in selector.select(max(0, due - time.monotonic())):
            s = key.fileobj
            if s is sys.stdin:
                ends["open"] += len(got)
                got.clear()
                break
            try:
                data = s.recv(65536)
            except ConnectionError:
                end(s, "reset")
                continue
            got[s] += data
            if not data:
                status = re.match(rb"HTTP/1.1 (\d+)", got[s])
                end(s, status[1].decode() if status else "silent")
        if time.monotonic() >= due:
            due = time.monotonic() + TRICKLE_S
            for s in list(got) if trickles or kind == "read" else ():
                try:  # what does not read sees its end when it sends
                    s.send(b"x" if trickles else b"\r\n")
                except BlockingIOError:
                    pass
                except ConnectionError:
                    if kind == "read":
                        end(s, "reset")
    print(", ".join(f"{how} {number}" for how, number in sorted(ends.items())), flush=True)


if __name__ == "__main__":
    main()
