# SPDX-License-Identifier: MIT
"""A small client of walkvd's Unix socket (common/frame.h) for memory_test.py: one connection, greeted, pipelined.

It is strict about what it receives: anything that the protocol does not allow fails the test. The end of the
connection, whenever it comes, is a ConnectionError."""

import os
import socket
import struct
from collections import deque, namedtuple

MAGIC, PROTOCOL = 0x31564B57, 1
HELLO, GREETING, WRITE, RESULT, STATUS, STATUS_REPLY, CHECKPOINT, CHECKPOINT_REPLY = range(1, 9)
OPS = {"set": 1, "delete": 2, "enqueue": 3, "dequeue": 4, "clear": 5, "forget": 6}
RESULTS = ("ok", "created", "not_found", "queue_empty", "queue_not_found", "precondition_failed", "storage_full",
           "unavailable", "outcome_unknown", "invalid")

HEADER = struct.Struct("<IIHHI")
RESULT_FIXED = struct.Struct("<HHIQQQ")
CHECKPOINT_FIXED = struct.Struct("<HQH")

Result = namedtuple("Result", "result lsn version size value")
Checkpoint = namedtuple("Checkpoint", "result lsn sentence")


def _result(body):
    result, zero, value_bytes, lsn, version, size = RESULT_FIXED.unpack_from(body)
    if zero or len(body) != RESULT_FIXED.size + value_bytes:
        raise AssertionError(f"no result: {body[:64]!r}")
    return Result(RESULTS[result], lsn, version, size, body[RESULT_FIXED.size :])


def _checkpoint(body):
    result, lsn, count = CHECKPOINT_FIXED.unpack_from(body)
    if len(body) != CHECKPOINT_FIXED.size + count:
        raise AssertionError(f"no answer to a checkpoint: {body[:64]!r}")
    return Checkpoint(RESULTS[result], lsn, body[CHECKPOINT_FIXED.size :].decode())


DECODERS = {GREETING: bytes, RESULT: _result, STATUS_REPLY: bytes, CHECKPOINT_REPLY: _checkpoint}


class Frames:
    def __init__(self, path, patience=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(patience)
        self.next_id = 1
        self.out, self.pending, self.asked = bytearray(), bytearray(), deque()
        try:
            self.socket.connect(str(path))
            self._put(HELLO, struct.pack("<IIQQ", PROTOCOL, 1, 0, os.getpid()))
            self.ask()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.socket.close()

    def _put(self, kind, body=b""):
        self.out += HEADER.pack(MAGIC, len(body), kind, 0, self.next_id) + body
        self.asked.append((self.next_id, kind + 1))
        self.next_id += 1

    def put_write(self, op, name, value=b""):
        """`value` is JSON text, as bytes."""
        raw = name.encode()
        self._put(WRITE, struct.pack("<BBHIIIQQ", OPS[op], 0, len(raw), len(value), 0, 0, 0, 0) + raw + value)

    def flush(self):
        self.socket.sendall(self.out)
        self.out.clear()

    def answers(self):
        """Waits for bytes and returns the answers that are whole now, oldest first: perhaps none."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("closed")
        self.pending += data
        found = []
        while len(self.pending) >= HEADER.size:
            magic, size, kind, zero, number = HEADER.unpack_from(self.pending)
            if magic != MAGIC or zero or not self.asked or self.asked[0] != (number, kind):
                raise AssertionError(f"not the next answer: {bytes(self.pending[:64])!r}")
            if len(self.pending) < HEADER.size + size:
                break
            self.asked.popleft()
            found.append(DECODERS[kind](bytes(self.pending[HEADER.size : HEADER.size + size])))
            del self.pending[: HEADER.size + size]
        return found

    def ask(self):
        """Sends what was put and returns the last answer when all are there."""
        self.flush()
        found = []
        while self.asked:
            found = self.answers() or found
        return found[-1]

    def write(self, op, name, value=b""):
        self.put_write(op, name, value)
        return self.ask()

    def status(self):
        self._put(STATUS)
        return self.ask()

    def checkpoint(self):
        self._put(CHECKPOINT)
        return self.ask()
