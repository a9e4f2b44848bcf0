# SPDX-License-Identifier: MIT
"""raw_frames: the protocol of walkvd's Unix socket (common/frame.h) in Python, for both ends: `Peer` speaks to a walkvd as
a worker or walkvctl does, or as neither would, and `Stand` is in the place of walkvd, for what walkvctl does with
answers that walkvd does not give."""

import os
import socket
import struct
import threading
import time

from walkv import PATIENCE_S

MAGIC, PROTOCOL = 0x31564B57, 4
HELLO, GREETING, WRITE, RESULT, STATUS, STATUS_REPLY, CHECKPOINT, CHECKPOINT_REPLY, WATCH, CHANGED = range(1, 11)
WORKER, CONTROL = 1, 2
NOOP, SET, DELETE, ENQUEUE, DEQUEUE, CLEAR, FORGET, REFUSE, EXPIRE, DEPART = range(10)
(OK, CREATED, NOT_FOUND, QUEUE_EMPTY, QUEUE_NOT_FOUND, PRECONDITION_FAILED, STORAGE_FULL, UNAVAILABLE, OUTCOME_UNKNOWN,
 INVALID, MISMATCH, FORBIDDEN) = range(12)
HEADER = struct.Struct("<IIHHI")
WRITE_HEAD = struct.Struct("<BBHIIIQQQ")
RESULT_HEAD = struct.Struct("<HHIQQQ")


def frame(kind, body=b"", id=0, **wrong):
    """One frame; `wrong` replaces fields of its header: magic, length, zero."""
    return HEADER.pack(wrong.get("magic", MAGIC), wrong.get("length", len(body)), kind, wrong.get("zero", 0), id) + body


def boottime_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def hello(protocol=PROTOCOL, role=CONTROL, session=0, sent=0, oldest_ns=None, pid=None):
    oldest_ns = boottime_ns() if oldest_ns is None else oldest_ns
    return frame(HELLO, struct.pack("<IIQQQQ", protocol, role, session, pid or os.getpid(), sent, oldest_ns))


def write(op, name, value=b"", id=0, condition=0, version=0, sequence=0, confirmed=0, key=b""):
    name = name.encode() if isinstance(name, str) else name
    head = WRITE_HEAD.pack(op, condition, len(name), len(value), len(key), 0, version, sequence, confirmed)
    return frame(WRITE, head + name + value + (bytes(16) + key if key else b""), id)


def watch(lsn, id=0):
    return frame(WATCH, struct.pack("<Q", lsn), id)


def text(of):
    raw = of.encode()
    return struct.pack("<H", len(raw)) + raw


def greeting(view_path="/nowhere", protocol=PROTOCOL, max_value_bytes=1 << 20):
    fixed = struct.pack("<II16sQQQII", protocol, 0, b"u" * 16, 1, 10**7, max_value_bytes, 0, 0)
    return frame(GREETING, fixed + text(view_path) + text("0"))


def result(code=OK, id=0, lsn=1):
    return frame(RESULT, RESULT_HEAD.pack(code, 0, 0, lsn, 0, 0), id)


def checkpoint_reply(code=OK, lsn=1, sentence=""):
    return frame(CHECKPOINT_REPLY, struct.pack("<HQ", code, lsn) + text(sentence), 1)


class Ended(ConnectionError):
    """The other side has closed."""


class Stream:
    """A connected socket from which whole frames are read."""

    def __init__(self, connected):
        self.socket = connected
        self.socket.settimeout(PATIENCE_S)
        self.pending = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, *frames):
        self.socket.sendall(b"".join(frames))

    def _exactly(self, count):
        while len(self.pending) < count:
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                raise Ended(bytes(self.pending))
            self.pending += data
        data = bytes(self.pending[:count])
        del self.pending[:count]
        return data

    def receive(self):
        """The next frame: (type, id, body)."""
        magic, length, kind, zero, id = HEADER.unpack(self._exactly(HEADER.size))
        if magic != MAGIC or zero != 0:
            raise AssertionError(f"not a frame: magic {magic:#x}, {zero}")
        return kind, id, self._exactly(length)

    def expect(self, kind):
        """The next frame, which must be of that type: (id, body)."""
        found, id, body = self.receive()
        if found != kind:
            raise AssertionError(f"a frame of type {found} instead of {kind}: {body[:100]!r}")
        return id, body

    def result(self):
        """The next answer to a write: (id, result, LSN)."""
        id, body = self.expect(RESULT)
        code, _, _, lsn, _, _ = RESULT_HEAD.unpack(body[: RESULT_HEAD.size])
        return id, code, lsn

    def checkpoint_reply(self):
        """The next answer to a checkpoint: (result, LSN, sentence)."""
        _, body = self.expect(CHECKPOINT_REPLY)
        code, lsn, length = struct.unpack("<HQH", body[:12])
        return code, lsn, body[12 : 12 + length].decode()

    def at_end(self):
        """True when the other side closes without another frame."""
        try:
            self.receive()
        except Ended as end:
            return end.args[0] == b""
        return False


class Peer(Stream):
    """A connection to walkvd, greeted unless `greet` is False."""

    def __init__(self, path, greet=True, **options):
        """`options` are those of hello()."""
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(str(path))
        super().__init__(connected)
        if greet:
            self.send(hello(**options))
            self.expect(GREETING)

    def status(self):
        """True when a question for the status is answered."""
        self.send(frame(STATUS, id=77))
        return self.expect(STATUS_REPLY)[0] == 77

    def set(self, name, value=b"1"):
        """Sets a key and returns (result, LSN)."""
        self.send(write(SET, name, value))
        return self.result()[1:]


class Stand:
    """In the place of walkvd: greets one connection and then does what `serve(stream)` says. If that, or the rest of it,
    is never reached because the other side has closed, that is no failure; what else it raises, the `with` raises."""

    def __init__(self, path, serve, welcome=None):
        self.path = str(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.listener.settimeout(PATIENCE_S)
        self.serve, self.welcome = serve, greeting() if welcome is None else welcome
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            with Stream(self.listener.accept()[0]) as stream:
                stream.expect(HELLO)
                stream.send(self.welcome)
                self.serve(stream)
        except (Ended, BrokenPipeError):
            pass
        except Exception as error:
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.thread.join(PATIENCE_S)
        self.listener.close()
        os.unlink(self.path)
        if kind is None and self.error is not None:
            raise self.error
