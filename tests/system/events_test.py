# SPDX-License-Identifier: MIT
"""GET /api/events: every write is told once, in order, with its LSN; a client that comes back misses nothing, whatever
was killed meanwhile, or hears that it has; and however many watch, or do not read, nobody else notices."""

import json
import random
import re
import resource
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import token_test
from events import Event, Events, Refused
from walkv import BUILD, JSON_TYPE, SystemTest, Walkv, main, quote, send_signal, wait_until

SANITIZED = "CMAKE_BUILD_TYPE:STRING=Debug" in (BUILD / "CMakeCache.txt").read_text() if BUILD.exists() else False
SILENCE_S = 15  # after that a stream says that it is still there
BELOW_SILENCE_S = 10  # what comes sooner does not come because of that

silent = None  # see WhenNothingHappens


def setUpModule():
    global silent
    silent = Silent()


def tearDownModule():
    silent.walkv.close()


def say(text):
    print(text, file=sys.stderr, flush=True)


def lsn_of(answer):
    if answer.status not in (200, 201):
        raise AssertionError(answer)
    return int(answer.header("Walkv-Lsn"))


def write(walkv, method, path, body=None, headers=None):
    return lsn_of(walkv.request(method, path, body, headers))


def make_keys(walkv, names):
    """Sets all of them, with few round trips."""
    lines = "".join(json.dumps({"key": name, "value": 1}) + "\n" for name in names)
    done = walkv.ctl("import", "--quiet", "-", stdin=lines)
    if done.returncode:
        raise AssertionError(done.stderr)


def connections(walkv):
    """Besides the one that asks; of the only worker."""
    return walkv.status()["worker"]["connections"] - 1


def proc(pid, name):
    return Path(f"/proc/{pid}/{name}").read_text()


