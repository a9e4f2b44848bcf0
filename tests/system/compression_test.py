# SPDX-License-Identifier: MIT
"""Lists as gzip: for whom asks for it, the same bytes as without, never for what is small or a single value."""

import gzip
import json
import random
import threading
import zlib

from walkv import SystemTest, main, wait_until

GZIP = {"Accept-Encoding": "gzip"}


def fill(walkv, count, value):
    lines = "".join(json.dumps({"key": f"k{n:05d}", "value": value(n)}) + "\n" for n in range(count))
    lines += "".join(json.dumps({"queue": "q", "value": value(n)}) + "\n" for n in range(min(count, 1000)))
    done = walkv.ctl("import", "-", stdin=lines)
    if done.returncode != 0:
        raise AssertionError(done.stderr)


class Lists(SystemTest):
    COUNT = 3000
    options = {"workers": 1, "walkvd": {"checkpoint_interval": 0}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fill(cls.walkv, cls.COUNT, lambda n: {"n": n, "text": f"value number {n} " * 8})
        lines = "".join(json.dumps({"queue": f"queue-{n:05d}", "value": 1}) + "\n" for n in range(300))
        cls.walkv.ctl("import", "-", stdin=lines)

    LARGE = ("/api/kv", "/api/kv?keys=only", "/api/kv?prefix=k0", "/api/kv?limit=1000", "/api/kv?keys=only&limit=3000",
             "/api/queue/q/items", "/api/queue/q/items?limit=1000&after=100", "/api/queue?sizes=true")

    def test_the_same_bytes(self):
        with self.walkv.connect() as c:  # all on one connection, so that every end is found
            for path in self.LARGE:
                with self.subTest(path=path):
                    plain = c.get(path)
                    self.assertIsNone(plain.header("Content-Encoding"))
                    self.assertEqual(plain.header("Vary"), "Accept-Encoding")
                    packed = c.get(path, GZIP)
                    self.assertEqual(packed.header("Content-Encoding"), "gzip")
                    self.assertEqual(packed.header("Vary"), "Accept-Encoding")
                    self.assertEqual(packed.header("Transfer-Encoding"), "chunked")
                    self.assertEqual(gzip.decompress(packed.body), plain.body)
                    self.assertLess(len(packed.body), len(plain.body) / 2)

    def test_only_for_whom_asks_for_it(self):
        for asks, wanted in (("gzip, deflate, br", True), ("*", True), ("br;q=1, gzip;q=0.1", True), ("gzip;q=0", False),
                             ("*;q=0", False), ("identity", False), ("deflate", False), ("", False), (None, False)):
            answer = self.walkv.get("/api/kv", headers={"Accept-Encoding": asks})
            self.assertEqual(answer.header("Content-Encoding") == "gzip", wanted, asks)
        both = self.walkv.get("/api/kv", headers={"Accept-Encoding": "deflate", "accept-encoding": "gzip"})
        self.assertEqual(both.header("Content-Encoding"), "gzip")

    def test_never_what_is_small(self):
        for path in ("/api/kv?prefix=k0000", "/api/kv?limit=3", "/api/queue/q/items?limit=3", "/api/kv?prefix=none"):
            with self.subTest(path=path):
                plain, asked = self.walkv.get(path), self.walkv.get(path, headers=GZIP)
                self.assertIsNone(asked.header("Content-Encoding"))
                self.assertEqual(asked.header("Vary"), "Accept-Encoding")
                self.assertEqual(asked.body, plain.body)

    def test_never_a_single_value_and_its_304(self):
        self.walkv.set("single", '"' + "x" * 100_000 + '"')
        self.walkv.enqueue("single", '"' + "x" * 100_000 + '"')
        for path in ("/api/kv/single", "/api/queue/single/peek"):
            answer = self.walkv.get(path, headers=GZIP)
            self.assertIsNone(answer.header("Content-Encoding"))
            self.assertIsNone(answer.header("Vary"))
            self.assertIn("x" * 1000, answer.text)
        tag = self.walkv.get("/api/kv/single").header("ETag")
        answer = self.walkv.get("/api/kv/single", headers={"If-None-Match": tag, **GZIP})
        self.assertEqual((answer.status, answer.header("Content-Encoding")), (304, None))

    def test_never_for_head_nor_for_http_1_0(self):
        for path in self.LARGE:
            answer = self.walkv.request("HEAD", path, None, GZIP)
            self.assertEqual((answer.status, answer.header("Content-Encoding")), (200, None))
        with self.walkv.connect() as c:
            c.send("GET /api/kv HTTP/1.0\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n")
            answer = c.response()
            self.assertIsNone(answer.header("Content-Encoding"))
            self.assertEqual(len(answer.json()["data"]), len(self.walkv.get("/api/kv").json()["data"]))

    def test_failures_are_readable(self):
        for path in ("/api/kv?limit=0", "/api/queue/none/items", "/nothing"):
            answer = self.walkv.get(path, headers=GZIP)
            self.assertError(answer)
            self.assertIsNone(answer.header("Content-Encoding"))

    def test_pipelined(self):
        plain = self.walkv.get("/api/kv").body
        with self.walkv.connect() as c:
            c.send(b"".join(c.head("GET", path, headers) for path, headers in
                            (("/api/kv", GZIP), ("/livez", GZIP), ("/api/kv?limit=1000", GZIP), ("/api/kv", {}))))
            self.assertEqual(gzip.decompress(c.response().body), plain)
            self.assertEqual(c.response().json()["status"], "alive")
            self.assertEqual(len(json.loads(gzip.decompress(c.response().body))["data"]), 1000)
            self.assertEqual(c.response().body, plain)

    def test_switched_off(self):
        walkv = self.instance(workers=1, httpd={"compression": "off"}).start()
        fill(walkv, 100, lambda n: "x" * 1000)
        answer = walkv.get("/api/kv", headers=GZIP)
        self.assertIsNone(answer.header("Content-Encoding"))
        self.assertIsNone(answer.header("Vary"))
        self.assertEqual(len(answer.json()["data"]), 100)


class Streams(SystemTest):
    options = {"workers": 1, "walkvd": {"checkpoint_interval": 0}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        noise = random.Random(7)
        fill(cls.walkv, 200, lambda n: noise.randbytes(10000).hex())
        cls.walkv.set("k00000/large", '"' + "large " * 150_000 + '"')  # a value of many slices
        cls.plain = cls.walkv.get("/api/kv").body

    def test_nothing_stalls(self):
        """A client that reads only a part gets whole records out of that part, and others are answered meanwhile."""
        with self.walkv.connect(receive_buffer=65536) as c:
            c.put("GET", "/api/kv", None, GZIP)
            unpack, text = zlib.decompressobj(31), b""
            while (line := c._line()):
                pass
            size = int(c._line(), 16)
            text += unpack.decompress(c._exactly(size))
            self.assertGreaterEqual(len(text), 4096)
            self.assertEqual(self.walkv.get("/livez").status, 200)
            c._exactly(2)
            while (size := int(c._line(), 16)):
                text += unpack.decompress(c._exactly(size))
                c._exactly(2)
            self.assertTrue(unpack.eof)
            self.assertEqual(len(json.loads(text)["data"]), 201)

    def ask(self, connection):
        """Asks for the list and reads the head of the answer: whether it is compressed."""
        connection.put("GET", "/api/kv", None, GZIP)
        head = []
        while line := connection._line():
            head.append(line)
        return b"Content-Encoding: gzip" in head

    def test_more_clients_than_compressors(self):
        """They get the list as it is, until the others have gone away."""
        held = []
        try:
            for n in range(34):
                held.append(self.walkv.connect(receive_buffer=4096 if n < 33 else None))
                self.assertEqual(self.ask(held[-1]), n < 32, n)
            self.assertEqual(held[-1]._chunks(), self.plain)
        finally:
            for c in held:
                c.close()

        def again():
            with self.walkv.connect() as c:
                return self.ask(c)

        wait_until(again, "the compressors to be free again")

    def test_many_at_once(self):
        results = []

        def ask():
            with self.walkv.connect() as each:
                answer = each.get("/api/kv", GZIP)
                body = gzip.decompress(answer.body) if answer.header("Content-Encoding") else answer.body
                results.append(body == self.plain)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(results, [True] * 8)


if __name__ == "__main__":
    main()
