# SPDX-License-Identifier: MIT
"""The access log: a line for each request, whole lines whatever happens, and who the client was."""

import json
import os
import resource
import signal
import stat
import subprocess
import threading

from walkv import EX_CONFIG, JSON_TYPE, PATIENCE_S, SystemTest, main, wait_until

MEMBERS = ["time", "id", "client", "token", "method", "path", "status", "bytes", "duration_us"]


def lines_of(path):
    """The lines that are whole so far, each of them JSON."""
    text = path.read_bytes()
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


class AccessLog(SystemTest):
    """With a file; `self.logged(n)` waits for n lines that are not about /readyz, and returns them."""

    options = None
    workers = 1
    httpd = {}

    def setUp(self):
        super().setUp()
        self.walkv = self.instance(workers=self.workers)
        self.path = self.walkv.dir / "access.log"
        self.walkv.httpd_flags = {"access_log": self.path, **self.httpd}
        self.walkv.start()
        for number in range(self.workers):  # ready is the first of them; each opens the file for itself
            self.walkv.httpd.wait_for_line(f"worker {number + 1}: serving")

    def tearDown(self):
        super().tearDown()
        self.walkv = None

    def logged(self, count, path=None):
        def enough():
            found = [line for line in lines_of(path or self.path) if line.get("path") != "/readyz"]
            return found if len(found) >= count else None

        found = wait_until(enough, f"{count} lines in the access log")
        self.assertEqual(len(found), count, found)
        return found


