# SPDX-License-Identifier: MIT
"""client: one HTTP/1.1 connection, and what can become of a request on it.

Small and strict, because what it calls an answer is evidence. It never sends a request twice: whether that is
right is for the caller to decide (call.py). Each way to fail says whether the request may have reached the server.
"""

import asyncio
import json
import ssl
from urllib.parse import urlsplit

HEAD_MAX, BODY_MAX = 64 << 10, 64 << 20
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quote(name):
    """A key or queue name as one path segment."""
    return "".join(chr(b) if b in _UNRESERVED else f"%{b:02X}" for b in name.encode())


class Failed(Exception):
    """No answer. `sent` tells whether the request may have arrived; `kind` is the word for the report."""

    def __init__(self, kind, sent):
        super().__init__(kind)
        self.kind, self.sent = kind, sent


class Malformed(Exception):
    """The answer is not HTTP/1.1, or not what a JSON API sends."""


class Target:
    """Where the instance is: the URL taken apart."""

    def __init__(self, url):
        parts = urlsplit(url if "://" in url else "http://" + url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{url!r} is not an http:// or https:// URL")
        self.host = parts.hostname
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.port = parts.port or (443 if self.tls else 80)
        self.netloc = parts.netloc.rpartition("@")[2]
        self.base = parts.path.rstrip("/")
        self.url = f"{parts.scheme}://{self.netloc}{self.base}"


class Answer:
    __slots__ = ("status", "headers", "body", "closes")

    def __init__(self, status, headers, body, closes):
        self.status, self.headers, self.body, self.closes = status, headers, body, closes

    def json(self):
        """The body as an object, or an empty one: a proxy's error page has none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def number(self, name):
        """A header that is a number, perhaps in quotes, as an int; None when it is not there."""
        text = self.headers.get(name, "").strip('"')
        return int(text) if text.isdigit() else None


class Connection(asyncio.Protocol):
    """Use connect(), then request() one after the other, while `open`."""

    def __init__(self):
        self.transport = None
        self.open = False
        self.waiting = None
        self.method = None
        self.buffer = bytearray()
        self.ended = asyncio.Event()

    @classmethod
    async def connect(cls, target, patience_s=5.0):
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(patience_s):
                _, connection = await loop.create_connection(cls, target.host, target.port, ssl=target.tls)
        except ConnectionRefusedError:
            raise Failed("refused", False) from None
        except TimeoutError:
            raise Failed("connect timeout", False) from None
        except OSError as error:
            # Several addresses, all of them refused, come as one error without a number.
            kind = "refused" if "refused" in str(error).lower() or "Connect call failed" in str(error) else "connect failed"
            raise Failed(kind, False) from None
        connection.target = target
        return connection

    async def request(self, method, path, body=None, headers=None, patience_s=10.0):
        """Sends one request and waits for its answer. Raises Failed, after which the connection is closed."""
        if not self.open:
            raise Failed("closed", False)
        lines = [f"{method} {self.target.base}{path} HTTP/1.1", f"Host: {self.target.netloc}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        loop = asyncio.get_running_loop()
        self.method, self.waiting = method, loop.create_future()
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
        timer = loop.call_later(patience_s, self._fail, Failed("timeout", True))
        try:
            answer = await self.waiting
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            timer.cancel()
            self.waiting = None
        if answer.closes:
            self.close()
        return answer

    def close(self):
        self.open = False
        if self.transport:
            self.transport.abort()

    # what the event loop calls

    def connection_made(self, transport):
        self.transport, self.open = transport, True

    def connection_lost(self, error):
        self._fail(Failed("reset", True))
        self.ended.set()

    def data_received(self, data):
        self.buffer += data
        if self.waiting is None or self.waiting.done():
            self.close()  # nobody asked
            return
        try:
            answer = self._parse()
        except (ValueError, Malformed) as error:
            self._fail(Malformed(f"{error}: {bytes(self.buffer[:300])!r}"))
            return
        if answer:
            if self.buffer:
                self._fail(Malformed(f"more than one answer: {bytes(self.buffer[:300])!r}"))
                return
            self.waiting.set_result(answer)

    def _fail(self, error):
        self.open = False
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(error)
        if self.transport:
            self.transport.abort()

    def _parse(self):
        """Takes one whole answer from the buffer; None while it is not whole."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > HEAD_MAX:
                raise Malformed("the head is too long")
            return None
        lines = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")
        version, status, *_ = lines[0].split(" ", 2)
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            raise Malformed("not HTTP/1.1")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise Malformed("a header without a colon")
            headers[name.lower()] = value.strip()
        status, start = int(status), end + 4
        if status == 304 or status == 204 or self.method == "HEAD":
            body, after = b"", start
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            whole = self._chunks(start)
            if whole is None:
                return None
            body, after = whole
        else:
            after = start + int(headers["content-length"]) if "content-length" in headers else None
            if after is None:
                raise Malformed("neither Content-Length nor chunks")
            if after - start > BODY_MAX:
                raise Malformed("the body is too long")
            if len(self.buffer) < after:
                return None
            body = bytes(self.buffer[start:after])
        del self.buffer[:after]
        closes = version == "HTTP/1.0" or "close" in headers.get("connection", "").lower()
        return Answer(status, headers, body, closes)

    def _chunks(self, at):
        body = bytearray()
        while True:
            end = self.buffer.find(b"\r\n", at)
            if end < 0:
                return None
            size = int(bytes(self.buffer[at:end]).split(b";")[0], 16)
            at = end + 2
            if len(self.buffer) < at + size + 2:
                return None
            if self.buffer[at + size : at + size + 2] != b"\r\n":
                raise Malformed("a chunk without its end")
            if size == 0:
                return bytes(body), at + 2
            body += self.buffer[at : at + size]
            if len(body) > BODY_MAX:
                raise Malformed("the body is too long")
            at += size + 2


async def ask(target, method, path, patience_s=5.0):
    """One request on a connection of its own."""
    connection = await Connection.connect(target, patience_s)
    try:
        return await connection.request(method, path, patience_s=patience_s)
    finally:
        connection.close()
