# SPDX-License-Identifier: MIT
"""Kills walkvd (and now and then a worker) at random moments under the load of many HTTP clients, across checkpoints
and rotations, warm and cold, and compares what is there afterwards with what was acknowledged.

    tests/crash/kill_test.py [--kills 2000] [--seed N] [--clients 32] [--wal-sync async]

In the suite it runs short. The seed is printed; with the same seed the same operations are tried at about the same
moments (the machine decides the rest). The rules that are checked after each round, when the clients rest:

- LSNs follow real time: a write that was sent after another one was acknowledged has the higher one;
- a key holds what its last acknowledged write (by Walkv-Lsn) left, or what a write of unknown outcome left that can
  have happened after it (one that was over before the other was sent cannot);
- an item that was acknowledged is in its queue, or was handed out once, or may have gone with a dequeue whose answer was
  lost; never twice; nothing is there that nobody enqueued;
- items stand in their queue, and were handed out, in the order of their acknowledgement.
"""

import argparse
import bisect
import os
import random
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from walkv import JSON_TYPE, Connection, Walkv, send_signal  # noqa: E402

KEYS, QUEUES, KILLS_PER_ROUND = 200, 8, 10


class Client(threading.Thread):
    """Sends one request after another. Records (kind, name, value, lsn, when it was sent, when it was over): lsn None
    when the outcome is unknown."""

    def __init__(self, number, walkv, seed, pause, over):
        super().__init__(daemon=True)
        self.walkv, self.random, self.pause, self.over = walkv, random.Random(seed), pause, over
        self.number, self.serial = number, 0
        self.records, self.error = [], None
        self.resting = threading.Event()
        self.acknowledged = self.unknown = self.refused = 0

    def run(self):
        connection = None
        try:
            while not self.over.is_set():
                if self.pause.is_set():
                    self.resting.set()
                    self.over.wait(0.002)
                    continue
                self.resting.clear()
                connection = self.step(connection)
        except Exception as error:  # reported by the round that follows
            self.error = error
        finally:
            self.resting.set()
            if connection:
                connection.close()

    def step(self, connection):
        self.serial += 1
        value = f"{self.number}-{self.serial}" + "x" * self.random.choice((0, 0, 40, 700, 5000))
        choice = self.random.random()
        body = f'{{"value":"{value}"}}'
        if choice < 0.4:
            kind, name, what = "set", f"k{self.random.randrange(KEYS)}", ("PUT", "/api/kv/%s", body)
        elif choice < 0.5:
            kind, name, what = "delete", f"k{self.random.randrange(KEYS)}", ("DELETE", "/api/kv/%s", None)
        elif choice < 0.75:
            kind, name, what = "enqueue", f"q{self.random.randrange(QUEUES)}", ("POST", "/api/queue/%s/enqueue", body)
        else:
            kind, name, what = "dequeue", f"q{self.random.randrange(QUEUES)}", ("POST", "/api/queue/%s/dequeue", None)
        if kind in ("delete", "dequeue"):
            value = None
        try:
            if connection is None:
                connection = Connection(self.walkv.port)
        except OSError as error:
            raise AssertionError(f"a connection attempt was refused: {error}") from error
        method, path, text = what
        sent = time.monotonic()
        try:
            answer = connection.request(method, path % name, text, {"Content-Type": JSON_TYPE} if text else {})
        except OSError:  # the worker was killed; walkvd may find what it sent even after what we send next
            connection.close()
            self.note(kind, name, value, None, sent, float("inf"))
            return None
        if answer.status in (200, 201):
            if kind == "dequeue":
                value = answer.json()["value"]
            self.note(kind, name, value, int(answer.header("Walkv-Lsn")), sent)
        elif answer.status == 503 and answer.code == "outcome_unknown":
            self.note(kind, name, value, None, sent)
        elif answer.status == 404 or (answer.status == 503 and answer.code == "unavailable"):
            self.refused += 1
        else:
            raise AssertionError(f"{method} {path % name}: {answer}")
        if answer.closes:
            connection.close()
            return None
        return connection

    def note(self, kind, name, value, lsn, sent, over=None):
        self.records.append((kind, name, value, lsn, sent, over or time.monotonic()))
        if lsn is None:
            self.unknown += 1
        else:
            self.acknowledged += 1


class Order:
    """What real time says about LSNs. Records without times (as in the tests of the model) say nothing."""

    def __init__(self, records):
        timed = [r for r in records if len(r) == 6 and r[3] is not None]
        self.ends, self.highest = self.running(sorted((r[5], r[3]) for r in timed), max)
        starts, lowest = self.running(sorted(((r[4], r[3]) for r in timed), reverse=True), min)
        self.starts, self.lowest = starts[::-1], lowest[::-1]

    @staticmethod
    def running(pairs, choose):
        times, best = [], []
        for when, lsn in pairs:
            times.append(when)
            best.append(choose(best[-1], lsn) if best else lsn)
        return times, best

    def above(self, record):
        """The LSN of this write is above this one: it was acknowledged before this write was sent."""
        i = bisect.bisect_left(self.ends, record[4]) if len(record) == 6 else 0
        return self.highest[i - 1] if i else 0

    def below(self, record):
        """And below this one, if it happened at all: that write was sent when this one was over."""
        i = bisect.bisect_right(self.starts, record[5]) if len(record) == 6 else len(self.starts)
        return self.lowest[i] if i < len(self.starts) else float("inf")


