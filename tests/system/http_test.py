# SPDX-License-Identifier: MIT
"""HTTP as clients and proxies speak it: connections that live, requests in a row, bodies in pieces, limits, slow
peers, large lists, and a worker that is told to stop."""

import json
import signal
import threading
import time

from walkv import JSON_TYPE, PATIENCE_S, Closed, Connection, SystemTest, main, quote, wait_until

MIB = 1 << 20


class Connections(SystemTest):
    def test_keep_alive(self):
        with self.walkv.connect() as c:
            for n in range(50):
                self.assertIn(c.request("PUT", "/api/kv/alive", f'{{"value":{n}}}').status, (200, 201))
                self.assertEqual(c.get("/api/kv/alive").json()["value"], n)
                self.assertEqual(c.get("/api/kv/none").status, 404)  # a failure is no reason to close

    def test_connection_close(self):
        with self.walkv.connect() as c:
            answer = c.get("/livez", {"Connection": "close"})
            self.assertTrue(answer.closes)
            self.assertTrue(c.at_end())

    def test_http_1_0(self):
        with self.walkv.connect() as c:
            c.send("GET /api/kv/none HTTP/1.0\r\n\r\n")
            answer = c.response()
            self.assertEqual(answer.status, 404)
            self.assertTrue(c.at_end())
        self.walkv.set("one-zero", "1")
        with self.walkv.connect() as c:
            c.send("GET /api/kv HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = c.response()
            self.assertIsNone(answer.header("Transfer-Encoding"), "HTTP/1.0 knows no chunks")
            self.assertIn('"one-zero":1', answer.text)
            self.assertTrue(c.at_end())

    def test_pipelining(self):
        for n in range(10):
            self.walkv.set(f"pipe{n}", str(n))
        with self.walkv.connect() as c:
            c.send(b"".join(c.head("GET", f"/api/kv/pipe{n % 10}", {}) for n in range(100)))
            self.assertEqual([c.response().json()["value"] for _ in range(100)], [n % 10 for n in range(100)])

    def test_pipelined_writes_and_reads_happen_in_order(self):
        with self.walkv.connect() as c:
            requests = b""
            for n in range(50):
                body = f'{{"value":{n}}}'
                length = {"Content-Type": JSON_TYPE, "Content-Length": str(len(body))}
                requests += c.head("PUT", "/api/kv/order", length) + body.encode() + c.head("GET", "/api/kv/order", {})
            c.send(requests)
            for n in range(50):
                self.assertIn(c.response().status, (200, 201))
                self.assertEqual(c.response().json()["value"], n)

    def test_a_request_in_single_bytes(self):
        with self.walkv.connect() as c:
            body = b'{"value":"caf\xc3\xa9"}'
            head = c.head("PUT", "/api/kv/bytes", {"Content-Type": JSON_TYPE, "Content-Length": str(len(body))})
            for byte in head + body:
                c.send(bytes([byte]))
            self.assertEqual(c.response().status, 201)
            self.assertEqual(c.get("/api/kv/bytes").json()["value"], "caf\u00e9")

    def test_chunked_bodies(self):
        with self.walkv.connect() as c:
            for pieces, tail in (
                (["{", '"value"', ":[1,", "2]}"], "0\r\n\r\n"),
                (['{"value":[1,2]}'], "0;last\r\n\r\n"),
                (list('{"value":[1,2]}'), "000\r\n\r\n"),
            ):
                c.send(c.head("PUT", "/api/kv/chunked", {"Content-Type": JSON_TYPE, "Transfer-Encoding": "chunked"}))
                for piece in pieces:
                    c.send(f"{len(piece):X};name=value\r\n{piece}\r\n")
                c.send(tail)
                self.assertIn(c.response("PUT").status, (200, 201))
                self.assertEqual(c.get("/api/kv/chunked").text, '{"success":true,"key":"chunked","value":[1,2]}')

    def test_trailers_are_refused(self):
        with self.walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/trailer", {"Content-Type": JSON_TYPE, "Transfer-Encoding": "chunked"}))
            c.send('b\r\n{"value":1}\r\n0\r\nTrailer: x\r\n\r\n')
            self.assertError(c.response(), 400, "bad_request")
            self.assertTrue(c.at_end())
        self.assertEqual(self.walkv.get("/api/kv/trailer").status, 404)

    def test_expect_100_continue(self):
        with self.walkv.connect() as c:
            body = '{"value":1}'
            head = {"Content-Type": JSON_TYPE, "Content-Length": str(len(body)), "Expect": "100-continue"}
            c.send(c.head("PUT", "/api/kv/expect", head))
            self.assertEqual(c.response("PUT", interim=True).status, 100)
            c.send(body)
            self.assertEqual(c.response("PUT").status, 201)
        with self.walkv.connect() as c:  # what will be refused is refused before the body is sent
            c.send(c.head("PUT", "/api/kv/expect", {**head, "Content-Length": str(100 * MIB)}))
            self.assertError(c.response("PUT", interim=True), 413, "too_large")

    def test_options(self):
        for path, wanted in (("/api/kv/a", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}),
                             ("/api/queue/q/enqueue", {"POST", "OPTIONS"}), ("/livez", {"GET", "HEAD", "OPTIONS"})):
            answer = self.walkv.request("OPTIONS", path)
            self.assertIn(answer.status, (200, 204), answer)
            self.assertEqual({m.strip() for m in answer.header("Allow").split(",")}, wanted)

    def test_head_leaves_the_connection_usable(self):
        self.walkv.set("head", '"' + "x" * 1000 + '"')
        with self.walkv.connect() as c:
            for _ in range(3):
                self.assertEqual(c.request("HEAD", "/api/kv/head").status, 200)
                self.assertEqual(c.request("HEAD", "/api/kv").status, 200)
                self.assertEqual(c.get("/livez").status, 200)

    def test_a_client_that_goes_away_in_the_middle(self):
        for part in ("GET /api/kv", "PUT /api/kv/gone HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     'Content-Length: 11\r\n\r\n{"value"', "GET /api/kv HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            with self.walkv.connect() as c:
                c.send(part)
        self.assertEqual(self.walkv.get("/livez").status, 200)
        self.assertEqual(self.walkv.get("/api/kv/gone").status, 404)


class Limits(SystemTest):
    def test_a_value_of_the_largest_size(self):
        for size in (MIB - 1, MIB):
            value = '"' + "x" * (size - 2) + '"'
            answer = self.walkv.request("PUT", "/api/kv/large", '{"value":' + value + "}")
            self.assertIn(answer.status, (200, 201), answer.status)
            self.assertEqual(self.walkv.get("/api/kv/large").text, '{"success":true,"key":"large","value":' + value + "}")
            self.assertEqual(self.walkv.request("POST", "/api/queue/large/enqueue", '{"value":' + value + "}").status, 200)
            self.assertEqual(self.walkv.request("POST", "/api/queue/large/dequeue").text,
                             '{"success":true,"queue":"large","value":' + value + "}")

    def test_a_value_over_it(self):
        answer = self.walkv.request("PUT", "/api/kv/over", '{"value":"' + "x" * (MIB - 1) + '"}')
        self.assertError(answer, 413, "too_large")
        self.assertEqual(answer.json()["limit"], MIB)
        self.assertEqual(self.walkv.get("/api/kv/over").status, 404)

    def test_a_body_over_it_is_answered_before_it_is_read(self):
        with self.walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/over", {"Content-Type": JSON_TYPE, "Content-Length": str(1 << 40)}))
            answer = c.response("PUT")
            self.assertError(answer, 413, "too_large")
            self.assertTrue(answer.closes)
            # Closed cleanly: what the client was still sending must not reset away the answer.
            try:
                for _ in range(64):
                    c.send(b"x" * 65536)
            except ConnectionError:
                pass

    def test_a_chunked_body_over_it(self):
        with self.walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/over", {"Content-Type": JSON_TYPE, "Transfer-Encoding": "chunked"}))
            try:
                for _ in range(64):
                    c.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            except ConnectionError:
                pass
            answer = c.response("PUT")
            self.assertError(answer, 413, "too_large")
            self.assertTrue(answer.closes)

    def test_a_smaller_limit(self):
        walkv = self.instance(workers=1, httpd={"max_value_size": "4KiB"}).start()
        fits = '"' + "x" * 4094 + '"'
        self.assertEqual(walkv.request("PUT", "/api/kv/a", '{"value":' + fits + "}").status, 201)
        answer = walkv.request("PUT", "/api/kv/a", '{"value":' + fits[:-1] + 'x"}')
        self.assertError(answer, 413, "too_large")
        self.assertEqual(answer.json()["limit"], 4096)

    def test_uri_too_long(self):
        with self.walkv.connect() as c:
            self.assertError(c.get("/api/kv?prefix=" + "x" * 9000), 414, "uri_too_long")
        with self.walkv.connect() as c:  # refused while it is still coming in
            c.send("GET /" + "x" * 20000)
            self.assertError(c.response(), 414, "uri_too_long")
        self.assertEqual(self.walkv.get("/api/kv?prefix=" + "x" * 400).status, 200)

    def test_headers_too_large(self):
        for headers in ({"X-Large": "x" * 17000}, {f"X-{n}": "y" for n in range(64)}):
            with self.walkv.connect() as c:
                answer = c.get("/livez", headers)
                self.assertError(answer, 431, "headers_too_large")
                self.assertTrue(answer.closes)
        self.assertEqual(self.walkv.get("/livez", headers={f"X-{n}": "y" * 100 for n in range(60)}).status, 200)


class SlowPeers(SystemTest):
    options = {
        "workers": 1,
        "httpd": {
            "header_timeout": "1s",
            "body_timeout_grace": "1s",
            "keepalive_timeout": "1s",
            "write_stall_timeout": "1s",
            "max_connections": 64,
        },
    }

    def test_slow_headers(self):
        with self.walkv.connect() as c:
            c.send("GET /livez HTTP/1.1\r\nHost: loc")
            answer = c.response()
            self.assertError(answer, 408, "request_timeout")
            self.assertTrue(answer.closes)
            self.assertTrue(c.at_end())

    def test_slow_body(self):
        with self.walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/slow", {"Content-Type": JSON_TYPE, "Content-Length": "100000"}) + b'{"value":"')
            answer = c.response()
            self.assertError(answer, 408, "request_timeout")
            self.assertTrue(c.at_end())

    def test_a_trickle_is_too_slow_as_well(self):
        with self.walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/slow", {"Content-Type": JSON_TYPE, "Content-Length": "100000"}))
            answer = []

            def read():
                answer.append(c.response())

            reader = threading.Thread(target=read)
            reader.start()
            try:
                while reader.is_alive():
                    c.send(b"x")
                    reader.join(0.05)
            except ConnectionError:
                reader.join()
            self.assertError(answer[0], 408, "request_timeout")

    def test_an_idle_connection_is_closed_without_a_word(self):
        with self.walkv.connect() as c:
            self.assertEqual(c.get("/livez").status, 200)
            self.assertTrue(c.at_end())

    def test_a_peer_that_does_not_read_is_dropped(self):
        for n in range(64):
            self.walkv.set(f"stall{n}", '"' + "x" * 60000 + '"')
        with self.walkv.connect(receive_buffer=4096) as c:
            for _ in range(20):
                c.put("GET", "/api/kv?prefix=stall")

            def dropped():  # a full receive window hides the close; what we send tells
                try:
                    c.send("\r\n")
                    return False
                except ConnectionError:
                    return True

            wait_until(dropped, "the stalled connection to be dropped")

    def test_the_oldest_idle_connection_gives_way(self):
        walkv = self.instance(workers=1, httpd={"max_connections": 8}).start()
        held = []
        try:
            for _ in range(30):
                c = walkv.connect()
                self.assertEqual(c.get("/livez").status, 200)
                held.append(c)
            self.assertTrue(held[0].at_end())
            self.assertEqual(held[-1].get("/livez").status, 200)
        finally:
            for c in held:
                c.close()


class LargeLists(SystemTest):
    COUNT = 50_000
    options = {"workers": 2, "walkvd": {"checkpoint_interval": 0}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.wanted = {}
        for n in range(cls.COUNT):
            key = f"list/{n:05d}" if n % 2 else f"other/{n:05d}"
            cls.wanted[key] = {"n": n, "text": "x" * (n % 100)}
        lines = "".join(json.dumps({"key": k, "value": v}) + "\n" for k, v in cls.wanted.items())
        done = cls.walkv.ctl("import", "-", stdin=lines)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.keys = sorted(cls.wanted)

    def test_everything_is_streamed(self):
        answer = self.walkv.get("/api/kv")
        self.assertEqual(answer.header("Transfer-Encoding"), "chunked")
        self.assertEqual(answer.json()["data"], self.wanted)
        self.assertEqual(list(answer.json()["data"]), self.keys)
        self.assertEqual(self.walkv.get("/api/kv?keys=only").json()["keys"], self.keys)

    def test_prefix_and_after(self):
        with_prefix = [k for k in self.keys if k.startswith("list/")]
        self.assertEqual(list(self.walkv.get("/api/kv?prefix=list/").json()["data"]), with_prefix)
        after = with_prefix[20_000]
        self.assertEqual(self.walkv.get(f"/api/kv?prefix=list/&keys=only&after={after}").json()["keys"],
                         with_prefix[20_001:])

    def test_pages(self):
        for limit in (1000, 9999, 10000):
            found, after = [], ""
            with self.walkv.connect() as c:
                while True:
                    page = c.get(f"/api/kv?keys=only&limit={limit}{after}").json()
                    found += page["keys"]
                    if "next" not in page:
                        break
                    self.assertEqual(len(page["keys"]), limit)
                    self.assertEqual(page["next"], page["keys"][-1])
                    after = "&after=" + quote(page["next"])
            self.assertEqual(found, self.keys)

    def test_a_key_is_never_shown_twice_while_writes_go_on(self):
        over = threading.Event()
        statuses = set()

        def write():
            with self.walkv.connect() as c:
                n = 1
                while not over.is_set():
                    statuses.add(c.request("PUT", f"/api/kv/moving.{n % 1000}", f'{{"value":{n}}}').status)
                    statuses.add(c.request("DELETE", f"/api/kv/moving.{(n - 10) % 1000}").status)
                    n += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(5):
                pairs = json.loads(self.walkv.get("/api/kv").text, object_pairs_hook=list)
                listed = [k for k, _ in dict(pairs)["data"]]
                self.assertEqual(listed, sorted(set(listed)))
                self.assertEqual([k for k in listed if not k.startswith("moving.")], self.keys)
        finally:
            over.set()
            writer.join()
        self.assertLessEqual({201, 200}, statuses)
        self.assertLessEqual(statuses, {200, 201, 404})
        with self.walkv.connect() as c:
            for key in c.get("/api/kv?prefix=moving.&keys=only").json()["keys"]:
                c.request("DELETE", "/api/kv/" + quote(key))

    def test_a_slow_reader_does_not_hold_up_others(self):
        walkv = self.walkv
        slow = [walkv.connect(receive_buffer=4096) for _ in range(8)]
        try:
            for c in slow:
                for _ in range(4):
                    c.put("GET", "/api/kv")
            with walkv.connect() as other:
                for n in range(200):
                    began = time.monotonic()
                    self.assertEqual(other.get("/api/kv/" + quote(self.keys[n])).status, 200)
                    self.assertLess(time.monotonic() - began, PATIENCE_S / 2)
            # And when it does read, it gets all of it.
            self.assertEqual(list(slow[0].response().json()["data"]), self.keys)
        finally:
            for c in slow:
                c.close()


class Drain(SystemTest):
    options = None

    def test_what_is_in_flight_is_finished(self):
        walkv = self.instance(workers=2)
        walkv.start()
        for n in range(64):
            walkv.set(f"drain{n}", '"' + "x" * 60000 + '"')
        with walkv.connect(receive_buffer=8192) as reading, walkv.connect() as writing, walkv.connect() as idle:
            self.assertEqual(idle.get("/livez").status, 200)
            reading.put("GET", "/api/kv")
            body = '{"value":"in flight"}'
            head = {"Content-Type": JSON_TYPE, "Content-Length": str(len(body))}
            writing.send(writing.head("PUT", "/api/kv/flight", head) + body[:5].encode())
            # The worker has seen all of this when it answers another request on every connection's worker.
            for _ in range(8):
                walkv.get("/livez")
            walkv.httpd.signal(signal.SIGTERM)
            self.assertTrue(idle.at_end(), "an idle connection is closed")
            wait_until(lambda: not self.accepts(walkv), "new connections to be refused")
            writing.send(body[5:])
            answer = writing.response("PUT")
            self.assertEqual(answer.status, 201)
            self.assertTrue(answer.closes)
            self.assertEqual(len(reading.response().json()["data"]) // 64, 1)
        self.assertEqual(walkv.httpd.wait(), 0, walkv.httpd.log)
        walkv.start_httpd()
        self.assertEqual(walkv.get("/api/kv/flight").json()["value"], "in flight")
        walkv.stop()

    def test_who_has_just_connected_is_answered(self):
        """The connection is this worker's: nobody else would answer what comes on it."""
        walkv = self.instance(workers=0)
        walkv.start()
        with walkv.connect() as new, walkv.connect() as silent:
            walkv.get("/livez")  # so both have been accepted
            walkv.httpd.signal(signal.SIGTERM)
            wait_until(lambda: not self.accepts(walkv), "new connections to be refused")
            answer = new.get("/livez")
            self.assertEqual((answer.status, answer.closes), (200, True))
            self.assertTrue(silent.at_end())
        self.assertEqual(walkv.httpd.wait(), 0, walkv.httpd.log)

    @staticmethod
    def accepts(walkv):
        try:
            with Connection(walkv.port, patience=5) as c:
                return c.get("/livez").status == 200
        except (OSError, Closed):
            return False

    def test_drain_has_an_end(self):
        walkv = self.instance(workers=1, httpd={"drain_timeout": "1s"})
        walkv.start()
        with walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/never", {"Content-Type": JSON_TYPE, "Content-Length": "100"}))
            walkv.get("/livez")
            walkv.httpd.signal(signal.SIGTERM)
            self.assertEqual(walkv.httpd.wait(), 0, walkv.httpd.log)
        self.assertEqual(walkv.start_httpd() and walkv.get("/api/kv/never").status, 404)


if __name__ == "__main__":
    main()
