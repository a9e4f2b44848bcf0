# SPDX-License-Identifier: MIT
"""workload: what the clients ask for: a seeded mix of calls on a few keys and queues at a time.

A key or queue is given up for a fresh one after so many calls, so that its history stays short enough to be checked
with certainty. All names begin with the name of the run; nothing else in the store is touched.
"""

import asyncio
import random
import time

KEYS, QUEUES = 24, 6               # at a time
CALLS_PER_KEY, CALLS_PER_QUEUE = 300, 1200
QUEUE_LONG, QUEUE_SHORT = 40, 2    # items about there: then only out, only in
KNOWN_VERSION = 0.75               # cas with the newest version that anybody saw; else with an older one

MIX = (("get", 20), ("set", 15), ("cas", 13), ("create", 4), ("delete", 8), ("enqueue", 20), ("dequeue", 17), ("peek", 3))


class _Thing:
    """A key or queue in use."""

    def __init__(self, name):
        self.name, self.calls, self.length = name, 0, 0
        self.versions = []  # of a key, the last few that were seen


class Workload:
    """What the clients share. `history` gets every call; `rate` is how many there may be in a second, or None. Clients
    stop when `stop` is set."""

    def __init__(self, history, run, seed, rate=None):
        self.history, self.run = history, run
        self.random = random.Random(seed)
        self.phase = "before"
        self.stop = asyncio.Event()
        self.keys, self.queues = [], []   # every name that was ever used
        self.live_keys = [self._fresh(self.keys, "k") for _ in range(KEYS)]
        self.live_queues = [self._fresh(self.queues, "q") for _ in range(QUEUES)]
        self.last_write_start_ns = -1     # of the youngest write that was acknowledged
        self.gap_s, self.free_at = 1 / rate if rate else 0.0, 0.0

    def _fresh(self, names, letter):
        names.append(f"{self.run}-{letter}{len(names)}")
        return _Thing(names[-1])

    def _pick(self, live, names, letter, limit):
        at = self.random.randrange(len(live))
        if live[at].calls >= limit:
            live[at] = self._fresh(names, letter)
        live[at].calls += 1
        return live[at]

    def next_call(self):
        """(kind, thing, version to expect)"""
        kind = self.random.choices([k for k, _ in MIX], [w for _, w in MIX])[0]
        if kind in ("enqueue", "dequeue", "peek"):
            queue = self._pick(self.live_queues, self.queues, "q", CALLS_PER_QUEUE)
            if kind == "enqueue" and queue.length > QUEUE_LONG:
                kind = "dequeue"
            elif kind == "dequeue" and queue.length < QUEUE_SHORT and self.random.random() < 0.7:
                kind = "enqueue"
            return kind, queue, None
        key = self._pick(self.live_keys, self.keys, "k", CALLS_PER_KEY)
        if kind != "cas":
            return kind, key, None
        if not key.versions:
            return "create", key, None
        newest = self.random.random() < KNOWN_VERSION
        return "cas", key, max(key.versions) if newest else self.random.choice(key.versions)

    def note(self, op, thing):
        """Learns from an answer, and records it."""
        self.history.add(op)
        if op.outcome == "done" and op.op not in ("get", "peek"):
            self.last_write_start_ns = max(self.last_write_start_ns, op.start_ns)
        if thing is None:
            return
        if op.op == "enqueue":
            thing.length += op.outcome != "never"
        elif op.op == "dequeue":
            thing.length = 0 if op.outcome == "refused" else max(0, thing.length - (op.outcome == "done"))
        elif op.version is not None and not op.absent:
            thing.versions = [*thing.versions[-5:], op.version]

    async def pause(self, seconds):
        """True when the run was stopped meanwhile."""
        if seconds > 0 and not self.stop.is_set():
            try:
                await asyncio.wait_for(self.stop.wait(), seconds)
            except TimeoutError:
                pass
        return self.stop.is_set()

    async def _turn(self):
        """Waits until the next call may be made; True when the run was stopped meanwhile."""
        now = time.monotonic()
        self.free_at = max(self.free_at, now) + self.gap_s
        return await self.pause(self.free_at - now)

    async def client(self, caller):
        """One client, until `stop`."""
        while not self.stop.is_set():
            if self.gap_s and await self._turn():
                break
            kind, thing, expect = self.next_call()
            self.note(await caller.call(kind, thing.name, self.phase, expect), thing)
