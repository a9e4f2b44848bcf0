# SPDX-License-Identifier: MIT
"""Load for campaigns of faults, and the model that it is checked against.

Clients keep pipelined writes going on walkvd's socket and record what was sent and answered. Since one walkvd decides
the order and every result carries its LSN, the model is simple: the answered operations, one after another in the order
of their LSNs, each of which must have been answered as the model answers it. What has no answer, or the answer
outcome_unknown, may have happened or not; the log (walkvctl dump) tells which, and is believed only as far as the
operations were really sent, in that order.
"""

import json
import random
import string
import threading
from collections import Counter, deque

from frames import DONE, Frames, Result

KEYS, QUEUES = 40, 4
REFUSALS = ("not_found", "queue_empty", "queue_not_found")
PADDING = (0, 0, 0, 30, 30, 30, 100, 100, 300, 300, 2000)
# Values are cut from this: what LZ4 could make small would never fill a page of the log.
NOISE = "".join(random.Random(0).choices(string.ascii_letters + string.digits, k=64 * 1024))


class Power:
    """Whether the disk still has it. A sync that overlaps the cut may be told success by ext4 for what is lost (its
    journal forgets the transaction before the sync looks for it; a program of ten lines shows it): what is acknowledged
    after the cut has begun is no promise, and what is sent after it was over cannot be acknowledged at all."""

    def __init__(self):
        self.failing, self.off = threading.Event(), threading.Event()


class Op:
    __slots__ = ("kind", "name", "value", "late", "answer", "promised")

    def __init__(self, kind, name, value=None, late=False):
        self.kind, self.name, self.value, self.late = kind, name, value, late
        self.answer, self.promised = None, False

    def __repr__(self):
        return f"{self.kind} {self.name} {(self.value or '')[:20]} -> {self.answer and self.answer[:4]}"

    @property
    def done(self):
        return self.answer is not None and self.answer.result in DONE

    @property
    def unknown(self):
        return self.answer is None or self.answer.result == "outcome_unknown"


class Client(threading.Thread):
    """Keeps `window` operations in flight on one connection, until that ends or end() is called."""

    def __init__(self, number, path, chance, window, power, padding=PADDING):
        super().__init__(daemon=True)
        self.number, self.chance, self.window, self.power, self.padding = number, chance, window, power, padding
        self.frames = Frames(path)
        self.ops, self.flying = [], deque()
        self.durable_lsn = 0  # as a status said
        self.error = None
        self.on_done = None  # called once, right after an acknowledgement
        self.pausing, self.resting, self.over = threading.Event(), threading.Event(), threading.Event()

    def choose(self):
        kind = self.chance.choices(("set", "delete", "enqueue", "dequeue", "clear", "forget"),
                                   (38, 12, 24, 23, 2, 1))[0]
        name = f"k{self.chance.randrange(KEYS)}" if kind in ("set", "delete") else f"q{self.chance.randrange(QUEUES)}"
        value = None
        if kind in ("set", "enqueue"):
            size = self.chance.choice(self.padding)
            start = self.chance.randrange(len(NOISE) - size)
            value = f"{self.number}-{len(self.ops)}-{NOISE[start : start + size]}"
        return kind, name, value

    def send(self, kind, name, value=None):
        op = Op(kind, name, value, self.power.off.is_set())
        self.frames.put_write(kind, name, b"" if value is None else b'"%s"' % value.encode())
        self.ops.append(op)
        self.flying.append(op)

    def run(self):
        try:
            while True:
                if not self.pausing.is_set():
                    self.top_up()
                if self.flying:
                    self.take(self.frames.answers())
                elif self.pausing.is_set():
                    self.resting.set()
                    if self.over.wait(0.001):
                        break
        except ConnectionError:
            pass  # walkvd is gone, and every answer that it sent has been read
        except Exception as error:  # raised again by whoever joins
            self.error = error
        finally:
            self.frames.close()
            self.resting.set()

    def top_up(self):
        if len(self.flying) > self.window // 2:
            return
        while len(self.flying) < self.window:
            self.send(*self.choose())
        if self.chance.random() < 0.05:
            self.frames.put_status()
        try:
            self.frames.flush()
        except ConnectionError:
            self.pausing.set()  # nothing more can be sent; the answers that came are still to be read

    def take(self, answers):
        promised = not self.power.failing.is_set()
        for answer in answers:
            if not isinstance(answer, Result):
                self.durable_lsn = answer["durable_lsn"] if promised else self.durable_lsn
                continue
            op = self.flying.popleft()
            op.answer, op.promised = answer, promised
            if op.late and op.done:
                raise AssertionError(f"acknowledged although the power was cut before it was sent: {op}")
            if op.done and self.on_done:
                act, self.on_done = self.on_done, None
                act()

    def pause(self):
        self.pausing.set()

    def end(self):
        """Waits for what is in flight, or for the end of the connection behind it."""
        self.pausing.set()
        self.over.set()
        self.join(60)
        if self.error:
            raise self.error
        if self.is_alive():
            raise AssertionError("a client waits for ever")


