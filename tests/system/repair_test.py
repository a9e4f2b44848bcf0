# SPDX-License-Identifier: MIT
"""walkvctl repair: what it says would be lost is what is lost, what it makes is the store as it was at the LSN that it
names, to the last value, version, place in a queue and answer that is kept for a repeat, and the store that it was asked about is never touched.

The truth is kept by the test: what was written at which LSN. Two stores are damaged: one that was stopped cleanly and
one whose walkvd was killed; both have several segments, two snapshots, and a log that does not go back to LSN 1.

    WALKV_REPAIR_SEED    the seed of the random damage and kills (printed when a test fails)
    WALKV_REPAIR_ROUNDS  how often each is tried (default 12)
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from walkv import (EX_CONFIG, EX_DATA, EX_IO, EX_OS, EX_UNAVAILABLE, EX_USAGE, WALKVCTL, SystemTest, Walkv, environment,
                   fingerprint, main, quote, reseal, run, wait_until)

EX_NOINPUT, EX_CANTCREAT, EX_TEMPFAIL = 66, 73, 75
SEED = int(os.environ.get("WALKV_REPAIR_SEED", "20260301"))
ROUNDS = int(os.environ.get("WALKV_REPAIR_ROUNDS", "12"))
AT_ONCE = os.cpu_count() or 1
BLOCK = 512
FLAGS = {"wal_segment_size": "64KiB", "checkpoint_interval": 0}


class Truth:
    """What was acknowledged, by LSN."""

    def __init__(self):
        self.done = {}  # LSN: (operation, name, value)
        self.keyed = {}  # idempotency key: (LSN of its record, request, answer)

    def note(self, lsn, operation, name, value=None):
        assert lsn not in self.done, lsn
        self.done[lsn] = (operation, name, value)

    def kept(self, last_lsn):
        """(idempotency keys that are known after that LSN, those that are not)."""
        known = [key for key, (lsn, _, _) in self.keyed.items() if lsn <= last_lsn]
        return known, [key for key in self.keyed if key not in known]

    def contents(self, last_lsn):
        """({key: value}, {queue: [values]}, {key: version}) after that LSN."""
        keys, queues, versions = {}, {}, {}
        for lsn in sorted(lsn for lsn in self.done if lsn <= last_lsn):
            operation, name, value = self.done[lsn]
            if operation == "set":
                keys[name], versions[name] = value, lsn
            elif operation == "delete":
                del keys[name], versions[name]
            elif operation == "enqueue":
                queues.setdefault(name, []).append(value)
            elif operation == "dequeue":
                assert queues[name].pop(0) == value
            elif operation == "clear":
                queues[name] = []
            elif operation == "forget":
                del queues[name]
        return keys, queues, versions

    def lost(self, first_lsn, unreadable):
        """({key: operations}, {queue: operations}) from that LSN on, without those LSNs."""
        keys, queues = {}, {}
        for lsn, (operation, name, _) in self.done.items():
            if lsn >= first_lsn and lsn not in unreadable:
                names = keys if operation in ("set", "delete") else queues
                names[name] = names.get(name, 0) + 1
        return keys, queues


def body_of(kind, value):
    return json.dumps({"value": value}) if kind in ("set", "enqueue") else None


def write(walkv, truth, chance, operations):
    """Writes at random, several requests at a time, so that they meet in batches."""
    with walkv.connect() as c:
        done = 0
        while done < operations:
            sent = []
            for _ in range(chance.choice((1, 1, 2, 5))):
                kind = chance.choice(("set",) * 6 + ("enqueue",) * 5 + ("dequeue",) * 3 + ("delete", "clear", "forget"))
                name = f"key{chance.randrange(40)}" if kind in ("set", "delete") else f"queue{chance.randrange(4)}"
                if kind in ("clear", "forget") and chance.random() < 0.8:
                    kind = "enqueue"
                value = {"n": done, "text": chance.randbytes(chance.randrange(150)).hex()}
                body = body_of(kind, value)
                method, path = {
                    "set": ("PUT", f"/api/kv/{name}"), "delete": ("DELETE", f"/api/kv/{name}"),
                    "enqueue": ("POST", f"/api/queue/{name}/enqueue"), "dequeue": ("POST", f"/api/queue/{name}/dequeue"),
                    "clear": ("DELETE", f"/api/queue/{name}"), "forget": ("DELETE", f"/api/queue/{name}?forget=true"),
                }[kind]
                key = f"{kind}-{name}-{chance.randrange(10**9)}" if chance.random() < 0.3 else None
                request = method, path, body, {"Idempotency-Key": key}
                c.put(*request)
                sent.append((kind, name, value, request, key))
                done += 1
            for kind, name, value, request, key in sent:
                answer = c.response(request[0])
                assert answer.status in (200, 201, 404), answer
                if key:
                    # A refusal says after which LSN it was decided; it is kept with the next.
                    truth.keyed[key] = int(answer.header("Walkv-Lsn")) + (answer.status == 404), request, answer
                if answer.status != 404:
                    got = answer.json()["value"] if kind == "dequeue" else value if body_of(kind, value) else None
                    truth.note(int(answer.header("Walkv-Lsn")), kind, name, got)


def batches(path):
    """[(offset, first LSN, last LSN, end)] of a segment with blocks of 512 bytes."""
    content, found, at = path.read_bytes(), [], BLOCK
    while content[at : at + 4] == b"WKVB":
        first, count, stored = (int.from_bytes(content[at + a : at + b], "little") for a, b in ((8, 16), (16, 20), (20, 24)))
        end = at + -(-(72 + stored) // BLOCK) * BLOCK
        found.append((at, first, first + count - 1, end))
        at = end
    return found


def flip(path, offset, bit=0):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ (1 << bit)]))


class Repair(SystemTest):
    options = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stores = {kind: cls.make_store(kind) for kind in ("stopped", "killed")}

    @classmethod
    def make_store(cls, kind, checkpoints=3):
        walkv, truth, chance = Walkv(workers=1, walkvd=FLAGS), Truth(), random.Random(kind)
        cls.addClassCleanup(walkv.close)
        walkv.start()

        def segments():
            return sorted((walkv.data / "wal").glob("*.wal"))

        for _ in range(checkpoints):
            write(walkv, truth, chance, 120)
            while len(batches(segments()[-1])) < 20:  # in the midst of a segment
                write(walkv, truth, chance, 10)
            done = walkv.ctl("checkpoint")
            assert done.returncode == 0, done.stderr
        snapshot = max((int(p.stem, 16) for p in (walkv.data / "snapshots").glob("*.snap")), default=0)
        while sum(int(p.stem, 16) > snapshot for p in segments()) < 3 or len(batches(segments()[-1])) < 20:
            write(walkv, truth, chance, 10)
        found = walkv.contents()
        assert found == truth.contents(max(truth.done))[:2], "the test's own bookkeeping"
        # The idle witness, so that the last acknowledged batch is proven, too.
        wait_until(lambda: walkv.status()["durable_lsn"] > walkv.status()["applied_lsn"], "the idle batch")
        if kind == "stopped":
            walkv.stop()
        else:
            walkv.kill_walkvd()
            walkv.stop_httpd()
        return walkv.data, truth

    def setUp(self):
        super().setUp()
        self.dir = Path(tempfile.mkdtemp(prefix="walkv-repair-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.serial = 0

    # the pieces

    def copy(self, kind, damage=None):
        """A copy of a store, damaged; returns its path, in a directory of its own."""
        self.serial += 1
        place = self.dir / str(self.serial)
        data = place / "store"
        shutil.copytree(self.stores[kind][0], data)
        if damage:
            damage(data)
        return data

    def segments(self, data):
        return sorted((data / "wal").glob("*.wal"))

    def snapshots(self, data):
        return sorted((data / "snapshots").glob("*.snap"))

    def last_lsn(self, kind):
        return max(last for path in self.segments(self.stores[kind][0]) for _, _, last, _ in batches(path))

    def behind_snapshot(self, kind, which=0.5):
        """A batch behind the newest snapshot that is neither the first nor one of the last two of its segment:
        (name of the segment, offset, first LSN, last LSN)."""
        data = self.stores[kind][0]
        newest = int(self.snapshots(data)[-1].stem, 16)
        found = [(path.name, *batch[:3]) for path in self.segments(data) for batch in batches(path)[1:-2] if batch[1] > newest]
        return found[int(len(found) * which)]

    def ctl(self, *arguments, status=0, **options):
        done = run([WALKVCTL, *arguments], **options)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def explain(self, data, status):
        """What repair says without --yes, in both forms; it must write nothing at all."""
        place = data.parent
        before = fingerprint(place)
        text = self.ctl("repair", data, status=status).stdout
        report = json.loads(self.ctl("repair", "--json", data, status=status).stdout)
        self.assertEqual(fingerprint(place), before, "something was written")
        self.assertIsNone(report["written"])
        report["text"] = text
        return report

    def repair(self, data, *arguments):
        """Repairs; returns the report and the new directory."""
        before = fingerprint(data)
        report = json.loads(self.ctl("repair", "--json", "--yes", *arguments, data).stdout)
        self.assertEqual(fingerprint(data), before, "the original was changed")
        new = Path(report["written"]["directory"])
        self.assertEqual(sorted(p.name for p in new.iterdir()), ["control", "lock", "snapshots", "wal"])
        self.assertEqual(sorted(p.name for p in data.parent.iterdir()), sorted({data.name, new.name}))
        self.assertEqual(list((new / "wal").iterdir()), [])
        self.assertEqual(len(list((new / "snapshots").iterdir())), 1)
        return report, new

    def versions(self, walkv):
        with walkv.connect() as c:
            keys = c.get("/api/kv?keys=only").json()["keys"]
            return {key: int(c.get(f"/api/kv/{quote(key)}").header("ETag").strip('"')) for key in keys}

    def check_repeats(self, walkv, truth, last_lsn):
        """What was done is answered as it was; a key whose write is lost is not known, to no request."""
        known, lost = truth.kept(last_lsn)
        self.assertEqual(walkv.status()["idempotency_entries"], len(known))
        with walkv.connect() as c:
            for key in known:
                _, request, before = truth.keyed[key]
                answer = c.request(*request)
                self.assertEqual((answer.status, answer.body), (before.status, before.body), key)
                self.assertEqual(answer.header("Walkv-Lsn"), before.header("Walkv-Lsn"), key)
                self.assertEqual(answer.header("Idempotency-Replayed"), "true", key)
            for key in lost:
                answer = c.request("DELETE", "/api/kv/never%20there", None, {"Idempotency-Key": key})
                self.assertEqual((answer.status, answer.header("Idempotency-Replayed")), (404, None), key)

    def check_expiry(self, walkv):
        """Every outcome has its key and every key its outcome, or walkvd would stop when it lets go of them."""
        walkv.stop_walkvd()
        walkv.start_walkvd(idempotency_max_entries=1)
        walkv.wait_ready()
        wait_until(lambda: walkv.status()["idempotency_entries"] <= 1, "all keys but one to be let go of")

    def run_on(self, new, truth, last_lsn, highest_lsn):
        """Starts walkvd on what was made and lives with it for a while."""
        keys, queues, versions = truth.contents(last_lsn)
        walkv = self.instance(workers=1, walkvd=FLAGS, data=new)
        walkv.start()
        self.assertEqual(walkv.contents(), (keys, queues))
        self.assertEqual(self.versions(walkv), versions)
        self.check_repeats(walkv, truth, last_lsn)
        self.assertEqual(walkv.contents(), (keys, queues))
        old_ids = {q: [i["id"] for i in self.items(walkv, q)] for q in queues}

        lsn = walkv.set("written after", "1")
        self.assertGreater(lsn, highest_lsn)
        self.assertEqual(self.versions(walkv)["written after"], lsn)
        keys["written after"] = 1
        for name in queues:
            enqueued = sum(1 for op, n, _ in truth.done.values() if op == "enqueue" and n == name)
            walkv.enqueue(name, '"new"')
            queues[name].append("new")
            ids = [i["id"] for i in self.items(walkv, name)]
            self.assertEqual(ids[:-1], old_ids[name])
            self.assertGreater(ids[-1], enqueued, "an item id that was given out before")
        for step in ("warm", "cold", "checkpoint", "cold", "stop", "cold"):
            if step == "checkpoint":
                done = walkv.ctl("checkpoint")
                self.assertEqual(done.returncode, 0, done.stderr)
            elif step == "stop":
                walkv.stop_walkvd()
                walkv.start_walkvd()
            else:
                walkv.restart_walkvd(cold_start=step == "cold" or None)
                self.assertEqual(walkv.status()["start_kind"], step)
            walkv.wait_ready()
            self.assertEqual(walkv.contents(), (keys, queues), f"after {step}")
            key = f"after {step} {len(keys)}"
            later = walkv.set(key, "2")
            self.assertGreater(later, lsn)
            keys[key], lsn = 2, later
        self.check_expiry(walkv)
        self.assertEqual(walkv.contents(), (keys, queues))
        walkv.stop()
        self.ctl("verify", walkv.data)
        for daemon in walkv.all:
            self.assertNotRegex(daemon.log, r"error:")
        walkv.close()

    def items(self, walkv, queue):
        with walkv.connect() as c:
            return c.items(queue)

    def assertStarts(self, data, wanted):
        walkv = self.instance(workers=1, walkvd=FLAGS, data=data)
        walkv.start_walkvd(wait=False)
        wait_until(lambda: walkv.walkvd.seen(r"\bready\b") or not walkv.walkvd.running(), "walkvd's decision")
        self.assertEqual(walkv.walkvd.running(), wanted, walkv.walkvd.log)
        if not wanted:
            self.assertEqual(walkv.walkvd.wait(), EX_DATA, walkv.walkvd.log)
        walkv.close()

    def check(self, kind, damage, rebuilt, unreadable=(), lost=True, starts=False, files=(), known=None, certain=True):
        """Damages a copy, and holds the explanation and what is made to the truth. `rebuilt` is the LSN up to which it
        must come; `unreadable` are the LSNs that cannot be told; `files` must be named, and no others."""
        _, truth = self.stores[kind]
        data = self.copy(kind, damage)
        last = known or self.last_lsn(kind)
        report = self.explain(data, EX_DATA if lost else 0)
        self.assertEqual({f["file"] for f in report["findings"]}, set(files))
        for name in files:
            self.assertIn(name, report["text"])
        self.assertEqual(report["starts"], starts)
        self.assertStarts(data, starts)
        self.assertEqual(report["rebuilt"]["last_lsn"], rebuilt)
        if lost:
            found = report["lost"]
            self.assertEqual((found["first_lsn"], found["last_lsn"]), (rebuilt + 1, last))
            self.assertEqual(found["last_lsn_certain"], certain)
            self.assertIn(f"LSN {rebuilt + 1} to {last}", report["text"])
            keys, queues = truth.lost(rebuilt + 1, set(unreadable))
            self.assertEqual({k["key"]: k["operations"] for k in found["keys"]}, keys)
            self.assertEqual({q["queue"]: q["operations"] for q in found["queues"]}, queues)
            for each in found["keys"] + found["queues"]:
                operation, name, _ = truth.done[each["last_lsn"]]
                self.assertEqual((each["last_op"], each.get("key", each.get("queue"))), (operation, name))
            self.assertEqual(found["operations"], sum(keys.values()) + sum(queues.values()))
            self.assertEqual(found["unreadable"], sum(lsn <= last for lsn in unreadable))
            self.assertEqual(found["operations"] + found["without_effect"] + found["unreadable"], last - rebuilt)
            shown = sorted(keys)[:20]
            for name in shown:
                self.assertIn(f'"{name}" ({keys[name]})', report["text"])
            if len(keys) > 20:
                self.assertIn(f"and {len(keys) - 20} more", report["text"])
                self.assertNotIn(f'"{sorted(keys)[20]}"', report["text"])
        else:
            self.assertIsNone(report["lost"])
            self.assertIn("nothing", report["text"])
        done, new = self.repair(data)
        self.assertEqual({k: done[k] for k in ("findings", "lost", "rebuilt")},
                         {k: report[k] for k in ("findings", "lost", "rebuilt")})
        written = done["written"]
        self.assertNotEqual(written["store_id"], done["store_id"])
        self.assertGreater(written["last_lsn"], last + 1_000_000)
        keys, queues, _ = truth.contents(rebuilt)
        self.assertEqual((written["keys"], written["queues"], written["items"]),
                         (len(keys), len(queues), sum(map(len, queues.values()))))
        self.run_on(new, truth, rebuilt, last)

    # nothing to repair

    def test_nothing_to_repair(self):
        for kind in self.stores:
            data = self.copy(kind)
            report = self.explain(data, 0)
            self.assertEqual((report["findings"], report["lost"], report["starts"]), ([], None, True))
            self.assertIn("nothing to repair", report["text"])
            before = fingerprint(data.parent)
            self.assertIn("nothing to repair", self.ctl("repair", "--yes", data).stdout)
            self.assertEqual(fingerprint(data.parent), before)

    def test_a_torn_tail_needs_no_repair(self):
        def tear(data):
            path = self.segments(data)[-1]
            end = batches(path)[-1][3]
            with open(path, "r+b") as file:
                file.seek(end)
                file.write(b"half of a batch that nobody was told about")

        self.check("killed", tear, self.last_lsn("killed"), lost=False, starts=True,
                   files=[f"wal/{self.segments(self.stores['killed'][0])[-1].name}"])

    # damage to the log

    def test_a_flipped_bit_in_the_log(self):
        for kind, which, byte in (("stopped", 0.1, 80), ("killed", 0.9, 8), ("stopped", 0.6, 60)):
            with self.subTest(kind, which=which, byte=byte):
                name, offset, first, last = self.behind_snapshot(kind, which)
                self.check(kind, lambda data: flip(data / "wal" / name, offset + byte), first - 1,
                           unreadable=range(first, last + 1), files=[f"wal/{name}"])

    def test_several_holes(self):
        places = [self.behind_snapshot("killed", which) for which in (0.2, 0.5, 0.8)]

        def damage(data):
            for name, offset, _, _ in places:
                flip(data / "wal" / name, offset + 76)

        self.check("killed", damage, places[0][2] - 1,
                   unreadable=[lsn for _, _, first, last in places for lsn in range(first, last + 1)],
                   files={f"wal/{name}" for name, _, _, _ in places})

    def test_damage_that_the_snapshot_makes_good(self):
        """In the segment that goes on behind the newest snapshot, but before it: walkvd refuses, nothing is lost."""
        for kind in self.stores:
            data = self.stores[kind][0]
            newest = int(self.snapshots(data)[-1].stem, 16)
            path = next(p for p in reversed(self.segments(data)) if int(p.stem, 16) <= newest)
            offset = next(b[0] for b in batches(path)[1:] if b[2] < newest)
            with self.subTest(kind):
                self.check(kind, lambda d: flip(d / "wal" / path.name, offset + 90), self.last_lsn(kind), lost=False,
                           files=[f"wal/{path.name}"])

    def test_a_missing_segment(self):
        for kind in self.stores:
            data = self.stores[kind][0]
            newest = int(self.snapshots(data)[-1].stem, 16)
            path = next(p for p in self.segments(data) if int(p.stem, 16) > newest)
            found = batches(path)
            with self.subTest(kind):
                self.assertNotEqual(path, self.segments(data)[-1])
                self.check(kind, lambda d: (d / "wal" / path.name).unlink(), found[0][1] - 1,
                           unreadable=range(found[0][1], found[-1][2] + 1), files=[f"wal/{path.name}"])

    def test_the_newest_segment_missing(self):
        """Of a store that was killed nobody knows how far it went; the control file knows of its first LSN."""
        for kind in self.stores:
            path = self.segments(self.stores[kind][0])[-1]
            first, last = int(path.stem, 16), self.last_lsn(kind)
            stopped = kind == "stopped"
            with self.subTest(kind):
                self.check(kind, lambda d: (d / "wal" / path.name).unlink(), first - 1,
                           unreadable=range(first, last + 1), known=last if stopped else first, certain=stopped,
                           files=[f"wal/{path.name}"])

    def test_a_damaged_segment_header(self):
        """What lies in it can still be told, but not that it continues the log. Unless the salt is gone."""
        data = self.stores["stopped"][0]
        newest = int(self.snapshots(data)[-1].stem, 16)
        path = next(p for p in self.segments(data) if int(p.stem, 16) > newest)
        first, last = batches(path)[0][1], batches(path)[-1][2]
        for byte, unreadable in ((100, ()), (33, range(first, last + 1)), (18, range(first, last + 1))):
            with self.subTest(byte=byte):
                self.check("stopped", lambda d: flip(d / "wal" / path.name, byte), first - 1, unreadable=unreadable,
                           files=[f"wal/{path.name}"])

    def test_an_acknowledged_tail_cut_off(self):
        for kind in self.stores:
            path = self.segments(self.stores[kind][0])[-1]
            found = batches(path)
            offset, first, _, _ = found[len(found) // 2]

            def cut(data):
                with open(data / "wal" / path.name, "r+b") as file:
                    file.truncate(offset + 30)

            # Without the clean stop nothing says how far the log went.
            stopped, last = kind == "stopped", self.last_lsn(kind)
            with self.subTest(kind):
                if stopped:
                    self.check(kind, cut, first - 1, unreadable=range(first, last + 1), files=[f"wal/{path.name}"])
                    continue
                data = self.copy(kind, cut)
                report = self.explain(data, EX_DATA)
                self.assertIn(f"LSN {first} and later", report["text"])
                self.assertEqual((report["rebuilt"]["last_lsn"], report["lost"]["last_lsn_certain"]), (first - 1, False))
                _, new = self.repair(data)
                self.run_on(new, self.stores[kind][1], first - 1, last)

    def test_a_foreign_segment(self):
        for kind, other in (("stopped", "killed"), ("killed", "stopped")):
            data = self.stores[kind][0]
            newest = int(self.snapshots(data)[-1].stem, 16)
            path = next(p for p in self.segments(data) if int(p.stem, 16) > newest)
            found = batches(path)
            theirs = self.segments(self.stores[other][0])[-1]
            with self.subTest(kind):
                self.check(kind, lambda d: shutil.copyfile(theirs, d / "wal" / path.name), found[0][1] - 1,
                           unreadable=range(found[0][1], found[-1][2] + 1), files=[f"wal/{path.name}"])

    def test_segments_under_wrong_names(self):
        """Every header says where its segment belongs, so nothing is lost."""
        names = [p.name for p in self.segments(self.stores["stopped"][0])[-2:]]

        def swap(data):
            (data / "wal" / names[0]).rename(data / "wal" / "x")
            (data / "wal" / names[1]).rename(data / "wal" / names[0])
            (data / "wal" / "x").rename(data / "wal" / names[1])

        self.check("stopped", swap, self.last_lsn("stopped"), lost=False, files=[f"wal/{n}" for n in names])

    # damage to snapshots and the control file

    def test_the_newest_snapshot_damaged_or_missing(self):
        for kind in self.stores:
            name = f"snapshots/{self.snapshots(self.stores[kind][0])[-1].name}"
            for damage in (lambda d: flip(d / name, 700), lambda d: (d / name).unlink()):
                self.check(kind, damage, self.last_lsn(kind), lost=False, starts=True, files=[name])

    def test_snapshot_and_log_damaged(self):
        """From the older snapshot on, up to the first LSN that cannot be read, although the newer snapshot was of later."""
        for kind in self.stores:
            data = self.stores[kind][0]
            older, newer = (int(p.stem, 16) for p in self.snapshots(data))
            name = f"snapshots/{self.snapshots(data)[-1].name}"
            path, (offset, first, last, _) = next(
                (p, b) for p in self.segments(data) for b in batches(p)[1:-1] if older + 5 < b[1] < newer)

            def damage(d):
                flip(d / name, 700)
                flip(d / "wal" / path.name, offset + 75)

            with self.subTest(kind):
                self.check(kind, damage, first - 1, unreadable=range(first, last + 1), files=[name, f"wal/{path.name}"])

    def test_a_snapshot_of_another_history(self):
        """Two copies of one store went on, each in its own way, and one has got a snapshot of the other."""
        histories = []
        for seed in (1, 2):
            truth, chance = Truth(), random.Random(seed)
            truth.done.update(self.stores["stopped"][1].done)
            truth.keyed.update(self.stores["stopped"][1].keyed)
            walkv = self.instance(workers=1, walkvd=FLAGS, data=self.stores["stopped"][0])
            walkv.start()
            write(walkv, truth, chance, 60 * seed)
            self.assertEqual(walkv.ctl("checkpoint").returncode, 0)
            write(walkv, truth, chance, 60)
            walkv.stop()
            histories.append((walkv.data, truth))
        (one, _), two = histories
        self.stores["two"] = two
        self.addCleanup(self.stores.pop, "two")
        theirs = self.snapshots(one)[-1]
        ours = [int(p.stem, 16) for p in self.snapshots(two[0])]
        self.assertTrue(ours[0] < int(theirs.stem, 16) < ours[1])

        def damage(data):
            shutil.copyfile(theirs, data / "snapshots" / theirs.name)
            self.snapshots(data)[-1].unlink()

        self.check("two", damage, self.last_lsn("two"), lost=False,
                   files=[f"snapshots/{theirs.name}", f"snapshots/{self.snapshots(two[0])[-1].name}"])

    def test_no_usable_state(self):
        for kind in self.stores:
            def damage(d):
                for path in self.snapshots(d):
                    flip(path, 600)

            data = self.copy(kind, damage)
            report = self.explain(data, EX_DATA)
            self.assertIsNone(report["rebuilt"])
            self.assertIn("dump --all", report["text"])
            before = fingerprint(data.parent)
            self.ctl("repair", "--yes", data, status=EX_DATA)
            self.assertEqual(fingerprint(data.parent), before)
            self.assertEqual(self.dumped(data), self.in_log(kind, ()))

    def test_no_snapshot_but_the_whole_log(self):
        self.stores["whole"] = self.make_store("whole", checkpoints=0)
        self.addCleanup(self.stores.pop, "whole")
        self.assertEqual(self.snapshots(self.stores["whole"][0]), [])
        path = self.segments(self.stores["whole"][0])[1]
        offset, first, last, _ = batches(path)[7]
        self.check("whole", lambda d: flip(d / "wal" / path.name, offset + 75), first - 1,
                   unreadable=range(first, last + 1), files=[f"wal/{path.name}"])
        self.check("whole", lambda d: (d / "control").unlink(), self.last_lsn("whole"), lost=False, files=["control"])

    def test_no_control_file(self):
        for kind in self.stores:
            for damage in (lambda d: (d / "control").unlink(), lambda d: flip(d / "control", 20)):
                self.check(kind, damage, self.last_lsn(kind), lost=False, files=["control"])
                report = self.explain(self.copy(kind, damage), 0)
                self.assertRegex(report["store_id_from"], r"^(wal|snapshots)/")
                self.assertIn("UUID", report["text"])

    def test_no_control_file_and_a_foreign_segment_in_front(self):
        """Whose store it is, most of the files say."""
        theirs = self.segments(self.stores["killed"][0])[-1]

        def damage(data):
            (data / "control").unlink()
            shutil.copyfile(theirs, data / "wal" / "00000000ffffffff.wal")

        self.check("stopped", damage, self.last_lsn("stopped"), lost=False,
                   files=["control", "wal/00000000ffffffff.wal"])

    def test_directories_missing(self):
        data = self.stores["stopped"][0]
        newest = int(self.snapshots(data)[-1].stem, 16)
        last = self.last_lsn("stopped")
        self.check("stopped", lambda d: shutil.rmtree(d / "wal"), newest, unreadable=range(newest + 1, last + 1),
                   files=["wal", f"wal/{self.segments(data)[-1].name}"])

    def test_a_newer_format(self):
        for place in ("control", "wal", "snapshots"):
            data = self.copy("stopped")
            path = data / "control" if place == "control" else sorted((data / place).iterdir())[-1]
            content = bytearray(path.read_bytes())
            content[8:12] = (int.from_bytes(content[8:12], "little") + 1).to_bytes(4, "little")
            reseal(content, 512)
            path.write_bytes(content)
            before = fingerprint(data.parent)
            for flags in ((), ("--yes",)):
                self.assertIn("newer", self.ctl("repair", *flags, data, status=EX_CONFIG).stderr)
            self.assertEqual(fingerprint(data.parent), before)

    def test_a_repaired_store_can_be_repaired(self):
        kind, truth = "stopped", self.stores["stopped"][1]
        name, offset, first, _ = self.behind_snapshot(kind)
        _, new = self.repair(self.copy(kind, lambda d: flip(d / "wal" / name, offset + 80)))
        walkv = self.instance(workers=1, walkvd=FLAGS, data=new)
        walkv.start()
        again = {walkv.set("again", str(n)): n for n in range(200)}
        lsn = max(again)
        walkv.stop()
        path = self.segments(walkv.data)[0]
        offset, damaged, _, _ = batches(path)[100]
        flip(path, offset + 80)
        second = self.dir / "second"
        shutil.copytree(walkv.data, second)
        walkv.close()
        report = json.loads(self.ctl("repair", "--json", "--yes", second).stdout)
        self.assertEqual(report["rebuilt"]["last_lsn"], damaged - 1)
        self.assertGreater(report["written"]["last_lsn"], lsn + 1_000_000)
        walkv = self.instance(workers=1, walkvd=FLAGS, data=report["written"]["directory"])
        walkv.start()
        keys, queues, _ = truth.contents(first - 1)
        keys["again"] = again[max(each for each in again if each < damaged)]
        self.assertEqual(walkv.contents(), (keys, queues))
        self.assertGreater(walkv.set("again", "0"), lsn)
        walkv.stop()

    # what is left in the log

    def in_log(self, kind, damaged):
        """{LSN: operation} as dump tells it, of the segments of a store without the LSNs that are damaged."""
        lsns = {lsn for path in self.segments(self.stores[kind][0]) for _, first, last, _ in batches(path)
                for lsn in range(first, last + 1)}
        return {lsn: (operation, name, None if operation == "dequeue" else value)
                for lsn, (operation, name, value) in self.stores[kind][1].done.items() if lsn in lsns and lsn not in damaged}

    def dumped(self, data, *arguments):
        lines = map(json.loads, self.ctl("dump", "--all", *arguments, data, status=EX_DATA).stdout.splitlines())
        without_effect = ("noop", "refuse", "expire", "depart")
        return {e["lsn"]: (e["op"], e.get("key", e.get("queue")), e.get("value"))
                for e in lines if e["op"] not in without_effect}

    def test_dump_of_what_lies_behind_damage(self):
        for kind in self.stores:
            name, offset, first, last = self.behind_snapshot(kind)
            for more in (lambda d: None, lambda d: (d / "control").unlink()):
                data = self.copy(kind, lambda d: (flip(d / "wal" / name, offset + 80), more(d)))
                wanted = self.in_log(kind, range(first, last + 1))
                self.assertEqual(self.dumped(data), wanted)
                self.assertEqual(self.dumped(data, "--from", str(first)), {k: v for k, v in wanted.items() if k > last})

    # at random

    def random_damage(self, chance, data):
        files = self.segments(data) * 4 + self.snapshots(data) + [data / "control"]
        for _ in range(chance.choice((1, 1, 2, 4))):
            path = chance.choice(files)
            if not path.exists():
                continue
            size = path.stat().st_size
            kind = chance.choice(("flip",) * 6 + ("zero", "zero", "cut", "remove"))
            if path.suffix == ".wal":
                size = (batches(path) or [(0, 0, 0, BLOCK)])[-1][3]
            at = chance.randrange(max(1, min(size, path.stat().st_size)))
            if kind == "remove":
                path.unlink()
            elif kind == "cut":
                os.truncate(path, at)
            elif kind == "flip" and path.stat().st_size:
                flip(path, at, chance.randrange(8))
            elif kind == "zero":
                with open(path, "r+b") as file:
                    file.seek(at // BLOCK * BLOCK)
                    file.write(bytes(BLOCK))

    def random_round(self, number):
        chance = random.Random(f"{SEED} {number}")
        kind = chance.choice(sorted(self.stores))
        truth, last = self.stores[kind][1], self.last_lsn(kind)
        place = self.dir / f"random{number}"
        data = place / "store"
        shutil.copytree(self.stores[kind][0], data)
        self.random_damage(chance, data)
        before = fingerprint(place)
        done = run([WALKVCTL, "repair", "--json", data])
        if fingerprint(place) != before or done.returncode not in (0, EX_DATA):
            return f"status {done.returncode}: {done.stdout}{done.stderr}"
        report = json.loads(done.stdout)
        with Walkv(workers=1, walkvd=FLAGS, data=data) as walkv:
            walkv.start_walkvd(wait=False)
            wait_until(lambda: walkv.walkvd.seen(r"\bready\b") or not walkv.walkvd.running(), "walkvd's decision")
            if walkv.walkvd.running() != report["starts"]:
                return f"it says whether walkvd starts, wrongly: {done.stdout}\n{walkv.walkvd.log}"
        if report["rebuilt"] is None or (not report["findings"] and report["starts"]):
            return "no state" if report["rebuilt"] is None else "nothing to repair"
        rebuilt = report["rebuilt"]["last_lsn"]
        highest = max(truth.done)
        if not report["lost"] and rebuilt < highest and (data / "control").exists() and kind == "stopped" and not any(
                f["file"] == "control" for f in report["findings"]):
            return f"LSN {rebuilt + 1} to {highest} is lost, and it says that nothing is: {done.stdout}"
        before = fingerprint(data)
        done = run([WALKVCTL, "repair", "--json", "--yes", data])
        if done.returncode != 0 or fingerprint(data) != before:
            return f"status {done.returncode}: {done.stdout}{done.stderr}"
        with Walkv(workers=1, walkvd=FLAGS, data=json.loads(done.stdout)["written"]["directory"]) as walkv:
            walkv.start()
            if walkv.contents() != truth.contents(rebuilt)[:2]:
                return f"what was rebuilt is not the store of LSN {rebuilt}: {done.stdout}"
            if walkv.set("new", "1") <= last:
                return "an LSN was given out again"
            walkv.stop()
        return "repaired"

    def test_damage_at_random(self):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(self.random_round, range(ROUNDS)))
        for number, outcome in enumerate(outcomes):
            with self.subTest(round=number, seed=SEED):
                self.assertIn(outcome, ("repaired", "no state", "nothing to repair"))
        self.assertGreater(outcomes.count("repaired"), ROUNDS // 3, outcomes)

    # interrupted

    def test_a_repair_that_is_killed_leaves_no_half_store(self):
        name, offset, first, _ = self.behind_snapshot("stopped")
        data = self.copy("stopped", lambda d: flip(d / "wal" / name, offset + 80))
        new, partial = Path(f"{data}.repaired"), Path(f"{data}.repaired.partial")
        began = time.monotonic()
        self.repair(data)
        took = time.monotonic() - began
        shutil.rmtree(new)
        chance = random.Random(SEED)
        before = fingerprint(data)
        seen = {"nothing": 0, "partial": 0, "whole": 0}
        for number in range(4 * ROUNDS):
            process = subprocess.Popen([WALKVCTL, "repair", "--yes", data], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=environment())
            delay = chance.random() * took * 1.1
            try:
                process.wait(delay)  # the moment of the kill is what is tried here
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            with self.subTest(number=number, delay=delay, seed=SEED):
                self.assertEqual(fingerprint(data), before)
                if new.exists():
                    self.ctl("verify", new)
                    self.assertEqual(len(self.snapshots(new)), 1)
                    shutil.rmtree(new)
                    seen["whole"] += 1
                else:
                    seen["partial" if partial.exists() else "nothing"] += 1
                    if (partial / "control").exists():  # then only the new name is missing
                        self.ctl("verify", partial)
                        self.assertEqual(len(self.snapshots(partial)), 1)
        self.assertGreater(seen["partial"], 0, f"no kill hit the middle: {seen}, seed {SEED}")
        _, new = self.repair(data)  # which takes the place of what was left
        self.run_on(new, self.stores["stopped"][1], first - 1, self.last_lsn("stopped"))

    def test_interrupted_from_the_keyboard(self):
        name, offset, _, _ = self.behind_snapshot("stopped")
        data = self.copy("stopped", lambda d: flip(d / "wal" / name, offset + 80))
        partial = Path(f"{data}.repaired.partial")
        for number in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([WALKVCTL, "repair", "--yes", data], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=environment())
            wait_until(lambda: partial.exists() or process.poll() is not None, "the partial directory")
            process.send_signal(number)
            status = process.wait(60)
            self.assertFalse(partial.exists())
            self.assertEqual(status, -number)
            if Path(f"{data}.repaired").exists():  # it was too late
                shutil.rmtree(f"{data}.repaired")

        def interrupted():  # before it has begun
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            os.kill(os.getpid(), signal.SIGINT)

        before = fingerprint(data.parent)
        done = run([WALKVCTL, "repair", "--yes", data], preexec=interrupted)
        self.assertEqual(done.returncode, EX_TEMPFAIL, done)
        self.assertIn("interrupted", done.stderr)
        self.assertEqual(fingerprint(data.parent), before)

    def traced(self, calls, arguments, inject=""):
        """Runs walkvctl under strace; returns (the completed process, the lines about files in the test's directory with
        the number of each among these calls)."""
        if not shutil.which("strace"):
            self.skipTest("strace is missing")
        out = self.dir / "strace"
        expression = ",".join("?" + call for call in calls)
        done = run(["strace", "-y", "-qq", "-s", "256", "-o", out, "-e", f"trace={expression}",
                    *(["-e", f"inject={expression}:{inject}"] if inject else []), WALKVCTL, *arguments],
                   env={"ASAN_OPTIONS": "exitcode=99:detect_leaks=0:handle_abort=1"})  # LeakSanitizer cannot be traced
        if "ptrace" in done.stderr.lower():
            self.skipTest("tracing is not allowed here")
        lines = out.read_text(errors="replace").splitlines()
        return done, [(k, line) for k, line in enumerate(lines, 1) if str(self.dir) in line]

    def test_the_name_comes_last(self):
        """After a power cut at any moment there is no new store or a whole one: each thing is synced before what says
        that it is there."""
        data, _ = self.broken()
        new, partial = f"{data}.repaired", f"{data}.repaired.partial"
        done, lines = self.traced(("pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2"),
                                  ["repair", "--yes", data])
        self.assertEqual(done.returncode, 0, done.stderr)
        snapshot = f"{partial}/snapshots/{self.snapshots(Path(new))[0].name}"

        def places(call, path):
            found = [at for at, (_, line) in enumerate(lines) if line.startswith(call) and re.search(path + r'[">]', line)]
            self.assertTrue(found, f"{call} {path} in {lines}")
            return found

        wanted = [
            places("pwrite64", snapshot)[-1], places("fsync", snapshot)[0],
            *sorted(places("fsync", f"{partial}/{name}")[0] for name in ("wal", "snapshots")), places("fsync", partial)[0],
            places("pwrite64", f"{partial}/control.tmp")[0], places("fdatasync", f"{partial}/control.tmp")[0],
            places("rename", f"{partial}/control")[0], places("fsync", partial)[1],
            places("rename", new)[0], places("fsync", str(data.parent))[0],
        ]
        self.assertEqual(wanted, sorted(wanted), lines)
        self.assertEqual(wanted[-1], len(lines) - 1, "something was done after that")

    def test_each_call_fails(self):
        """The k-th one once: there is no new store, or a whole one."""
        data, _ = self.broken()
        new, partial = Path(f"{data}.repaired"), Path(f"{data}.repaired.partial")
        before, outcomes = fingerprint(data), {}
        arguments = ["repair", "--yes", data]
        for call, error in (("fsync", "EIO"), ("fdatasync", "EIO"), ("rename,renameat,renameat2", "ENOSPC"),
                            ("pwrite64", "ENOSPC"), ("pread64", "EIO"), ("fallocate", "ENOSPC"), ("mkdir,mkdirat", "EACCES"),
                            ("ftruncate", "EIO"), ("flock", "EIO"), ("openat", "EMFILE"), ("getdents64", "EIO")):
            calls = call.split(",")
            places = [k for k, _ in self.traced(calls, arguments)[1]]
            shutil.rmtree(new)
            for k in places:
                done, _ = self.traced(calls, arguments, f"error={error}:when={k}")
                with self.subTest(call=call, k=k):
                    self.assertIn(done.returncode, (0, EX_OS, EX_CANTCREAT, EX_IO), done.stderr)
                    self.assertEqual(new.exists(), done.returncode == 0)
                    self.assertEqual(fingerprint(data), before)
                    self.assertTrue(done.returncode == 0 or "walkvctl" in done.stderr)
                    if new.exists():
                        self.ctl("verify", new)
                        shutil.rmtree(new)
                outcomes[done.returncode] = outcomes.get(done.returncode, 0) + 1
        self.assertGreater(sum(outcomes.values()) - outcomes.get(0, 0), 30, outcomes)
        self.ctl("repair", "--yes", data)
        self.assertFalse(partial.exists())

    # where to

    def broken(self):
        name, offset, first, _ = self.behind_snapshot("stopped")
        return self.copy("stopped", lambda d: flip(d / "wal" / name, offset + 80)), first - 1

    def test_where_the_new_store_is_put(self):
        data, _ = self.broken()
        for argument, new in ((f"{data}/", f"{data}.repaired"), (f"{data}///", f"{data}.repaired"),
                              (f"{data.parent}/./store", f"{data}.repaired")):
            report = json.loads(self.ctl("repair", "--json", "--yes", argument).stdout)
            self.assertEqual(os.path.normpath(report["written"]["directory"]), new)
            shutil.rmtree(new)
        for into in ("other", "other/"):
            self.ctl("repair", "--yes", "--into", f"{data.parent}/{into}", data)
            self.ctl("verify", data.parent / "other")
            shutil.rmtree(data.parent / "other")
        done = subprocess.run([WALKVCTL, "repair", "--yes", "."], cwd=data, capture_output=True, env=environment(),
                              check=False)
        self.assertEqual(done.returncode, EX_USAGE, done)
        self.assertIn(b"--into", done.stderr)
        done = subprocess.run([WALKVCTL, "repair", "--yes", "--into", "../beside", "."], cwd=data, capture_output=True,
                              env=environment(), check=False)
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue((data.parent / "beside" / "control").exists())

    def test_places_that_are_refused(self):
        data, _ = self.broken()
        there = data.parent / "there"
        there.mkdir()
        (data.parent / "file").write_text("a file")
        (data.parent / "link").symlink_to("nowhere")
        before = fingerprint(data.parent)
        for into, status in (("there", EX_CANTCREAT), ("file", EX_CANTCREAT), ("link", EX_CANTCREAT),
                             ("missing/new", EX_CANTCREAT), ("store", EX_CANTCREAT), ("store/new", EX_USAGE),
                             ("store/wal/new", EX_USAGE), ("there/../store/new", EX_USAGE)):
            with self.subTest(into):
                self.ctl("repair", "--yes", "--into", data.parent / into, data, status=status)
                self.assertEqual(fingerprint(data.parent), before)
        self.ctl("repair", "--yes", "--into", f"{data}2", data)  # a name that only begins alike

    def test_what_is_no_leftover_is_not_replaced(self):
        data, _ = self.broken()
        partial = Path(f"{data}.repaired.partial")
        for make in (lambda: (partial.mkdir(), (partial / "mine").write_text("x")),
                     lambda: partial.write_text("a file"),
                     lambda: shutil.copytree(self.stores["killed"][0], partial)):
            make()
            before = fingerprint(data.parent)
            done = self.ctl("repair", "--yes", data, status=EX_CANTCREAT)
            self.assertIn(str(partial), done.stderr)
            self.assertEqual(fingerprint(data.parent), before)
            shutil.rmtree(partial) if partial.is_dir() else partial.unlink()

    def test_no_store(self):
        empty = self.dir / "empty"
        empty.mkdir()
        for data in (self.dir / "nothing", empty):
            for flags in ((), ("--yes",)):
                self.assertIn(data.name, self.ctl("repair", *flags, data, status=EX_NOINPUT).stderr)
        self.assertEqual(sorted(self.dir.iterdir()), [empty])

    def test_a_store_in_use(self):
        walkv = self.instance(workers=1, walkvd=FLAGS)
        walkv.start()
        walkv.set("a", "1")
        for flags in ((), ("--yes",)):
            done = self.ctl("repair", *flags, walkv.data, status=EX_UNAVAILABLE)
            self.assertIn("running", done.stderr)
        self.assertFalse(Path(f"{walkv.data}.repaired").exists())
        walkv.set("a", "2")

    def test_walkvd_does_not_start_during_a_repair(self):
        data, _ = self.broken()
        walkv = self.instance(workers=1, walkvd=FLAGS, data=data)
        with open(walkv.data / "lock", "rb") as lock:  # as repair holds it
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
            done = run(walkv.walkvd_argv())
            self.assertEqual(done.returncode, EX_UNAVAILABLE, done.stderr)
            self.ctl("repair", walkv.data, status=EX_UNAVAILABLE)

    def test_a_store_that_may_only_be_read(self):
        """As another user, when the test runs as root, who may write everywhere."""
        data, rebuilt = self.broken()
        argv = [WALKVCTL]
        out = self.dir / "out"
        out.mkdir()
        if os.geteuid() == 0:
            if not shutil.which("setpriv"):
                self.skipTest("setpriv is missing")
            shutil.copy(WALKVCTL, self.dir / "walkvctl")
            argv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", self.dir / "walkvctl"]
            for path in (self.dir, data.parent, out):
                path.chmod(0o755)
            for path in (out, data, *data.rglob("*")):
                os.chown(path, 65534, 65534)
        for path in (data, *data.rglob("*")):
            path.chmod(0o500 if path.is_dir() else 0o400)
        before = fingerprint(data)
        done = run([*argv, "repair", data])
        self.assertEqual(done.returncode, EX_DATA, done.stderr)
        done = run([*argv, "repair", "--yes", "--into", out / "new", data])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(fingerprint(data), before)
        self.run_on(out / "new", self.stores["stopped"][1], rebuilt, self.last_lsn("stopped"))
        # A file that may not even be read is told from one that is damaged.
        self.segments(data)[-1].chmod(0)
        done = run([*argv, "repair", data])
        self.assertEqual(done.returncode, EX_IO, done.stderr)
        self.assertIn("Permission denied", done.stderr)

    def test_no_room_for_the_new_store(self):
        data, _ = self.broken()
        place = self.dir / "small"
        place.mkdir()
        if run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place]).returncode != 0:
            self.skipTest("a small file system cannot be mounted here")
        try:
            before = fingerprint(data)
            done = self.ctl("repair", "--yes", "--into", place / "new", data, status=EX_CANTCREAT)
            self.assertIn("No space left", done.stderr)
            self.assertEqual(list(place.iterdir()), [])
            self.assertEqual(fingerprint(data), before)
        finally:
            run(["umount", place])


if __name__ == "__main__":
    main()
