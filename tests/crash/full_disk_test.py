# SPDX-License-Identifier: MIT
"""Fills what walkvd lives on, and empties it again, in cycles under the load of many HTTP clients.

    tests/crash/full_disk_test.py [--cycles 200] [--seed N] [--kind disk|view|memory]

    disk      the data directory is on a small ext4 (or tmpfs); another program fills it, too
    view      the view reaches --view-size
    memory    the view's file system is smaller than --view-size: an error code, never a SIGBUS

In the suite it runs short. The seed is printed; with the same seed the same operations are tried (the machine decides
how they meet). While it is full, sets and enqueues get 507, reads, deletes, dequeues and checkpoints go on; when there
is room again, service resumes without a restart. Every client owns its keys and queues and waits for each answer, so
each answer can be foretold but for one thing, whether there is room; and what was refused must not be there.
"""

import argparse
import errno
import json
import os
import random
import string
import sys
import threading
import time
import unittest
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from loopfs import LoopFs, TmpFs  # noqa: E402
from walkv import Connection, Walkv, wait_until  # noqa: E402

MIB = 1 << 20
CLIENTS, KEYS, QUEUES = 6, 150, 2
SIZES = (0, 40, 300, 2000, 9000, 20000, 50000)
REFUSALS_IN_A_ROW = 4  # of one client, until it takes the store for full
WORK_WHILE_FULL = 10  # deletes and dequeues of one client
# Values are cut from this: what LZ4 could make small would not fill the log.
NOISE = "".join(random.Random(0).choices(string.ascii_letters + string.digits, k=2 * max(SIZES)))

FILLING = {"set": 55, "enqueue": 25, "get": 12, "delete": 4, "dequeue": 4}
HOLDING = {"set": 30, "enqueue": 15, "get": 25, "delete": 17, "dequeue": 13}

# kind: what /api/status calls it
KINDS = {"disk": "disk_full", "view": "view_full", "memory": "view_full"}


class Client:
    """Sends one request after another and knows what must be answered. Its methods end with an AssertionError when
    something else is."""

    def __init__(self, number, walkv, seed):
        self.number, self.walkv, self.random = number, walkv, random.Random(seed)
        self.keys, self.queues = {}, {}
        self.serial = self.refusals = 0
        self.figures = Counter()
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def request(self, method, path, value=None):
        self.connection = self.connection or Connection(self.walkv.port)
        answer = self.connection.request(method, path, None if value is None else json.dumps({"value": value}))
        if answer.closes:
            self.close()
        return answer

    def write(self, method, path, wanted, value=None, adds=False, may_refuse=False):
        """Returns the answer when it is the wanted one, and None when there is no room for what adds data."""
        answer = self.request(method, path, value)
        if answer.status == 507 and (adds or may_refuse):
            if answer.code != "storage_full" or not (answer.header("Retry-After") or "").isdigit():
                raise AssertionError(f"{method} {path}: {answer}")
            self.figures["refused"] += 1
            self.refusals += adds
            self.figures["sets refused" if method == "PUT" else "enqueues refused"] += adds
            return None
        if answer.status != wanted:
            raise AssertionError(f"{method} {path}, after {self.refusals} refusals: {answer}")
        if wanted < 300:
            self.figures["acknowledged"] += 1
            if adds:
                self.refusals = 0
            elif self.refusals:
                self.figures["freed while full"] += 1
        return answer

    def new_value(self):
        self.serial += 1
        size = self.random.choice(SIZES)
        start = self.random.randrange(len(NOISE) - size)
        return f"{self.number}-{self.serial}-{NOISE[start : start + size]}"

    def any_key(self):
        if self.keys and self.random.random() < 0.9:
            return self.random.choice(list(self.keys))
        return f"c{self.number}-{self.random.randrange(KEYS)}"

    def any_queue(self):
        return f"c{self.number}-q{self.random.randrange(QUEUES)}"

    def set(self, may_refuse=False):
        key, value = f"c{self.number}-{self.random.randrange(KEYS)}", self.new_value()
        if self.write("PUT", f"/api/kv/{key}", 200 if key in self.keys else 201, value, adds=True):
            self.keys[key] = value

    def enqueue(self, may_refuse=False):
        queue, value = self.any_queue(), self.new_value()
        answer = self.write("POST", f"/api/queue/{queue}/enqueue", 200, value, adds=True)
        if answer:
            items = self.queues.setdefault(queue, deque())
            items.append(value)
            if answer.json()["size"] != len(items):
                raise AssertionError(f"{queue} has {len(items)} items: {answer}")

    def get(self, may_refuse=False):
        key = self.any_key()
        answer = self.request("GET", f"/api/kv/{key}")
        found = answer.json()["value"] if answer.status == 200 else None
        if answer.status not in (200, 404) or found != self.keys.get(key):
            raise AssertionError(f"{key} is {(self.keys.get(key) or 'not there')[:30]}: {answer}")
        self.figures["read"] += 1

    def delete(self, may_refuse=False):
        key = self.any_key()
        wanted = 200 if key in self.keys else 404
        if self.write("DELETE", f"/api/kv/{key}", wanted, may_refuse=may_refuse):
            self.keys.pop(key, None)

    def dequeue(self, may_refuse=False):
        queue = self.any_queue()
        items = self.queues.get(queue)
        answer = self.write("POST", f"/api/queue/{queue}/dequeue", 200 if items else 404, may_refuse=may_refuse)
        if answer and items:
            value = items.popleft()
            if answer.json()["value"] != value:
                raise AssertionError(f"{queue} has {value[:30]} at its head: {answer}")

    def step(self, mix, may_refuse=False):
        kind = self.random.choices(list(mix), list(mix.values()))[0]
        getattr(self, kind)(may_refuse)

    # phases

    def fill(self, may_refuse):
        self.refusals = 0
        for _ in range(20000):
            self.step(FILLING, may_refuse)
            if self.refusals >= REFUSALS_IN_A_ROW:
                return
        raise AssertionError("it does not get full")

    def hold(self, over, may_refuse):
        """Keeps it full and works on until `over`, and at least until it has freed a little while full."""
        wanted = self.figures["freed while full"] + WORK_WHILE_FULL
        while not over.is_set() or (self.figures["freed while full"] < wanted and not may_refuse):
            self.step(HOLDING if self.refusals else FILLING, may_refuse)

    def empty(self):
        """Deletes most keys, dequeues some items, clears the queues."""
        while len(self.keys) > KEYS // 15:
            self.delete()
            if self.random.random() < 0.1:
                self.step({"set": 1, "enqueue": 1, "get": 3})
        for queue, items in self.queues.items():
            for _ in range(self.random.randrange(20)):
                self.dequeue()
            if self.write("DELETE", f"/api/queue/{queue}", 200):
                items.clear()

    def resume(self):
        def taken():
            refused = self.figures["refused"]
            self.set()
            self.enqueue()
            return self.figures["refused"] == refused

        wait_until(taken, "sets and enqueues to be accepted again")


