# SPDX-License-Identifier: MIT
"""How the web UI is served, over raw HTTP: what a cache and a browser are told, that nothing but the files of the UI
comes out, and what a build without it says. The pages themselves are tested in a browser, by tests/ui."""

import gzip
import json
import re
import unittest

from walkv import BUILD, SystemTest, main

HAS_UI = re.search(r"^WALKV_UI:BOOL=(ON|TRUE|YES|1)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE) is not None

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
          "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
# Everything that such a response has, but for what differs from one to the next.
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
GZIP = {"Accept-Encoding": "gzip, deflate, br"}
TRICKS = (
    "/assets/../index.html", "/assets/..%2findex.html", "/assets/%2e%2e%2findex.html", "/assets/..%5cindex.html", "/assets/..",
    "/assets/.", "/assets/none.js", "/assets/assets/x", "/assets", "/assets/index.html", "/Assets/x", "/index.html/", "/index.htm",
    "/INDEX.HTML", "//", "//index.html", "/./", "/../", "/%2e%2e/etc/passwd", "/assets//etc/passwd", "/assets/%2fetc%2fpasswd",
    "/etc/passwd", "/ui", "/favicon.ico", "/index.html%20", "/assets/*", "/.well-known/x", "/robots.txt",
)


def files_of(page):
    """The paths that a page names."""
    return [reference.removeprefix(".") for reference in re.findall(r'(?:src|href)="([^"]+)"', page)]


class Everywhere(SystemTest):
    """With the UI and without it."""

    options = {"workers": 1}

    def test_other_paths_have_nothing(self):
        with self.walkv.connect() as c:
            for path in TRICKS:
                for method in ("GET", "HEAD"):
                    with self.subTest(path=path, method=method):
                        answer = c.request(method, path)
                        self.assertEqual(answer.status, 404, answer)
                        self.assertEqual(answer.header("Content-Type"), "application/json")
                        self.assertEqual(answer.header("Cache-Control"), "no-store")
                        if method == "GET":
                            self.assertError(answer, code="no_route")

    def test_only_get(self):
        self.transcript("""
            > POST / {}
            < 405 method_not_allowed
            - Allow: GET, HEAD, OPTIONS
            > PUT /index.html {}
            < 405 method_not_allowed
            - Allow: GET, HEAD, OPTIONS
            > DELETE /assets/x
            < 405 method_not_allowed
            - Allow: GET, HEAD, OPTIONS
            > OPTIONS /
            < 204
            - Allow: GET, HEAD, OPTIONS
            > OPTIONS /assets/x
            < 204
            - Allow: GET, HEAD, OPTIONS
        """)

    def test_other_hosts_get_nothing(self):
        """So that no page of another site can show this one under a name of its own."""
        for path in ("/", "/index.html", "/assets/x"):
            for host in ("walkv.example.org", "evil.example:4000", "127.0.0.1.evil.example"):
                with self.subTest(path=path, host=host):
                    self.assertError(self.walkv.get(path, headers={"Host": host}), 421, "wrong_host")


class Without(SystemTest):
    options = {"workers": 1}

    def test_the_page_says_how_to_get_it(self):
        for path in ("/", "/index.html"):
            answer = self.walkv.get(path)
            self.assertError(answer, 404, "no_route")
            self.assertIn("built without the web UI (WALKV_UI=OFF)", answer.json()["error"])
            self.assertIn("/openapi.json", answer.json()["error"])
            self.assertIsNone(answer.header("Content-Security-Policy"))
        self.assertEqual(self.walkv.request("HEAD", "/").status, 404)

    def test_everything_else_is_there(self):
        self.transcript("""
            > PUT /api/kv/a {"value":1}
            < 201
            > GET /openapi.json
            < 200
            > GET /assets/index.js
            < 404 no_route
            > GET /assets/
            < 404 no_route
            > GET /assets/%00
            < 404 no_route
        """)


class Files(SystemTest):
    options = {"workers": 1}

    def assertHeaders(self, answer, **wanted):
        """These, and no others."""
        found = {name: value for name, value in answer.headers if name != "X-Request-Id"}
        named = {name.replace("_", "-"): value for name, value in wanted.items()}
        self.assertEqual(found, {**FIXED, **named})

    def page(self):
        return self.walkv.get("/").text

    def test_the_page(self):
        for path in ("/", "/index.html"):
            answer = self.walkv.get(path)
            self.assertEqual(answer.status, 200)
            tag = answer.header("ETag")
            self.assertRegex(tag, r'\A"[0-9a-f]{16}"\Z')
            self.assertHeaders(answer, Content_Type="text/html; charset=utf-8", Content_Length=str(len(answer.body)),
                               Cache_Control="no-cache", ETag=tag, Vary="Accept-Encoding")
            self.assertTrue(answer.text.startswith("<!doctype html>"))
            self.assertIn("<noscript>", answer.text)
        self.assertEqual(self.walkv.get("/").body, self.walkv.get("/index.html").body)
        self.assertEqual(self.walkv.get("/").body, self.walkv.get("/?from=a&from=mail").body, "whatever was added to it")

    def test_the_page_has_nothing_inline(self):
        text = self.page()
        self.assertNotIn("unsafe", POLICY)
        self.assertEqual(re.findall(r"<script(?![^>]* src=)[^>]*>", text), [])
        self.assertEqual(re.findall(r"<style|\sstyle=|\son\w+=|javascript:", text), [])
        for path in files_of(text):
            self.assertNotIn("unsafe-inline", self.walkv.get(path).text, path)

    def test_everything_that_the_page_names_is_there_and_nothing_is_of_others(self):
        found = files_of(self.page())
        self.assertEqual(sum(path.endswith(".js") for path in found), 2, found)  # the theme first, then the rest
        self.assertEqual(sum(path.endswith(".css") for path in found), 1, found)
        self.assertEqual(re.findall(r'"(?:https?:)?//[^"]*"', self.page()), [])
        for path in found:
            self.assertRegex(path, r"\A/assets/[\w.-]+-[\w-]{8}\.(js|css|svg)\Z")
            self.assertEqual(self.walkv.get(path).status, 200, path)

    def test_everything_that_scripts_load_is_there(self):
        """The chunks of other pages, which are named inside of scripts and style sheets."""
        todo, seen = files_of(self.page()), set()
        while todo:
            path = todo.pop()
            if path in seen:
                continue
            seen.add(path)
            answer = self.walkv.get(path)
            self.assertEqual(answer.status, 200, path)
            if not path.endswith(".svg"):
                todo += ["/assets/" + name for name in re.findall(r"[\w.-]+-[\w-]{8}\.(?:js|css|svg)\b", answer.text)]
        names = " ".join(sorted(seen))
        for part in ("keys-page", "queues-page", "docs-page", "token-dialog"):
            self.assertIn(part, names)

    def test_assets_never_change_under_their_names(self):
        kinds = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
        for path in files_of(self.page()):
            with self.subTest(path=path):
                answer = self.walkv.get(path)
                self.assertHeaders(answer, Content_Type=kinds[path.rpartition(".")[2]], Content_Length=str(len(answer.body)),
                                   Cache_Control="public, max-age=31536000, immutable", ETag=answer.header("ETag"),
                                   Vary="Accept-Encoding")

    def test_compressed_for_whom_accepts_it(self):
        for path in ["/", *files_of(self.page())]:
            with self.subTest(path=path):
                plain, packed = self.walkv.get(path), self.walkv.get(path, headers=GZIP)
                self.assertIsNone(plain.header("Content-Encoding"))
                self.assertEqual(packed.header("Content-Encoding"), "gzip")
                self.assertEqual((plain.header("Vary"), packed.header("Vary")), ("Accept-Encoding",) * 2)
                self.assertEqual(gzip.decompress(packed.body), plain.body)
                self.assertLess(len(packed.body), len(plain.body))
                self.assertEqual(packed.header("Content-Length"), str(len(packed.body)))
                self.assertEqual(packed.header("ETag"), plain.header("ETag")[:-1] + '-gzip"')
                for asks in ("gzip;q=0", "identity", "br", "*;q=0"):
                    answer = self.walkv.get(path, headers={"Accept-Encoding": asks})
                    self.assertIsNone(answer.header("Content-Encoding"), asks)
                    self.assertEqual(answer.body, plain.body)

    def test_it_is_asked_for_again(self):
        for path in ("/", "/index.html", files_of(self.page())[0]):
            for accepts in ({}, GZIP):
                with self.subTest(path=path, accepts=accepts):
                    first = self.walkv.get(path, headers=accepts)
                    tag = first.header("ETag")
                    for method in ("GET", "HEAD"):
                        again = self.walkv.request(method, path, headers={**accepts, "If-None-Match": tag})
                        self.assertEqual((again.status, again.body), (304, b""))
                        self.assertHeaders(again, Cache_Control=first.header("Cache-Control"), ETag=tag, Vary="Accept-Encoding")
                    for other in ('"0"', tag[1:-1], tag.replace('"', '"x', 1)):
                        self.assertEqual(self.walkv.get(path, headers={**accepts, "If-None-Match": other}).status, 200, other)
                    weak = f'"1", W/{tag}'
                    self.assertEqual(self.walkv.get(path, headers={**accepts, "If-None-Match": weak}).status, 304)
        # What is stored compressed is not what somebody has who does not take it.
        tag = self.walkv.get("/", headers=GZIP).header("ETag")
        self.assertEqual(self.walkv.get("/", headers={"If-None-Match": tag}).status, 200)

    def test_head_is_get_without_a_body(self):
        for path in ("/", "/index.html", *files_of(self.page())):
            for accepts in ({}, GZIP):
                get, head = self.walkv.get(path, headers=accepts), self.walkv.request("HEAD", path, headers=accepts)
                self.assertEqual((head.status, head.body), (200, b""))
                without = lambda answer: [(n, v) for n, v in answer.headers if n != "X-Request-Id"]
                self.assertEqual(without(head), without(get), path)

    def test_on_one_connection_with_the_api(self):
        with self.walkv.connect() as c:
            paths = ["/", *files_of(self.page())]
            for path in paths:
                c.put("GET", path, headers=GZIP)
                c.put("GET", "/livez")
            for path in paths:
                self.assertEqual(c.response().header("Content-Encoding"), "gzip", path)
                self.assertEqual(c.response().json()["status"], "alive")

    def test_without_compression(self):
        walkv = self.instance(workers=1, httpd={"compression": "off"})
        walkv.start()
        for path in ["/", *files_of(self.page())]:
            answer = walkv.get(path, headers=GZIP)
            self.assertIsNone(answer.header("Content-Encoding"))
            self.assertIsNone(answer.header("Vary"))
            self.assertEqual(answer.body, self.walkv.get(path).body)

    def test_no_token_is_asked_for(self):
        """Whoever has a token enters it there."""
        walkv = self.instance(workers=1)
        tokens = walkv.dir / "tokens"
        tokens.write_text(json.loads(walkv.ctl("--json", "token", "new", "someone", "--scope", "admin").stdout)["line"] + "\n")
        tokens.chmod(0o600)
        walkv.walkvd_flags["auth_tokens_file"] = walkv.httpd_flags["auth_tokens_file"] = tokens
        walkv.start()
        for path in ["/", "/index.html", *files_of(self.page())]:
            answer = walkv.get(path)
            self.assertEqual(answer.status, 200, path)
            self.assertEqual(answer.body, self.walkv.get(path).body)
        self.assertError(walkv.get("/api/kv"), 401)
        self.assertError(walkv.get("/api/events"), 401)

    def test_pages_of_other_origins_may_not_read_it(self):
        """Not even where some origins may use the API: what they get is the API."""
        answer = self.walkv.get("/", headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
        self.assertIsNone(answer.header("Access-Control-Allow-Origin"))

    def test_it_is_there_while_walkvd_is_away(self):
        walkv = self.instance(workers=1)
        walkv.start()
        page = walkv.get("/").body
        walkv.kill_walkvd()
        for path in ["/", *files_of(page.decode())]:
            self.assertEqual(walkv.get(path).status, 200, path)


def load_tests(loader, *_):
    """What this build has. The rest is tested in another one, and not skipped in this."""
    return unittest.TestSuite(map(loader.loadTestsFromTestCase, (Everywhere, Files if HAS_UI else Without)))


if __name__ == "__main__":
    main()
