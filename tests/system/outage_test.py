# SPDX-License-Identifier: MIT
"""walkvd dies, stops or is held up under HTTP clients that send no key: to them its restart is a pause. Every request is
answered as if nothing had been, and everything happened exactly once; only what takes longer than write_timeout is
answered with 503, and that says whether it was sent."""

import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from frames import CONTROL, Frames
from walkv import SystemTest, main, wait_until

CLIENTS = 6
PIPELINE = 8  # requests of one client at a time


def value(of):
    return '{"value":%s}' % json.dumps(of)


class Clients:
    """Clients on connections of their own, until stop(): each writes what only it writes, and checks each answer."""

    def __init__(self, walkv):
        self.walkv = walkv
        self.over = threading.Event()
        self.sent, self.taken, self.rounds = [], [], []
        self.pool = ThreadPoolExecutor(CLIENTS)
        self.running = [self.pool.submit(self.run, number) for number in range(CLIENTS)]

    def run(self, number):
        with self.walkv.connect() as c:
            n = 0
            while not self.over.is_set():
                self.keys(c, f"{number}-{n}")
                self.queue(c, number * 1000000 + n * 1000)
                n += 1
                self.rounds.append(n)

    @staticmethod
    def expect(connection, status, *what):
        answer = connection.response()
        if answer.status != status or answer.header("Idempotency-Replayed") is not None:
            raise AssertionError(f"{what}: {answer}")
        return answer

    def keys(self, c, name):
        """Writes that are refused when they are done twice."""
        paths = [f"/api/kv/{name}-{i}" for i in range(PIPELINE)]
        for path in paths:
            c.put("PUT", path, value(1), {"If-None-Match": "*"})
        tags = [self.expect(c, 201, path).header("ETag") for path in paths]
        for path, tag in zip(paths, tags):
            c.put("PUT", path, value(2), {"If-Match": tag})
        for path in paths:
            self.expect(c, 200, path, "if-match")
        for path in paths:
            c.put("DELETE", path)
        for path in paths:
            self.expect(c, 200, path, "delete")
        c.put("PUT", f"/api/kv/{name}", value(name), {"If-None-Match": "*"})
        self.expect(c, 201, name)

    def queue(self, c, first):
        """As many items taken as were put in: there is always one."""
        items = range(first, first + PIPELINE)
        for item in items:
            c.put("POST", "/api/queue/all/enqueue", value(item))
        self.sent += items
        for item in items:
            self.expect(c, 200, item)
        for _ in items:
            c.put("POST", "/api/queue/all/dequeue")
        for item in items:
            self.taken.append(self.expect(c, 200, item, "dequeue").json()["value"])

    def wait_for_more(self, rounds=4):
        wanted = len(self.rounds) + rounds
        wait_until(lambda: len(self.rounds) >= wanted or any(one.done() for one in self.running), "the clients to go on")
        for one in self.running:
            if one.done():
                one.result()

    def stop(self):
        self.over.set()
        self.pool.shutdown()
        for one in self.running:
            one.result()