class Campaign:
    def __init__(self, kind, seed, out):
        self.kind, self.chance, self.out = kind, random.Random(f"{seed} {kind}"), out
        self.fs, self.figures = None, Counter()
        flags = {"wal_segment_size": "256KiB", "checkpoint_wal_size": "2MiB"}
        if kind == "view":
            flags["view_size"] = "8MiB"
        elif kind == "disk":
            try:
                self.fs = LoopFs(24 * MIB)
            except unittest.SkipTest as reason:
                print(f"full_disk_test: tmpfs instead of ext4: {reason}", file=out, flush=True)
                self.fs = TmpFs(20 * MIB)
        else:
            self.fs = TmpFs(16 * MIB)
            flags["view_size"] = "64MiB"
        self.walkv = Walkv(workers=2, walkvd=flags)
        if kind == "disk":
            self.walkv.data = self.fs.path / "data"
            self.walkv.data.mkdir(mode=0o700)
        elif kind == "memory":
            self.walkv.view = self.fs.path / "view"
        self.clients = [Client(n, self.walkv, self.chance.random()) for n in range(CLIENTS)]
        self.pool = ThreadPoolExecutor(CLIENTS)

    def close(self):
        self.pool.shutdown()
        for client in self.clients:
            client.close()
        self.walkv.close()
        if self.fs:
            self.fs.close()

    def all(self, phase, *args):
        """Every client does it, at the same time."""
        for done in [self.pool.submit(getattr(client, phase), *args) for client in self.clients]:
            done.result()

    def checkpoint(self, must=True):
        answer = self.walkv.ctl("checkpoint")
        if must and answer.returncode != 0:
            raise AssertionError(f"walkvctl checkpoint: {answer.returncode} {answer.stderr}{self.walkv.walkvd.log}")
        self.figures["checkpoints"] += answer.returncode == 0

    def storage(self):
        return self.walkv.status()["storage"]

    def compare(self):
        keys, queues = self.walkv.contents()
        wanted_keys = {key: value for client in self.clients for key, value in client.keys.items()}
        wanted_queues = {name: list(items) for client in self.clients for name, items in client.queues.items()}
        for found, wanted in ((keys, wanted_keys), (queues, wanted_queues)):
            for name in sorted(set(found) | set(wanted)):
                if found.get(name) != wanted.get(name):
                    raise AssertionError(f"{name} is {found.get(name)!r:.300}, and must be {wanted.get(name)!r:.300}")

    def fill_and_hold(self, may_refuse=False):
        """Until it is full, and then the work that must go on; with `may_refuse` there may be no room for that."""
        self.all("fill", may_refuse)
        over = threading.Event()
        held = [self.pool.submit(client.hold, over, may_refuse) for client in self.clients]
        try:
            wait_until(lambda: self.storage() == KINDS[self.kind], f"/api/status to say {KINDS[self.kind]}")
            self.checkpoint(must=not may_refuse)
        finally:
            over.set()
        for done in held:
            done.result()
        self.compare()

    def foreign(self):
        """Another program takes all of the disk, to the last byte, and gives it back."""
        path = self.fs.path / "foreign"
        try:
            with open(path, "wb", buffering=0) as file:
                for bytes_at_once in (64 * 1024, 1024):
                    try:
                        while True:
                            file.write(b"f" * bytes_at_once)
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
            self.fill_and_hold(may_refuse=True)
        finally:
            path.unlink()
        self.figures["foreign"] += 1
        self.all("resume")

    def restart(self):
        cold = self.chance.random() < 0.5
        self.walkv.walkvd.check()
        self.walkv.kill_walkvd()
        if cold and self.kind == "memory":
            # There is room for one view only: the old one has to go first, and it is there while workers map it.
            self.check_workers()
            self.walkv.stop_httpd()
            for client in self.clients:
                client.close()
            self.walkv.view.unlink()
        self.start(**({"cold_start": True} if cold else {}))
        self.figures["cold" if cold else "warm"] += 1
        self.compare()

    def cycle(self, number):
        restarts_when = self.chance.choice(("full", "empty")) if number % 2 else None
        if self.kind == "disk" and number % 3 == 2:
            self.foreign()
        self.fill_and_hold()
        if restarts_when == "full":
            self.restart()
        self.all("empty")
        self.checkpoint()
        self.all("resume")
        if self.storage() != "ok":
            raise AssertionError(f"writes are taken, and /api/status says {self.storage()}")
        self.compare()
        if restarts_when == "empty":
            self.restart()

    def start(self, **flags):
        before = self.walkv.httpd
        self.walkv.start(**flags)
        if self.walkv.httpd is not before:
            self.workers = wait_until(lambda: len(found := self.walkv.worker_pids()) == self.walkv.workers and found,
                                      "all workers")

    def check_workers(self):
        if self.walkv.worker_pids() != self.workers:
            raise AssertionError(f"a worker ended: {self.walkv.httpd.log}")

    def run(self, cycles):
        began = time.monotonic()
        self.start()
        for number in range(cycles):
            self.cycle(number)
            print(f"full_disk_test: {self.kind}, cycle {number + 1}: {self.say()}, {time.monotonic() - began:.0f} s",
                  file=self.out, flush=True)
        self.check_workers()
        for what in ("sets refused", "enqueues refused"):
            if not self.total()[what]:
                raise AssertionError(f"no {what}")
        self.walkv.stop()
        self.walkv.check()
        answer = self.walkv.ctl("verify", self.walkv.data)
        if answer.returncode != 0:
            raise AssertionError(f"walkvctl verify: {answer.stdout}{answer.stderr}")

    def say(self):
        sums = self.total()
        return (f"{sums['acknowledged']} acknowledged, {sums['refused']} refused, {sums['read']} read, "
                f"{sums['freed while full']} deletes and dequeues while full, {sums['checkpoints']} checkpoints, "
                f"{sums['warm']} warm and {sums['cold']} cold starts, {sums['foreign']} times filled by others")

    def total(self):
        return sum((client.figures for client in self.clients), Counter(self.figures))