class Told(SystemTest):
    def test_every_operation(self):
        steps = (
            ("PUT", "/api/kv/a", '{"value":1}', "set", {"key": "a", "created": True}),
            ("POST", "/api/kv/a", '{"value":2}', "set", {"key": "a"}),
            ("PATCH", "/api/kv/a", '{"value":null}', "set", {"key": "a"}),
            ("POST", "/api/kv", '{"key":"b","value":2}', "set", {"key": "b", "created": True}),
            ("DELETE", "/api/kv/a", None, "delete", {"key": "a"}),
            ("PUT", "/api/kv/a", '{"value":1}', "set", {"key": "a", "created": True}),
            ("POST", "/api/queue/a/enqueue", '{"value":1}', "enqueue", {"queue": "a", "size": 1, "created": True}),
            ("POST", "/api/queue/a/enqueue", '{"value":2}', "enqueue", {"queue": "a", "size": 2}),
            ("POST", "/api/queue/a/dequeue", None, "dequeue", {"queue": "a", "size": 1}),
            ("DELETE", "/api/queue/a", None, "clear", {"queue": "a", "size": 0}),
            ("POST", "/api/queue/a/enqueue", '{"value":3}', "enqueue", {"queue": "a", "size": 1}),
            ("DELETE", "/api/queue/a?forget=true", None, "clear", {"queue": "a", "size": 0, "forgotten": True}),
            ("POST", "/api/queue/a/enqueue", '{"value":4}', "enqueue", {"queue": "a", "size": 1, "created": True}),
        )
        with Events(self.walkv).begin() as live:
            began, written = live.last, []
            for method, path, body, kind, data in steps:
                written.append(Event(write(self.walkv, method, path, body), kind, data))
                self.assertEqual(live.next(), written[-1])  # before the next write is sent
                self.assertEqual(list(written[-1].data), list(data), "the order of the members")
        with Events(self.walkv, last=began).begin() as later:
            self.assertEqual(later.take(len(steps)), written)
        with Events(self.walkv, last=written[6].id).begin() as later:
            self.assertEqual(later.take(len(steps) - 7), written[7:])

    def test_what_changes_nothing_is_not_told(self):
        with Events(self.walkv).begin() as events:
            first = self.walkv.set("told/x", "1")
            for method, path, body, headers in (
                ("DELETE", "/api/kv/told-none", None, {}), ("POST", "/api/queue/none/dequeue", None, {}),
                ("PUT", "/api/kv/told%2Fx", '{"value":', {}), ("DELETE", "/api/queue/none", None, {}),
                ("PUT", "/api/kv/told%2Fx", '{"value":2}', {"If-None-Match": "*"}), ("GET", "/api/kv/a", None, {}),
            ):
                self.walkv.request(method, path, body, headers)
            key = {"Idempotency-Key": "told-once"}
            once = [write(self.walkv, "POST", "/api/queue/told/enqueue", '{"value":1}', key) for _ in range(3)]
            last = self.walkv.set("told/x", "3")
            self.assertEqual(events.until(last), [
                Event(first, "set", {"key": "told/x", "created": True}),
                Event(once[0], "enqueue", {"queue": "told", "size": 1, "created": True}),
                Event(last, "set", {"key": "told/x"})])

    def test_names_come_as_they_are(self):
        names = ['"', "\\", "\n", "a\r\nid: 7\n\nevent: set", "\u2028\u2029\u0085", "\ufeff", "\x01\x7f", "data: {}", ": comment",
                 " ", "x" * 500, "\n" * 500, "\x01" * 500, "\U0001f600" * 125]
        with Events(self.walkv).begin() as events:
            for name in names:
                for lsn, kind in ((self.walkv.set(name, "1"), "key"), (self.walkv.enqueue(name, "1"), "queue")):
                    event = events.next()
                    self.assertEqual((event.id, event.data[kind]), (lsn, name))

    def test_filters(self):
        walkv, everything = self.walkv, {"u:1", "u:2", "v", "\u00e9", "/jobs", "/mail", "/u:3"}  # queues with a slash
        with Events(walkv).begin() as events:
            began = events.last
            for name in sorted(everything):
                last = walkv.enqueue(name[1:], "1") if name[0] == "/" else walkv.set(name, "1")
            last = walkv.set("u:last", "1")
            walkv.enqueue("jobs", '"last"')
            self.assertEqual(len(events.until(last)), len(everything) + 1)
        keys = {name for name in everything if name[0] != "/"}
        for query, wanted in (
            ("", everything), ("prefix=u:", {"u:1", "u:2"}), ("prefix=u%3A1", {"u:1"}), ("prefix=", keys),
            ("queue=jobs", {"/jobs"}), ("queue=u:3", {"/u:3"}), ("queue=none", set()), ("queue=job", set()),
            ("prefix=u:&queue=mail", {"u:1", "u:2", "/mail"}), ("queue=jobs&prefix=", {*keys, "/jobs"}),
            ("prefix=%C3%A9", {"\u00e9"}), ("prefix=" + "x" * 500, set()), ("prefix=u%3A1x", set()),
        ):
            with self.subTest(query), Events(walkv, f"/api/events?{query}", last=began).begin() as again:
                found = set()
                # What is looked for is followed by what shows that nothing else comes.
                if not wanted:
                    found = set()
                    walkv.set("u:end", "1")
                while len(found) < len(wanted):
                    event = again.next()
                    found.add(event.data["key"] if "key" in event.data else "/" + event.data["queue"])
                self.assertEqual(found, wanted)

    def test_what_is_filtered_out_does_not_come(self):
        def a_key():
            return self.walkv.set("out:", "1")

        def a_queue():
            return self.walkv.enqueue("out", "1")

        for query, ends in (("prefix=out:", a_key), ("queue=out", a_queue), ("queue=out&prefix=out:", a_queue),
                            ("prefix=", a_key)):
            with self.subTest(query), Events(self.walkv, f"/api/events?{query}").begin() as events:
                for name in ("out", "ou", "ouu", ""):
                    if "prefix=" != query:
                        self.walkv.set(name or "o", "1")
                    self.walkv.enqueue((name or "o") + ":", "1")
                lsn = ends()
                self.assertEqual([event.id for event in events.take(1)], [lsn])

    def test_a_needle_in_a_haystack(self):
        """More is looked through for one event than is looked through at once."""
        needle = Event(self.walkv.enqueue("needle", "1"), "enqueue", {"queue": "needle", "size": 1, "created": True})
        make_keys(self.walkv, [f"hay{n}" for n in range(5000)])
        other = Event(self.walkv.enqueue("needle", "1"), "enqueue", {"queue": "needle", "size": 2})
        for last, wanted in ((needle.id - 1, [needle, other]), (needle.id, [other])):
            with Events(self.walkv, "/api/events?queue=needle", last=last).begin() as events:
                self.assertEqual(events.take(len(wanted)), wanted)

    def test_what_is_refused(self):
        self.transcript("""
            > GET /api/events?prefix=%FF
            < 400 invalid_parameter
            > GET /api/events?queue=
            < 400 invalid_key
            > GET /api/events?queue=a%00b
            < 400 invalid_key
            > GET /api/events?queue=%C3
            < 400 invalid_parameter
            > GET /api/events?prefix=a&prefix=b
            < 400 invalid_parameter
            > GET /api/events?since=7
            < 400 invalid_parameter
            > POST /api/events
            < 405 method_not_allowed
            - Allow: GET, HEAD, OPTIONS
            > DELETE /api/events
            < 405 method_not_allowed
            > GET /api/events/
            < 404 no_route
            > OPTIONS /api/events
            < 204
            - Allow: GET, HEAD, OPTIONS
            > HEAD /api/events?queue=
            < 400
        """)
        for name in ("prefix", "queue"):
            self.assertError(self.walkv.get(f"/api/events?{name}=" + "x" * 501), 400, "invalid_parameter")
        for text in ("x", "-1", "+1", "1.0", "0x10", "1 2", "7,8", "9" * 20, "1" * 400, '"7"', "\u0661"):
            self.assertError(self.walkv.get("/api/events", headers={"Last-Event-ID": text}), 400, "invalid_parameter")
        with self.walkv.connect() as c:
            c.send(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1\r\nLast-Event-ID: 1\r\n\r\n")
            self.assertError(c.response(), 400, "invalid_parameter")
            self.assertEqual(c.get("/livez").status, 200, "a refusal is no reason to close")

    def test_the_head(self):
        wanted = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"),
                  ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"), ("Connection", "close")]
        as_browsers = {"Accept": "text/event-stream", "Cache-Control": "no-cache", "Last-Event-ID": ""}
        for headers in ({}, {"Accept-Encoding": "gzip"}, as_browsers):
            with Events(self.walkv, headers=headers).begin() as events:
                self.assertIsNone(events.answer.header("Content-Encoding"))
                self.assertIsNone(events.answer.header("Content-Length"))
                self.assertLessEqual(set(wanted), set(events.answer.headers))
                self.assertEqual(events.last, self.walkv.status()["applied_lsn"], "from now on")
        with self.walkv.connect() as c:
            answer = c.request("HEAD", "/api/events?prefix=a", None, {"Last-Event-ID": "1"})
            self.assertEqual(answer.status, 200)
            self.assertLessEqual(set(wanted), set(answer.headers))
            self.assertTrue(c.at_end())

    def test_http_1_0(self):
        with Events(self.walkv, version="HTTP/1.0").begin() as events:
            self.assertIsNone(events.answer.header("Transfer-Encoding"))
            for n in range(3):
                lsn = self.walkv.set("old", str(n))
                self.assertEqual(events.next().id, lsn)

    def test_with_a_body_that_nobody_wants(self):
        body = b'{"value":"' + b"x" * 300_000 + b'"}'
        fields = {"Content-Length": str(len(body)), "Content-Type": JSON_TYPE}
        with Events(self.walkv, headers=fields, behind=body).begin() as events:
            self.assertEqual(events.until(self.walkv.set("body", "1"))[-1].data["key"], "body")

    def test_what_is_sent_behind_it_is_dropped(self):
        more = (b"PUT /api/kv/behind HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b'Content-Length: 11\r\n\r\n{"value":1}')
        with Events(self.walkv, behind=more + b"\0\xff nonsense").begin() as events:
            for n in range(20):
                events.connection.socket.sendall(more * 200)
                self.assertEqual(self.walkv.set("seen", str(n)), events.next().id)
        self.assertEqual(self.walkv.get("/api/kv/behind").status, 404)

    def test_a_page_of_an_allowed_origin(self):
        walkv = self.instance(workers=1, httpd={"cors_allowed_origins": "https://app.example.org"}).start()
        mine = "https://app.example.org"
        for origin, allowed in ((mine, mine), ("https://evil.example.org", None)):
            with Events(walkv, headers={"Origin": origin}).begin() as events:
                self.assertEqual(events.answer.header("Access-Control-Allow-Origin"), allowed)
                self.assertEqual(events.answer.header("Vary"), "Origin")
        # What a page that reads the stream by itself sends when it comes back.
        answer = walkv.request("OPTIONS", "/api/events", None, {
            "Origin": mine, "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,last-event-id"})
        self.assertIn("Last-Event-ID", answer.header("Access-Control-Allow-Headers").split(", "))


class Resumed(SystemTest):
    options = None

    def test_a_stream_outlives_walkvd(self):
        walkv = self.instance(workers=1).start()
        with Events(walkv).begin() as events, Events(walkv, "/api/events?queue=q").begin() as queue:
            began = events.last
            written = [walkv.set("a", "1")]
            for flags in ({}, {"cold_start": True}, {}, {"cold_start": True}):
                walkv.kill_walkvd()
                walkv.start_walkvd(**flags)
                written += [walkv.set("a", "2"), walkv.enqueue("q", "1")]  # through the worker that stayed
                self.assertEqual(queue.until(written[-1])[-1].data["size"], written.index(written[-1]) // 2)
            walkv.stop_walkvd()
            walkv.start_walkvd()
            written.append(walkv.set("a", "3"))
            self.assertEqual([event.id for event in events.take(len(written))], written)
        with Events(walkv, last=began).begin() as events:
            self.assertEqual([event.id for event in events.take(len(written))], written)

    def test_the_death_of_a_worker(self):
        walkv = self.instance(workers=2).start()
        written, events = [walkv.set("a", "1")], Events(walkv).begin()
        for n in range(3):
            written.append(walkv.set("a", str(n)))
            self.assertEqual(events.next().id, written[-1])
            before = walkv.worker_pids()
            for pid in before:
                send_signal(pid, signal.SIGKILL)
            try:
                self.assertEqual(events.rest(), [])
                self.assertEqual(events.end, "closed")
            except ConnectionResetError:
                pass
            events.close()
            wait_until(lambda: len(set(walkv.worker_pids()) - set(before)) == 2, "other workers")
            missed = [walkv.set("b", "1"), walkv.set("c", "1")]
            events = Events(walkv, last=events.last).begin()
            self.assertEqual([event.id for event in events.take(2)], missed)
        events.close()

    def test_nothing_is_missed_and_nothing_comes_twice(self):
        """Writers, a reader that goes and comes back at any moment, and kills."""
        walkv = self.instance(workers=2).start()
        acknowledged, over, wrong = [], threading.Event(), []
        chance = random.Random(1)
        with Events(walkv).begin() as first:
            began = first.last

        def ask(key, method, path, body):
            """Until it is answered; with its key it is done once."""
            while True:
                try:
                    answer = walkv.request(method, path, body, {"Idempotency-Key": key})
                    if answer.status != 503 or wrong:
                        return answer
                except ConnectionError:
                    pass

        def write_on(me):
            n = 0
            while not over.is_set():
                n += 1
                for step in ((f"{me}-{n}-a", "PUT", f"/api/kv/w{me}-{n % 7}", '{"value":1}'),
                             (f"{me}-{n}-b", "DELETE", f"/api/kv/w{me}-{n % 5}", None),
                             (f"{me}-{n}-c", "POST", f"/api/queue/w{me}/enqueue", '{"value":1}'),
                             (f"{me}-{n}-d", "POST", f"/api/queue/w{me}/dequeue", None)):
                    answer = ask(*step)
                    if answer.status != 404:
                        acknowledged.append(lsn_of(answer))

        def kill():
            for victim in ("workers", "walkvd", "workers", "cold", "workers"):
                count = len(acknowledged)
                wait_until(lambda: len(acknowledged) > count + 100 or wrong, "more writes")
                if victim == "workers":
                    for pid in walkv.worker_pids():
                        send_signal(pid, signal.SIGKILL)
                else:
                    walkv.kill_walkvd()
                    walkv.start_walkvd(cold_start=victim == "cold" or None)

        def in_thread(what, *arguments):
            def guarded():
                try:
                    what(*arguments)
                except BaseException as error:  # every one: nobody else looks at this thread
                    wrong.append(repr(error))

            thread = threading.Thread(target=guarded)
            thread.start()
            return thread

        threads = [in_thread(write_on, n) for n in range(3)]

        def finish():
            killing = in_thread(kill)
            for thread in (killing, *threads):
                thread.join()
                over.set()
            acknowledged.append(lsn_of(ask("end", "PUT", "/api/kv/end", '{"value":1}')))

        finishing = in_thread(finish)
        seen, last, streams, ends, at_end = [], began, 0, 0, False
        while not wrong and not at_end:
            try:
                streams += 1
                with Events(walkv, last=last) as events:
                    for _ in range(chance.choice((0, 1, 2, 10, 100))):
                        event = events.next()
                        if event is None:
                            ends += 1
                            break
                        self.assertNotEqual(event.kind, "reset")
                        seen.append(event.id)
                        last = event.id
                        if at_end := event.data.get("key") == "end":
                            break
            except ConnectionError:
                ends += 1
            except Refused as refused:  # while no view can be read
                self.assertEqual(refused.answer.status, 503)
        finishing.join()
        self.assertEqual(wrong, [])
        say(f"\n{len(seen)} events in {streams} streams, {ends} of which were ended by a kill")
        self.assertEqual(seen, sorted(acknowledged))
        with Events(walkv, last=began).begin() as whole:
            self.assertEqual([event.id for event in whole.until(seen[-1])], seen)

    def test_reset(self):
        walkv = self.instance(workers=1, walkvd={"change_history": 100}).start()
        make_keys(walkv, [f"old{n}" for n in range(500)])
        now = walkv.set("new", "0")
        for last in (0, -250, 1, 1000, 10**18, 10**19 - 1):
            last += now if abs(last) <= 1000 and last else 0
            with self.subTest(last=last), Events(walkv, last=last).begin() as events:
                self.assertEqual(events.next(), Event(now, "reset", {"lsn": now}))
                for n in range(3):
                    began = time.monotonic()
                    now = walkv.set("new", str(n))
                    self.assertEqual(events.next(), Event(now, "set", {"key": "new"}))
                    self.assertLess(time.monotonic() - began, BELOW_SILENCE_S, "by itself, and not when it looks again")
        with Events(walkv, last=now - 90).begin() as events:
            self.assertEqual(len(events.until(now)) > 10, True)
        with Events(walkv, last=now).begin() as events:
            now = walkv.set("new", "4")
            self.assertEqual(events.next().id, now)

    def test_the_first_stream_of_a_worker_is_ahead_of_everything(self):
        walkv = self.instance(workers=1).start()
        now = walkv.set("a", "1")
        with Events(walkv, last=10**18).begin() as events:
            self.assertEqual(events.next(), Event(now, "reset", {"lsn": now}))
            began = time.monotonic()
            self.assertEqual(walkv.set("a", "2"), events.next().id)
            self.assertLess(time.monotonic() - began, BELOW_SILENCE_S, "by itself, and not when it looks again")

    def test_another_store(self):
        """What is known of the one says nothing of the other, even if it has got as far."""
        walkv = self.instance(workers=1).start()
        for before, behind in ((5, 50), (100, 5)):
            with self.subTest(before=before), Events(walkv).begin() as events:
                make_keys(walkv, [f"{before}-{n}" for n in range(before)])
                events.until(walkv.set("before", "1"))
                walkv.stop_walkvd()
                walkv.data = walkv.dir / f"data{before}"
                walkv.data.mkdir(mode=0o700)
                walkv.start_walkvd()
                make_keys(walkv, [f"{behind}-{n}" for n in range(behind)])
                last, found = walkv.set("behind", "1"), []
                while not found or found[-1].id < last:
                    found += events.take(1)
                self.assertEqual(found[0].kind, "reset")
                with Events(walkv, last=0).begin() as whole:
                    self.assertEqual(found[1:], [event for event in whole.until(last) if event.id > found[0].id])
                began = time.monotonic()
                self.assertEqual(walkv.set("behind", "2"), events.next().id)
                self.assertLess(time.monotonic() - began, BELOW_SILENCE_S)


class WhoDoesNotRead(SystemTest):
    options = None
    NAMES = [f"{n:05d}" + "x" * 480 for n in range(4000)]  # about 2 MB of events

    def stalled(self, walkv, **options):
        """A stream whose client takes nothing; returns it when the worker has noticed."""
        slow = Events(walkv, receive_buffer=4096, **options).begin()
        with Events(walkv).begin() as quick:
            for part in range(0, len(self.NAMES), 100):  # so few that it is mostly up to date when it stalls
                make_keys(walkv, self.NAMES[part : part + 100])
                self.assertEqual([event.data["key"] for event in quick.take(100)], self.NAMES[part : part + 100])
            for n in range(10):  # others do not wait for it
                self.assertEqual(walkv.set("quick", str(n)), quick.next().id)
        return slow

    def test_it_gets_everything_when_it_reads(self):
        walkv = self.instance(workers=1).start()
        with self.stalled(walkv) as slow, Events(walkv).begin() as quick:
            last = walkv.set("last", "1")
            quick.until(last)  # so nothing will come that could wake the other one
            began = time.monotonic()
            events = slow.until(last)
            self.assertLess(time.monotonic() - began, BELOW_SILENCE_S)
            self.assertEqual([event.data["key"] for event in events], [*self.NAMES, *["quick"] * 10, "last"])
            self.assertEqual(walkv.set("last", "2"), slow.next().id)

    def test_it_is_told_when_it_was_too_slow(self):
        walkv = self.instance(workers=1, walkvd={"change_history": 100}).start()
        with Events(walkv, receive_buffer=4096).begin() as slow:
            for part in range(0, len(self.NAMES), 500):
                make_keys(walkv, self.NAMES[part : part + 500])
            last = walkv.set("last", "1")
            found = [slow.next()]
            while found[-1].kind != "reset":
                found.append(slow.next())
            self.assertEqual([event.data["key"] for event in found[:-1]], self.NAMES[: len(found) - 1])
            self.assertLess(len(found), len(self.NAMES))
            if found[-1].id < last:
                slow.until(last)
            self.assertEqual(walkv.set("last", "2"), slow.next().id)

    def test_it_is_let_go_of(self):
        walkv = self.instance(workers=1, httpd={"write_stall_timeout": "300ms"})
        log = walkv.dir / "access.log"
        walkv.httpd_flags["access_log"] = log
        walkv.start()
        with self.stalled(walkv) as slow:
            wait_until(lambda: connections(walkv) == 0, "it to be dropped")
            with self.assertRaises(ConnectionResetError):
                slow.rest()
                self.assertEqual(slow.end, "closed")
                raise ConnectionResetError  # either will do
        lines = [line for line in map(json.loads, log.read_text().splitlines()) if line["path"] == "/api/events"]
        self.assertEqual([line.get("aborted") for line in lines], [True, True])

    def test_a_stop_does_not_wait_for_it_longer_than_it_says(self):
        walkv = self.instance(workers=1, httpd={"drain_timeout": "300ms"}).start()
        with self.stalled(walkv):
            walkv.stop_httpd()


class Many(SystemTest):
    options = None

    def test_a_thousand(self):
        count = 200 if SANITIZED else 1000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * count + 500)), hard))
        walkv = self.instance(workers=1, walkvd={"wal_sync": "async"}).start()
        (pid,) = walkv.worker_pids()
        with Events(walkv).begin() as one:  # what is there once
            self.assertEqual(walkv.set("a", "1"), one.next().id)

        def resident_kib():
            return int(re.search(r"VmRSS:\s+(\d+)", proc(pid, "status"))[1])

        def ticks():
            return sum(map(int, proc(pid, "stat").rpartition(")")[2].split()[11:13]))

        before = resident_kib()
        # Heads that are larger than most, in two parts for every other one, and more behind them.
        begun = [walkv.connect() for _ in range(count)]
        for c in begun[::2]:
            c.socket.sendall(b"GET /api/events")
        self.assertEqual(walkv.get("/livez").status, 200)  # which comes behind the first parts
        streams = [Events(walkv, f"/api/events?prefix=many{n}&queue=q", headers={"X": "x" * 2000},
                          behind=b"y" * 60000, connection=c, sent=0 if n % 2 else len("GET /api/events"))
                   for n, c in enumerate(begun)]
        try:
            for stream in streams:
                stream.begin()
            each = (resident_kib() - before) / count
            say(f"\n{count} streams: {each:.1f} KiB of the worker's memory each")
            if not SANITIZED:
                self.assertLess(each, 16)
            began, used = time.monotonic(), ticks()
            wait_until(lambda: time.monotonic() - began > 2, "two seconds in which nothing is written")
            used = ticks() - used
            say(f"{used} ticks in 2 s while nothing is written")
            self.assertLess(used, 40)
            for n in range(3):
                began = time.monotonic()
                lsn = walkv.enqueue("q", str(n))
                for stream in streams:
                    self.assertEqual(stream.next().id, lsn)
                say(f"a write had reached all of them after {1000 * (time.monotonic() - began):.0f} ms")
            self.assertEqual(connections(walkv), count)
        finally:
            for stream in streams:
                stream.close()
        wait_until(lambda: connections(walkv) == 0, "all of them to be gone")
        after = (resident_kib() - before) / count
        say(f"when they are gone, {after:.1f} KiB each are left")

    def test_half_of_the_connections(self):
        walkv = self.instance(workers=1, httpd={"max_connections": 9}).start()
        streams = [Events(walkv).begin() for _ in range(5)]
        for method in ("GET", "HEAD"):
            answer = walkv.request(method, "/api/events")
            self.assertEqual(answer.status, 503)
            self.assertTrue(answer.header("Retry-After"))
        self.assertError(walkv.get("/api/events"), 503, "unavailable")
        with walkv.connect() as c, walkv.connect() as d:
            for _ in range(3):
                self.assertEqual(c.get("/api/kv").status, 200)
                self.assertIn(d.request("PUT", "/api/kv/a", '{"value":1}').status, (200, 201))
        lsn = walkv.set("a", "2")
        for stream in streams:
            stream.until(lsn)
        streams.pop().close()
        wait_until(lambda: walkv.request("HEAD", "/api/events").status == 200, "room for another one")
        streams.append(Events(walkv).begin())
        self.assertError(walkv.get("/api/events"), 503, "unavailable")
        for stream in streams:
            stream.close()

    def test_who_closes_is_gone(self):
        walkv = self.instance(workers=1).start()
        for how in ("close", "shutdown", "reset"):
            with self.subTest(how):
                streams = [Events(walkv).begin() for _ in range(5)]
                wait_until(lambda: connections(walkv) == 5, "five")
                for stream in streams:
                    if how == "shutdown":
                        stream.connection.socket.shutdown(socket.SHUT_WR)
                    elif how == "reset":
                        stream.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    if how != "shutdown":
                        stream.close()
                wait_until(lambda: connections(walkv) == 0, "none")
                for stream in streams:
                    stream.close()


