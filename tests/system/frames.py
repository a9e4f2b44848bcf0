# SPDX-License-Identifier: MIT
"""A client of walkvd's Unix socket that speaks its frames (common/frame.h), pipelined: for tests that want hundreds of
writes acknowledged within milliseconds, or walkvd without a worker in between.

It is strict about what it receives: a byte that the protocol does not allow, an answer out of order or to nothing that
was asked fails the test with an AssertionError. It knows no more than one connection; what the answers mean is the
test's business.
"""

import os
import re
import socket
import struct
import time
from collections import deque, namedtuple

from walkv import PATIENCE_S, ROOT, Closed

MAGIC, PROTOCOL, BODY_MAX = 0x31564B57, 4, 64 * 1024 * 1024 + 65536
HELLO, GREETING, WRITE, RESULT, STATUS, STATUS_REPLY, CHECKPOINT, CHECKPOINT_REPLY = range(1, 9)
WORKER, CONTROL = 1, 2
ANSWER_TO = {HELLO: GREETING, WRITE: RESULT, STATUS: STATUS_REPLY, CHECKPOINT: CHECKPOINT_REPLY}

OPS = {"set": 1, "delete": 2, "enqueue": 3, "dequeue": 4, "clear": 5, "forget": 6}
RESULTS = ("ok", "created", "not_found", "queue_empty", "queue_not_found", "precondition_failed", "storage_full",
           "unavailable", "outcome_unknown", "invalid", "mismatch", "forbidden")
CONDITIONS = {None: 0, "exists": 1, "absent": 2, "version": 3, "update": 4, "update_version": 5}
DONE = ("ok", "created")
NS_PER_S = 1000000000

HEADER = struct.Struct("<IIHHI")
HELLO_BODY = struct.Struct("<IIQQQQ")
GREETING_FIXED = struct.Struct("<II16sQQQII")
WRITE_FIXED = struct.Struct("<BBHIIIQQQ")
RESULT_FIXED = struct.Struct("<HHIQQQ")
CHECKPOINT_FIXED = struct.Struct("<HQ")

Greeting = namedtuple("Greeting", "protocol wal_sync_async uuid generation view_grace_ns max_value_bytes in_force "
                      "view_path version")
Result = namedtuple("Result", "result lsn version size value replayed", defaults=(False,))
Checkpoint = namedtuple("Checkpoint", "result lsn sentence")


def boottime_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _status_names():
    """(numbers, texts) of the table in common/status.h."""
    source = (ROOT / "common" / "status.h").read_text()
    tables = [re.search(rf"#define {table}\(X\)(.*?[^\\])\n", source, re.DOTALL)[1] for table in
              ("STATUS_NUMBERS", "STATUS_TEXTS")]
    return tuple(re.findall(r"X\((\w+)\)", table) for table in tables)


STATUS_NUMBERS, STATUS_TEXTS = _status_names()


def must(condition, what):
    if not condition:
        raise AssertionError(f"walkvd sent {what}")


def _text(body, at):
    must(len(body) >= at + 2, f"a text without its length: {body!r}")
    (count,) = struct.unpack_from("<H", body, at)
    must(len(body) >= at + 2 + count, f"a text that is cut off: {body!r}")
    return body[at + 2 : at + 2 + count].decode("utf-8"), at + 2 + count


def _greeting(body):
    must(len(body) >= GREETING_FIXED.size, f"a short greeting: {body!r}")
    view_path, at = _text(body, GREETING_FIXED.size)
    version, at = _text(body, at)
    must(at == len(body), f"a greeting with {len(body) - at} bytes left over")
    *fixed, in_force, zero = GREETING_FIXED.unpack_from(body)
    must(in_force <= 1 and zero == 0, f"no greeting: {body!r}")
    return Greeting(*fixed, in_force == 1, view_path, version)


def _result(body):
    must(len(body) >= RESULT_FIXED.size, f"a short result: {body!r}")
    result, replayed, value_bytes, lsn, version, size = RESULT_FIXED.unpack_from(body)
    must(result < len(RESULTS) and replayed <= 1 and len(body) == RESULT_FIXED.size + value_bytes,
         f"no result: {body!r}")
    return Result(RESULTS[result], lsn, version, size, body[RESULT_FIXED.size :], replayed == 1)