class Model:
    """What must be there, carried from round to round."""

    def __init__(self):
        self.keys, self.queues = {}, {}

    def check(self, records, keys, queues):
        order = Order(records)
        self.check_lsns(records, order)
        self.check_keys(records, keys, order)
        for name in sorted({r[1] for r in records if r[0] in ("enqueue", "dequeue")} | set(queues)):
            self.check_queue(name, [r for r in records if r[1] == name], queues.get(name, []))
        self.keys, self.queues = keys, queues

    @staticmethod
    def check_lsns(records, order):
        lsns = [r[3] for r in records if r[3] is not None]
        if len(lsns) != len(set(lsns)):
            raise AssertionError("two writes were acknowledged with one LSN")
        for record in records:
            if record[3] is not None and not order.above(record) < record[3] < order.below(record):
                raise AssertionError(f"{record[:4]} is not between LSN {order.above(record)} and {order.below(record)}")

    def check_keys(self, records, keys, order):
        touched = {}
        for record in records:
            kind, name, value, lsn = record[:4]
            if kind in ("set", "delete"):
                touched.setdefault(name, []).append((lsn, value, order.below(record)))
        for name in set(self.keys) | set(keys) | set(touched):
            writes = touched.get(name, [])
            known = [w for w in writes if w[0] is not None]
            last, value = max(known)[:2] if known else (0, self.keys.get(name))
            allowed = {value} | {value for lsn, value, below in writes if lsn is None and below > last}
            if keys.get(name) not in allowed:
                raise AssertionError(f"key {name} is {keys.get(name)!r}, and may be {sorted(map(str, allowed))}")

    def check_queue(self, name, records, items):
        order = {value: (0, i) for i, value in enumerate(self.queues.get(name, []))}
        maybe = set()
        for kind, _, value, lsn in (r[:4] for r in records):
            if kind == "enqueue" and lsn is None:
                maybe.add(value)
            elif kind == "enqueue":
                order[value] = (1, lsn)
        taken = [value for _, value in sorted((lsn, value) for kind, _, value, lsn in (r[:4] for r in records)
                                              if kind == "dequeue" and lsn is not None)]
        lost_answers = sum(1 for kind, _, _, lsn in (r[:4] for r in records) if kind == "dequeue" and lsn is None)
        for value in taken + items:
            if value not in order and value not in maybe:
                raise AssertionError(f"queue {name} gave {value!r}, which nobody enqueued")
        if len(set(taken)) != len(taken) or len(set(items)) != len(items) or set(taken) & set(items):
            raise AssertionError(f"queue {name} has or gave an item twice")
        for row in (taken, items):
            places = [order[value] for value in row if value in order]
            if places != sorted(places):
                raise AssertionError(f"queue {name} is out of order: {row}")
        missing = [value for value in order if value not in set(taken) | set(items)]
        if len(missing) > lost_answers:
            raise AssertionError(f"queue {name} lost {missing}, and only {lost_answers} dequeues had no answer")
        if missing and items:
            first = min((order[v] for v in items if v in order), default=None)
            if first is not None and max(order[v] for v in missing) > first:
                raise AssertionError(f"queue {name} lost an item from behind its head: {missing}")


def campaign(kills, seed, clients=32, wal_sync="sync", out=sys.stderr):
    """Raises AssertionError on the first thing that is wrong. Returns a line of figures."""
    print(f"kill_test: seed {seed}, {kills} kills, {clients} clients, {wal_sync}", file=out, flush=True)
    chance = random.Random(seed)
    flags = {"wal_segment_size": "64KiB", "checkpoint_interval": 2000, "checkpoint_wal_size": "512KiB", "wal_sync": wal_sync}
    pause, over = threading.Event(), threading.Event()
    model, killed, worker_kills, began = Model(), 0, 0, time.monotonic()
    figures = {"acknowledged": 0, "unknown": 0, "checkpoints": 0, "cold": 0}
    with Walkv(workers=2, walkvd=flags) as walkv:
        walkv.start()
        threads = [Client(n, walkv, chance.random(), pause, over) for n in range(clients)]
        for thread in threads:
            thread.start()
        try:
            while killed < kills:
                pause.clear()
                for _ in range(min(KILLS_PER_ROUND, kills - killed)):
                    time.sleep(chance.random() * chance.choice((0.01, 0.05, 0.3)))
                    walkv.kill_walkvd()
                    figures["checkpoints"] += walkv.walkvd.log.count("checkpoint: done")
                    walkv.all.remove(walkv.walkvd)
                    walkv.walkvd.check()
                    cold = chance.random() < 0.4
                    figures["cold"] += cold
                    walkv.start_walkvd(**({"cold_start": True} if cold else {}))
                    killed += 1
                    if chance.random() < 0.1:
                        pids = walkv.worker_pids()
                        if pids:
                            send_signal(chance.choice(pids), 9)
                            worker_kills += 1
                for thread in threads:
                    thread.resting.clear()
                pause.set()
                for thread in threads:
                    if not thread.resting.wait(60):
                        raise AssertionError("a client waits for ever")
                    if thread.error:
                        raise thread.error
                walkv.wait_ready()
                records = [r for thread in threads for r in thread.records]
                for thread in threads:
                    thread.records = []
                model.check(records, *walkv.contents())
                if killed % 50 == 0 or killed == kills:
                    done = sum(t.acknowledged for t in threads)
                    print(f"kill_test: {killed} kills, {done} acknowledged, {time.monotonic() - began:.0f} s", file=out,
                          flush=True)
        finally:
            over.set()
            for thread in threads:
                thread.join(60)
        figures["acknowledged"] = sum(t.acknowledged for t in threads)
        figures["unknown"] = sum(t.unknown for t in threads)
        walkv.stop()
        result = walkv_verify(walkv)
    return (f"{killed} kills of walkvd ({figures['cold']} cold starts), {worker_kills} of workers, "
            f"{figures['checkpoints']} checkpoints, {figures['acknowledged']} writes acknowledged, "
            f"{figures['unknown']} of unknown outcome, 0 violations; {result}")


