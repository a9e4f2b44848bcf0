# SPDX-License-Identifier: MIT
"""The limits of a connection (API section 5, and the statuses of section 1), each from outside: the status, that the
client really gets it although it was still sending, a clean end behind it, and a client beside it that notices nothing.

Times are made short by settings. Nothing here measures: a rule about time is seen by what happens before what, with a
second connection as the clock where something must not happen."""

import contextlib
import select
import signal
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
from walkv import Closed, SystemTest, main, wait_until  # noqa: E402

MIB = 1 << 20
HUGE = "1h"  # a time that never comes
POST = "POST /api/kv/k HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"

# What is sent, and the answer to it, which ends the connection.
REFUSED = (
    ("request line too long", "GET /" + "x" * 8192, 414, "uri_too_long"),
    ("header section too large", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "x" * 16384, 431, "headers_too_large"),
    ("too many fields", "GET / HTTP/1.1\r\nHost: localhost\r\n" + "X:\r\n" * 64, 431, "headers_too_large"),
    ("announced body too large", POST + "Content-Length: 1073741824\r\n\r\n", 413, "too_large"),
    ("chunk too large", CHUNKED + "40000000\r\n", 413, "too_large"),
    ("chunks too large", CHUNKED + ("10000\r\n" + "x" * 65536 + "\r\n") * 17 + "10000\r\n", 413, "too_large"),
    ("body over 64 bits", POST + "Content-Length: 18446744073709551616\r\n\r\n", 400, "bad_request"),
    ("chunk size of 17 digits", CHUNKED + "00000000000000001\r\n", 400, "bad_request"),
    ("chunk extensions too long", CHUNKED + "1;" + "x" * 256 + "\r\n", 400, "bad_request"),
    ("trailer", CHUNKED + '2\r\n{}\r\n0\r\nX: y\r\n', 400, "bad_request"),
    ("both lengths", POST + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_request"),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad_request"),
    ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version_not_supported"),
    ("unknown method", "BREW / HTTP/1.1\r\n", 501, "not_implemented"),
    ("other coding", POST + "Transfer-Encoding: gzip\r\n", 501, "not_implemented"),
    ("other expectation", POST + "Expect: tea\r\n", 417, "expectation_failed"),
    ("other host", "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 9\r\n\r\n", 421, "wrong_host"),
    ("no such path", "POST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", 404, "no_route"),
    ("no such method", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", 405, "method_not_allowed"),
    ("other type", "POST /api/kv/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", 415, "unsupported_media_type"),
)


FILL = 40  # values of 60 KB, together much more than is kept of an answer that nobody reads


def fill(walkv, prefix):
    """Makes GET /api/kv too much for the buffers of a socket."""
    with walkv.connect() as c:
        for n in range(FILL):
            c.put("PUT", f"/api/kv/{prefix}{n:03d}", '{"value":"' + "x" * 60000 + '"}')
            if c.response("PUT").status != 201:
                raise AssertionError("a value was not stored")


class Refused(SystemTest):
    options = {"workers": 1}

    def test_a_client_that_still_sends_gets_the_answer(self):
        """It writes 8 MiB more before it reads, as simple clients do, and the next request in the same stream, which
        must not be answered. Closing too early would reset the connection and take the answer away."""
        canary = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with self.walkv.connect() as beside:
            for name, start, status, code in REFUSED:
                with self.subTest(name), self.walkv.connect() as c:
                    c.send(start)
                    c.send(canary)
                    for _ in range(128):
                        c.send(b"x" * 65536)
                    answer = c.response("POST")
                    self.assertError(answer, status, code)
                    self.assertTrue(answer.closes)
                    c.socket.shutdown(socket.SHUT_WR)
                    self.assertTrue(c.at_end(), "nothing follows the answer")
                    self.assertEqual(beside.get("/livez").status, 200)

    def test_head_is_never_answered_with_a_body(self):
        start = "HEAD /api/kv HTTP/1.1\r\nHost: localhost\r\n"
        chunked = start + "Transfer-Encoding: chunked\r\n\r\n"
        for name, sent, status in (
            ("bad chunk", chunked + "x\r\n", 400),
            ("chunk too large", chunked + "40000000\r\n", 413),
            ("announced body too large", start + "Content-Length: 1073741824\r\n\r\n", 413),
            ("both lengths", start + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("too many fields", start + "X:\r\n" * 64, 431),
            ("no such path", "HEAD /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", 404),
        ):
            with self.subTest(name), self.walkv.connect() as c:
                c.send(sent)
                c.socket.shutdown(socket.SHUT_WR)
                answer = c.response("HEAD")
                self.assertEqual(answer.status, status)
                self.assertTrue(answer.closes and c.at_end(), "nothing follows the head")
                self.assertGreater(int(answer.header("Content-Length")), 0)

    def test_what_is_dropped_has_an_end(self):
        with self.walkv.connect() as c:
            c.send(POST + "Content-Length: 1073741824\r\n\r\n")
            with self.assertRaises(ConnectionError):
                for _ in range(16 * 1024):
                    c.send(b"x" * 65536)


class Times(SystemTest):
    """One of the times is short, the others never come."""

    options = None

    def served(self, **short):
        times = ("header_timeout", "body_timeout_grace", "keepalive_timeout", "write_stall_timeout")
        return self.instance(workers=1, httpd={**{name: HUGE for name in times}, **short}).start()

    def test_headers(self):
        walkv = self.served(header_timeout="500ms")
        with walkv.connect() as beside, walkv.connect() as silent:
            self.assertEqual(beside.get("/livez").status, 200)
            parts = ("G", "GET /livez HTTP/1.1\r\nHost: loc", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r", "\r\n",
                     "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nG")
            slow = {part: self.enterContext(walkv.connect()) for part in parts}
            for part, c in slow.items():
                c.send(part)
            for part, c in slow.items():
                with self.subTest(part):
                    if part.endswith("\r\n\r\nG"):  # the second request of a connection has the same time
                        self.assertEqual(c.response().status, 200)
                    answer = c.response()
                    self.assertError(answer, 408, "request_timeout")
                    self.assertTrue(answer.closes and c.at_end())
                    self.assertEqual(beside.get("/livez").status, 200)
            self.assertTrue(silent.at_end(), "who never asked is told nothing")

    def test_a_byte_now_and_then_is_no_progress(self):
        walkv = self.served(header_timeout="300ms")
        with walkv.connect() as c:
            c.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ")
            over = threading.Event()

            def trickle():
                with contextlib.suppress(ConnectionError):
                    while not over.wait(0.02):
                        c.send("x")

            sender = threading.Thread(target=trickle)
            sender.start()
            try:
                self.assertError(c.response(), 408, "request_timeout")
            finally:
                over.set()
                sender.join()

    def test_a_body_below_the_least_rate(self):
        walkv = self.served(body_timeout_grace="300ms", body_min_rate="64KiB")
        with walkv.connect() as beside:
            for framing, unit in (("Content-Length: 1000000\r\n\r\n", b"x"),
                                  ("Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")):
                with self.subTest(framing), walkv.connect() as c:
                    c.send(POST + framing)

                    def answered():
                        with contextlib.suppress(ConnectionError):
                            c.send(unit)
                        return self.readable(c)

                    wait_until(answered, "an answer", poll=0.02)
                    answer = c.response("POST")
                    self.assertError(answer, 408, "request_timeout")
                    self.assertTrue(answer.closes and c.at_end())
                    self.assertEqual(beside.get("/livez").status, 200)

    def test_head_is_not_answered_with_a_body_then_either(self):
        walkv = self.served(header_timeout="300ms", body_timeout_grace="300ms", body_min_rate="64KiB")
        for sent in ("HEAD /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
                     "HEAD /livez HTTP/1.1\r\nHost: loc"):
            with self.subTest(sent), walkv.connect() as c:
                c.send(sent)
                answer = c.response("HEAD")
                self.assertEqual(answer.status, 408)
                self.assertTrue(answer.closes and c.at_end(), "nothing follows the head")

    def test_a_body_above_it_may_take_as_long_as_it_likes(self):
        walkv = self.served(body_timeout_grace="200ms", body_min_rate="1KiB")
        with walkv.connect() as c, walkv.connect() as clock:
            text = b'{"value":"' + b"x" * 200_000 + b'"}'
            c.send(POST + f"Content-Length: {len(text)}\r\n\r\n")
            clock.send(POST + "Content-Length: 100000\r\n\r\n")
            c.send(text[:100_000])  # enough for a hundred seconds
            self.assertError(clock.response("POST"), 408)  # the grace is over
            for at in range(100_000, len(text), 1000):
                c.send(text[at:at + 1000])
            self.assertEqual(c.response("POST").status, 201)

    def test_idle(self):
        walkv = self.served(keepalive_timeout="300ms")
        with walkv.connect() as c, walkv.connect() as fresh:
            self.assertEqual(c.get("/livez").status, 200)
            self.assertTrue(c.at_end())
            # The time between two requests, not for the first one: that is header_timeout.
            self.assertEqual(fresh.get("/livez").status, 200)

    def test_a_stalled_reader_is_dropped(self):
        walkv = self.served(write_stall_timeout="300ms")
        fill(walkv, "s")
        with walkv.connect(receive_buffer=4096) as c, walkv.connect() as beside:
            c.put("GET", "/api/kv")
            self.dropped(c, walkv, beside)
            with self.assertRaises((Closed, ConnectionResetError)):
                c.response()

    def test_the_kernel_keeps_little_for_who_does_not_read(self):
        """The memory of TCP is one for all: some MiB of each of a thousand such clients would stop every other."""
        walkv = self.served()
        fill(walkv, "s")
        with walkv.connect(receive_buffer=4096) as c:
            c.put("GET", "/api/kv")
            self.stalled(c, walkv)
            self.assertLess(self.server_side(c, walkv)[0], MIB // 2)
            self.assertEqual(len(c.response().json()["data"]), FILL)

    def test_time_in_which_the_client_did_not_read_is_not_idle_time(self):
        """A proxy that was slow to take an answer finds its connection alive afterwards, as after a fast one: the end
        of the stall is not still to come."""
        walkv = self.served(write_stall_timeout="2s")
        fill(walkv, "s")
        with walkv.connect(receive_buffer=4096) as c, walkv.connect(receive_buffer=4096) as clock, walkv.connect() as beside:
            c.put("GET", "/api/kv")
            self.stalled(c, walkv)
            self.assertEqual(len(c.response().json()["data"]), FILL)
            clock.put("GET", "/api/kv")
            self.dropped(clock, walkv, beside)
            self.assertEqual(c.get("/livez").status, 200)

    # An answer of this size is made in one go, and is too much for a socket: the connection goes on to its next state, and
    # stalls in that one.
    WHOLE = 250_000

    def test_idle_time_begins_when_the_answer_is_taken(self):
        walkv = self.served(keepalive_timeout="1500ms", header_timeout="300ms")
        walkv.set("whole", '"' + "x" * self.WHOLE + '"')
        with walkv.connect(receive_buffer=4096) as c:
            c.put("GET", "/api/kv/whole")
            self.stalled(c, walkv)
            with walkv.connect() as clock:
                self.assertEqual(clock.get("/livez").status, 200)
                self.assertTrue(clock.at_end())
            self.assertEqual(len(c.response().json()["value"]), self.WHOLE)
            self.tick(walkv)
            self.assertEqual(c.get("/livez").status, 200)
            self.assertTrue(c.at_end())

    def test_a_slow_body_behind_a_stalled_answer(self):
        """The clock of the body stands still while nothing is read, and goes on afterwards."""
        walkv = self.served(body_timeout_grace="500ms", body_min_rate="10KiB", header_timeout="300ms")
        walkv.set("whole", '"' + "x" * self.WHOLE + '"')
        text = '{"value":"' + "x" * 100_000 + '"}'
        head = POST + f"Content-Length: {len(text)}\r\n\r\n"

        def grace():
            with walkv.connect() as clock:
                clock.send(head)
                self.assertError(clock.response("POST"), 408)

        with walkv.connect(receive_buffer=4096) as c, walkv.connect(receive_buffer=4096) as slow:
            for each in (c, slow):
                each.send(each.head("GET", "/api/kv/whole", {}) + (head + text[:3000]).encode())
            for each in (c, slow):
                self.stalled(each, walkv)
            for _ in range(2):  # long enough for far more than 3,000 bytes
                grace()
            for each in (c, slow):
                self.assertEqual(each.response().status, 200)
            grace()
            self.tick(walkv)  # their own grace is over, too, and they have been looked at
            c.send(text[3000:])
            self.assertEqual(c.response("POST").status, 201)
            self.assertError(slow.response("POST"), 408, "request_timeout")

    def tick(self, walkv):
        """Some time, in which the worker has looked for connections whose time is over."""
        with walkv.connect() as c:
            c.send("G")
            self.assertError(c.response(), 408)

    @staticmethod
    def readable(c):
        return bool(select.select([c.socket], [], [], 0)[0])

    @staticmethod
    def server_side(c, walkv):
        """(bytes that wait to be sent, state) of the worker's end of the connection, or None."""
        local = "0100007F:%04X" % walkv.port
        peer = "0100007F:%04X" % c.socket.getsockname()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1] == local and fields[2] == peer:
                return int(fields[4].split(":")[0], 16), fields[3]
        return None

    def dropped(self, c, walkv, beside):
        """Waits until the worker has closed its end: no socket, or one that is only to send what it has; meanwhile
        another client goes on."""

        def gone():
            self.assertEqual(beside.get("/livez").status, 200)
            side = self.server_side(c, walkv)
            return side is None or side[1] != "01"

        wait_until(gone, "the connection to be dropped", poll=0.05)

    def stalled(self, c, walkv):
        """Waits until the worker cannot send more: what is in its socket no longer grows."""
        seen = []

        def still():
            side = self.server_side(c, walkv)
            seen.append(side[0] if side else 0)
            return len(seen) > 5 and seen[-1] > 0 and len(set(seen[-5:])) == 1

        wait_until(still, "the answer to pile up", poll=0.02)


class Ends(SystemTest):
    """How connections end, when nothing was wrong."""

    options = {"workers": 1, "httpd": {"write_stall_timeout": HUGE, "keepalive_timeout": HUGE}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fill(cls.walkv, "e")

    def test_a_client_that_ends_its_side_gets_its_last_answer(self):
        for request in ("GET /api/kv HTTP/1.0\r\n\r\n", "GET /api/kv HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"):
            with self.subTest(request), self.walkv.connect(receive_buffer=4096) as c:
                c.send(request)
                c.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(len(c.response().json()["data"]), FILL)
                self.assertTrue(c.at_end())

    def test_a_client_that_ends_its_side_gets_all_answers(self):
        with self.walkv.connect() as c:
            c.send(b"".join(c.head("GET", f"/api/kv/e{n % FILL:03d}", {}) for n in range(200)))
            c.socket.shutdown(socket.SHUT_WR)
            for _ in range(200):
                self.assertEqual(len(c.response().json()["value"]), 60000)
            self.assertTrue(c.at_end())

    def test_head_and_no_content_have_no_body(self):
        with self.walkv.connect() as c:
            c.send("HEAD /api/kv HTTP/1.1\r\nHost: localhost\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"
                   "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertEqual([c.response(method).status for method in ("HEAD", "OPTIONS", "GET")], [200, 204, 200])
            self.assertTrue(c.at_end())


class LargeAnswer(SystemTest):
    """One that is still being sent when the connection has no more requests."""

    BYTES = 4 * MIB - 2
    options = {
        "workers": 1,
        "walkvd": {"max_value_size": "4MiB", "connection_bytes_in_flight": "64MiB"},
        "httpd": {"max_value_size": "4MiB", "write_stall_timeout": HUGE},
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.walkv.set("large", '"' + "x" * cls.BYTES + '"')

    def answer(self, c):
        self.assertEqual(len(c.response().json()["value"]), self.BYTES)
        self.assertTrue(c.at_end())

    def test_the_client_ends_its_side(self):
        with self.walkv.connect(receive_buffer=4096) as c:
            c.put("GET", "/api/kv/large", None, {"Connection": "close"})
            c.socket.shutdown(socket.SHUT_WR)
            self.answer(c)

    def test_bytes_behind_the_request_do_not_hold_up_the_end(self):
        with self.walkv.connect(receive_buffer=4096) as c:
            c.put("GET", "/api/kv/large", None, {"Connection": "close"})
            c.socket.recv(1, socket.MSG_PEEK)  # the answer is on its way
            c.send("nothing")
            self.answer(c)


class Held(SystemTest):
    """HELD_BYTES_MAX: all that a worker keeps for clients that do not read. Beyond it, who is furthest behind goes."""

    BYTES = 16 * MIB - 2
    ALLOWED = 256 * MIB
    options = {
        "workers": 1,
        "walkvd": {"max_value_size": "16MiB", "connection_bytes_in_flight": "64MiB", "wal_sync": "async"},
        "httpd": {"max_value_size": "16MiB", "write_stall_timeout": HUGE},
    }

    def test_what_is_kept_for_those_who_do_not_read_has_an_end(self):
        walkv = self.walkv
        walkv.set("large", '"' + "x" * self.BYTES + '"')
        fits = self.ALLOWED // self.BYTES - 1
        with walkv.connect() as beside, walkv.connect(receive_buffer=4096) as reads:
            reads.put("GET", "/api/kv/large")
            while len(reads.pending) < 4 * MIB:  # slowly, but it does
                reads.pending += reads.socket.recv(1 << 16)
            idle = [self.enterContext(walkv.connect(receive_buffer=4096)) for _ in range(2 * fits)]
            for c in idle:
                c.put("GET", "/api/kv/large")
                self.assertEqual(beside.get("/livez").status, 200)
            local = "0100007F:%04X" % walkv.port

            def ports():
                rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
                return {int(row[2].split(":")[1], 16) for row in rows if row[1] == local and row[3] == "01"}

            def kept():
                there = ports()
                return [c for c in idle if c.socket.getsockname()[1] in there]

            wait_until(lambda: len(kept()) <= fits, "those who are furthest behind to be closed")
            self.assertGreaterEqual(len(kept()), fits - 1, "and no more than that")
            self.assertIsNotNone(walkv.httpd.wait_for_line("are kept for clients that do not read"))
            self.assertEqual(len(reads.response().json()["value"]), self.BYTES)
            self.assertEqual(len(kept()[-1].response().json()["value"]), self.BYTES)
            for c in set(idle) - set(kept()):
                with self.assertRaises((Closed, ConnectionResetError)):
                    c.response()


class Crowd(SystemTest):
    """max_connections, with all there are."""

    options = None
    MOST = 16

    def served(self, **settings):
        return self.instance(workers=1, httpd={"max_connections": self.MOST, **settings}).start()

    def open(self, walkv, count):
        held = [walkv.connect() for _ in range(count)]
        for c in held:
            self.addCleanup(c.close)
        return held

    def test_the_oldest_idle_one_is_closed_first(self):
        walkv = self.served()
        held = self.open(walkv, self.MOST)
        for c in held:
            self.assertEqual(c.get("/livez").status, 200)
        self.assertEqual(held[0].get("/livez").status, 200)  # no longer the oldest
        more = self.open(walkv, 3)
        for c in more:
            self.assertEqual(c.get("/livez").status, 200)
        for c in held[1:4]:
            self.assertTrue(c.at_end())
        for c in [held[0], *held[4:], *more]:
            self.assertEqual(c.get("/livez").status, 200)

    def test_a_request_in_progress_is_not_closed(self):
        walkv = self.served()
        text = '{"value":1}'
        held = self.open(walkv, self.MOST)
        for c in held[:-1]:
            c.send(POST + f"Content-Length: {len(text)}\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(c.response("POST", interim=True).status, 100)
        self.assertEqual(held[-1].get("/livez").status, 200)
        for _ in range(3):  # they take turns on the one place that is left
            self.assertEqual(walkv.get("/livez").status, 200)
        for c in held[:-1]:
            c.send(text)
            self.assertIn(c.response("POST").status, (200, 201))

    def test_half_a_head_keeps_nobody_out(self):
        walkv = self.served()
        for _ in range(3 * self.MOST):
            self.open(walkv, 1)[0].send("GET /livez HTTP/1.1\r\nHost: loc")
            with walkv.connect() as beside:
                self.assertEqual(beside.get("/livez").status, 200)

    def test_an_answered_one_keeps_nobody_out(self):
        walkv = self.served()
        for _ in range(3 * self.MOST):  # none of them ends its side
            c = self.open(walkv, 1)[0]
            c.send("nonsense\r\n")
            self.assertError(c.response(), 400, "bad_request")
            with walkv.connect() as beside:
                self.assertEqual(beside.get("/livez").status, 200)

    def test_when_all_are_busy_a_new_one_is_closed(self):
        walkv = self.served()
        for c in self.open(walkv, self.MOST):
            c.send(POST + "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(c.response("POST", interim=True).status, 100)
        with walkv.connect() as c:
            try:
                self.assertTrue(c.at_end())
            except AssertionError:
                pass  # reset: it had sent nothing, so either will do


class Drain(SystemTest):
    options = None

    def test_each_kind_of_connection(self):
        """SIGTERM: what is in progress gets its answer and the word that it is the last; the rest is closed."""
        walkv = self.instance(workers=1, httpd={"drain_timeout": "60s"}).start()
        fill(walkv, "d")
        text = '{"value":1}'
        body = POST + f"Content-Length: {len(text)}\r\n\r\n"
        with walkv.connect() as idle, walkv.connect() as head, walkv.connect() as upload, \
                walkv.connect(receive_buffer=4096) as reading, walkv.connect() as answered:
            answered.send("nonsense\r\n")
            self.assertError(answered.response(), 400)
            self.assertEqual(idle.get("/livez").status, 200)
            head.send("GET /livez HTTP/1.1\r\nHost: loc")
            upload.send(body + text[:3])
            reading.put("GET", "/api/kv")
            walkv.get("/livez")
            walkv.httpd.signal(signal.SIGTERM)
            self.assertTrue(idle.at_end())
            head.send("alhost\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            upload.send(text[3:] + "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for c, method in ((head, "GET"), (upload, "POST")):
                answer = c.response(method)
                self.assertIn(answer.status, (200, 201))
                self.assertTrue(answer.closes)
                c.socket.shutdown(socket.SHUT_WR)
                self.assertTrue(c.at_end(), "the one behind it is not answered")
            self.assertEqual(len(reading.response().json()["data"]), FILL + 1)
            answered.close()
        self.assertEqual(walkv.httpd.wait(), 0, walkv.httpd.log)

    def test_who_does_not_finish_is_cut_off(self):
        walkv = self.instance(workers=1, httpd={"drain_timeout": "300ms"}).start()
        fill(walkv, "d")
        with walkv.connect() as head, walkv.connect() as upload, walkv.connect(receive_buffer=4096) as reading:
            head.send("GET /livez HTTP/1.1\r\nHost: loc")
            upload.send(POST + "Content-Length: 9\r\n\r\n")
            reading.put("GET", "/api/kv")
            walkv.get("/livez")
            walkv.httpd.signal(signal.SIGTERM)
            self.assertEqual(walkv.httpd.wait(), 0, walkv.httpd.log)


if __name__ == "__main__":
    main()