class Ended(SystemTest):
    options = None

    def test_the_end_of_a_worker(self):
        walkv = self.instance(workers=1)
        log = walkv.dir / "access.log"
        walkv.httpd_flags = {"access_log": log}
        walkv.start()
        left = Events(walkv, "/api/events?prefix=left").begin()
        left.close()
        wait_until(lambda: connections(walkv) == 0, "it to be gone")
        streams = [Events(walkv).begin() for _ in range(5)] + [Events(walkv, version="HTTP/1.0").begin()]
        last = walkv.set("a", "1")
        for stream in streams:
            stream.until(last)
        walkv.httpd.signal(signal.SIGTERM)
        for stream in streams:
            self.assertEqual(stream.rest(), [])
            self.assertEqual(stream.end, "properly" if stream.chunked else "closed")
            self.assertTrue(stream.connection.at_end())
            stream.close()
        self.assertEqual(walkv.httpd.wait(), 0, walkv.httpd.log)
        lines = [json.loads(line) for line in log.read_text().splitlines() if "/api/events" in line]
        self.assertEqual([(line["path"], line["status"], line.get("aborted", False)) for line in lines],
                         [("/api/events?prefix=left", 200, True)] + [("/api/events", 200, False)] * 6)
        for line in lines:
            self.assertGreater(line["bytes"], 200)

    def test_without_a_store(self):
        walkv = self.instance(workers=1)
        walkv.start_httpd(wait=False)
        wait_until(lambda: walkv.httpd.seen("serving"), "the worker")
        answer = walkv.get("/api/events")
        self.assertError(answer, 503, "unavailable")
        walkv.start()
        with Events(walkv).begin() as events:
            self.assertEqual(walkv.set("a", "1"), events.next().id)


