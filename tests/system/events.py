# SPDX-License-Identifier: MIT
"""A client of GET /api/events, strict about what comes: whole chunks, whole events, ids that never go back."""

import collections
import json

from openapi import contract
from walkv import Closed

KEPT_BYTES = 1 << 16  # of a stream, for openapi.json

Event = collections.namedtuple("Event", "id kind data")


class Refused(AssertionError):
    """An answer that is no stream."""

    def __init__(self, answer):
        super().__init__(repr(answer))
        self.answer = answer


class Events:
    """One stream. `walkv` is whoever has a connect(); `last` is what goes into Last-Event-ID."""

    def __init__(self, walkv, target="/api/events", last=None, headers=None, version="HTTP/1.1", behind=b"",
                 connection=None, sent=0, **options):
        """On `connection`, if given, on which so many bytes of the request have been `sent`; `behind` goes behind it."""
        self.connection = connection or walkv.connect(**options)
        fields = dict(headers or {})
        if last is not None:
            fields["Last-Event-ID"] = str(last)
        try:
            self.connection.socket.sendall(self.connection.head("GET", target, fields, version)[sent:] + behind)
            self.answer = self.connection.response_head()
            if self.answer.status != 200:
                raise Refused(self.answer)
        except BaseException:
            self.connection.close()
            raise
        self.connection.asked.popleft()
        self.target = target
        self.chunked = self.answer.header("Transfer-Encoding") == "chunked"
        self.text = b""  # that has come and is no whole event yet
        self.kept = b""
        self.last = None  # the id that a client would come back with
        self.end = None  # how it ended: "properly", "closed"
        self.hold_to_contract(b"")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close()
        if kind is None:
            self.hold_to_contract(self.kept)

    def close(self):
        self.connection.close()

    def hold_to_contract(self, body):
        contract.check("GET", self.target, 200, self.answer.headers, body, self.connection.proxied)

    # bytes

    def _take(self):
        """Takes what is there out of the framing; False when more has to come first."""
        pending = self.connection.pending
        if not self.chunked:
            taken, self.text = bool(pending), self.text + pending
            pending.clear()
            return taken
        taken = False
        while (line_end := pending.find(b"\r\n")) >= 0:
            size, begin = int(pending[:line_end], 16), line_end + 2
            if len(pending) < begin + size + 2:
                break
            if pending[begin + size : begin + size + 2] != b"\r\n":
                raise AssertionError("chunk without its end")
            self.text += pending[begin : begin + size]
            del pending[: begin + size + 2]
            taken = True
            if size == 0:
                self.end = "properly"
                break
        return taken

    def _more(self):
        """False at the end."""
        while self.end is None and not self._take():
            try:
                self.connection._more()
            except Closed:
                self.end = "closed"
        return self.end is None

    # events

    def _block(self):
        """The next lines up to an empty one, as {name: value}; None at the end."""
        while b"\n\n" not in self.text:
            if not self._more() and b"\n\n" not in self.text:
                return None
        block, _, self.text = self.text.partition(b"\n\n")
        if len(self.kept) < KEPT_BYTES:
            self.kept += block + b"\n\n"
        fields = [line.partition(":") for line in block.decode().split("\n")]
        found = {name: value.removeprefix(" ") for name, _, value in fields}
        if len(found) != len(fields) or "id" not in found:
            raise AssertionError(f"not an event: {block!r}")
        number = int(found["id"])
        if self.last is not None and found.get("event", "reset") != "reset" and number <= self.last:
            raise AssertionError(f"{block!r} came behind {self.last}")
        self.last = number
        return found

    def begin(self):
        """Reads what every stream begins with: it has begun, on the whole way. Returns itself."""
        first = self._block()
        if first is None or set(first) != {"retry", "id"}:
            raise AssertionError(f"a stream that begins with {first}")
        return self

    def next(self):
        """The next event, None at the end."""
        while (block := self._block()) is not None:
            if "event" in block:
                return Event(int(block["id"]), block["event"], json.loads(block["data"]))
        return None

    def comment(self):
        """The id in the comment that comes next, before any event."""
        block = self._block()
        if block is None or "" not in block:
            raise AssertionError(f"{block} instead of a comment")
        return int(block["id"])

    def take(self, count):
        found = []
        while len(found) < count and (event := self.next()):
            found.append(event)
        if len(found) < count:
            raise AssertionError(f"the stream ended ({self.end}) after {found}, and not after {count}")
        return found

    def until(self, lsn):
        """The events up to this one."""
        found = []
        while not found or found[-1].id < lsn:
            found += self.take(1)
        if found[-1].id != lsn:
            raise AssertionError(f"{lsn} did not come, but {found[-1]}")
        return found

    def rest(self):
        """The events up to the end."""
        return list(iter(self.next, None))