class Restarts(SystemTest):
    options = None

    def try_restarts(self, restart, count, **options):
        walkv = self.instance(workers=2, httpd={"write_timeout": "60s"}, **options)
        walkv.start()
        clients = Clients(walkv)
        try:
            for n in range(count):
                clients.wait_for_more()
                restart(walkv, n)
        finally:
            clients.stop()
        self.assertEqual(sorted(clients.taken), sorted(clients.sent), "each item was put in once and taken once")
        walkv.wait_ready()
        keys, queues = walkv.contents()
        self.assertEqual(queues, {"all": []})
        self.assertEqual(len(keys), len(clients.rounds))
        self.assertTrue(all(name == content for name, content in keys.items()))
        self.assertEqual(walkv.status()["idempotency_entries"], 0)
        return walkv

    def test_kills(self):
        self.try_restarts(lambda walkv, _: (walkv.kill_walkvd(), walkv.start_walkvd()), 8)

    def test_kills_with_cold_starts(self):
        self.try_restarts(lambda walkv, _: (walkv.kill_walkvd(), walkv.start_walkvd(cold_start=True)), 6)

    def test_kills_of_the_async_mode(self):
        walkvd = {"wal_sync": "async", "checkpoint_interval": 500}
        self.try_restarts(lambda walkv, n: (walkv.kill_walkvd(), walkv.start_walkvd(cold_start=n % 2 == 1 or None)), 6,
                          walkvd=walkvd)

    def test_clean_stops(self):
        self.try_restarts(lambda walkv, _: (walkv.stop_walkvd(), walkv.start_walkvd()), 6)

    def test_walkvd_held_up(self):
        """SIGSTOP before the kill, so that requests have been sent and certainly not been done."""
        def hold(walkv, _):
            walkv.walkvd.signal(signal.SIGSTOP)
            wait_until(lambda: is_stopped(walkv.walkvd.pid), "walkvd to be stopped")
            for _ in range(4):
                walkv.get("/livez")
            walkv.kill_walkvd()
            walkv.start_walkvd()

        self.try_restarts(hold, 6)


def is_stopped(pid):
    return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] == "T"