class Lines(AccessLog):
    def test_what_stands_in_a_line(self):
        c = self.walkv.connect()
        answer = c.request("PUT", "/api/kv/a", '{"value":1}', {"X-Request-Id": "mine"})
        c.close()
        (line,) = self.logged(1)
        self.assertEqual(list(line), MEMBERS)
        self.assertRegex(line.pop("time"), r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
        self.assertGreater(line.pop("duration_us"), 0)
        size = len(f"HTTP/1.1 {answer.status} {answer.reason}\r\n") + sum(len(n) + len(v) + 4 for n, v in answer.headers) + 2
        self.assertEqual(line, {"id": "mine", "client": "127.0.0.1", "token": "", "method": "PUT", "path": "/api/kv/a",
                                "status": 201, "bytes": size + len(answer.body)})

    def test_every_request_has_one(self):
        wanted = []
        with self.walkv.connect() as c:
            for method, path, status in (("GET", "/api/kv?limit=3&prefix=a%22b", 200), ("GET", "/api/kv/none", 404), ("HEAD", "/api/kv", 200),
                                         ("OPTIONS", "/livez", 204), ("GET", "/%C3%A9%00\"", 404), ("DELETE", "/api/kv", 405),
                                         ("POST", "/api/queue/q/dequeue", 404), ("GET", "/api/status", 200)):
                self.assertEqual(c.request(method, path).status, status)
                wanted.append((method, path, status))
            c.send(b"".join(c.head("GET", f"/api/kv/{n}", {}) for n in range(20)))  # pipelined
            wanted += [("GET", f"/api/kv/{n}", 404) for n in range(20)]
            for _ in range(20):
                c.response()
            c.send("nonsense\r\n\r\n")
            self.assertEqual(c.response().status, 400)
            wanted.append(("", "", 400))
        with self.walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/a", {"Content-Type": JSON_TYPE, "Content-Length": str(1 << 30)}))
            self.assertEqual(c.response().status, 413)
            wanted.append(("PUT", "/api/kv/a", 413))
        with self.walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/b", {"Content-Type": JSON_TYPE, "Transfer-Encoding": "chunked"}) + b"zz\r\n")
            self.assertEqual(c.response().status, 400)
            wanted.append(("PUT", "/api/kv/b", 400))
        found = self.logged(len(wanted))
        self.assertEqual([(l["method"], l["path"], l["status"]) for l in found], wanted)
        self.assertEqual(len({l["id"] for l in found}), len(found))

    def test_bytes_of_streams_and_pipelines(self):
        done = self.walkv.ctl("import", "-", stdin="".join(json.dumps({"key": f"{n:04d}", "value": "x" * 1000}) + "\n" for n in range(1000)))
        self.assertEqual(done.returncode, 0, done.stderr)
        with self.walkv.connect() as c:
            c.put("GET", "/api/kv")
            c.put("GET", "/livez")
            c.put("GET", "/livez", None, {"Connection": "close"})
            total = len(c._rest())
        lines = self.logged(3)
        self.assertEqual(sum(l["bytes"] for l in lines), total)
        self.assertEqual(lines[2]["bytes"] - lines[1]["bytes"], len("Connection: close\r\n"))

    def test_clients_that_go_away(self):
        with self.walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/gone", {"Content-Type": JSON_TYPE, "Content-Length": "100"}) + b"{")
            self.assertEqual(self.walkv.get("/livez").status, 200)
        line = self.logged(2)[1]
        self.assertEqual((line["path"], line["status"], line["bytes"], line["aborted"]), ("/api/kv/gone", 0, 0, True))

    def test_a_long_path(self):
        path = "/" + "\"" * 8000
        self.assertEqual(self.walkv.get(path).status, 404)
        (line,) = self.logged(1)
        self.assertTrue(line["path"].startswith('/"""') and line["path"].endswith('""...'))
        self.assertLessEqual(max(map(len, self.path.read_bytes().splitlines())), 4096)


class TheFile(AccessLog):
    workers = 2

    def test_it_is_opened_anew(self):
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode) & 0o137, 0)
        self.walkv.get("/api/kv/before")
        self.logged(1)
        moved = self.path.with_suffix(".1")
        self.path.rename(moved)
        self.walkv.httpd.signal(signal.SIGHUP)
        wait_until(self.path.exists, "the new file")
        workers = set(self.walkv.worker_pids())

        def all_have_it():
            return all(any(os.path.realpath(f"/proc/{pid}/fd/{fd}") == str(self.path) for fd in os.listdir(f"/proc/{pid}/fd")) for pid in workers)

        wait_until(all_have_it, "both workers to have the new file")
        self.walkv.get("/api/kv/after")
        self.assertEqual([l["path"] for l in self.logged(1)], ["/api/kv/after"])
        self.assertEqual([l["path"] for l in self.logged(1, moved)], ["/api/kv/before"])
        self.assertEqual(set(self.walkv.worker_pids()), workers)

    def test_a_file_that_cannot_be_opened_anew(self):
        self.walkv.get("/api/kv/one")
        self.logged(1)
        moved = self.path.with_suffix(".1")
        self.path.rename(moved)
        self.path.mkdir()
        self.walkv.httpd.signal(signal.SIGHUP)
        self.walkv.httpd.wait_for_line(r"access_log: .* cannot be opened: .*going on with the file from before")
        self.walkv.get("/api/kv/two")
        self.assertEqual([l["path"] for l in self.logged(2, moved)], ["/api/kv/one", "/api/kv/two"])

    def test_lines_of_workers_do_not_mix(self):
        def ask(number):
            with self.walkv.connect() as c:
                for n in range(50):
                    c.send(b"".join(c.head("GET", f"/api/kv/{number}.{n}.{i}", {}) for i in range(10)))
                    for _ in range(10):
                        c.response()

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        found = self.logged(3000)
        self.assertEqual(len({l["path"] for l in found}), 3000)
        self.assertEqual(len({l["id"] for l in found}), 3000)

    def test_a_stop_loses_nothing(self):
        with self.walkv.connect() as c:
            for n in range(100):
                c.get(f"/api/kv/{n}")
        self.walkv.stop_httpd()
        self.assertEqual(len([l for l in lines_of(self.path) if l["path"] != "/readyz"]), 100)

    def test_a_stop_that_does_not_wait(self):
        self.walkv.stop_httpd()
        self.walkv.start_httpd(workers=1, drain_timeout="10ms")
        with self.walkv.connect() as c:
            c.send(c.head("PUT", "/api/kv/late", {"Content-Type": JSON_TYPE, "Content-Length": "100"}) + b"{")
            wait_until(self.walkv.is_ready, "the request to be begun")
            self.walkv.stop_httpd()
        line = lines_of(self.path)[-1]
        self.assertEqual((line["path"], line["status"], line["aborted"]), ("/api/kv/late", 0, True))

    def test_a_worker_that_is_replaced_goes_on(self):
        for pid in self.walkv.worker_pids():
            os.kill(pid, signal.SIGKILL)
        wait_until(self.walkv.is_ready, "workers")
        self.walkv.get("/api/kv/again")
        self.assertIn("/api/kv/again", [l["path"] for l in self.logged(1)])


class FullDisk(AccessLog):
    """A limit on the size of files stands for the disk."""

    def test_lines_are_dropped_and_counted(self):
        (pid,) = self.walkv.worker_pids()
        size = self.path.stat().st_size
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 1000, resource.RLIM_INFINITY))
        # What does not fit raises SIGXFSZ; the kernel writes what fits first.
        with self.walkv.connect() as c:
            for n in range(50):
                self.assertEqual(c.get(f"/api/kv/{n}").status, 404)
            self.walkv.httpd.wait_for_line(r"access_log: .* cannot be written: File too large; lines are being dropped")
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
            wait_until(lambda: b'"dropped"' in self.path.read_bytes(), "the count of what was dropped")
            c.get("/api/kv/later")
        wait_until(lambda: b"/api/kv/later" in self.path.read_bytes(), "lines again")
        whole, dropped, parts = 0, 0, 0
        for line in self.path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
                dropped += entry.get("dropped", 0)
                whole += entry.get("path", "").startswith("/api/kv/")
            except ValueError:
                self.assertTrue(b'{"time":"'.startswith(line[:9]) and line.count(b"{") == 1, line)  # what did not fit
                parts += 1
        self.assertEqual(whole + dropped, 51)
        self.assertLessEqual(parts, 2)
        self.assertEqual(self.walkv.worker_pids(), [pid])


