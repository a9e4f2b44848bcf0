# SPDX-License-Identifier: MIT
"""Access tokens: every scope on every route of the router's own table, what a pattern reaches and what a list shows of
it, the ways to ask without a right, reloading, a worker that lies to walkvd, where it may listen without tokens, and
that no token ever stands in a log, a file or the view."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from raw_frames import CONTROL, GREETING, HELLO, RESULT, WORKER, WRITE, Stream, frame
from walkv import (EX_CONFIG, HTTPD, PATIENCE_S, ROOT, WALKVCTL, WALKVD, Closed, Daemon, SystemTest, Walkv, free_port,
                   main, quote, run, send_signal, wait_until)

EX_NOINPUT, EX_NOPERM = 66, 77
SCOPES = ("read", "write", "admin")
FULL_LINE = re.compile(r"wkv_[A-Za-z0-9_-]{43}")


def line_of(name, scope, token, *patterns):
    return " ".join([name, scope, *patterns, hashlib.sha256(token.encode()).hexdigest()])


class TokenFile:
    """A file of access tokens; `self[name]` is the token of that name."""

    def __init__(self, path):
        self.path, self.tokens, self.lines = Path(path), {}, {}

    def __getitem__(self, name):
        return self.tokens[name]

    def add(self, name, scope, *patterns):
        self.tokens[name] = "wkv_" + name.ljust(43, "-")
        self.lines[name] = line_of(name, scope, self.tokens[name], *patterns)
        return self.write()

    def remove(self, name):
        del self.lines[name]
        return self.write()

    def write(self, text=None, mode=0o640):
        """Puts a whole new file in the place of the old one."""
        new = self.path.with_suffix(".new")
        new.write_text("# of token_test.py\n\n" + "\n".join(self.lines.values()) + "\n" if text is None else text)
        new.chmod(mode)
        new.rename(self.path)
        return self


def bearer(token):
    return {} if token is None else {"Authorization": "Bearer " + token}


def routes():
    """(method, pattern) of every route, as router.c has them."""
    source = (ROOT / "walkv-httpd" / "router.c").read_text()
    table = re.search(r"static const struct route routes\[\] = \{\n(.*?)\n\};", source, re.DOTALL)[1]
    return [(method, pattern) for pattern, method in re.findall(r'\{\s*"(/[^"]*)",\s*HTTP_(\w+)', table)]


OPEN = ("/livez", "/readyz", "/healthz", "/openapi.json", "/", "/index.html", "/assets/:")  # the last: see ui_test.py


def scope_of(method, pattern):
    """What a route needs, by the rule of the README and not by the table: reads are GET, everything else writes."""
    return None if pattern in OPEN else "read" if method == "GET" else "write"


class TokenTest(SystemTest):
    options = None

    def start(self, *tokens, walkvd=None, httpd=None, **options):
        """An instance of its own with a file of these tokens; both daemons use it, unless the flags say otherwise."""
        directory = tempfile.mkdtemp(prefix="walkv-test-")
        self.addCleanup(shutil.rmtree, directory)
        file = TokenFile(Path(directory, "tokens"))
        file.write()
        for each in tokens:
            file.add(*each)
        flags = {"auth_tokens_file": file.path}
        one = self.instance(walkvd={**flags, **(walkvd or {})}, httpd={**flags, **(httpd or {})}, **options)
        one.tokens = file
        return one

    def ask(self, walkv, token, method, path, body=None, **headers):
        return walkv.request(method, path, body, {**bearer(token), **headers})

    def reload(self, walkv, pattern):
        """SIGHUP to both daemons, and waits until each process has said what `pattern` is."""
        processes = [(walkv.walkvd, 1), (walkv.httpd, 1 + walkv.workers)]
        before = [len(re.findall(pattern, daemon.log)) for daemon, _ in processes]
        for daemon, _ in processes:
            daemon.signal(signal.SIGHUP)
        for (daemon, count), had in zip(processes, before):
            wait_until(lambda: len(re.findall(pattern, daemon.log)) >= had + count, f"{daemon.name}: {pattern}")

    def assertUnauthorized(self, answer):
        self.assertEqual((answer.status, answer.code), (401, "unauthorized"), answer)
        self.assertError(answer)
        self.assertEqual(answer.header("WWW-Authenticate"), "Bearer")

    def assertForbidden(self, answer):
        self.assertEqual((answer.status, answer.code), (403, "forbidden"), answer)
        self.assertError(answer)
        self.assertIsNone(answer.header("WWW-Authenticate"))

    def assertAllowed(self, answer):
        self.assertNotIn(answer.status, (401, 403, 404, 405, 500), answer)
        self.assertLess(answer.status, 500, answer)


class InTheAccessLog(TokenTest):
    def test_the_name_and_never_the_token(self):
        walkv = self.start(("app", "write"), ("other", "read"), workers=1)
        path = walkv.dir / "access.log"
        walkv.httpd_flags = {**walkv.httpd_flags, "access_log": path}
        walkv.start()
        with walkv.connect() as c:
            for token, target, status in (("app", "/api/kv/none", 404), ("other", "/api/kv/none", 404),
                                          (None, "/api/kv/none", 401), ("app", "/api/status", 200), (None, "/livez", 200),
                                          ("app", "/nowhere", 404)):
                text = walkv.tokens[token] if token else None
                self.assertEqual(c.request("GET", target, None, bearer(text)).status, status)
        wanted = ["app", "other", "", "app", "", ""]

        def names():
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            return [line["token"] for line in lines if line["path"] != "/readyz"]

        wait_until(lambda: len(names()) >= len(wanted), "the lines")
        self.assertEqual(names(), wanted)
        for text in walkv.tokens.tokens.values():
            self.assertNotIn(text, path.read_text())


    def test_a_name_is_that_of_the_token_that_came(self):
        """Also when the token has been taken out before the line is written."""
        walkv = self.start(("app", "write"), ("other", "read"), workers=1)
        path = walkv.dir / "access.log"
        walkv.httpd_flags = {**walkv.httpd_flags, "access_log": path}
        walkv.start()
        text = '{"value":1}'
        with walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/a", {**bearer(walkv.tokens["app"]), "Content-Type": "application/json",
                                               "Content-Length": str(len(text)), "Expect": "100-continue"}))
            self.assertEqual(c.response("PUT", interim=True).status, 100)
            walkv.tokens.remove("app")
            self.reload(walkv, "1 access tokens read")
            c.send(text)
            self.assertForbidden(c.response("PUT"))
        line = wait_until(lambda: [l for l in map(json.loads, path.read_text().splitlines()) if l["method"] == "PUT"], "the line")
        self.assertEqual(line[0]["token"], "app")


class Rights(TokenTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = tempfile.mkdtemp(prefix="walkv-test-")
        cls.addClassCleanup(shutil.rmtree, directory)
        cls.tokens = TokenFile(Path(directory, "tokens"))
        for scope in SCOPES:
            cls.tokens.add(scope, scope)
        cls.tokens.add("users", "write", "keys=user:*", "keys=config")
        cls.tokens.add("reader", "read", "keys=user:*", "queues=jobs-*")
        cls.tokens.add("jobs", "write", "queues=jobs-*", "queues=mail")
        cls.tokens.add("odd", "write", "keys=a%20b", "keys=%2A", "queues=%C3%A4*")
        cls.tokens.add("keys", "write", "keys=*")
        flags = {"auth_tokens_file": cls.tokens.path, "log_level": "debug"}
        cls.walkv = Walkv(walkvd=flags, httpd=flags)
        cls.addClassCleanup(cls.walkv.close)
        cls.walkv.start()

    def by(self, name, method, path, body=None, **headers):
        token = self.tokens[name] if name in self.tokens.tokens else name
        return self.ask(self.walkv, token, method, path, body, **headers)

    def prepare(self):
        """What every route finds: a key and a queue of the name `thing`."""
        self.assertAllowed(self.by("admin", "PUT", "/api/kv/thing", '{"value":1}'))
        self.assertAllowed(self.by("admin", "POST", "/api/queue/thing/enqueue", '{"value":1}'))

    def test_every_scope_on_every_route(self):
        table = routes()
        self.assertGreaterEqual(len(table), 18)
        allowed = {None: (None,), "nonsense": (None,), "read": (None, "read"), "write": (None, "read", "write"),
                   "admin": (None, "read", "write", "admin")}
        for method, pattern in table:
            path, body = pattern.replace(":", "thing"), None
            if method in ("POST", "PUT", "PATCH"):
                body = '{"key":"thing","value":1}'
            for who, rights in allowed.items():
                with self.subTest(method=method, path=path, who=who):
                    self.prepare()
                    allowed_here = scope_of(method, pattern) in rights
                    endless = path == "/api/events" and allowed_here  # see events_test.py
                    answer = self.by(who, "HEAD" if endless else method, path, body)
                    if pattern == "/assets/:" or (pattern in ("/", "/index.html") and answer.status == 404):
                        self.assertError(answer, 404, "no_route")  # not asked for a token; the page may not be built
                    elif allowed_here:
                        self.assertAllowed(answer)
                    elif who in SCOPES:
                        self.assertForbidden(answer)
                        self.assertIn(f"has {who}", answer.json()["error"])
                    else:
                        self.assertUnauthorized(answer)
                    if method == "GET" and who != "nonsense":
                        self.assertEqual(self.by(who, "HEAD", path).status, answer.status)

    def test_what_was_refused_was_not_done(self):
        self.prepare()
        before = self.by("read", "GET", "/api/status").json()["applied_lsn"]
        for method, pattern in routes():
            if method != "GET":
                for who in (None, "nonsense", "read", "reader"):
                    self.by(who, method, pattern.replace(":", "thing"), '{"key":"thing","value":2}')
        self.assertEqual(self.by("read", "GET", "/api/status").json()["applied_lsn"], before)

    def test_methods_and_paths_are_no_secret(self):
        self.assertEqual(self.walkv.request("OPTIONS", "/api/kv/a").status, 204)
        self.assertError(self.walkv.get("/nothing"), 404, "no_route")
        self.assertError(self.walkv.request("DELETE", "/api/kv"), 405, "method_not_allowed")
        self.assertError(self.walkv.get("/api/kv/a"), 401, "unauthorized")
        self.assertError(self.walkv.get("/api/kv/%00"), 400, "invalid_key")

    def test_a_right_is_asked_for_before_anything_that_is_sent_is_looked_at(self):
        for path, body, headers in (("/api/kv/a?colour=red", "{", {}), ("/api/kv/a", "{", {"Content-Type": "text/plain"}),
                                    ("/api/kv/a", None, {"Content-Length": str(1 << 40)})):
            for who, check in ((None, self.assertUnauthorized), ("read", self.assertForbidden)):
                with self.walkv.connect() as c:
                    c.put("PUT", path, body, {**headers, **bearer(who and self.tokens[who])})
                    answer = c.response("PUT")
                    check(answer)
                    self.assertTrue(answer.closes, "its body is not read")
                    self.assertTrue(c.at_end())

    def test_a_refusal_is_no_reason_to_close(self):
        with self.walkv.connect() as c:
            self.assertUnauthorized(c.get("/api/kv"))
            self.assertEqual(c.get("/api/kv", bearer(self.tokens["read"])).status, 200)
            self.assertUnauthorized(c.get("/api/kv"))  # nothing is remembered
            self.assertForbidden(c.request("POST", "/api/queue/q/dequeue", None, bearer(self.tokens["read"])))
            self.assertEqual(c.get("/livez").status, 200)

    def test_ways_to_write_it(self):
        token = self.tokens["read"]
        for value, status in (("Bearer " + token, 200), ("bearer " + token, 200), ("BEARER   " + token, 200),
                              ("Bearer " + token + "  ", 200),  # blanks around a field are not part of it
                              ("Bearer", 401), ("Bearer ", 401), (token, 401), ("Bearer" + token, 401), ("", 401),
                              ("Basic dXNlcjpwYXNz", 401), ("Basic " + token, 401), ("Bearer " + token[:-1], 401),
                              ("Bearer " + token + "x", 401), ("Bearer " + token + " x", 401),
                              ("Bearer " + token + ",", 401), ("Bearer\t" + token, 401), ('Bearer "' + token + '"', 401),
                              ("Bearer " + token + ", Basic x", 401), ("Bearer " + token.upper(), 401),
                              ("Bearer " + "x" * 128, 401), ("Bearer " + "x" * 129, 401), ("Bearer " + "x" * 8000, 401),
                              ("Bearer \u00e4", 401)):
            with self.subTest(value=value[:80]):
                answer = self.walkv.request("GET", "/api/kv/none", None, {"Authorization": value})
                self.assertEqual(answer.status, 404 if status == 200 else status, answer)
        with self.walkv.connect() as c:
            for second in ("Bearer " + token, "Basic dXNlcjpwYXNz"):
                c.send(f"GET /api/kv/none HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                       f"authorization: {second}\r\n\r\n")
                self.assertError(c.response(), 400, "bad_request")
        answer = self.walkv.get(f"/api/kv?access_token={token}")
        self.assertUnauthorized(answer)

    def test_what_patterns_reach(self):
        keys = (("users", "user:", True), ("users", "user:1", True), ("users", "config", True), ("users", "configs", False),
                ("users", "user", False), ("users", "User:1", False), ("users", "x-user:1", False), ("jobs", "jobs-1", False),
                ("odd", "a b", True), ("odd", "*", True), ("odd", "a%20b", False), ("odd", "\u00e4", False),
                ("keys", "anything", True), ("reader", "user:1", None), ("reader", "config", False))
        queues = (("jobs", "jobs-", True), ("jobs", "jobs-1", True), ("jobs", "mail", True), ("jobs", "mail2", False),
                  ("jobs", "job", False), ("users", "user:1", False), ("users", "config", False), ("odd", "\u00e4x", True),
                  ("odd", "a b", False), ("keys", "anything", False), ("reader", "jobs-1", None), ("reader", "mail", False))
        for kind, names in (("kv", keys), ("queue", queues)):
            for method, pattern in routes():
                if not pattern.startswith(f"/api/{kind}/:"):
                    continue
                for who, name, reached in names:
                    with self.subTest(who=who, method=method, pattern=pattern, name=name):
                        self.assertAllowed(self.by("admin", "PUT", f"/api/kv/{quote(name)}", '{"value":1}'))
                        self.assertAllowed(self.by("admin", "POST", f"/api/queue/{quote(name)}/enqueue", '{"value":1}'))
                        body = '{"value":1}' if method in ("POST", "PUT", "PATCH") else None
                        answer = self.by(who, method, pattern.replace(":", quote(name)), body)
                        if reached or (reached is None and method == "GET"):
                            self.assertAllowed(answer)
                        else:
                            self.assertForbidden(answer)

    def test_a_key_in_the_body(self):
        for who, key, status in (("users", "user:7", (200, 201)), ("users", "config", (200, 201)), ("users", "other", (403,)),
                                 ("users", "\\u0075ser:7", (200, 201)), ("reader", "user:7", (403,)), ("jobs", "jobs-1", (403,)),
                                 ("write", "other", (200, 201))):
            with self.subTest(who=who, key=key):
                answer = self.by(who, "POST", "/api/kv", f'{{"key":"{key}","value":1}}')
                self.assertIn(answer.status, status, answer)
                if status == (403,):  # walkvd would say it, too, but here the worker has seen it
                    self.assertNotIn("walkvd", answer.json()["error"])

    def test_lists_show_what_may_be_read(self):
        for key in ("a b", "*", "user", "user:1", "user:2", "user;", "config", "configs", "zebra"):
            self.assertAllowed(self.by("admin", "PUT", f"/api/kv/{quote(key)}", f'{{"value":"{key}"}}'))
        for queue in ("jobs-1", "jobs-2", "mail", "mails", "other"):
            self.assertAllowed(self.by("admin", "POST", f"/api/queue/{queue}/enqueue", '{"value":1}'))
        everything = list(self.by("admin", "GET", "/api/kv").json()["data"])
        queues = self.by("admin", "GET", "/api/queue").json()["queues"]

        def keys(who, query=""):
            answer = self.by(who, "GET", "/api/kv?keys=only" + query).json()
            data = self.by(who, "GET", "/api/kv?" + query).json()
            self.assertEqual(list(data["data"]), answer["keys"])
            self.assertEqual(data.get("next"), answer.get("next"))
            return answer["keys"], answer.get("next")

        users = [k for k in everything if k.startswith("user:") or k == "config"]
        for who, shown in (("read", everything), ("keys", everything), ("users", users),
                           ("reader", [k for k in users if k != "config"]),
                           ("odd", [k for k in everything if k in ("a b", "*")])):
            with self.subTest(who=who):
                self.assertEqual(keys(who), (shown, None))
                self.assertEqual(keys(who, "&limit=10000"), (shown, None))
                self.assertEqual(keys(who, "&prefix=user"), ([k for k in shown if k.startswith("user")], None))
                self.assertEqual(keys(who, "&prefix=user:1"), ([k for k in shown if k.startswith("user:1")], None))
                self.assertEqual(keys(who, "&after=config"), ([k for k in shown if k > "config"], None))
                self.assertEqual(keys(who, "&after=user:1&prefix=u"),
                                 ([k for k in shown if k > "user:1" and k.startswith("u")], None))
                paged, after = [], ""
                while after is not None:  # a page that ends says so, and no page is empty
                    page, after = keys(who, f"&limit=1&after={quote(after)}" if after else "&limit=1")
                    self.assertEqual(len(page), 1)
                    paged += page
                self.assertEqual(paged, shown)
        for who in ("jobs",):
            self.assertForbidden(self.by(who, "GET", "/api/kv"))
        for who, shown in (("read", queues), ("jobs", [q for q in queues if q.startswith("jobs-") or q == "mail"]),
                           ("reader", [q for q in queues if q.startswith("jobs-")])):
            with self.subTest(who=who):
                answer = self.by(who, "GET", "/api/queue?sizes=true").json()
                self.assertEqual((answer["queues"], answer["count"]), (shown, len(shown)))
                self.assertEqual(list(answer["sizes"]), shown)
        for who in ("users", "keys"):
            self.assertForbidden(self.by(who, "GET", "/api/queue"))

    def test_the_status_is_of_the_whole_store(self):
        for who in ("users", "reader", "jobs", "keys", "odd"):
            self.assertForbidden(self.by(who, "GET", "/api/status"))
        self.assertEqual(self.by("read", "GET", "/api/status").status, 200)

    def test_no_token_stands_anywhere(self):
        """With log_level = debug, after every kind of request, also ones that are wrong."""
        for name in self.tokens.tokens:
            for path in ("/api/kv/user:1", "/api/kv", "/api/status", "/nothing", "/api/kv?x=1"):
                self.by(name, "GET", path)
            self.by(name, "PUT", "/api/kv/user:1", '{"value":1}', **{"Idempotency-Key": "one-" + name})
            self.by(name, "PUT", "/api/kv/user:1", '{"value":')
        self.by("wkv_unknown" + "x" * 30, "PUT", "/api/kv/user:1", '{"value":1}')
        self.by("admin", "POST", "/api/queue/jobs-1/enqueue", '{"value":1}')
        self.walkv.ctl("checkpoint")
        places = [self.walkv.walkvd.log.encode(), self.walkv.httpd.log.encode()]
        places += [p.read_bytes() for p in self.walkv.dir.rglob("*") if p.is_file()]
        places += [p.read_bytes() for p in self.walkv.view.parent.glob(self.walkv.view.name + "*")]
        self.assertGreater(len(places), 6)
        for place in places:
            self.assertNotIn(b"wkv_", place)
            self.assertNotIn(self.tokens["admin"].encode(), place)
        dump = run([WALKVCTL, "dump", self.walkv.data])
        self.assertIn("user:1", dump.stdout)
        self.assertNotIn("wkv_", dump.stdout)

    def test_the_operator_needs_none(self):
        self.assertEqual(self.walkv.ctl("status").returncode, 0)
        self.assertEqual(self.walkv.ctl("checkpoint").returncode, 0)
        self.assertEqual(self.walkv.ctl("import", "--quiet", "-", stdin='{"imported":1}').returncode, 0)
        self.assertEqual(self.by("read", "GET", "/api/kv/imported").status, 200)
        self.assertIn("imported", self.walkv.ctl("export", "--quiet").stdout)


class Streams(TokenTest):
    def test_a_long_list_of_scattered_keys(self):
        walkv = self.start(("all", "admin"), ("some", "read", "keys=k1*", "keys=k00500", "keys=k2*", "keys=zz*", "keys=a*"))
        walkv.start()
        lines = "".join(f'{{"key":"k{n:05}","value":{n}}}\n' for n in range(0, 30000, 7))
        self.assertEqual(walkv.ctl("import", "--quiet", "-", stdin=lines).returncode, 0)
        everything = self.ask(walkv, walkv.tokens["all"], "GET", "/api/kv?keys=only").json()["keys"]
        self.assertEqual(len(everything), len(range(0, 30000, 7)))
        shown = self.ask(walkv, walkv.tokens["some"], "GET", "/api/kv?keys=only").json()["keys"]
        self.assertEqual(shown, [k for k in everything if k.startswith(("k1", "k2")) or k == "k00500"])

    def test_a_stream_ends_when_its_token_is_gone(self):
        walkv = self.start(("a", "admin"), ("b", "read"), workers=1)
        walkv.start()
        value = json.dumps("x" * 200_000)
        lines = "".join(f'{{"key":"k{n}","value":{value}}}\n' for n in range(60))
        self.assertEqual(walkv.ctl("import", "--quiet", "-", stdin=lines).returncode, 0)
        with walkv.connect(receive_buffer=4096) as c:
            c.put("GET", "/api/kv", None, bearer(walkv.tokens["b"]))
            c.socket.recv(100, socket.MSG_PEEK)  # it has begun
            walkv.tokens.remove("b")
            self.reload(walkv, "1 access tokens read")
            with self.assertRaises((Closed, ConnectionError)):
                c.response()


class Reload(TokenTest):
    def test_what_the_file_says_now_holds(self):
        walkv = self.start(("old", "admin"), ("stays", "read"))
        walkv.start()
        old, stays = walkv.tokens["old"], walkv.tokens["stays"]
        self.assertIn("2 access tokens read from", walkv.walkvd.log)
        self.assertEqual(self.ask(walkv, old, "PUT", "/api/kv/a", '{"value":1}').status, 201)
        new = walkv.tokens.add("new", "write").remove("old")["new"]
        self.assertUnauthorized(self.ask(walkv, new, "GET", "/api/kv/a"))  # not before it is told
        walkv.tokens.lines["stays"] = line_of("stays", "write", stays)
        walkv.tokens.write()
        self.reload(walkv, "2 access tokens read from")
        for _ in range(10):  # whichever worker it is
            self.assertUnauthorized(self.ask(walkv, old, "GET", "/api/kv/a"))
            self.assertEqual(self.ask(walkv, new, "PUT", "/api/kv/a", '{"value":2}').status, 200)
            self.assertEqual(self.ask(walkv, stays, "PUT", "/api/kv/a", '{"value":2}').status, 200)
        # A worker that is started later knows the same.
        before = walkv.worker_pids()
        for pid in before:
            send_signal(pid, signal.SIGKILL)
        wait_until(lambda: len(walkv.worker_pids()) == 2 and not set(before) & set(walkv.worker_pids()), "new workers")
        for _ in range(10):
            self.assertUnauthorized(self.ask(walkv, old, "GET", "/api/kv/a"))
            self.assertEqual(self.ask(walkv, new, "PUT", "/api/kv/a", '{"value":2}').status, 200)

    def test_a_file_that_is_not_good_changes_nothing(self):
        walkv = self.start(("one", "admin"))
        walkv.start()
        one = walkv.tokens["one"]
        for name, change, says in (
            ("a bad line", lambda: walkv.tokens.write("# x\none admin nonsense\n"), "line 2: .*SHA-256"),
            ("readable by everybody", lambda: walkv.tokens.write(mode=0o644), "chmod 640"),
            ("gone", walkv.tokens.path.unlink, "No such file"),
        ):
            with self.subTest(name):
                change()
                self.reload(walkv, f"error: auth_tokens_file: .*{says}.*stay in force")
                self.assertEqual(self.ask(walkv, one, "PUT", "/api/kv/a", '{"value":1}').status // 100, 2)
                self.assertUnauthorized(self.ask(walkv, None, "GET", "/api/kv/a"))
        # Nor can a worker that is started now read it, and yet it serves as the others do.
        before = walkv.worker_pids()
        send_signal(before[0], signal.SIGKILL)
        wait_until(lambda: len(walkv.worker_pids()) == 2 and before[0] not in walkv.worker_pids(), "a new worker")
        for _ in range(10):
            self.assertEqual(self.ask(walkv, one, "PUT", "/api/kv/a", '{"value":1}').status, 200)
            self.assertUnauthorized(self.ask(walkv, None, "GET", "/api/kv/a"))
        walkv.tokens.write()
        self.reload(walkv, "1 access tokens read from")

    def test_a_file_without_tokens_lets_nobody_in(self):
        walkv = self.start(("one", "admin"), workers=1)
        walkv.start()
        one = walkv.tokens["one"]
        walkv.tokens.remove("one")
        self.reload(walkv, "warning: auth_tokens_file: no access token in")
        self.assertUnauthorized(self.ask(walkv, one, "GET", "/api/kv"))
        self.assertEqual(walkv.get("/livez").status, 200)

    def test_sighup_without_a_file(self):
        walkv = self.instance()
        walkv.start()
        self.reload(walkv, "there is no auth_tokens_file")
        self.assertEqual(walkv.set("a", "1"), 2)
        answer = walkv.request("GET", "/api/kv/a", None, {"Authorization": "Basic of-some-proxy"})
        self.assertEqual(answer.status, 200, "without a file it is nobody's business")


# --- walkvd itself ---

(OK, CREATED, NOT_FOUND, QUEUE_EMPTY, QUEUE_NOT_FOUND) = range(5)
STORAGE_FULL, FORBIDDEN = 6, 11
SET, DELETE, ENQUEUE, DEQUEUE, CLEAR, FORGET = range(1, 7)
PROTOCOL = int(re.search(r"#define FRAME_PROTOCOL\s+(\d+)u", (ROOT / "common" / "frame.h").read_text())[1])
WRITE_FIXED = struct.Struct("<BBHIIIQQQ")


class Liar(Stream):
    """A worker, or what says that it is one, on walkvd's socket."""

    def __init__(self, path, role=WORKER, session=0, sent=0, uid=None):
        connected = socket.socket(socket.AF_UNIX)
        if uid is not None:
            os.seteuid(uid)  # the kernel tells walkvd who connected
        try:
            connected.connect(str(path))
        finally:
            if uid is not None:
                os.seteuid(0)
        super().__init__(connected)
        self.send(frame(HELLO, struct.pack("<IIQQQQ", PROTOCOL, role, session, os.getpid(), sent,
                                           time.clock_gettime_ns(time.CLOCK_BOOTTIME) if sent else 0)))
        _, body = self.expect(GREETING)
        self.in_force = struct.unpack_from("<I", body, 48)[0]

    @staticmethod
    def frame(op, name, value=b"", token=b"", key=b"", sequence=0):
        name, token = name.encode(), token.encode() if isinstance(token, str) else token
        head = WRITE_FIXED.pack(op, 0, len(name), len(value), len(key), len(token), 0, sequence, 0)
        return frame(WRITE, head + name + value + (b"f" * 16 + key if key else b"") + token, 5)

    def answer(self):
        """(result, the value that came)"""
        _, body = self.expect(RESULT)
        return struct.unpack_from("<H", body)[0], body[32:]

    def write(self, *arguments, **more):
        self.send(self.frame(*arguments, **more))
        return self.answer()