class TooLong(SystemTest):
    """walkvd is away for longer than write_timeout."""

    options = None

    def begin(self, timeout="500ms"):
        walkv = self.instance(workers=1, httpd={"write_timeout": timeout})
        walkv.start()
        walkv.enqueue("q", "0")
        return walkv

    def hold(self, walkv):
        walkv.walkvd.signal(signal.SIGSTOP)
        wait_until(lambda: is_stopped(walkv.walkvd.pid), "walkvd to be stopped")

    def put_and_send(self, walkv, connection, item):
        """The worker has sent it when it has answered other requests that came later."""
        connection.put("POST", "/api/queue/q/enqueue", value(item))
        for _ in range(3):
            self.assertEqual(walkv.get("/livez").status, 200)

    def test_what_was_not_sent(self):
        walkv = self.begin()
        walkv.kill_walkvd()
        for _ in range(2):
            answer = walkv.request("POST", "/api/queue/q/enqueue", value(1))
            self.assertError(answer, 503, "unavailable")
            self.assertEqual(answer.header("Retry-After"), "1")
        walkv.start_walkvd()
        walkv.wait_ready()
        self.assertEqual(walkv.contents()[1]["q"], [0], "nothing was done")

    def test_what_was_sent(self):
        walkv = self.begin()
        with walkv.connect() as c:
            self.hold(walkv)
            self.put_and_send(walkv, c, 1)
            walkv.kill_walkvd()
            self.assertError(c.response(), 503, "outcome_unknown")
            self.assertError(walkv.request("POST", "/api/queue/q/enqueue", value(2)), 503, "unavailable")
            walkv.start_walkvd()
            walkv.wait_ready()
            self.assertEqual(c.post("/api/queue/q/enqueue", value(3)).json()["size"], 2)
        self.assertEqual(walkv.contents()[1]["q"], [0, 3], "what was told is never sent again")

    def test_what_is_held_up(self):
        """It was sent, so it may still be done; what came behind it was not."""
        walkv = self.begin()
        with walkv.connect() as c:
            self.hold(walkv)
            self.put_and_send(walkv, c, 1)
            self.assertError(c.response(), 503, "outcome_unknown")
            self.assertError(c.post("/api/queue/q/enqueue", value(2)), 503, "unavailable")
            walkv.walkvd.signal(signal.SIGCONT)
            wait_until(lambda: walkv.request("POST", "/api/queue/q/enqueue", value(3)).status == 200, "walkvd to go on")
        self.assertEqual(walkv.contents()[1]["q"][:2], [0, 1])
        self.assertNotIn(2, walkv.contents()[1]["q"])

    def test_what_is_held_up_and_then_dies(self):
        """Its outcome has been told as unknown: it is not sent again."""
        walkv = self.begin()
        with walkv.connect() as c:
            self.hold(walkv)
            self.put_and_send(walkv, c, 1)
            self.assertError(c.response(), 503, "outcome_unknown")
            walkv.kill_walkvd()
            walkv.start_walkvd()
            walkv.wait_ready()
            self.assertEqual(c.post("/api/queue/q/enqueue", value(2)).json()["size"], 2)
        self.assertEqual(walkv.contents()[1]["q"], [0, 2])

    def test_what_is_too_large_for_the_next_walkvd(self):
        """A value waits that was within the limits, and the walkvd that comes has smaller ones."""
        for sent in (False, True):
            with self.subTest(sent=sent):
                walkv = self.begin("20s")
                with walkv.connect() as large, walkv.connect() as small:
                    if sent:
                        self.hold(walkv)
                    else:
                        walkv.kill_walkvd()
                    self.put_and_send(walkv, large, '"' + "x" * 200000 + '"')
                    self.put_and_send(walkv, small, 1)
                    if sent:
                        walkv.kill_walkvd()
                    walkv.start_walkvd(max_value_size="64KiB", connection_bytes_in_flight="64KiB")
                    answer = large.response()
                    if sent:
                        self.assertError(answer, 503, "outcome_unknown")
                    else:
                        self.assertError(answer, 413, "too_large")
                        self.assertEqual(answer.json()["limit"], 65536)
                    self.assertEqual(small.response().status, 200)
                    self.assertEqual(small.post("/api/queue/q/enqueue", value(2)).status, 200)
                self.assertEqual(walkv.contents()[1]["q"], [0, 1, 2])

    def test_with_a_key_the_outcome_is_there(self):
        """The client asks again, and nothing is done twice, whatever happened to the first request."""
        walkv = self.begin()
        for n, ends in enumerate((walkv.kill_walkvd, lambda: walkv.walkvd.signal(signal.SIGCONT)), 1):
            key = {"Idempotency-Key": f"key-{n}"}
            with walkv.connect() as c:
                self.hold(walkv)
                c.put("POST", "/api/queue/q/enqueue", value(n), key)
                self.assertError(c.response(), 503, "outcome_unknown")
                ends()
                if not walkv.walkvd.running():
                    walkv.start_walkvd()
                walkv.wait_ready()
                answer = c.post("/api/queue/q/enqueue", value(n), key)
                self.assertEqual((answer.status, answer.json()["size"]), (200, n + 1))
        self.assertEqual(walkv.contents()[1]["q"], [0, 1, 2])

    def test_a_pause_that_is_not_too_long(self):
        """What waits is done when walkvd is back, in its order."""
        walkv = self.begin("60s")
        with walkv.connect() as c:
            self.hold(walkv)
            for item in range(1, 4):
                self.put_and_send(walkv, c, item)
            walkv.kill_walkvd()
            for item in range(4, 7):
                self.put_and_send(walkv, c, item)
            began = time.monotonic()
            walkv.start_walkvd()
            self.assertEqual([c.response().json()["size"] for _ in range(6)], [2, 3, 4, 5, 6, 7])
            self.assertLess(time.monotonic() - began, 55)
        self.assertEqual(walkv.contents()[1]["q"], list(range(7)))

    def test_another_store_in_its_place(self):
        """What was sent to the one before has an unknown outcome, and is not done in the other."""
        walkv = self.begin("60s")
        with walkv.connect() as c:
            self.hold(walkv)
            self.put_and_send(walkv, c, 1)
            walkv.kill_walkvd()
            self.put_and_send(walkv, c, 2)
            walkv.data = walkv.dir / "another"
            walkv.data.mkdir(mode=0o700)
            walkv.start_walkvd()
            self.assertError(c.response(), 503, "outcome_unknown")
            self.assertEqual(c.response().json()["size"], 1)
        with Frames(walkv.socket, CONTROL) as control:
            self.assertEqual(control.status()["items"], 1)


if __name__ == "__main__":
    main()
