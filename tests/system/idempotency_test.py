# SPDX-License-Identifier: MIT
"""Idempotency-Key: a write that is repeated gets the first answer and is not done again, through whichever worker, after
a kill, a cold start, a checkpoint, with a full view, for idempotency_window and up to idempotency_max_entries."""

import contextlib
import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from frames import CONTROL, DONE, Frames
from walkv import WALKVCTL, SystemTest, main, quote, run, send_signal, wait_until


def value(text):
    return '{"value":' + text + "}"


class Keyed(SystemTest):
    """What the tests here share: writes with a key, and repeats of them."""

    def write(self, key, method, path, body=None, walkv=None, connection=None):
        ask = (connection or walkv or self.walkv).request
        return ask(method, path, body, {"Idempotency-Key": key})

    def assertFirst(self, answer, status=None):
        self.assertIsNone(answer.header("Idempotency-Replayed"), answer)
        if status is not None:
            self.assertEqual(answer.status, status, answer)
        return answer

    def assertAgain(self, first, again):
        """All of the first answer, and the word that it is one."""
        self.assertEqual(again.header("Idempotency-Replayed"), "true", again)
        for header in ("Walkv-Lsn", "ETag"):
            self.assertEqual(again.header(header), first.header(header), (header, first, again))
        self.assertEqual((again.status, again.body), (first.status, first.body))
        return again

    def assertRepeats(self, key, method, path, body=None, status=None, **options):
        first = self.assertFirst(self.write(key, method, path, body, **options), status)
        for _ in range(2):
            self.assertAgain(first, self.write(key, method, path, body, **options))
        return first

    @staticmethod
    def dump(walkv):
        """What is in the log, as walkvctl sees it."""
        done = run([WALKVCTL, "dump", walkv.data])
        if done.returncode:
            raise AssertionError(f"walkvctl dump: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]


class Answers(Keyed):
    """One instance for all: each test has keys and queues of its own."""

    options = {"workers": 2}

    def test_every_kind_of_write(self):
        first = self.assertRepeats("set-1", "POST", "/api/kv/a", value("1"), 201)
        self.assertEqual(first.header("ETag"), f'"{first.header("Walkv-Lsn")}"')
        again = self.assertRepeats("set-2", "PUT", "/api/kv/a", value('{"n": 2}'), 200)
        self.assertEqual(again.text, '{"success":true,"key":"a","value":{"n":2}}')
        self.assertRepeats("patch", "PATCH", "/api/kv/a", value("3"), 200)
        self.assertRepeats("by-body", "POST", "/api/kv", '{"key":"b","value":4}', 201)
        self.assertRepeats("delete", "DELETE", "/api/kv/a", None, 200)
        self.assertEqual(self.walkv.get("/api/kv/a").status, 404)
        self.assertAgain(first, self.write("set-1", "POST", "/api/kv/a", value("1")))
        self.assertEqual(self.walkv.get("/api/kv/a").status, 404, "the repeat was done")
        for n in range(1, 4):
            one = self.assertRepeats(f"enqueue-{n}", "POST", "/api/queue/every/enqueue", value(f'"item{n}"'), 200)
            self.assertEqual(one.json()["size"], n)
        for n in range(1, 3):
            one = self.assertRepeats(f"dequeue-{n}", "POST", "/api/queue/every/dequeue", None, 200)
            self.assertEqual(one.text, f'{{"success":true,"queue":"every","value":"item{n}"}}')
        self.assertRepeats("clear", "DELETE", "/api/queue/every", None, 200)
        self.walkv.enqueue("every", "1")
        self.write("clear", "DELETE", "/api/queue/every")
        self.assertEqual(self.walkv.get("/api/queue/every/size").json()["size"], 1)
        self.assertRepeats("forget", "DELETE", "/api/queue/every?forget=true", None, 200)
        self.walkv.enqueue("every", "1")
        self.assertEqual(self.write("forget", "DELETE", "/api/queue/every?forget=true").status, 200)
        self.assertEqual(self.walkv.contents()[1]["every"], [1])

    def test_refusals_are_answers_too(self):
        """Kept as they were, whatever has changed since, and with them the LSN after which they were decided."""
        cases = (
            ("no-key", "DELETE", "/api/kv/later", None, 404, {}),
            ("no-patch", "PATCH", "/api/kv/later", value("1"), 404, {}),
            ("no-match", "PUT", "/api/kv/later", value("1"), 412, {"If-Match": "*"}),
            ("no-item", "POST", "/api/queue/later/dequeue", None, 404, {}),
            ("no-queue", "DELETE", "/api/queue/later", None, 404, {}),
            ("no-name", "DELETE", "/api/queue/later?forget=true", None, 404, {}),
        )
        firsts = []
        for key, method, path, body, status, headers in cases:
            firsts.append(self.walkv.request(method, path, body, {"Idempotency-Key": key, **headers}))
            self.assertFirst(firsts[-1], status)
            self.assertError(firsts[-1])
        self.walkv.set("later", "2")
        self.walkv.enqueue("later", "3")
        for first, (key, method, path, body, _, headers) in zip(firsts, cases):
            with self.subTest(key):
                self.assertAgain(first, self.walkv.request(method, path, body, {"Idempotency-Key": key, **headers}))
        self.assertEqual(self.walkv.get("/api/kv/later").json()["value"], 2)
        self.assertEqual(self.walkv.contents()[1]["later"], [3])
        exists = self.assertFirst(self.walkv.request("PUT", "/api/kv/later", value("5"), {
            "Idempotency-Key": "absent", "If-None-Match": "*"}), 412)
        version = exists.json()["version"]
        self.walkv.set("later", "6")
        again = self.walkv.request("PUT", "/api/kv/later", value("5"), {"Idempotency-Key": "absent", "If-None-Match": "*"})
        self.assertAgain(exists, again)
        self.assertEqual(again.json()["version"], version)

    def test_what_is_wrong_with_a_request_is_not_kept(self):
        for body, code in (('{"value":', "invalid_json"), ("{}", "value_required")):
            self.assertError(self.write("mistake", "POST", "/api/kv/mistake", body), 400, code)
        self.assertFirst(self.write("mistake", "POST", "/api/kv/mistake", value("1")), 201)

    def test_the_key_of_another_request(self):
        first = self.assertFirst(self.write("mine", "POST", "/api/kv/mine", value("1")), 201)
        for name, method, path, body in (
                ("method", "PUT", "/api/kv/mine", value("1")), ("path", "POST", "/api/kv/mine2", value("1")),
                ("spelling", "POST", "/api/kv/%6dine", value("1")), ("body", "POST", "/api/kv/mine", value("2")),
                ("white space", "POST", "/api/kv/mine", value(" 1")), ("operation", "DELETE", "/api/kv/mine", None),
                ("kind", "POST", "/api/queue/mine/dequeue", None)):
            with self.subTest(name):
                answer = self.write("mine", method, path, body)
                self.assertError(answer, 422, "idempotency_mismatch")
                self.assertIsNone(answer.header("Idempotency-Replayed"))
        self.assertRepeats("query", "DELETE", "/api/queue/none", None, 404)
        self.assertError(self.write("query", "DELETE", "/api/queue/none?forget=true"), 422, "idempotency_mismatch")
        self.assertEqual(self.walkv.contents()[0]["mine"], 1)
        self.assertNotIn("mine2", self.walkv.contents()[0])
        self.assertAgain(first, self.write("mine", "POST", "/api/kv/mine", value("1")))

    def test_what_may_be_a_key(self):
        for name, key in (("empty", ""), ("too long", "k" * 256), ("a space", "a b"), ("a tab", "a\tb"),
                          ("not ASCII", "schl\u00fcssel"), ("Latin-1", "\udce9")):
            with self.subTest(name):
                self.assertError(self.write(key, "POST", "/api/kv/odd", value("1")), 400, "invalid_parameter")
        with self.walkv.connect() as c:
            c.send(f"POST /api/kv/odd HTTP/1.1\r\nHost: 127.0.0.1:{self.walkv.port}\r\nContent-Type: application/json\r\n"
                   "Idempotency-Key: one\r\nidempotency-key: two\r\nContent-Length: 11\r\n\r\n" + value("1"))
            self.assertError(c.response(), 400, "invalid_parameter")
        self.assertEqual(self.walkv.get("/api/kv/odd").status, 404)
        self.assertRepeats("k" * 255, "POST", "/api/kv/odd", value("1"), 201)
        self.assertRepeats("!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~", "POST", "/api/kv/odd", value("2"), 200)
        self.assertFirst(self.write("k" * 254, "POST", "/api/kv/odd", value("1")), 200)

    def test_reads_do_not_look_at_it(self):
        self.walkv.set("read", "1")
        for key in ("read", "", "a b", "k" * 300):
            for method in ("GET", "HEAD"):
                self.assertFirst(self.write(key, method, "/api/kv/read"), 200)
            self.assertFirst(self.write(key, "GET", "/api/queue"), 200)
        self.assertFirst(self.write("read", "POST", "/api/kv/read", value("2")), 200)

    def test_on_one_connection_in_a_pipeline(self):
        """Both in one batch, or not: the second is a repeat."""
        with self.walkv.connect() as c:
            for n in range(50):
                for _ in range(2):
                    c.put("POST", "/api/queue/pipeline/enqueue", value(str(n)), {"Idempotency-Key": f"pipeline-{n}"})
            for n in range(50):
                self.assertAgain(self.assertFirst(c.response(), 200), c.response())
        self.assertEqual(self.walkv.contents()[1]["pipeline"], list(range(50)))

    def test_two_at_once_through_different_workers(self):
        """However they meet, one is done and both get its answer."""
        pids = set()
        connections = []
        try:
            while len(pids) < 2:  # until there is one on each worker
                c = self.walkv.connect()
                connections.append(c)
                pids.add(c.get("/api/status").json()["worker"]["pid"])
                self.assertLess(len(connections), 200, "all connections go to one worker")
            chosen = {}
            for c in connections:
                chosen[c.get("/api/status").json()["worker"]["pid"]] = c
            one, two = chosen.values()
            for n in range(100):
                for c in (one, two):
                    c.put("POST", "/api/queue/twice/enqueue", value(str(n)), {"Idempotency-Key": f"twice-{n}"})
                answers = [c.response() for c in (one, two)]
                answers.sort(key=lambda a: a.header("Idempotency-Replayed") is not None)
                self.assertAgain(self.assertFirst(answers[0], 200), answers[1])
        finally:
            for c in connections:
                c.close()
        self.assertEqual(self.walkv.contents()[1]["twice"], list(range(100)))

    def test_a_large_item(self):
        large = '"' + "x" * ((1 << 20) - 2) + '"'
        self.assertRepeats("large-in", "POST", "/api/queue/large/enqueue", value(large), 200)
        self.walkv.enqueue("large", "2")
        first = self.assertRepeats("large-out", "POST", "/api/queue/large/dequeue", None, 200)
        self.assertEqual(len(first.json()["value"]), (1 << 20) - 2)
        self.assertEqual(self.walkv.contents()[1]["large"], [2])


class Restarts(Keyed):
    options = None

    # name, method, path, body, status, all of them done once on a new store
    WRITES = (
        ("created", "POST", "/api/kv/a", value("1"), 201),
        ("replaced", "POST", "/api/kv/a", value("2"), 200),
        ("patched", "PATCH", "/api/kv/a", value("[3]"), 200),
        ("deleted", "DELETE", "/api/kv/a", None, 200),
        ("missing", "DELETE", "/api/kv/a", None, 404),
        ("first", "POST", "/api/queue/q/enqueue", value('"one"'), 200),
        ("second", "POST", "/api/queue/q/enqueue", value('"two"'), 200),
        ("taken", "POST", "/api/queue/q/dequeue", None, 200),
        ("large", "POST", "/api/queue/large/enqueue", value('"' + "y" * 200000 + '"'), 200),
        ("large taken", "POST", "/api/queue/large/dequeue", None, 200),
        ("empty", "POST", "/api/queue/large/dequeue", None, 404),
        ("cleared", "DELETE", "/api/queue/large", None, 200),
        ("forgotten", "DELETE", "/api/queue/large?forget=true", None, 200),
        ("unknown", "DELETE", "/api/queue/large", None, 404),
    )

    def begin(self, **flags):
        walkv = self.instance(**flags)
        walkv.start()
        firsts = [self.assertFirst(self.write(quote(name), method, path, body, walkv), status)
                  for name, method, path, body, status in self.WRITES]
        self.assertEqual(walkv.status()["idempotency_entries"], len(firsts))
        return walkv, firsts

    def assertKept(self, walkv, firsts):
        for first, (name, method, path, body, _) in zip(firsts, self.WRITES):
            with self.subTest(name):
                self.assertAgain(first, self.write(quote(name), method, path, body, walkv))
        self.assertEqual(walkv.contents(), ({}, {"q": ["two"]}))
        self.assertEqual(walkv.status()["idempotency_entries"], len(firsts))

    def checkpoint(self, walkv):
        done = walkv.ctl("checkpoint")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_after_a_kill(self):
        walkv, firsts = self.begin()
        walkv.restart_walkvd()
        self.assertEqual(walkv.status()["start_kind"], "warm")
        self.assertKept(walkv, firsts)

    def test_after_a_cold_start(self):
        walkv, firsts = self.begin()
        walkv.restart_walkvd(cold_start=True)
        self.assertEqual(walkv.status()["start_kind"], "cold")
        self.assertKept(walkv, firsts)

    def test_after_the_view_is_gone(self):
        walkv, firsts = self.begin()
        walkv.stop()
        for path in walkv.view.parent.glob(walkv.view.name + "*"):
            path.unlink()
        walkv.start()
        self.assertEqual(walkv.status()["start_kind"], "cold")
        self.assertKept(walkv, firsts)

    def test_from_a_snapshot_alone(self):
        """The log before it is gone."""
        walkv, firsts = self.begin(walkvd={"wal_segment_size": "64KiB", "wal_sync": "async"})
        self.checkpoint(walkv)
        for _ in range(2):  # two snapshots are kept, and the log back to the older one
            for _ in range(8):
                walkv.request("PUT", "/api/kv/fill", value('"' + os.urandom(25000).hex() + '"'))
            walkv.request("DELETE", "/api/kv/fill")
            self.checkpoint(walkv)
        lsns = sorted(int(path.stem, 16) for path in (walkv.data / "wal").glob("*.wal"))
        self.assertGreater(lsns[0], max(int(first.header("Walkv-Lsn")) for first in firsts))
        walkv.restart_walkvd(cold_start=True)
        self.assertKept(walkv, firsts)

    def test_through_new_workers(self):
        walkv, firsts = self.begin()
        walkv.stop_httpd()
        walkv.start_httpd()
        self.assertKept(walkv, firsts)

    def test_what_the_log_says(self):
        walkv, firsts = self.begin()
        walkv.stop()
        entries = self.dump(walkv)
        kept = [entry for entry in entries if "idempotency_key" in entry]
        self.assertEqual([entry["idempotency_key"] for entry in kept], [quote(name) for name, *_ in self.WRITES])
        self.assertTrue(all(re.fullmatch("[0-9a-f]{16}", entry["session"]) for entry in kept))
        for first, entry, (name, _, _, _, status) in zip(firsts, kept, self.WRITES):
            with self.subTest(name):
                refused = status == 404
                self.assertEqual(entry["op"] == "refuse", refused)
                self.assertEqual(entry["lsn"], int(first.header("Walkv-Lsn")) + refused)
        refusals = [(e["refused"], e["result"], e.get("key"), e.get("queue")) for e in kept if e["op"] == "refuse"]
        self.assertEqual(refusals, [("delete", "not_found", "a", None), ("dequeue", "queue_empty", None, "large"),
                                    ("clear", "queue_not_found", None, "large")])
        verified = run([WALKVCTL, "verify", walkv.data])
        self.assertEqual(verified.returncode, 0, verified.stderr)

    def test_from_what_repair_has_made(self):
        """The snapshot is damaged; log and repair know the answers as well."""
        walkv, firsts = self.begin()
        self.checkpoint(walkv)
        walkv.stop()
        (snapshot,) = (walkv.data / "snapshots").glob("*.snap")
        snapshot.write_bytes(snapshot.read_bytes()[:-1000])
        repaired = walkv.dir / "repaired"
        done = run([WALKVCTL, "--yes", "--into", repaired, "repair", walkv.data])
        self.assertEqual(done.returncode, 0, done.stderr)
        walkv.data = repaired
        walkv.start()
        self.assertKept(walkv, firsts)

    def test_in_async_mode(self):
        walkv, firsts = self.begin(walkvd={"wal_sync": "async"})
        self.assertKept(walkv, firsts)
        walkv.restart_walkvd()
        self.assertKept(walkv, firsts)

    def test_kills_between_a_write_and_its_repeat(self):
        """Twenty rounds: what was acknowledged is repeated, what was not is done once, by this repeat or before it."""
        walkv = self.instance()
        walkv.start()
        for n in range(20):
            with self.subTest(round=n):
                first = self.assertFirst(self.write(f"in-{n}", "POST", "/api/queue/q/enqueue", value(str(n)), walkv), 200)
                walkv.kill_walkvd()
                walkv.start_walkvd(cold_start=n % 2 == 1 or None)
                again = self.write(f"in-{n}", "POST", "/api/queue/q/enqueue", value(str(n)), walkv)
                self.assertAgain(first, again)
        self.assertEqual(walkv.contents()[1]["q"], list(range(20)))


class Limits(Keyed):
    options = None

    def entries(self, walkv):
        return walkv.status()["idempotency_entries"]

    def test_the_window(self):
        """Then the repeat is a new request; and what is old goes by itself, through the log."""
        walkv = self.instance(walkvd={"idempotency_window": "1s"})
        walkv.start()
        first = self.assertFirst(self.write("k", "POST", "/api/queue/q/enqueue", value("1"), walkv), 200)
        for n in range(200):
            self.write(f"more-{n}", "PUT", "/api/kv/a", value(str(n)), walkv)
        wait_until(lambda: self.entries(walkv) == 0, "the entries to go")
        self.assertEqual(walkv.status()["idempotency_evicted"], 0)
        again = self.assertFirst(self.write("k", "POST", "/api/queue/q/enqueue", value("1"), walkv), 200)
        self.assertEqual((again.json()["size"], first.json()["size"]), (2, 1))
        self.assertGreater(int(again.header("Walkv-Lsn")), int(first.header("Walkv-Lsn")))
        self.assertFirst(self.write("more-1", "DELETE", "/api/kv/a", None, walkv), 200)  # another request by now
        walkv.stop()
        expires = [entry for entry in self.dump(walkv) if entry["op"] == "expire"]
        self.assertTrue(expires)
        self.assertEqual({entry["evicted"] for entry in expires}, {0})
        self.assertEqual([entry["up_to_lsn"] for entry in expires], sorted({entry["up_to_lsn"] for entry in expires}))
        walkv.start(cold_start=True)
        self.assertLessEqual(self.entries(walkv), 2)

    def test_an_old_key_that_is_still_there(self):
        """What walkvd has had no time to let go of does not count either."""
        walkv = self.instance(walkvd={"idempotency_window": "1s"}, httpd={"write_timeout": "60s"})
        walkv.start()
        def again(frames):
            begin = f"{time.monotonic_ns()}-"
            self.many(frames, begin, 3000)
            deadline = time.monotonic() + 1.05
            wait_until(lambda: time.monotonic() > deadline, "the window to be over")  # the clock is the thing itself
            answer = frames.write("set", "a", b"1", key=f"{begin}2999".encode())
            self.assertEqual((answer.result, answer.replayed), ("ok", False))
            return frames.status()["idempotency_entries"] > 500  # otherwise it had been let go of

        with Frames(walkv.socket, CONTROL) as frames:
            wait_until(lambda: again(frames), "a machine that is quick enough")
            wait_until(lambda: frames.status()["idempotency_entries"] == 0, "the entries to go")
            self.assertEqual(frames.status()["idempotency_evicted"], 0)
        walkv.restart_walkvd(cold_start=True)
        self.assertEqual(self.entries(walkv), 0)

    @staticmethod
    def many(frames, name, count):
        """Writes with keys, as many in a batch as there may be."""
        for n in range(count):
            frames.put_write("set", "a", b"1", key=f"{name}{n}".encode())
        frames.flush()
        while frames.asked:
            for answer in frames.answers():
                if answer.result not in DONE or answer.replayed:
                    raise AssertionError(answer)

    def test_max_entries_under_load(self):
        """More new keys in a batch than walkvd lets go of when nothing else is to be done."""
        walkv = self.instance(walkvd={"idempotency_max_entries": 100})
        walkv.start_walkvd()
        with Frames(walkv.socket, CONTROL) as frames:
            for turn in range(8):
                self.many(frames, f"turn{turn}-", 1000)
                self.assertLess(frames.status()["idempotency_entries"], 100 + 1024, turn)
            wait_until(lambda: frames.status()["idempotency_entries"] == 100, "the oldest to go")
            self.assertEqual(frames.status()["idempotency_evicted"], 8 * 1000 - 100)

    def test_max_entries(self):
        walkv = self.instance(walkvd={"idempotency_max_entries": 3})
        walkv.start()
        firsts = []
        for n in range(6):
            firsts.append(self.assertFirst(self.write(f"k{n}", "POST", "/api/queue/q/enqueue", value(str(n)), walkv), 200))
        wait_until(lambda: self.entries(walkv) == 3, "the oldest to go")
        self.assertEqual(walkv.status()["idempotency_evicted"], 3)
        for restart in (False, True):
            if restart:
                walkv.restart_walkvd(cold_start=True)
            for n in (3, 4, 5):
                self.assertAgain(firsts[n], self.write(f"k{n}", "POST", "/api/queue/q/enqueue", value(str(n)), walkv))
            self.assertEqual((self.entries(walkv), walkv.status()["idempotency_evicted"]), (3, 3))
        again = self.assertFirst(self.write("k0", "POST", "/api/queue/q/enqueue", value("0"), walkv), 200)
        self.assertEqual(again.json()["size"], 7)
        wait_until(lambda: self.entries(walkv) == 3, "the next to go")
        self.assertFirst(self.write("k3", "POST", "/api/queue/q/enqueue", value("3"), walkv), 200)
        walkv.stop()
        self.assertEqual(sum(entry["evicted"] for entry in self.dump(walkv) if entry["op"] == "expire"), 5)

    def test_a_smaller_limit_than_before(self):
        walkv = self.instance()
        walkv.start()
        for n in range(300):
            self.write(f"k{n}", "PUT", "/api/kv/a", value(str(n)), walkv)
        self.assertEqual(self.entries(walkv), 300)
        walkv.restart_walkvd(idempotency_max_entries=10)
        wait_until(lambda: self.entries(walkv) == 10, "the oldest to go")
        self.assertEqual(walkv.status()["idempotency_evicted"], 290)

    def test_a_full_view(self):
        """507 is no answer to keep, and what was done before is answered nevertheless."""
        walkv = self.instance(walkvd={"view_size": "8MiB", "checkpoint_interval": 0})
        walkv.start()
        text = value('"' + "x" * 100000 + '"')
        done = []
        with walkv.connect() as c:
            for n in range(200):
                answer = self.write(f"fill-{n}", "POST", "/api/queue/fill/enqueue", text, connection=c)
                if answer.status == 507:
                    break
                done.append(self.assertFirst(answer, 200))
            self.assertError(answer, 507, "storage_full")
            refused = f"fill-{n}"
            kept = self.write("small", "POST", "/api/queue/other/dequeue", None, connection=c)
            self.assertFirst(kept, 404)  # is kept even now
            for _ in range(3):
                self.assertError(self.write(refused, "POST", "/api/queue/fill/enqueue", text, connection=c), 507)
                for n, first in enumerate(done):
                    self.assertAgain(first, self.write(f"fill-{n}", "POST", "/api/queue/fill/enqueue", text, connection=c))
                self.assertAgain(kept, self.write("small", "POST", "/api/queue/other/dequeue", None, connection=c))
            self.assertEqual(walkv.get("/api/queue/fill/size").json()["size"], len(done))
            walkv.restart_walkvd()
            for n, first in enumerate(done):
                self.assertAgain(first, self.write(f"fill-{n}", "POST", "/api/queue/fill/enqueue", text, connection=c))

            # Items that are taken with a key stay, so it takes a clear to make room.
            taken = self.assertFirst(self.write("take", "POST", "/api/queue/fill/dequeue", None, connection=c), 200)
            self.assertEqual(len(taken.json()["value"]), 100000)
            self.assertFirst(self.write("clear", "DELETE", "/api/queue/fill", None, connection=c), 200)

            def fits():
                answer = self.write(refused, "POST", "/api/queue/fill/enqueue", text, connection=c)
                return answer if answer.status == 200 else self.assertError(answer, 507, "storage_full")

            first = self.assertFirst(wait_until(fits, "room again"))
            self.assertEqual(first.json()["size"], 1)
            self.assertAgain(first, self.write(refused, "POST", "/api/queue/fill/enqueue", text, connection=c))
            self.assertAgain(taken, self.write("take", "POST", "/api/queue/fill/dequeue", None, connection=c))

    def test_taking_items_out_of_a_full_view_with_keys(self):
        """Each item that is taken is kept under its key: the view stays full, and nothing breaks."""
        walkv = self.instance(walkvd={"view_size": "8MiB", "checkpoint_interval": 0})
        walkv.start()
        text = value('"' + "x" * 50000 + '"')
        with walkv.connect() as c:
            count = 0
            while (answer := c.post("/api/queue/q/enqueue", text)).status == 200:
                count += 1
            self.assertError(answer, 507)
            taken = []
            for n in range(count):
                answer = self.write(f"take-{n}", "POST", "/api/queue/q/dequeue", None, connection=c)
                if answer.status == 507:  # there was no room to keep it, so it was not taken
                    break
                taken.append(self.assertFirst(answer, 200))
            self.assertGreater(len(taken), 0)
            for n, first in enumerate(taken):
                self.assertAgain(first, self.write(f"take-{n}", "POST", "/api/queue/q/dequeue", None, connection=c))
            self.assertEqual(walkv.get("/api/queue/q/size").json()["size"], count - len(taken))
            while c.post("/api/queue/q/dequeue").status == 200:
                count -= 1
            self.assertEqual(count, len(taken))
        walkv.restart_walkvd(cold_start=True)
        for n, first in enumerate(taken):
            self.assertAgain(first, self.write(f"take-{n}", "POST", "/api/queue/q/dequeue", None, walkv))


class LostAnswers(Keyed):
    """A client that repeats until it has an answer, while everything dies."""

    options = None

    def client(self, walkv, number, count):
        """Enqueues numbers that only it has, each with a key of its own, and takes as many items."""
        with contextlib.ExitStack() as stack:
            connection = None
            for n in range(count):
                for kind, path, body in (("in", "/api/queue/q/enqueue", value(f"{number * 1000 + n}")),
                                         ("out", "/api/queue/q/dequeue", None)):
                    answer = None
                    while answer is None or answer.status == 503:
                        try:
                            connection = connection or stack.enter_context(walkv.connect())
                            answer = self.write(f"{kind}-{number}-{n}", "POST", path, body, connection=connection)
                        except ConnectionError:
                            connection = None
                    if answer.status != 200:
                        raise AssertionError(f"{kind}: {answer}")
                    if kind == "out":
                        self.taken.append(answer.json()["value"])

    def test_every_item_is_taken_once(self):
        walkv = self.instance(workers=2)
        walkv.start()
        self.taken = []
        kills = 0
        with ThreadPoolExecutor(6) as pool:
            clients = [pool.submit(self.client, walkv, number, 60) for number in range(6)]
            while not all(client.done() for client in clients):
                if kills % 3 == 2:
                    for pid in walkv.worker_pids()[:1]:
                        send_signal(pid, signal.SIGKILL)
                else:
                    walkv.kill_walkvd()
                    walkv.start_walkvd(cold_start=kills % 2 == 1 or None)
                kills += 1
                with Frames(walkv.socket, CONTROL) as control:
                    lsn = control.status()["applied_lsn"]
                    wait_until(lambda: all(client.done() for client in clients) or
                               control.status()["applied_lsn"] > lsn + 40, "some more writes")
            for client in clients:
                client.result()
        self.assertEqual(sorted(self.taken), sorted(number * 1000 + n for number in range(6) for n in range(60)))
        walkv.wait_ready()
        self.assertEqual(walkv.contents()[1], {"q": []})
        self.assertGreater(kills, 3)


if __name__ == "__main__":
    main()