def campaign(kind, cycles, seed, out=sys.stderr):
    """Raises AssertionError on the first thing that is wrong. Returns a line of figures."""
    print(f"full_disk_test: seed {seed}, {cycles} cycles, {kind}", file=out, flush=True)
    one = Campaign(kind, seed, out)
    try:
        one.run(cycles)
        return f"{kind}: {cycles} cycles, 0 violations; {one.say()}"
    finally:
        one.close()


class FullStorage(unittest.TestCase):
    def fill_and_empty(self, kind, cycles):
        seed = int(os.environ.get("WALKV_SEED", random.randrange(1 << 32)))
        print(campaign(kind, cycles, seed), file=sys.stderr)

    def test_disk(self):
        self.fill_and_empty("disk", 3)

    def test_view(self):
        self.fill_and_empty("view", 2)

    def test_memory(self):
        self.fill_and_empty("memory", 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=200, help="of each kind")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kind", choices=list(KINDS), default=None)
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.randrange(1 << 32)
    done, skipped = [], []
    for kind in [args.kind] if args.kind else list(KINDS):
        try:
            print(campaign(kind, args.cycles, seed), file=sys.stderr, flush=True)
            done.append(kind)
        except unittest.SkipTest as reason:
            skipped.append(f"; {kind} skipped: {reason}")
    print(f"full_disk_test: {args.cycles} cycles each of {', '.join(done) or 'nothing'}, 0 violations, seed {seed}"
          + "".join(skipped))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith(("--cycles", "--seed", "--kind", "--help")):
        main()
    else:
        unittest.main()