class Walkvd(TokenTest):
    def setUp(self):
        super().setUp()
        self.walkv = self.start(("read", "read"), ("write", "write"), ("admin", "admin"), ("users", "write", "keys=user:*"),
                                ("jobs", "write", "queues=jobs-*"), ("reader", "read", "keys=user:*"))
        self.walkv.start_walkvd()
        self.tokens = self.walkv.tokens

    def liar(self, **options):
        one = Liar(self.walkv.socket, **options)
        self.addCleanup(one.close)
        return one

    def test_a_worker_that_lies_about_the_scope(self):
        """It has let through what it should not have: walkvd asks the token, not the worker."""
        worker = self.liar()
        for op, value in ((SET, b"1"), (DELETE, b""), (ENQUEUE, b"1"), (DEQUEUE, b""), (CLEAR, b""), (FORGET, b"")):
            about = "user:1" if op in (SET, DELETE) else "jobs-1"
            for who, allowed in (("", False), ("nonsense", False), ("wkv_" + "x" * 43, False), (self.tokens["read"], False),
                                 (self.tokens["reader"], False), (self.tokens["users"], about == "user:1"),
                                 (self.tokens["jobs"], about == "jobs-1"), (self.tokens["write"], True),
                                 (self.tokens["admin"], True)):
                with self.subTest(op=op, who=who):
                    result, _ = worker.write(op, about, value, who)
                    self.assertEqual(result != FORBIDDEN, allowed, result)
            for who in ("users", "jobs"):
                self.assertEqual(worker.write(op, "other", value, self.tokens[who])[0], FORBIDDEN)
        self.assertEqual(json.loads(self.walkv.ctl("export", "--quiet").stdout), {"queues": {}})

    def test_a_token_that_is_none_ends_the_connection(self):
        for token in (b"x" * 129, b"a b", b"\0", b"\xff", b"a\n"):
            worker = self.liar()
            worker.send(worker.frame(SET, "user:1", b"1", token))
            self.assertTrue(worker.at_end(), token)

    def test_what_was_kept_for_another_is_not_given_away(self):
        worker = self.liar()
        self.assertEqual(worker.write(ENQUEUE, "jobs-1", b'"secret"', self.tokens["jobs"])[0], OK)
        self.assertEqual(worker.write(DEQUEUE, "jobs-1", b"", self.tokens["jobs"], key=b"key"), (OK, b'"secret"'))
        self.assertEqual(worker.write(DEQUEUE, "jobs-1", b"", self.tokens["jobs"], key=b"key"), (OK, b'"secret"'))
        for token in ("", self.tokens["read"], self.tokens["users"]):
            self.assertEqual(worker.write(DEQUEUE, "jobs-1", b"", token, key=b"key"), (FORBIDDEN, b""))

    def test_what_was_done_before_the_token_went_is_told(self):
        """The answer was on its way when the connection ended, and meanwhile the token was taken out."""
        worker = self.liar(session=7)
        self.assertEqual(worker.write(SET, "user:1", b"1", self.tokens["users"], sequence=1)[0], CREATED)
        worker.close()
        users = self.tokens["users"]
        self.tokens.remove("users")
        self.walkv.walkvd.signal(signal.SIGHUP)
        self.walkv.walkvd.wait_for_line("5 access tokens read")
        worker = self.liar(session=7, sent=1)
        self.assertEqual(worker.in_force, 1)
        self.assertEqual(worker.write(SET, "user:1", b"1", users, sequence=1)[0], CREATED)
        self.assertEqual(worker.write(SET, "user:1", b"2", users, sequence=2)[0], FORBIDDEN)

    def test_a_full_store_says_forbidden_to_whom_it_is(self):
        self.walkv.stop_walkvd()
        self.walkv.start_walkvd(view_size="8MiB")
        worker = self.liar()
        value = json.dumps("x" * 100_000).encode()  # fits into the socket while walkvd is stopped
        for n in range(200):
            if worker.write(SET, f"user:{n}", value, self.tokens["write"])[0] == STORAGE_FULL:
                break
        else:
            self.fail("the view is never full")
        # In one batch, since walkvd finds all of them when it goes on.
        self.walkv.walkvd.signal(signal.SIGSTOP)
        jobs, read, write = (self.tokens[who] for who in ("jobs", "read", "write"))
        worker.send(worker.frame(SET, "user:x", b"1", jobs), worker.frame(DELETE, "user:0", b"", read),
                    worker.frame(SET, "user:x", value, write), worker.frame(SET, "user:x", b"1"))
        self.walkv.walkvd.signal(signal.SIGCONT)
        self.assertEqual([worker.answer()[0] for _ in range(4)], [FORBIDDEN, FORBIDDEN, STORAGE_FULL, FORBIDDEN])
        self.assertEqual(worker.write(DELETE, "user:0", b"", self.tokens["write"])[0], OK)

    @unittest.skipUnless(os.geteuid() == 0, "being another user needs root")
    def test_to_call_oneself_the_operator_is_not_enough(self):
        operator = self.liar(role=CONTROL)
        self.assertEqual(operator.write(SET, "a", b"1")[0], CREATED)
        self.walkv.dir.chmod(0o755)
        self.walkv.socket.chmod(0o666)
        other = self.liar(role=CONTROL, uid=65534)
        self.assertEqual(other.write(SET, "a", b"1")[0], FORBIDDEN)
        self.assertEqual(other.write(SET, "a", b"1", self.tokens["write"])[0], OK)
        done = run([WALKVCTL, "--socket", self.walkv.socket, "import", "--quiet", "-"], stdin='{"b":1}',
                   preexec=lambda: os.setuid(65534))
        self.assertEqual(done.returncode, EX_NOPERM, done.stderr)
        self.assertIn("auth_tokens_file", done.stderr)

    def test_a_worker_whose_file_is_another(self):
        """Over HTTP: the worker gives the token a right that it does not have with walkvd."""
        directory = tempfile.mkdtemp(prefix="walkv-test-")
        self.addCleanup(shutil.rmtree, directory)
        wide = TokenFile(Path(directory, "tokens")).add("read", "admin").add("users", "admin").add("unknown", "admin")
        self.walkv.start_httpd(auth_tokens_file=wide.path)
        for who, path, status in (("read", "/api/kv/a", 403), ("users", "/api/kv/a", 403), ("unknown", "/api/kv/a", 403),
                                  ("users", "/api/kv/user:1", 201)):
            answer = self.ask(self.walkv, wide[who], "PUT", path, '{"value":1}')
            self.assertEqual(answer.status, status, answer)
            if status == 403:
                self.assertForbidden(answer)
                self.assertIn("walkvd", answer.json()["error"])
        self.walkv.stop_httpd()
        self.walkv.start_httpd(auth_tokens_file=None)
        answer = self.walkv.request("PUT", "/api/kv/a", '{"value":1}')
        self.assertForbidden(answer)
        self.assertIn("this worker has no auth_tokens_file", answer.json()["error"])
        self.assertEqual(self.walkv.get("/api/kv/a").status, 404)