class WithTokens(token_test.TokenTest):
    def watch(self, walkv, who, target="/api/events", **options):
        return Events(walkv, target, headers=token_test.bearer(walkv.tokens[who]), **options).begin()

    def test_what_a_token_reaches(self):
        walkv = self.start(("all", "read"), ("users", "read", "keys=user:*", "keys=config"),
                           ("jobs", "write", "queues=jobs-*"), ("both", "admin", "keys=user:*", "queues=mail"),
                           ("writer", "write"), workers=1).start()
        streams = {who: self.watch(walkv, who) for who in ("all", "users", "jobs", "both")}
        by_writer = token_test.bearer(walkv.tokens["writer"])
        names = {"all": [], "users": [], "jobs": [], "both": []}
        for kind, name, reached in (("key", "other", ""), ("key", "user:1", "users both"), ("queue", "user:1", ""),
                                    ("queue", "jobs-1", "jobs"), ("key", "config", "users"), ("key", "jobs-1", ""),
                                    ("queue", "mail", "both"), ("key", "user", ""),
                                    ("key", "user:end", "users both"), ("queue", "jobs-end", "jobs")):
            if kind == "key":
                lsn = write(walkv, "PUT", f"/api/kv/{quote(name)}", '{"value":1}', by_writer)
            else:
                lsn = write(walkv, "POST", f"/api/queue/{quote(name)}/enqueue", '{"value":1}', by_writer)
            for who in ["all", *reached.split()]:
                names[who].append(lsn)
        for who, wanted in names.items():
            self.assertEqual([event.id for event in streams[who].until(wanted[-1])], wanted, who)
            streams[who].close()
        self.assertUnauthorized(walkv.get("/api/events"))
        self.assertUnauthorized(self.ask(walkv, "wkv_nonsense", "GET", "/api/events"))
        for who, queue, allowed in (("users", "jobs-1", False), ("jobs", "jobs-1", True), ("jobs", "mail", False),
                                    ("both", "mail", True), ("all", "x", True)):
            with self.subTest(who=who, queue=queue):
                if allowed:
                    self.watch(walkv, who, f"/api/events?queue={queue}").close()
                else:
                    path, token = f"/api/events?queue={queue}", walkv.tokens[who]
                    self.assertForbidden(self.ask(walkv, token, "GET", path))
                    self.assertEqual(self.ask(walkv, token, "HEAD", path).status, 403)
        # A filter does not widen what is reached.
        with self.watch(walkv, "users", "/api/events?prefix=", last=0) as events:
            self.assertEqual([event.id for event in events.take(len(names["users"]))], names["users"])

    def test_a_token_that_is_taken_away(self):
        names = ("stays", "goes", "shrinks")
        walkv = self.start(*((name, "read") for name in names), ("writer", "write"), workers=1).start()
        streams = {who: self.watch(walkv, who) for who in names}
        text = walkv.tokens["shrinks"]
        walkv.tokens.add("shrinks", "read", "keys=user:*")
        self.assertEqual(walkv.tokens["shrinks"], text)
        walkv.tokens.remove("goes")
        began = time.monotonic()
        self.reload(walkv, "3 access tokens read")
        self.assertEqual(streams["goes"].rest(), [])
        self.assertLess(time.monotonic() - began, BELOW_SILENCE_S, "at once")
        self.assertEqual(streams["goes"].end, "properly")
        by_writer = token_test.bearer(walkv.tokens["writer"])
        written = [write(walkv, "PUT", f"/api/kv/{name}", '{"value":1}', by_writer) for name in ("other", "user:1")]
        self.assertEqual([event.id for event in streams["stays"].take(2)], written)
        self.assertEqual([event.id for event in streams["shrinks"].take(1)], written[1:])
        for stream in streams.values():
            stream.close()


class Silent:
    """A stream that hears of nothing, opened before the other tests, so that they fill the time."""

    def __init__(self):
        self.walkv = Walkv(workers=1, walkvd={"view_grace": "250ms"}).start()
        self.began = time.monotonic()
        self.stream = Events(self.walkv, "/api/events?queue=none").begin()
        self.first = self.stream.last
        for n in range(10):
            self.lsn = self.walkv.set("other", str(n))


class WhenNothingHappens(SystemTest):
    options = None

    def test_a_sign_of_life(self):
        """Names where the stream stands, so that the client need not begin there again."""
        with silent.stream as stream:
            self.assertGreater(silent.lsn, silent.first)
            self.assertEqual(stream.comment(), silent.lsn)
            self.assertGreaterEqual(time.monotonic() - silent.began, SILENCE_S - 1)
            self.assertEqual(stream.last, silent.lsn)
            lsn = silent.walkv.enqueue("none", "1")
            self.assertEqual(stream.next().id, lsn)
        silent.walkv.check()


if __name__ == "__main__":
    main()
