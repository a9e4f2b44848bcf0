# SPDX-License-Identifier: MIT
"""Web pages: what those of other origins may read and write, preflights, and the names of requests."""

import re

from walkv import JSON_TYPE, SystemTest, main

ALLOWED = "https://app.example.org"
PORT_TOO = "http://localhost:8080"
BODY = '{"value":1}'
WRITES = (("PUT", "/api/kv/a", BODY), ("POST", "/api/kv/a", BODY), ("PATCH", "/api/kv/a", BODY),
          ("POST", "/api/kv", '{"key":"a","value":1}'), ("DELETE", "/api/kv/a", None),
          ("POST", "/api/queue/q/enqueue", BODY), ("POST", "/api/queue/q/dequeue", None), ("DELETE", "/api/queue/q", None))
CORS = re.compile("access-control", re.IGNORECASE)


def cors_fields(answer):
    return {name: value for name, value in answer.headers if CORS.match(name)}


class NoOriginIsAllowed(SystemTest):
    """The default: the server's own pages, and programs that are no browsers."""

    def test_nothing_says_cors(self):
        for method, path, headers in (("GET", "/api/kv", {}), ("GET", "/api/kv/none", {}), ("PUT", "/api/kv/a", {}),
                                      ("OPTIONS", "/api/kv/a", {"Access-Control-Request-Method": "PUT"})):
            answer = self.walkv.request(method, path, BODY if method == "PUT" else None, {"Origin": ALLOWED, **headers})
            self.assertEqual(cors_fields(answer), {}, answer)
            self.assertNotIn("Origin", answer.header("Vary", ""))

    def test_cross_site_writes_are_refused(self):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "other"},
                        {"Sec-Fetch-Site": ""}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""},
                        {"Sec-Fetch-Site": "cross-site", "Origin": f"http://127.0.0.1:{self.walkv.port}"},
                        {"Origin": "http://127.0.0.1"}, {"Origin": f"http://localhost:{self.walkv.port}"},
                        {"Origin": f"http://127.0.0.1:{self.walkv.port}", "origin": f"http://127.0.0.1:{self.walkv.port}"},
                        {"Sec-Fetch-Site": "none", "sec-fetch-site": "none"}):
            for method, path, body in WRITES:
                with self.subTest(headers=headers, method=method, path=path):
                    self.assertError(self.walkv.request(method, path, body, headers), 403, "cross_site")
        self.assertEqual(self.walkv.get("/api/kv/a").status, 404)
        self.assertEqual(self.walkv.get("/api/queue").json()["queues"], [])

    def test_the_refusal_comes_before_the_body(self):
        with self.walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/a", {"Sec-Fetch-Site": "cross-site", "Content-Type": JSON_TYPE,
                                               "Content-Length": "11", "Expect": "100-continue"}))
            answer = c.response("PUT", interim=True)
            self.assertError(answer, 403, "cross_site")
            self.assertTrue(answer.closes)

    def test_cross_site_reads_are_answered_but_not_readable(self):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = self.walkv.request(method, "/api/kv", None, {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"})
            self.assertIn(answer.status, (200, 204))
            self.assertEqual(cors_fields(answer), {})

    def test_own_pages_and_programs_write(self):
        own = f"http://127.0.0.1:{self.walkv.port}"
        for headers in ({}, {"Sec-Fetch-Site": "same-origin", "Origin": own}, {"Sec-Fetch-Site": "none"}, {"Origin": own},
                        # A proxy may give another Host than the browser had; the browser knows better.
                        {"Sec-Fetch-Site": "same-origin", "Origin": "https://db.example.org"},
                        {"Host": f"LOCALHOST:{self.walkv.port}", "Origin": f"http://localhost:{self.walkv.port}"},
                        {"Host": "localhost:443", "Origin": "https://localhost"},
                        {"Host": "localhost", "Origin": "http://localhost"}):
            with self.subTest(headers=headers):
                self.assertIn(self.walkv.request("PUT", "/api/kv/own", BODY, headers).status, (200, 201))

    def test_every_response_says_nosniff(self):
        seen = set()
        for method, path, headers in (("GET", "/api/kv", {}), ("GET", "/livez", {}), ("HEAD", "/api/kv", {}), ("GET", "/nothing", {}),
                                      ("OPTIONS", "/api/kv", {}), ("DELETE", "/api/kv", {}), ("GET", "/livez", {"Host": "a.b"}),
                                      ("PUT", "/api/kv/a", {}), ("GET", "/%zz", {}), ("BREW", "/", {})):
            answer = self.walkv.request(method, path, None, headers)
            seen.add(answer.status)
            self.assertEqual(answer.header("X-Content-Type-Options"), "nosniff", answer)
        self.assertGreaterEqual(seen, {200, 204, 400, 404, 405, 421, 501})


class SomeOriginsAreAllowed(SystemTest):
    options = {"httpd": {"cors_allowed_origins": f"{ALLOWED},{PORT_TOO}"}}

    def test_an_allowed_origin_may_read_and_write(self):
        for origin in (ALLOWED, PORT_TOO):
            for site in ("cross-site", "same-site", None):
                headers = {"Origin": origin, "Sec-Fetch-Site": site}
                answers = [self.walkv.request("PUT", "/api/kv/a", BODY, headers), self.walkv.get("/api/kv/a", headers=headers),
                           self.walkv.get("/api/kv", headers=headers), self.walkv.request("HEAD", "/api/kv/a", None, headers)]
                for answer in answers:
                    self.assertIn(answer.status, (200, 201))
                    self.assertEqual(cors_fields(answer), {
                        "Access-Control-Allow-Origin": origin,
                        "Access-Control-Expose-Headers": "ETag, Walkv-Lsn, Idempotency-Replayed, X-Request-Id, Retry-After"})
                    self.assertIn("Origin", answer.header("Vary").split(", "))

    def test_failures_are_readable_too(self):
        for method, path, headers, status in (("GET", "/api/kv/none", {}, 404), ("GET", "/nothing", {}, 404), ("PUT", "/api/kv/a", {}, 400),
                                              ("DELETE", "/api/kv", {}, 405), ("GET", "/livez", {"Host": "other.example"}, 421),
                                              ("GET", "/api/kv?limit=0", {}, 400), ("PUT", "/api/kv/a", {"Content-Length": "9999999"}, 415)):
            answer = self.walkv.request(method, path, None, {"Origin": ALLOWED, **headers})
            self.assertError(answer, status)
            self.assertEqual(answer.header("Access-Control-Allow-Origin"), ALLOWED)
            self.assertEqual(answer.header("Vary"), "Origin")

    def test_others_are_not(self):
        for origin in ("https://evil.example", "https://app.example.org.evil.example", "https://app.example.or", "http://app.example.org",
                       "https://app.example.org:8443", "HTTPS://APP.EXAMPLE.ORG", "https://app.example.org/", "null", "*", "",
                       f"{ALLOWED},{PORT_TOO}", f"{ALLOWED} {PORT_TOO}"):
            with self.subTest(origin=origin):
                answer = self.walkv.get("/api/kv", headers={"Origin": origin})
                self.assertEqual(answer.status, 200)
                self.assertEqual(cors_fields(answer), {})
                self.assertError(self.walkv.request("PUT", "/api/kv/a", BODY, {"Origin": origin}), 403, "cross_site")
        for headers in ({"Origin": ALLOWED, "origin": ALLOWED}, {"Origin": ALLOWED, "origin": "https://evil.example"}):
            self.assertEqual(cors_fields(self.walkv.get("/api/kv", headers=headers)), {})

    def test_every_response_varies(self):
        with self.walkv.connect() as c:
            self.assertEqual(c.get("/livez").header("Vary"), "Origin")
            self.assertEqual(c.get("/api/kv/none").header("Vary"), "Origin")
            self.assertEqual(c.get("/api/kv").header("Vary"), "Accept-Encoding, Origin")
            c.send("nonsense\r\n\r\n")
            self.assertEqual(c.response().header("Vary"), "Origin")

    def test_an_origin_does_not_stay(self):
        with self.walkv.connect() as c:
            c.send(c.head("GET", "/livez", {"Origin": ALLOWED}) + c.head("GET", "/livez", {}) +
                   c.head("GET", "/livez", {"Origin": PORT_TOO}) + b"GET nonsense\r\n\r\n")
            self.assertEqual([c.response().header("Access-Control-Allow-Origin") for _ in range(4)], [ALLOWED, None, PORT_TOO, None])

    def test_preflights(self):
        for path, methods in (("/api/kv/a", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}), ("/api/kv", {"GET", "HEAD", "POST", "OPTIONS"}),
                              ("/api/queue/q/enqueue", {"POST", "OPTIONS"}), ("/api/queue/q", {"DELETE", "OPTIONS"})):
            answer = self.walkv.request("OPTIONS", path, None, {
                "Origin": ALLOWED, "Sec-Fetch-Site": "cross-site", "Access-Control-Request-Method": "PUT",
                "Access-Control-Request-Headers": "content-type,if-match"})
            self.assertEqual(answer.status, 204)
            fields = cors_fields(answer)
            self.assertEqual(set(fields.pop("Access-Control-Allow-Methods").split(", ")), methods)
            self.assertEqual(set(fields.pop("Access-Control-Allow-Headers").split(", ")), {
                "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Authorization", "X-Request-Id",
                "Last-Event-ID"})
            self.assertRegex(fields.pop("Access-Control-Max-Age"), r"\A[1-9]\d*\Z")
            fields.pop("Access-Control-Expose-Headers")
            self.assertEqual(fields, {"Access-Control-Allow-Origin": ALLOWED})  # and above all no credentials
            self.assertEqual(answer.header("Vary"), "Origin")

    def test_what_is_no_preflight(self):
        for headers in ({"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}, {"Origin": ALLOWED}):
            answer = self.walkv.request("OPTIONS", "/api/kv/a", None, headers)
            self.assertEqual(answer.status, 204)
            self.assertIsNone(answer.header("Access-Control-Allow-Methods"))
        answer = self.walkv.request("OPTIONS", "/nothing", None, {"Origin": ALLOWED, "Access-Control-Request-Method": "PUT"})
        self.assertError(answer, 404, "no_route")


class RequestIds(SystemTest):
    options = {"workers": 1, "walkvd": {"view_size": "8MiB"}, "httpd": {"write_timeout": "50ms"}}

    def test_an_id_is_taken(self):
        for name in ("a", "7f3c2c1e-0e8e-4c8b-bd34-0c4d43a3f5a1", "x" * 128, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"):
            for method, path in (("GET", "/livez"), ("GET", "/api/kv/none"), ("HEAD", "/api/kv"), ("PUT", "/api/kv/id"), ("OPTIONS", "/livez")):
                answer = self.walkv.request(method, path, BODY if method == "PUT" else None, {"X-Request-Id": name})
                self.assertEqual(answer.header("X-Request-Id"), name)

    def test_or_made(self):
        seen = set()
        with self.walkv.connect() as c:
            for headers in ({}, {"X-Request-Id": ""}, {"X-Request-Id": "x" * 129}, {"X-Request-Id": 'a"b'}, {"X-Request-Id": "a\\b"},
                            {"X-Request-Id": "a b"}, {"X-Request-Id": "\u00e9"}, {"X-Request-Id": "a", "x-request-id": "b"}):
                answer = c.get("/livez", headers)
                self.assertRegex(answer.header("X-Request-Id"), r"\A[0-9a-f]{12}-\d+\Z")
                seen.add(answer.header("X-Request-Id"))
            c.send("nonsense\r\n\r\n")
            seen.add(c.response().header("X-Request-Id"))
        self.assertEqual(len(seen), 9)
        self.assertEqual(len({name.split("-")[0] for name in seen}), 1)

    def test_workers_make_different_ones(self):
        other = self.instance(workers=1).start()
        names = {w.get("/livez").header("X-Request-Id").split("-")[0] for w in (self.walkv, other)}
        self.assertEqual(len(names), 2)

    def test_an_id_does_not_stay(self):
        with self.walkv.connect() as c:
            self.assertEqual(c.get("/livez", {"X-Request-Id": "mine"}).header("X-Request-Id"), "mine")
            self.assertNotEqual(c.get("/livez").header("X-Request-Id"), "mine")

    def test_failures_of_the_server_name_it(self):
        walkv = self.instance(workers=1, httpd={"write_timeout": "50ms"}).start()
        walkv.stop_walkvd()
        for method, path, status in (("PUT", "/api/kv/a", 503), ("GET", "/readyz", 503), ("BREW", "/", 501)):
            for name in ("mine-7", None):
                answer = walkv.request(method, path, BODY if method == "PUT" else None, {"X-Request-Id": name})
                self.assertError(answer, status)
                self.assertEqual(answer.json()["request_id"], answer.header("X-Request-Id"))
                if status == 503:
                    self.assertEqual(answer.json()["request_id"] == "mine-7", name is not None)
        self.assertNotIn("request_id", walkv.get("/nothing").json())


if __name__ == "__main__":
    main()