# --- the start ---


class Start(TokenTest):
    def httpd(self, *flags, patience=PATIENCE_S):
        return run([HTTPD, "--socket-path", "/nowhere/walkvd.sock", "--view-path", "/nowhere/view", *flags], patience=patience)

    def assertServes(self, *argv):
        daemon = Daemon("walkv-httpd", argv)
        self.addCleanup(lambda: daemon.running() and (daemon.signal(signal.SIGKILL), daemon.wait()))
        daemon.wait_for_line("serving")
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0, daemon.log)

    def test_where_it_listens_without_tokens(self):
        directory = tempfile.mkdtemp(prefix="walkv-test-")
        self.addCleanup(shutil.rmtree, directory)
        file = TokenFile(Path(directory, "tokens")).add("a", "read").path
        nowhere = ["--socket-path", directory + "/none", "--view-path", directory + "/none"]
        for address in ("0.0.0.0", "[::]", "[::ffff:0.0.0.0]"):
            port = free_port()
            for workers in ("0", "1"):
                with self.subTest(address=address, workers=workers):
                    done = self.httpd("--listen", f"{address}:{port}", "--workers", workers)
                    self.assertEqual(done.returncode, EX_CONFIG, done.stderr)
                    for word in ("auth_tokens_file", "127.0.0.1", "--insecure-no-auth"):
                        self.assertIn(word, done.stderr)
                    self.assertNotIn("serving", done.stderr)
            for flag in (["--insecure-no-auth"], ["--auth-tokens-file", file]):
                with self.subTest(address=address, flag=flag):
                    self.assertServes(HTTPD, "--listen", f"{address}:{port}", *nowhere, *flag)
        for address in ("127.0.0.1", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]"):
            with self.subTest(address=address):
                self.assertServes(HTTPD, "--listen", f"{address}:{free_port()}", *nowhere)

    def test_sockets_that_were_handed_over(self):
        directory = tempfile.mkdtemp(prefix="walkv-test-")
        self.addCleanup(shutil.rmtree, directory)
        give = ("import os, socket, sys\n"
                "s = socket.socket(socket.AF_UNIX if '/' in sys.argv[1] else socket.AF_INET)\n"
                "s.bind(sys.argv[1] if '/' in sys.argv[1] else (sys.argv[1], 0))\n"
                "s.listen()\n"
                "os.dup2(s.fileno(), 3)\n"
                "os.set_inheritable(3, True)  # it may have been 3 already\n"
                "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
                "os.execv(sys.argv[2], sys.argv[2:])\n")
        nowhere = ["--socket-path", directory + "/none", "--view-path", directory + "/none"]
        for address in (directory + "/http.sock", "127.0.0.1"):
            self.assertServes(sys.executable, "-c", give, address, HTTPD, *nowhere)
        done = run([sys.executable, "-c", give, "0.0.0.0", HTTPD, *nowhere])
        self.assertEqual(done.returncode, EX_CONFIG, done.stderr)

    def test_a_file_that_is_not_good(self):
        directory = tempfile.mkdtemp(prefix="walkv-test-")
        self.addCleanup(shutil.rmtree, directory)
        file = TokenFile(Path(directory, "tokens"))
        good = line_of("a", "read", "x")
        for name, change, says in (("missing", lambda: None, "tokens: No such file"),
                                   ("a bad line", lambda: file.write(f"# x\n\n{good}\nb reads {good[-64:]}\n"), "tokens: line 4: "),
                                   ("readable", lambda: file.write(good, mode=0o644), "chmod 640"),
                                   ("no file", lambda: (file.path.unlink(), file.path.mkdir()), "no regular file")):
            change()
            for argv in ([WALKVD, "--data-dir", directory + "/data", "--socket-path", directory + "/s", "--view-path",
                          directory + "/view"], [HTTPD, "--listen", f"127.0.0.1:{free_port()}"]):
                with self.subTest(name, program=argv[0].name):
                    done = run([*argv, "--auth-tokens-file", file.path])
                    self.assertEqual(done.returncode, EX_CONFIG, done.stderr)
                    self.assertRegex(done.stderr, "auth_tokens_file: .*" + says)
            self.assertFalse(Path(directory, "data").exists(), "before anything is made")


