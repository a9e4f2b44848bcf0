# SPDX-License-Identifier: MIT
"""history: what was asked and what was answered, in memory and as a file that can be checked again later.

The file is JSON, one object a line, UTF-8. The first line is

    {"drill":1,"run":"drill-5f2c","url":...,"seed":...,"clients":...}

1 is the version of this format. A line with "op" is one logical call, which may have been several requests with one
Idempotency-Key. Members that are null are left out:

    n          its number in this file, from 1; calls stand in the order in which they ended
    client     who made it; calls of one client do not overlap
    op         set, create, cas, delete, get on a key; enqueue, dequeue, peek on a queue
    name       the key or queue
    value      what set, create, cas and enqueue bring. Every value of a run is different. Values are written here
               without the filling that some have on the wire (values.py)
    expect     cas: the version that it asks for. create asks for none
    start_ns   when its first request was sent, and
    end_ns     when its last answer was read (or given up): nanoseconds of CLOCK_MONOTONIC since the run began. A read
               that was sent again begins with its last request, and
    asked_ns   is when its first one was sent
    outcome    done      it was answered with success
               refused   it was answered that it does not apply: no such key, empty, another version
               unknown   no answer that tells; it may have happened, or may happen yet, once
               never     it was refused on its way (walkvd unreachable, storage full), so it has not happened
               odd       an answer that does not belong: wrong status, wrong body. It may have happened
    status     of the last answer, and
    code       its "code", if it was a failure
    got        get, dequeue, peek: the value that came
    version    ETag; of a 412 the version that its body names
    absent     true: a 412 that says there is no such key
    lsn        Walkv-Lsn
    size       enqueue: the size in the answer
    replayed   true: the answer had Idempotency-Replayed
    tries      requests sent, when more than one; `failures` has a word for each that failed
    phase      before (no kills yet), during, drain (queues emptied at the end), final (keys read at the end)
    detail     odd: what was odd

A line with "event" is not a call: {"event":"kill","what":"worker","pid":...,"at_ns":...}, and
{"event":"listing","keys":[...],"queues":{name:size}}: what the lists said at the very end, and {"event":"end"}: the
history is whole. To change the format: bump the number, go on reading the old one, and add a test to checker_test.py.
"""

import json

FORMAT = 1

KEY_OPS = ("set", "create", "cas", "delete", "get")
QUEUE_OPS = ("enqueue", "dequeue", "peek")
OUTCOMES = ("done", "refused", "unknown", "never", "odd")
PHASES = ("before", "during", "drain", "final")
WRITES = frozenset(("set", "create", "cas", "delete", "enqueue", "dequeue"))

_FIELDS = ("n", "client", "op", "name", "value", "expect", "start_ns", "end_ns", "asked_ns", "outcome", "status", "code",
           "got", "version", "absent", "lsn", "size", "replayed", "tries", "failures", "phase", "detail")


class Op:
    """One logical call; see the top of this file for its members."""

    __slots__ = _FIELDS

    def __init__(self, **members):
        for name in _FIELDS:
            setattr(self, name, members.pop(name, None))
        if members:
            raise ValueError(f"a call has no {', '.join(members)}")

    @property
    def waited_since_ns(self):
        return self.start_ns if self.asked_ns is None else self.asked_ns

    def as_dict(self):
        return {name: value for name in _FIELDS if (value := getattr(self, name)) is not None}

    def __repr__(self):
        """As a report shows it."""
        what = {"cas": f" {self.value} if version {self.expect}", "delete": "", "get": "", "dequeue": "", "peek": ""}
        answer = [self.outcome or "?"]
        answer += [f"{word} {value}" for word in ("status", "got", "version", "lsn", "size")
                   if (value := getattr(self, word)) is not None]
        end = "?" if self.end_ns is None else f"{self.end_ns / 1e9:.6f}"
        return (f"#{self.n} client {self.client} {self.start_ns / 1e9:.6f}-{end} s: {self.op} {self.name}"
                f"{what.get(self.op, f' {self.value}')} -> {', '.join(answer)}")


class BadHistory(Exception):
    """The file is not a history; says line and reason."""


class History:
    """Calls and events of one run. With a file, each is written as it comes."""

    def __init__(self, header, file=None):
        self.header = {"drill": FORMAT, **header}
        self.ops, self.events = [], []
        self.file = file
        self._write(self.header)

    def add(self, op):
        self.ops.append(op)
        op.n = len(self.ops)
        self._write(op.as_dict())

    def event(self, name, **members):
        self.events.append({"event": name, **members})
        self._write(self.events[-1])

    def _write(self, members):
        if self.file:
            self.file.write(json.dumps(members, separators=(",", ":"), ensure_ascii=False) + "\n")

    def objects(self):
        """{("key" | "queue", name): [Op ...]}"""
        found = {}
        for op in self.ops:
            found.setdefault(("key" if op.op in KEY_OPS else "queue", op.name), []).append(op)
        return found

    def last_event(self, name):
        return next((e for e in reversed(self.events) if e["event"] == name), None)


def _op_of(members):
    op = Op(**members)
    numbers = (op.n, op.client, op.start_ns)
    if op.op not in KEY_OPS + QUEUE_OPS or op.outcome not in OUTCOMES or not isinstance(op.name, str):
        raise ValueError("not a call: op, outcome or name")
    if not all(isinstance(number, int) for number in numbers):
        raise ValueError("not a call: n, client and start_ns are numbers")
    if op.outcome in ("done", "refused") and (not isinstance(op.end_ns, int) or op.end_ns < op.start_ns):
        raise ValueError("an answer comes after its request")
    if op.op in ("set", "create", "cas", "enqueue") and not isinstance(op.value, str):
        raise ValueError(f"{op.op} needs a value")
    return op


def read(lines):
    """A History from the lines of a file. Raises BadHistory."""
    history, number = None, 0
    for number, line in enumerate(lines, 1):
        try:
            members = json.loads(line)
            if not isinstance(members, dict):
                raise ValueError("not an object")
            if history is None:
                if members.get("drill") != FORMAT:
                    raise ValueError(f"the first line does not say that this is a history of format {FORMAT}")
                del members["drill"]
                history = History(members)
            elif "event" in members:
                history.events.append(members)
            else:
                history.ops.append(_op_of(members))
        except (ValueError, TypeError) as error:
            raise BadHistory(f"line {number}: {error}") from None
    if history is None:
        raise BadHistory("the file is empty")
    return history