def walkv_verify(walkv):
    answer = walkv.ctl("verify", walkv.data)
    if answer.returncode != 0:
        raise AssertionError(f"walkvctl verify: {answer.stdout}{answer.stderr}")
    return "verify: no damage"


class Kills(unittest.TestCase):
    def test_sync(self):
        print(campaign(60, int(os.environ.get("WALKV_SEED", random.randrange(1 << 32)))), file=sys.stderr)

    def test_async(self):
        """The kernel survives, so nothing may be lost either."""
        seed = int(os.environ.get("WALKV_SEED", random.randrange(1 << 32)))
        print(campaign(30, seed, wal_sync="async"), file=sys.stderr)


class TheModel(unittest.TestCase):
    """The checks find what they are for."""

    def wrong(self, records, keys=None, queues=None, before=None):
        model = Model()
        if before:
            model.keys, model.queues = before
        with self.assertRaises(AssertionError):
            model.check(records, keys or {}, queues or {})

    def test_wrong_histories_are_found(self):
        self.wrong([("set", "k", "a", 1)])  # lost
        self.wrong([("set", "k", "a", 1), ("set", "k", "b", 2)], {"k": "a"})  # an older one
        self.wrong([("set", "k", "a", 1)], {"k": "b"})  # another one
        self.wrong([("delete", "k", None, 1)], {"k": "a"}, before=({"k": "a"}, {}))  # it is back
        self.wrong([("set", "k", "a", 1), ("set", "l", "b", 1)], {"k": "a", "l": "b"})  # one LSN twice
        self.wrong([("set", "k", "a", 7, 1, 2), ("set", "k", "b", 6, 3, 4)], {"k": "a"})  # LSNs against the time
        self.wrong([("set", "k", "b", None, 1, 2), ("set", "k", "a", 7, 3, 4)], {"k": "b"})  # that was over before
        self.wrong([("enqueue", "q", "a", 1)])  # lost
        self.wrong([("enqueue", "q", "a", 1), ("enqueue", "q", "b", 2)], queues={"q": ["b", "a"]})  # out of order
        self.wrong([("enqueue", "q", "a", 1), ("dequeue", "q", "a", 2)], queues={"q": ["a"]})  # twice
        self.wrong([("dequeue", "q", "a", 2), ("dequeue", "q", "a", 3)], before=({}, {"q": ["a"]}))  # handed out twice
        self.wrong([("dequeue", "q", "b", 2)], queues={"q": ["a"]}, before=({}, {"q": ["a"]}))  # invented
        self.wrong([("enqueue", "q", "a", 1), ("enqueue", "q", "b", 2), ("dequeue", "q", None, None)],
                   queues={"q": ["a"]})  # the lost answer cannot have taken the one behind the head

    def test_right_histories_pass(self):
        model = Model()
        model.check([("set", "k", "a", 1), ("set", "k", "b", None), ("enqueue", "q", "x", 2), ("enqueue", "q", "y", 3),
                     ("dequeue", "q", None, None)], {"k": "b"}, {"q": ["y"]})
        model.check([("dequeue", "q", "y", 9), ("delete", "k", None, 10)], {}, {"q": []})
        model.check([("set", "k", "b", None, 1, 4), ("set", "k", "a", 17, 3, 5)], {"k": "b"}, {"q": []})


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith("--kills"):
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--kills", type=int, default=2000)
        parser.add_argument("--seed", type=int, default=None)
        parser.add_argument("--clients", type=int, default=32)
        parser.add_argument("--wal-sync", choices=("sync", "async"), default="sync")
        args = parser.parse_args()
        print(campaign(args.kills, args.seed if args.seed is not None else random.randrange(1 << 32), args.clients,
                       args.wal_sync))
    else:
        unittest.main()