class Ctl(TokenTest):
    def new(self, *arguments, status=0):
        done = run([WALKVCTL, "token", "new", *arguments])
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def check(self, text, *flags, mode=0o600):
        directory = tempfile.mkdtemp(prefix="walkv-test-")
        self.addCleanup(shutil.rmtree, directory)
        file = TokenFile(Path(directory, "tokens")).write(text, mode)
        return run([WALKVCTL, "token", "check", file.path, *flags])

    def test_new_tokens(self):
        lines, seen = [], set()
        for name, scope, patterns in (("a", "read", []), ("b", "write", ["--keys", "user:*"]), ("c", "admin", ["--queues", "q"]),
                                      ("d", "write", ["--keys", "a%20b", "--queues", "j-*", "--keys", "c"])):
            done = self.new(name, "--scope", scope, *patterns)
            token, line = done.stdout.splitlines()
            self.assertRegex(token, FULL_LINE)
            self.assertEqual(line.split()[:2], [name, scope])
            self.assertEqual(line.split()[-1], hashlib.sha256(token.encode()).hexdigest())
            self.assertNotIn(token, done.stderr)
            self.assertNotIn(token, line)
            lines.append(line)
            seen.add(token)
        self.assertEqual(len(seen), 4)
        done = self.check("# mine\n" + "\n".join(lines) + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([" ".join(line.split()) for line in done.stdout.splitlines()],
                         ["a read everything", "b write keys=user:*", "c admin queues=q",
                          "d write keys=a%20b queues=j-* keys=c", "4 access tokens, and nothing wrong with the file"])
        done = self.check("\n".join(lines), "--json")
        self.assertEqual(json.loads(done.stdout)[3],
                         {"name": "d", "scope": "write", "line": 4, "keys": [{"name": "a b"}, {"name": "c"}],
                          "queues": [{"prefix": "j-"}]})
        self.assertEqual(json.loads(done.stdout)[0], {"name": "a", "scope": "read", "line": 1})
        made = json.loads(self.new("j", "--scope", "read", "--keys", "\u00e4*", "--json").stdout)
        self.assertEqual(made["line"], line_of("j", "read", made["token"], "keys=\u00e4*"))

    def test_what_it_makes_opens_a_store(self):
        token, line = self.new("web", "--scope", "write", "--keys", "user:*").stdout.splitlines()
        walkv = self.start(workers=1)
        walkv.tokens.write(line + "\n")
        walkv.start()
        self.assertEqual(self.ask(walkv, token, "PUT", "/api/kv/user:1", '{"value":1}').status, 201)
        self.assertForbidden(self.ask(walkv, token, "PUT", "/api/kv/other", '{"value":1}'))

    def test_wrong_usage(self):
        for arguments in ([], ["a"], ["a", "--scope", "reads"], ["a", "--scope", ""], ["a b", "--scope", "read"],
                          ["", "--scope", "read"], ["#a", "--scope", "read"], ["a\nb", "--scope", "read"],
                          ["a", "--scope", "read write"], ["a", "--scope", "read", "--keys", ""],
                          ["a", "--scope", "read", "--keys", "a b"], ["a", "--scope", "read", "--keys", "a\nb"],
                          ["a", "--scope", "read", "--keys", "a*b"], ["a", "--scope", "read", "b"],
                          ["a", "--scope", "read", *["--keys", "x"] * 17]):
            with self.subTest(arguments=arguments):
                done = self.new(*arguments, status=64)
                self.assertEqual(done.stdout, "")
                self.assertTrue(done.stderr)
        for arguments in (["token"], ["token", "old"], ["token", "old", "x"], ["token", "check"]):
            self.assertEqual(run([WALKVCTL, *arguments]).returncode, 64)

    def test_check_says_what_is_wrong(self):
        done = self.check("a read\n")
        self.assertEqual(done.returncode, EX_CONFIG)
        self.assertIn("tokens: line 1: ", done.stderr)
        self.assertEqual(self.check("", mode=0o604).returncode, EX_CONFIG)
        self.assertEqual(run([WALKVCTL, "token", "check", "/nowhere/tokens"]).returncode, EX_NOINPUT)
        self.assertEqual(self.check("").stdout, "0 access tokens, and nothing wrong with the file\n")


class Source(unittest.TestCase):
    def test_hashes_are_compared_in_constant_time(self):
        source = (ROOT / "common" / "tokens.c").read_text()
        find = re.search(r"\nconst struct token \*tokens_find\(.*?\n}\n", source, re.DOTALL)[0]
        self.assertIn("memeql_sec(", find)
        for word in ("memcmp", "break", "return NULL"):
            self.assertNotIn(word, find)
        for program in (WALKVD, HTTPD):
            symbols = subprocess.run(["readelf", "--dyn-syms", "-W", program], capture_output=True, text=True, check=True)
            self.assertRegex(symbols.stdout, r"UND \S*memeql_sec", f"{program.name} compares by the library's function")

    def test_every_route_says_what_it_needs(self):
        source = (ROOT / "walkv-httpd" / "router.c").read_text()
        table = re.search(r"static const struct route routes\[\] = \{\n(.*?)\n\};", source, re.DOTALL)[1]
        self.assertEqual(len(re.findall(r"NEEDS_\w+,\s*TOKEN_\w+\}", table)), len(routes()))
        for pattern in re.findall(r'\{\s*"([^"]*)"[^{}]*\{[^{}]*\},\s*NEEDS_NO_TOKEN', table):
            self.assertIn(pattern, OPEN)


if __name__ == "__main__":
    main()
