# SPDX-License-Identifier: MIT
"""A real worker at the other end of a socket gives the same answers however the bytes of its requests come: in one
write, in two cut at every position, one by one. Each part has been read before the next is sent; what tells is an
answer to a connection beside."""

import contextlib
import itertools
import re
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
from walkv import SystemTest, main  # noqa: E402

END = b"GET /api/kv/s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
JSON = b"Content-Type: application/json\r\n"
PUT = b"PUT /api/kv/s HTTP/1.1\r\nHost: localhost\r\n" + JSON

# Streams, each to its end: requests in a row, or one that is refused and what comes behind it.
STREAMS = {
    "reads in a row": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /api/kv/none HTTP/1.1\r\nHost: [::1]:1\r\nX: \t y \r\n\r\n"
                      b"\r\nOPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n" + END,
    "length": PUT + b'Content-Length: 11\r\n\r\n{"value":1}' + END,
    "chunks": PUT + b'Transfer-Encoding: chunked\r\n\r\n3;a="b;\\"c"\r\n{"v\r\n08\r\nalue":1}\r\n00\r\n\r\n' + END,
    "absolute and old": b"GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/kv/non%65 HTTP/1.0\r\n\r\n" + END,
    "failures that do not end it": b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n" + PUT + b"Content-Length: 3\r\n\r\n{x}" + END,
    "refused, its body unread": b"POST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n" + END,
    "wrong host": b"GET /livez HTTP/1.1\r\nHost: example.org\r\n\r\n" + END,
    "both lengths": PUT + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + END,
    "bad chunk size": PUT + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5x\r\nhello\r\n0\r\n\r\n" + END,
    "trailer": PUT + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n" + END,
    "bare LF": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\n\n" + END,
    "folded": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n" + END,
    "space before the colon": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX : a\r\n\r\n" + END,
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + END,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + END,
    "not a version": b"GET /livez HTTP/1.#\r\nHost: localhost\r\n\r\n" + END,
}


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.gone = False

    def send(self, data):
        with contextlib.suppress(ConnectionError):  # it has answered and closed
            self.socket.sendall(data)

    def answers(self):
        """All that comes, without what differs between two equal requests."""
        self.socket.shutdown(socket.SHUT_WR)
        got = b""
        while data := self.socket.recv(65536):
            got += data
        self.socket.close()
        got = re.sub(rb'(ETag: "|Walkv-Lsn: |[0-9a-f]{12}-)\d+', rb"\1", got)  # the last: request ids
        return re.sub(rb"Content-Length: \d+(?=[^{]*\{[^{]*request_id)", b"Content-Length: N", got)


class Splits(SystemTest):
    options = {"workers": 1, "walkvd": {"wal_sync": "async"}}

    def setUp(self):
        super().setUp()
        self.walkv.set("s", "1")
        self.probe = self.enterContext(self.walkv.connect())

    def all_read(self):
        """Waits until the worker has read everything: it takes its sockets in the order in which they became readable."""
        self.assertEqual(self.probe.get("/livez").status, 200)

    def whole(self, stream):
        client = Client(self.walkv.port)
        client.send(stream)
        return client.answers()

    def test_what_comes(self):
        """The statuses, for what the other tests compare with."""
        wanted = {
            "reads in a row": (200, 404, 204, 200), "length": (200, 200), "chunks": (200, 200), "absolute and old": (200, 404),
            "failures that do not end it": (404, 400, 200), "refused, its body unread": (404,), "wrong host": (421, 200),
            "both lengths": (400,), "bad chunk size": (400,), "trailer": (400,), "bare LF": (200, 400), "folded": (400,),
            "space before the colon": (400,), "preface of HTTP/2": (505,), "TLS": (400,), "not a version": (400,),
        }
        found = {name: tuple(map(int, re.findall(rb"HTTP/1.1 (\d+)", self.whole(stream)))) for name, stream in STREAMS.items()}
        self.assertEqual(found, wanted)

    def test_cut_in_two_at_every_position(self):
        for name, stream in STREAMS.items():
            wanted = self.whole(stream)
            clients = [Client(self.walkv.port) for _ in range(1, len(stream))]
            for at, client in enumerate(clients, 1):
                client.send(stream[:at])
            self.all_read()
            for at, client in enumerate(clients, 1):
                client.send(stream[at:])
            for at, client in enumerate(clients, 1):
                self.assertEqual(client.answers(), wanted, f"{name}, {stream[:at]}")

    def test_byte_by_byte(self):
        wanted = {name: self.whole(stream) for name, stream in STREAMS.items()}
        clients = {name: Client(self.walkv.port) for name in STREAMS}
        for step in itertools.zip_longest(*STREAMS.values()):
            for client, byte in zip(clients.values(), step):
                if byte is not None:
                    client.send(bytes([byte]))
            self.all_read()
        for name, client in clients.items():
            self.assertEqual(client.answers(), wanted[name], name)

    def test_many_in_a_row(self):
        """A thousand requests in one write, and in parts of many sizes."""
        requests = [b"GET /api/kv/s HTTP/1.1\r\nHost: localhost\r\n\r\n", PUT + b'Content-Length: 11\r\n\r\n{"value":1}',
                    PUT + b'Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\na\r\n"value":1}\r\n0\r\n\r\n']
        stream = b"".join(requests[n % 3] for n in range(1000)) + END
        wanted = self.whole(stream)
        self.assertEqual(wanted.count(b"HTTP/1.1 200 OK"), 1001)
        for size in (997, 4096, 8191, 65536, len(stream) // 2):
            client = Client(self.walkv.port)
            for at in range(0, len(stream), size):
                client.send(stream[at:at + size])
                self.all_read()
            self.assertEqual(client.answers(), wanted, size)


if __name__ == "__main__":
    main()