class Model:
    """The store: keys, queues, and the LSN that they are of."""

    def __init__(self):
        self.keys, self.queues, self.lsn = {}, {}, 0

    def wants(self, op):
        """The answer that `op` must have now, as (result, value, size); its effect, if any, is then applied."""
        keys, queues = self.keys, self.queues
        items = queues.get(op.name)
        if op.kind == "set":
            result = "ok" if op.name in keys else "created"
            keys[op.name] = op.value
            return result, None, 0
        if op.kind == "delete":
            return ("ok" if keys.pop(op.name, None) is not None else "not_found"), None, 0
        if op.kind == "enqueue":
            items = queues.setdefault(op.name, deque())
            items.append(op.value)
            return "ok", None, len(items)
        if op.kind == "dequeue":
            if not items:
                return "queue_empty", None, 0
            return "ok", items.popleft(), len(items)
        if items is None:
            return "queue_not_found", None, 0
        if op.kind == "clear":
            items.clear()
        else:
            del queues[op.name]
        return "ok", None, 0

    def apply(self, lsn, op):
        result, value, size = self.wants(op)
        if op.answer is None:
            if result in REFUSALS:
                raise AssertionError(f"LSN {lsn}: {op} is in the log, and it must have been refused: {result}")
            return
        got = op.answer
        if op.done and op.kind == "set" and got.version != lsn:
            raise AssertionError(f"LSN {lsn}: {op} has version {got.version}")
        got_value = json.loads(got.value) if got.value else None
        if (got.result, got_value, got.size) != (result, value, size):
            raise AssertionError(f"LSN {lsn}: {op} was answered {got.result} {got_value} {got.size}, "
                                 f"the model says {result} {value} {size}")

    def settle(self, clients, log, promised_lsn=None):
        """Goes on to the end of the log. `log` has the entries of walkvctl dump behind self.lsn (segments that a
        checkpoint made unneeded may be missing in front). What was promised must be there: with `promised_lsn`
        everything acknowledged up to that, else everything that was acknowledged before the power failed."""
        ops = [op for client in clients for op in client.ops]
        answered = {}
        for op in ops:
            if op.done:
                if op.answer.lsn <= self.lsn or op.answer.lsn in answered:
                    raise AssertionError(f"an LSN was given twice: {op} {answered.get(op.answer.lsn)}")
                answered[op.answer.lsn] = op
        for before, entry in zip(log, log[1:]):
            if entry["lsn"] != before["lsn"] + 1:
                raise AssertionError(f"the log has a gap: {before} {entry}")
        end = log[-1]["lsn"] if log else self.lsn
        if promised_lsn is None:
            promised_lsn = max((lsn for lsn, op in answered.items() if op.promised), default=0)
        lost = sorted(lsn for lsn in answered if end < lsn <= promised_lsn)
        if lost:
            raise AssertionError(f"lost: LSN {lost[0]} to {lost[-1]} was acknowledged ({len(lost)} writes), "
                                 f"and the log ends at {end}")
        happened = {lsn: op for lsn, op in answered.items() if lsn <= end}
        surprises = {}
        for entry in log:
            lsn, op = entry["lsn"], happened.get(entry["lsn"])
            found = entry["op"], entry.get("key") or entry.get("queue"), entry.get("value")
            if op and found != (op.kind, op.name, op.value):
                raise AssertionError(f"LSN {lsn} was acknowledged as {op}, and the log has {found}")
            if not op and entry["op"] != "noop":
                surprises[lsn] = Op(*found)
        self.check_surprises(clients, list(surprises.values()))
        refused = [(op.answer.lsn, 1, op) for op in ops if op.answer and op.answer.result in REFUSALS]
        order = [(lsn, 0, op) for lsn, op in {**happened, **surprises}.items()]
        for lsn, _, op in sorted(order + [r for r in refused if r[0] <= end], key=lambda entry: entry[:2]):
            self.apply(lsn, op)
        self.lsn = end
        return len(answered) - len(happened), len(surprises)

    @staticmethod
    def check_surprises(clients, surprises):
        """What is in the log without having been acknowledged was sent and not answered; of each client what it sent
        first, and of a batch that was answered outcome_unknown all or nothing."""
        pending = [op for client in clients for op in client.ops if op.unknown]
        extra = Counter((op.kind, op.name, op.value) for op in surprises)
        extra.subtract((op.kind, op.name, op.value) for op in pending)
        invented = [what for what, count in extra.items() if count > 0]
        if invented:
            raise AssertionError(f"in the log, and never sent, or refused: {invented}")
        adds = [op.value for op in surprises if op.value]
        for client in clients:
            sent = [op.value for op in client.ops if op.unknown and op.value]
            there = [value for value in adds if value in set(sent)]
            if there != sent[: len(there)]:
                raise AssertionError(f"not in the order of sending: {there[:9]} of {sent[:9]}")
        told = {op.value for op in pending if op.answer and op.value}
        if not told.isdisjoint(adds) and not told.issubset(adds):
            raise AssertionError(f"half a batch: {len(told.intersection(adds))} of {len(told)}")

    def compare(self, keys, queues):
        for name in sorted(set(keys) | set(self.keys)):
            if keys.get(name) != self.keys.get(name):
                raise AssertionError(f"key {name} is {keys.get(name)!r:.60}, and must be {self.keys.get(name)!r:.60}")
        wanted = {name: list(items) for name, items in self.queues.items()}
        for name in sorted(set(queues) | set(wanted)):
            if queues.get(name) != wanted.get(name):
                raise AssertionError(f"queue {name} is {queues.get(name)!r:.300}, and must be {wanted.get(name)!r:.300}")


def exported(walkv):
    """({key: value}, {queue: [values]}) of a running walkvd, through walkvctl."""
    answer = walkv.ctl("export", "--lines", "--quiet")
    if answer.returncode != 0:
        raise AssertionError(f"walkvctl export: {answer.stderr}")
    keys, queues = {}, {}
    for line in answer.stdout.splitlines():
        entry = json.loads(line)
        if "key" in entry:
            keys[entry["key"]] = entry["value"]
        else:
            items = queues.setdefault(entry["queue"], [])
            items += [entry["value"]] if "value" in entry else []
    return keys, queues


def dumped(walkv, lsn):
    """What the log of a stopped walkvd holds behind that LSN."""
    answer = walkv.ctl("dump", walkv.data, "--from", str(lsn + 1))
    if answer.returncode != 0:
        raise AssertionError(f"walkvctl dump: {answer.stderr}")
    return [json.loads(line) for line in answer.stdout.splitlines()]