class Standard(SystemTest):
    options = {"workers": 1, "httpd": {"access_log": "journal"}}

    def test_lines_go_to_standard_error(self):
        self.walkv.get("/api/kv/here")
        line = json.loads(self.walkv.httpd.wait_for_line(r'\A\{"time".*"/api/kv/here"'))
        self.assertEqual(list(line), MEMBERS)
        self.walkv.httpd.signal(signal.SIGHUP)
        self.walkv.get("/api/kv/there")
        self.walkv.httpd.wait_for_line(r'\A\{"time".*"/api/kv/there"')

    def test_a_reader_that_does_not_read_holds_nobody_up(self):
        reading, writing = os.pipe()
        try:
            walkv = self.instance(workers=0)
            walkv.start_walkvd()
            argv = walkv.httpd_argv(access_log="journal", log_level="error")  # its standard error is read by nobody
            process = subprocess.Popen([str(a) for a in argv], stderr=writing, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            try:
                wait_until(walkv.is_ready, "the worker")
                with walkv.connect() as c:
                    for n in range(0, 12000, 100):
                        c.send(b"".join(c.head("GET", f"/api/kv/{n + i}", {}) for i in range(100)))
                        for _ in range(100):
                            self.assertEqual(c.response().status, 404)
                text = b""
                while b'"dropped"' not in text:
                    text += os.read(reading, 1 << 16)
                lines = [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
                dropped = sum(l.get("dropped", 0) for l in lines)
                self.assertGreater(dropped, 0)
                self.assertEqual(len([l for l in lines if "/api/kv/" in l.get("path", "")]) + dropped, 12000)
            finally:
                process.terminate()
                process.wait(PATIENCE_S)
        finally:
            os.close(reading)
            os.close(writing)


class Off(SystemTest):
    def test_hang_up_harms_nobody(self):
        workers = self.walkv.worker_pids()
        self.walkv.httpd.signal(signal.SIGHUP)
        for pid in workers:
            os.kill(pid, signal.SIGHUP)
        self.assertEqual(self.walkv.get("/livez").status, 200)
        self.walkv.stop_httpd()
        self.assertIsNone(self.walkv.httpd.seen("was killed|exited with"))
        self.walkv.start_httpd()

    def test_a_file_that_cannot_be_opened(self):
        walkv = self.instance(workers=2)
        walkv.start_walkvd()
        for path, why in ((walkv.dir / "none" / "log", "No such file"), (walkv.dir, "directory")):
            httpd = walkv.start_httpd(wait=False, access_log=path)
            self.assertEqual(httpd.wait(), EX_CONFIG)
            self.assertIsNotNone(httpd.seen(f"access_log: {path} cannot be opened: .*{why}"), httpd.log)


class Clients(AccessLog):
    httpd = {"trusted_proxies": "127.0.0.1, 10.0.0.0/8, 2001:db8::/32"}

    def test_whom_the_proxies_name(self):
        rows = ((["192.0.2.9"], "192.0.2.9"), (["6.6.6.6, 192.0.2.9"], "192.0.2.9"), (["192.0.2.9, 10.0.0.7"], "192.0.2.9"),
                (["192.0.2.9, 10.0.0.7, 10.9.9.9"], "192.0.2.9"), (["10.0.0.7"], "10.0.0.7"), (["2001:db8::1, 10.0.0.7"], "2001:db8::1"),
                (["2001:db9::1"], "2001:db9::1"), (["[2001:db9::1]:4711"], "2001:db9::1"), (["::ffff:192.0.2.9"], "192.0.2.9"),
                (["192.0.2.9, unknown, 10.0.0.7"], "10.0.0.7"), (["garbage"], "127.0.0.1"), ([""], "127.0.0.1"), ([], "127.0.0.1"),
                (["6.6.6.6", "192.0.2.9, 10.0.0.1"], "192.0.2.9"), (["192.0.2.9", "10.0.0.1"], "192.0.2.9"), (["192.0.2.9", "x"], "127.0.0.1"))
        with self.walkv.connect() as c:
            for fields, _ in rows:
                c.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n" + "".join(f"x-forwarded-for: {f}\r\n" for f in fields) + "\r\n")
                self.assertEqual(c.response().status, 200)
        for line, (fields, wanted) in zip(self.logged(len(rows)), rows):
            self.assertEqual(line["client"], wanted, fields)


class NobodyIsTrusted(AccessLog):
    def test_the_client_is_the_peer(self):
        self.walkv.get("/livez", headers={"X-Forwarded-For": "192.0.2.9"})
        self.assertEqual(self.logged(1)[0]["client"], "127.0.0.1")


if __name__ == "__main__":
    main()