def _status(body):
    numbers = struct.Struct(f"<{len(STATUS_NUMBERS)}Q")
    must(len(body) >= numbers.size, f"a short status: {body!r}")
    status, at = dict(zip(STATUS_NUMBERS, numbers.unpack_from(body))), numbers.size
    for name in STATUS_TEXTS:
        status[name], at = _text(body, at)
    must(at == len(body), f"a status with {len(body) - at} bytes left over")
    return status


def _checkpoint(body):
    must(len(body) >= CHECKPOINT_FIXED.size, f"a short answer to a checkpoint: {body!r}")
    result, lsn = CHECKPOINT_FIXED.unpack_from(body)
    sentence, at = _text(body, CHECKPOINT_FIXED.size)
    must(result < len(RESULTS) and at == len(body), f"no answer to a checkpoint: {body!r}")
    return Checkpoint(RESULTS[result], lsn, sentence)


DECODERS = {GREETING: _greeting, RESULT: _result, STATUS_REPLY: _status, CHECKPOINT_REPLY: _checkpoint}


class Frames:
    """One connection, greeted. put_*() only collect, flush() sends, answers() reads what has come.

    `session` is a number below 2^32, together with the process the session's name; `sent` the last sequence that may
    have been sent in it before, the oldest of them at `oldest_ns` of CLOCK_BOOTTIME (None: just now). Whether it is in
    force is in `greeting`."""

    def __init__(self, path, role=WORKER, patience=PATIENCE_S, session=0, sent=0, oldest_ns=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(patience)
        self.next_id = 1
        self.out, self.pending = bytearray(), bytearray()
        self.asked = deque()  # (id, type) of what is not answered, in order
        try:
            self.socket.connect(str(path))
            self._put(HELLO, HELLO_BODY.pack(PROTOCOL, role, session, os.getpid(), sent,
                                             boottime_ns() if oldest_ns is None else oldest_ns))
            self.greeting = self.ask()
            must(self.greeting.protocol == PROTOCOL, f"protocol {self.greeting.protocol}")
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # out

    def _put(self, kind, body=b""):
        self.out += HEADER.pack(MAGIC, len(body), kind, 0, self.next_id) + body
        self.asked.append((self.next_id, kind))
        self.next_id = (self.next_id + 1) & 0xFFFFFFFF

    def put_write(self, op, name, value=b"", sequence=0, confirmed=0, key=b"", fingerprint=bytes(16), condition=None,
                  version=0):
        """`value` is JSON text, as bytes; `sequence` and `confirmed` are of the session, `key` an idempotency key."""
        name = name.encode()
        fixed = WRITE_FIXED.pack(OPS[op], CONDITIONS[condition], len(name), len(value), len(key), 0, version, sequence,
                                 confirmed)
        self._put(WRITE, fixed + name + value + (fingerprint + key if key else b""))

    def put_status(self):
        self._put(STATUS)

    def put_checkpoint(self):
        """Ask for nothing behind it until it is answered: what follows would be answered first."""
        self._put(CHECKPOINT)

    def flush(self):
        """Sends what was put. The caller keeps it small enough for walkvd to take without its answers being read."""
        self.socket.sendall(self.out)
        self.out.clear()

    # in

    def answers(self):
        """Waits for bytes and returns the answers that are whole now, oldest first: perhaps none. Raises Closed (or
        another ConnectionError) at the end of the connection."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise Closed(bytes(self.pending))
        self.pending += data
        found, at = [], 0
        while len(self.pending) - at >= HEADER.size:
            magic, size, kind, zero, number = HEADER.unpack_from(self.pending, at)
            must(magic == MAGIC and zero == 0 and size <= BODY_MAX, f"no frame: {bytes(self.pending[at : at + 16])!r}")
            if len(self.pending) - at - HEADER.size < size:
                break
            must(self.asked, f"a frame of type {kind} that nobody asked for")
            asked, what = self.asked.popleft()
            must((number, kind) == (asked, ANSWER_TO[what]),
                 f"answer {number} of type {kind}, and the next is {asked} of type {ANSWER_TO[what]}")
            at += HEADER.size
            found.append(DECODERS[kind](bytes(self.pending[at : at + size])))
            at += size
        del self.pending[:at]
        return found

    def ask(self):
        """Sends what was put and returns the last answer when all are there."""
        self.flush()
        found = []
        while self.asked:
            found = self.answers() or found
        return found[-1]

    def write(self, op, name, value=b"", **identity):
        self.put_write(op, name, value, **identity)
        return self.ask()

    def status(self):
        self.put_status()
        return self.ask()

    def checkpoint(self):
        self.put_checkpoint()
        return self.ask()
