# SPDX-License-Identifier: MIT
"""Where a worker listens: Unix sockets and their files, PROXY protocol, and for which hosts it answers there."""

import collections
import fcntl
import json
import os
import re
import signal
import socket
import stat
import struct
from pathlib import Path

from walkv import EX_CONFIG, EX_UNAVAILABLE, JSON_TYPE, PATIENCE_S, Connection, SystemTest, main, wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.9 198.51.100.7 56324 443\r\n"
V1_SIX = b"PROXY TCP6 2001:db8::9 2001:db8::1 56324 443\r\n"
V2 = SIGNATURE + struct.pack(">BBH", 0x21, 0x11, 12) + bytes([192, 0, 2, 9, 198, 51, 100, 7]) + struct.pack(">HH", 56324, 443)
V2_LOCAL = SIGNATURE + struct.pack(">BBH", 0x20, 0, 0)


class UnixConnection(Connection):
    def __init__(self, path, patience=PATIENCE_S):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(patience)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.host = "127.0.0.1:4000"
        self.pending = bytearray()
        self.proxied = False
        self.asked = collections.deque()


class UnixSocket(SystemTest):
    options = None

    def setUp(self):
        super().setUp()
        self.one = self.instance(workers=2)
        self.path = self.one.dir / "http.sock"
        self.one.httpd_flags = {"listen": f"unix:{self.path}"}
        self.one.start_walkvd()

    def answers(self):
        try:
            with UnixConnection(self.path) as c:
                return c.get("/livez").status == 200
        except OSError:
            return False

    def start(self, **flags):
        httpd = self.one.start_httpd(wait=False, **flags)
        wait_until(lambda: self.answers() or not httpd.running(), "an answer")
        self.assertTrue(httpd.running(), httpd.log)
        return httpd

    def refused(self, status, why, **flags):
        httpd = self.one.start_httpd(wait=False, **flags)
        self.assertEqual(httpd.wait(), status, httpd.log)
        self.assertIsNotNone(httpd.seen(why), httpd.log)

    def test_requests(self):
        for workers in (0, 2):
            self.start(workers=workers)
            with UnixConnection(self.path) as c:
                self.assertIn(c.request("PUT", "/api/kv/a", '{"value":[1]}').status, (200, 201))
                self.assertEqual(c.get("/api/kv/a").json()["value"], [1])
            self.one.stop_httpd()
            self.assertFalse(self.path.exists(), "the file goes with the one that made it")

    def test_permissions(self):
        for mode, wanted in ((None, 0o660), ("0600", 0o600), ("666", 0o666)):
            before = os.umask(0o022)
            try:
                self.start(listen_mode=mode)
            finally:
                os.umask(before)
            self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), wanted)
            self.one.stop_httpd()

    def test_one_that_is_left_over(self):
        for _ in range(2):
            httpd = self.start()
            workers = self.one.worker_pids()
            httpd.signal(signal.SIGKILL)
            httpd.wait()
            wait_until(lambda: not self.answers(), "the workers to be gone")  # they die with their parent
            self.assertTrue(self.path.is_socket(), workers)
        self.start()
        self.one.stop_httpd()

    def test_one_that_is_in_use(self):
        first = self.start()
        self.refused(EX_UNAVAILABLE, r"another process answers at ")
        self.assertTrue(self.answers())
        self.assertTrue(first.running())
        self.one.httpd = first
        self.one.stop_httpd()

    def test_what_is_no_socket_stays(self):
        for make in (lambda: self.path.write_text("precious"), self.path.mkdir, lambda: self.path.symlink_to("/nowhere")):
            make()
            before = os.lstat(self.path)
            self.refused(EX_CONFIG, "exists and is not a socket")
            self.assertEqual(os.lstat(self.path), before)
            self.path.rmdir() if self.path.is_dir() else self.path.unlink()

    def test_a_directory_that_is_not_there(self):
        self.refused(EX_CONFIG, "No such file or directory", listen=f"unix:{self.one.dir}/none/http.sock")

    def test_the_successor_keeps_its_file(self):
        """The old one is still draining when the new one starts, and ends after it."""
        old = self.start(drain_timeout="30s", workers=0)
        with UnixConnection(self.path) as c:
            c.send(c.head("PUT", "/api/kv/a", {"Content-Type": JSON_TYPE, "Content-Length": "11"}) + b"{")
            wait_until(lambda: self.answers(), "the request to be begun")
            old.signal(signal.SIGTERM)
            wait_until(lambda: not self.answers(), "the old one to stop listening")
            new = self.start(workers=0)
            c.send(b'"value":1}')
            self.assertEqual(c.response("PUT").status, 201)
        self.assertEqual(old.wait(), 0)
        self.assertTrue(self.answers())
        self.one.httpd = new
        self.one.stop_httpd()
        self.assertFalse(self.path.exists())

    def test_many_at_once(self):
        """Exactly one of them gets it, whatever was left over."""
        for _ in range(3):
            leftover = socket.socket(socket.AF_UNIX)
            leftover.bind(str(self.path))
            leftover.close()
            all_of_them = [self.one.start_httpd(wait=False, workers=0) for _ in range(4)]
            wait_until(lambda: sum(each.running() for each in all_of_them) == 1 and self.answers(), "one to be left")
            for each in all_of_them:
                if each.running():
                    self.one.httpd = each
                else:
                    self.assertEqual(each.wait(), EX_UNAVAILABLE, each.log)
            self.one.stop_httpd()

    def test_they_take_turns(self):
        """While another one looks and makes its socket, a start waits."""
        self.path.write_text("in the making")
        directory = os.open(self.one.dir, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            httpd = self.one.start_httpd(wait=False)
            waiting = re.compile(rf"-> FLOCK .* {httpd.pid} ")
            wait_until(lambda: waiting.search(Path("/proc/locks").read_text()) or not httpd.running(), "the start to wait")
            self.assertTrue(httpd.running(), httpd.log)
            self.path.unlink()
        finally:
            os.close(directory)
        wait_until(self.answers, "an answer")

    def test_hosts_are_those_of_loopback(self):
        self.start()
        with UnixConnection(self.path) as c:
            for host, status in (("localhost", 200), ("127.0.0.1:4000", 200), ("[::1]", 200), ("db.example.org", 421), ("evil.example", 421)):
                self.assertEqual(c.get("/livez", {"Host": host}).status, status, host)
        self.one.stop_httpd()
        self.one.start_httpd(wait=False, allowed_hosts="db.example.org").wait_for_line("worker 2: serving")
        with UnixConnection(self.path) as c:
            for host, status in (("db.example.org", 200), ("localhost", 421)):
                self.assertEqual(c.get("/livez", {"Host": host}).status, status, host)

    def test_the_client_of_a_unix_socket(self):
        log = self.one.dir / "access.log"
        for proxies, wanted in (("unix:", "192.0.2.9"), ("127.0.0.1", "unix:")):
            log.unlink(missing_ok=True)
            self.start(access_log=log, trusted_proxies=proxies)
            with UnixConnection(self.path) as c:
                c.get("/api/kv/mine", {"X-Forwarded-For": "192.0.2.9"})
            self.one.stop_httpd()
            found = [json.loads(line) for line in log.read_text().splitlines()]
            self.assertEqual([l["client"] for l in found if l["path"] == "/api/kv/mine"], [wanted])


class ProxyProtocol(SystemTest):
    options = None

    def setUp(self):
        super().setUp()
        self.one = self.instance(workers=1)
        self.log = self.one.dir / "access.log"
        self.one.httpd_flags = {"proxy_protocol": "on", "access_log": self.log, "header_timeout": "400ms"}
        self.one.start_walkvd()
        self.one.start_httpd(wait=False)

        def ready():
            try:
                with self.one.connect() as c:
                    c.send(V2_LOCAL)
                    return c.get("/readyz").status == 200
            except OSError:
                return False

        wait_until(ready, "/readyz to be 200")

    def clients(self, count):
        """The clients of the requests for /api/kv/mine, when there are so many."""
        def enough():
            text = self.log.read_bytes()
            lines = [json.loads(l) for l in text[: text.rfind(b"\n") + 1].splitlines()]
            found = [l["client"] for l in lines if l["path"] == "/api/kv/mine"]
            return found if len(found) == count else None

        return wait_until(enough, f"{count} lines in the access log")

    def test_headers(self):
        rows = ((V1, "192.0.2.9"), (V1_SIX, "2001:db8::9"), (V2, "192.0.2.9"), (V2_LOCAL, "127.0.0.1"), (b"PROXY UNKNOWN\r\n", "127.0.0.1"))
        for header, _ in rows:
            with self.one.connect() as c:
                c.send(header + c.head("GET", "/api/kv/mine", {}) * 2)  # in one packet
                self.assertEqual([c.response().status, c.response().status], [404, 404])
                self.assertEqual(c.get("/livez").status, 200)
        self.assertEqual(self.clients(2 * len(rows)), [client for _, client in rows for _ in range(2)])

    def test_a_header_in_single_bytes(self):
        for header in (V1, V2):
            with self.one.connect() as c:
                for byte in header + c.head("GET", "/api/kv/mine", {}):
                    c.send(bytes([byte]))
                self.assertEqual(c.response().status, 404)
        self.assertEqual(self.clients(2), ["192.0.2.9"] * 2)

    def test_what_does_not_begin_with_one_is_closed(self):
        for data in (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01", b"proxy TCP4 ", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
                     b"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\nGET /", b"PROXY UNKNOWN " + b"x" * 200, SIGNATURE + b"\x31", SIGNATURE + b"\x21\x12",
                     SIGNATURE + b"\x21\x11\x00\x04abcd", SIGNATURE + b"\x21\x11\xff\xff"):
            with self.subTest(data=data[:60]), self.one.connect() as c:
                c.send(data)
                try:
                    self.assertEqual(c.socket.recv(1000), b"")
                except ConnectionResetError:
                    pass  # what it had sent was not read
        self.assertIsNotNone(self.one.httpd.wait_for_line("does not begin with PROXY protocol; see proxy_protocol"))
        self.assertEqual(len([l for l in self.one.httpd.lines if "PROXY protocol" in l]), 1)

    def test_one_header_is_enough(self):
        with self.one.connect() as c:
            c.send(V1 + V1 + c.head("GET", "/livez", {}))
            self.assertError(c.response(), 400, "bad_request")
            self.assertTrue(c.at_end())

    def test_it_has_its_time(self):
        for part in (b"", V1[:-1], V2[:-1], V2[:3]):
            with self.subTest(part=part), self.one.connect() as c:
                c.send(part)
                self.assertEqual(c.socket.recv(1000), b"", "closed without a word")
        with self.one.connect() as c:  # a trickle does not prolong it
            c.socket.settimeout(0.05)
            sent, closed = 0, False
            while not closed and sent < 4000:
                try:
                    c.send((SIGNATURE + b"\x21\x11\x0f\xa0" + b"x" * 4000)[sent : sent + 1])
                    sent += 1
                    closed = c.socket.recv(1) == b""
                except TimeoutError:
                    pass
                except ConnectionError:
                    closed = True
            self.assertTrue(closed)

    def test_behind_it_forwarded_clients_count_as_ever(self):
        self.one.stop_httpd()
        self.one.start_httpd(wait=False, trusted_proxies="192.0.2.9")
        wait_until(lambda: self.one.httpd.seen("serving"), "the worker")
        for header, field in ((V1, "203.0.113.5"), (V1_SIX, "203.0.113.5")):
            with self.one.connect() as c:
                c.send(header)
                self.assertEqual(c.get("/api/kv/mine", {"X-Forwarded-For": field}).status, 404)
        self.assertEqual(self.clients(2), ["203.0.113.5", "2001:db8::9"])

    def test_off_means_off(self):
        walkv = self.instance(workers=1).start()
        for header in (V1, V2, V2_LOCAL):
            with walkv.connect() as c:
                c.send(header)
                self.assertError(c.response(), 400, "bad_request")
                self.assertTrue(c.at_end())


if __name__ == "__main__":
    main()
