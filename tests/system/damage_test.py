# SPDX-License-Identifier: MIT
"""Damage is never hidden. Copies of a store are damaged in every way that disks and people know; each time walkvd
refuses with status 65 and names the file, or serves every acknowledged value. Nothing else is allowed: not a
wrong value, not a missing one.

Two stores are damaged: one that was stopped cleanly and one whose walkvd was killed. `walkvctl verify` is asked
about every copy as well; whenever walkvd refuses, so must it.

    WALKV_DAMAGE_SEED    the seed of the random places (printed when a test fails)
    WALKV_DAMAGE_FLIPS   how many random bits are flipped in each store (default 60)
"""

import json
import os
import random
import shutil
from concurrent.futures import ThreadPoolExecutor

from walkv import EX_DATA, SystemTest, Walkv, main, reseal, wait_until

SEED = int(os.environ.get("WALKV_DAMAGE_SEED", "20240611"))
FLIPS = int(os.environ.get("WALKV_DAMAGE_FLIPS", "60"))
AT_ONCE = os.cpu_count() or 1

SEGMENT_HEADER_FIELDS = {"magic": 0, "version": 8, "block bytes": 12, "UUID": 16, "salt": 32, "first LSN": 40,
                         "segment bytes": 48, "link LSN": 56, "link last": 64, "link checksum": 72, "created": 80,
                         "zeros": 100, "checksum": 504}
BATCH_FIELDS = {"magic": 0, "flags": 4, "first LSN": 8, "count": 16, "stored bytes": 20, "raw bytes": 24, "zero": 28,
                "durable LSN": 32, "time": 40, "chain": 48, "payload checksum": 56, "header checksum": 64,
                "payload": 74}
SNAPSHOT_FIELDS = {"magic": 0, "version": 8, "page bytes": 12, "UUID": 16, "LSN": 32, "batch checksum": 40,
                   "started": 48, "pages": 56, "keys": 64, "queues": 72, "items": 80, "random": 88, "zeros": 200,
                   "checksum": 504, "block magic": 512, "block stored": 516, "block raw": 520, "block LZ4": 524,
                   "block number": 528, "block checksum": 536, "block header checksum": 544, "block data": 552}
SNAPSHOT_FOOTER_FIELDS = {"footer magic": 64, "blocks": 56, "raw bytes": 48, "footer LSN": 40, "headers": 32,
                          "footer zeros": 20, "footer checksum": 8}  # counted from the end
BATCH_MAGIC = b"WKVB"
BLOCK = 512


def batches(content):
    """Offsets of the batches of a segment (block size 512)."""
    found, at = [], BLOCK
    while content[at : at + 4] == BATCH_MAGIC:
        found.append(at)
        stored = int.from_bytes(content[at + 20 : at + 24], "little")
        at += -(-(72 + stored) // BLOCK) * BLOCK
    return found, at


class Damage(SystemTest):
    options = None
    flags = {"wal_segment_size": "64KiB", "checkpoint_interval": 0}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stores = {}
        for kind in ("stopped", "killed"):
            walkv = Walkv(workers=1, walkvd=cls.flags)
            cls.addClassCleanup(walkv.close)
            walkv.start()
            cls.write(walkv, 0, 150)
            cls.checkpoint(walkv)
            cls.write(walkv, 150, 250)
            old = walkv.dir / "old"
            shutil.copytree(walkv.data, old)  # a moment in the past, for stale files
            cls.write(walkv, 250, 300)
            cls.checkpoint(walkv)
            cls.write(walkv, 300, 400)
            contents = walkv.contents()
            # The witness behind the last acknowledged batch: an empty batch, written when idle.
            wait_until(lambda w=walkv: w.status()["durable_lsn"] > w.status()["applied_lsn"], "the idle batch")
            if kind == "stopped":
                walkv.stop()
            else:
                walkv.kill_walkvd()
                walkv.stop_httpd()
            cls.stores[kind] = (walkv.data, old, contents)

    @staticmethod
    def write(walkv, first, end):
        text = random.Random(first)
        with walkv.connect() as c:
            for n in range(first, end):
                value = text.randbytes(text.randrange(200)).hex()
                assert c.request("PUT", f"/api/kv/key{n % 90}", f'{{"value":{{"n":{n},"text":"{value}"}}}}').status < 300
                assert c.post(f"/api/queue/queue{n % 3}/enqueue", f'{{"value":{n}}}').status == 200
                if n % 5 == 4:
                    c.post(f"/api/queue/queue{n % 3}/dequeue")
                if n % 11 == 10:
                    c.request("DELETE", f"/api/kv/key{(n * 7) % 90}")

    @staticmethod
    def checkpoint(walkv):
        done = walkv.ctl("checkpoint")
        assert done.returncode == 0, done.stderr

    # what is done to a copy, and what must come of it

    def verdict(self, kind, damage, cold=True):
        """Damages a copy of the store and starts it; returns "refused" or "right", or says what is wrong."""
        data, _, contents = self.stores[kind]
        walkv = Walkv(workers=1, walkvd=self.flags, data=data)
        try:
            named = damage(walkv.data)
            named = named if isinstance(named, (list, tuple, set)) else [named]
            verify = walkv.ctl("verify", walkv.data)
            if verify.returncode not in (0, EX_DATA):
                return f"verify ended with {verify.returncode}: {verify.stdout}{verify.stderr}"
            walkv.start_walkvd(wait=False, cold_start=cold or None)
            wait_until(lambda: walkv.walkvd.seen(r"\bready\b") or not walkv.walkvd.running(), "walkvd's decision")
            if walkv.walkvd.running():
                walkv.start_httpd()
                found = walkv.contents()
                walkv.check()
                if found != contents:
                    return f"WRONG DATA IS SERVED: {self.difference(found, contents)}\n{walkv.walkvd.log}"
                return "right"
            status = walkv.walkvd.wait()
            walkv.check()
            if status != EX_DATA:
                return f"walkvd ended with {status}:\n{walkv.walkvd.log}"
            if not any(name in walkv.walkvd.log for name in named):
                return f"the file is not named ({named}):\n{walkv.walkvd.log}"
            if verify.returncode != EX_DATA:
                return f"walkvd refused, but verify found nothing:\n{walkv.walkvd.log}\n{verify.stdout}"
            if not any(name in verify.stdout + verify.stderr for name in named):
                return f"verify does not name the file ({named}):\n{verify.stdout}{verify.stderr}"
            return "refused"
        except (AssertionError, OSError, ValueError) as error:  # ValueError: what is served is no JSON, or no UTF-8
            return f"{type(error).__name__}: {error}"
        finally:
            walkv.close()

    @staticmethod
    def difference(found, wanted):
        keys = {k: (found[0].get(k), wanted[0].get(k)) for k in found[0].keys() | wanted[0].keys()
                if found[0].get(k) != wanted[0].get(k)}
        queues = {q: (found[1].get(q), wanted[1].get(q)) for q in found[1].keys() | wanted[1].keys()
                  if found[1].get(q) != wanted[1].get(q)}
        return json.dumps({"keys (found, wanted)": keys, "queues": queues})[:1500]

    def try_all(self, cases):
        """cases: (name, kind, damage, the verdicts that are allowed). Tries them all, several at once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            verdicts = list(pool.map(lambda case: self.verdict(case[1], case[2]), cases))
        counts = {}
        for (name, kind, _, allowed), verdict in zip(cases, verdicts):
            counts[verdict if verdict in ("right", "refused") else "failed"] = counts.get(verdict, 0) + 1
            with self.subTest(name, store=kind, seed=SEED):
                self.assertIn(verdict, allowed)
        return counts

    # files

    def files(self, kind, folder, suffix):
        return sorted(p.name for p in (self.stores[kind][0] / folder).glob("*" + suffix))

    def live_segments(self, kind):
        return self.files(kind, "wal", ".wal")

    def read(self, kind, name):
        return (self.stores[kind][0] / name).read_bytes()

    @staticmethod
    def flip(name, offset, bit):
        def damage(data):
            path = data / name
            content = bytearray(path.read_bytes())
            content[offset] ^= 1 << bit
            path.write_bytes(content)
            return path.name

        return damage

    @staticmethod
    def cut(name, length):
        def damage(data):
            with open(data / name, "r+b") as file:
                file.truncate(length)
            return (data / name).name

        return damage

    @staticmethod
    def blank(name, begin, end):
        def damage(data):
            with open(data / name, "r+b") as file:
                file.seek(begin)
                file.write(bytes(end - begin))
            return (data / name).name

        return damage

    @staticmethod
    def remove(*names):
        def damage(data):
            for name in names:
                (data / name).unlink()
            # One that is not there is named by what it was of: "snapshot of LSN 7", "LSN 8 to 9".
            return [(data / name).name for name in names] + [
                f"LSN {int((data / name).stem, 16)}" for name in names if name != "control"]

        return damage

    either = ("right", "refused")

    # the tests

    def test_an_undamaged_copy_is_right(self):
        for kind in self.stores:
            for cold in (True, False):
                self.assertEqual(self.verdict(kind, lambda data: "nothing", cold), "right")

    def test_bits_of_every_field_of_the_log(self):
        cases = []
        for kind in self.stores:
            segments = self.live_segments(kind)
            # The last segment of a killed store, and any that begins behind the newest snapshot, is needed.
            newest = int(self.files(kind, "snapshots", ".snap")[-1][:16], 16)
            for name in (segments[-2], segments[-1]):
                content = self.read(kind, f"wal/{name}")
                found, end = batches(content)
                needed = int(name[:16], 16) > newest
                for field, offset in SEGMENT_HEADER_FIELDS.items():
                    cases.append((f"{name} header: {field}", kind, self.flip(f"wal/{name}", offset, 1),
                                  ("refused",) if needed else self.either))
                for which in {0, len(found) // 2, max(0, len(found) - 3)} if found else ():
                    at = found[which]
                    # Behind the last two batches nothing proves that they were acknowledged.
                    proven = needed and which < len(found) - 2
                    for field, offset in BATCH_FIELDS.items():
                        cases.append((f"{name} batch {which} of {len(found)} at {at}: {field}", kind,
                                      self.flip(f"wal/{name}", at + offset, 0),
                                      ("refused",) if proven else self.either))
                cases.append((f"{name} behind the end", kind,
                              self.flip(f"wal/{name}", min(end + 700, len(content) - 1), 3), self.either))
        counts = self.try_all(cases)
        self.assertGreater(counts.get("refused", 0), len(cases) // 4)

    def test_bits_of_every_field_of_a_snapshot(self):
        cases = []
        for kind in self.stores:
            for name in self.files(kind, "snapshots", ".snap"):
                size = len(self.read(kind, f"snapshots/{name}"))
                places = dict(SNAPSHOT_FIELDS)
                places.update({field: size - back for field, back in SNAPSHOT_FOOTER_FIELDS.items()})
                for field, offset in places.items():
                    cases.append((f"{name}: {field}", kind, self.flip(f"snapshots/{name}", offset, 0), self.either))
        self.try_all(cases)

    def test_bits_of_the_control_file(self):
        cases = [(f"control, byte {offset}", kind, self.flip("control", offset, 2), self.either)
                 for kind in self.stores for offset in (0, 8, 12, 16, 32, 40, 48, 56, 64, 100, 504, 511)]
        self.try_all(cases)

    def test_bits_at_random(self):
        chance = random.Random(SEED)
        cases = []
        for kind in self.stores:
            names = [f"wal/{n}" for n in self.live_segments(kind)] * 3
            names += [f"snapshots/{n}" for n in self.files(kind, "snapshots", ".snap")] * 2
            for _ in range(FLIPS):
                name = chance.choice(names)
                content = self.read(kind, name)
                end = batches(content)[1] if name.startswith("wal/") else len(content)
                offset, bit = chance.randrange(end), chance.randrange(8)
                cases.append((f"{name} byte {offset} bit {bit}", kind, self.flip(name, offset, bit), self.either))
        counts = self.try_all(cases)
        self.assertGreater(counts.get("refused", 0), FLIPS // 4)

    def test_files_cut_short(self):
        cases = []
        for kind in self.stores:
            newest = int(self.files(kind, "snapshots", ".snap")[-1][:16], 16)
            for name in self.live_segments(kind):
                found, end = batches(self.read(kind, f"wal/{name}"))
                needed = int(name[:16], 16) > newest
                for length in {0, 100, BLOCK, end - BLOCK, end - 1, *(found[len(found) // 2 :][:1]), *found[-1:]}:
                    cases.append((f"{name} cut to {length} of {end}", kind, self.cut(f"wal/{name}", length),
                                  ("refused",) if needed and length < end - 2 * BLOCK else self.either))
            for name in self.files(kind, "snapshots", ".snap"):
                size = len(self.read(kind, f"snapshots/{name}"))
                for length in (0, 100, 512, size // 2, size - 64, size - 1):
                    cases.append((f"{name} cut to {length} of {size}", kind, self.cut(f"snapshots/{name}", length),
                                  self.either))
            for length in (0, 100, 511):
                cases.append((f"control cut to {length}", kind, self.cut("control", length), self.either))
        self.try_all(cases)

    def test_acknowledged_batches_overwritten_with_zeros(self):
        cases = []
        for kind in self.stores:
            name = self.live_segments(kind)[-1]
            found, end = batches(self.read(kind, f"wal/{name}"))
            for which in range(0, max(0, len(found) - 2), max(1, len(found) // 6)):
                nxt = found[which + 1]
                cases.append((f"{name} batch {which} of {len(found)}", kind,
                              self.blank(f"wal/{name}", found[which], nxt), ("refused",)))
            # All of the acknowledged tail, with nothing left in the file to prove it: the control file or the seal's
            # absence in a cleanly stopped store does.
            if kind == "stopped":
                for which in {0, len(found) // 2, len(found) - 1}:
                    cases.append((f"{name} everything from batch {which} on", kind,
                                  self.blank(f"wal/{name}", found[which], end), ("refused",)))
        self.try_all(cases)

    def test_files_removed(self):
        cases = []
        for kind in self.stores:
            snapshots = self.files(kind, "snapshots", ".snap")
            newest = int(snapshots[-1][:16], 16)
            segments = self.live_segments(kind)
            for name in segments:
                needed = int(name[:16], 16) > newest
                cases.append((f"{name} removed", kind, self.remove(f"wal/{name}"),
                              ("refused",) if needed else self.either))
            for name in snapshots:
                cases.append((f"{name} removed", kind, self.remove(f"snapshots/{name}"), self.either))
            cases.append(("both snapshots removed", kind, self.remove(*(f"snapshots/{n}" for n in snapshots)),
                          ("refused",)))
            cases.append(("control removed", kind, self.remove("control"), self.either))
            cases.append(("control and the newest segment removed", kind,
                          self.remove("control", f"wal/{segments[-1]}"), self.either))
        # What nothing witnesses any more cannot be noticed: that last case may lose data only for a killed store
        # whose control file is gone too, so it is not asked of it.
        cases = [c for c in cases if not (c[1] == "killed" and c[0].startswith("control and"))]
        self.try_all(cases)

    def test_files_swapped_and_stale(self):
        cases = []
        for kind in self.stores:
            _, old, _ = self.stores[kind]
            segments, snapshots = self.live_segments(kind), self.files(kind, "snapshots", ".snap")

            def swap(one, other):
                def damage(data):
                    aside = data / "aside"
                    (data / one).rename(aside)
                    (data / other).rename(data / one)
                    aside.rename(data / other)
                    return [(data / one).name, (data / other).name]

                return damage

            def stale(name, old=old):
                def damage(data):
                    shutil.copyfile(old / name, data / name)
                    return (data / name).name

                return damage

            newest = int(snapshots[-1][:16], 16)
            needed = int(segments[-2][:16], 16) > newest
            cases.append(("two segments swapped", kind, swap(f"wal/{segments[-1]}", f"wal/{segments[-2]}"),
                          ("refused",) if needed else self.either))
            cases.append(("two snapshots swapped", kind, swap(*(f"snapshots/{n}" for n in snapshots)), self.either))
            for path in sorted((old / "wal").glob("*.wal")):
                if path.name in segments:
                    cases.append((f"an older {path.name}", kind, stale(f"wal/{path.name}"), self.either))
            cases.append(("an older control file", kind, stale("control"), self.either))
            for path in sorted((old / "snapshots").glob("*.snap")):
                if path.name != snapshots[-1]:
                    cases.append((f"only the older {path.name}", kind, self.remove(f"snapshots/{snapshots[-1]}"),
                                  self.either))

            other = self.stores["stopped" if kind == "killed" else "killed"][0]

            def foreign(name, folder, other=other, kind=kind):
                def damage(data):
                    theirs = sorted((other / folder).glob("*"))[-1]
                    shutil.copyfile(theirs, data / folder / name)
                    return [name, "control"]

                return damage

            cases.append(("a segment of another store", kind, foreign(segments[-1], "wal"), ("refused",)))
            cases.append(("a snapshot of another store", kind, foreign(snapshots[-1], "snapshots"), self.either))
        self.try_all(cases)

    def test_a_store_without_a_log_is_all_in_its_snapshot(self):
        """As `walkvctl repair` leaves it. Without the snapshot it must not start as an empty store."""
        newest = self.files("stopped", "snapshots", ".snap")[-1]
        lsn = int(newest[:16], 16)

        def without_log(more):
            def damage(data):
                for path in [*(data / "wal").iterdir(), *(p for p in (data / "snapshots").iterdir() if p.name != newest)]:
                    path.unlink()
                control = bytearray((data / "control").read_bytes())
                for offset, value in ((32, 0), (40, lsn), (48, lsn), (56, lsn)):
                    control[offset : offset + 8] = value.to_bytes(8, "little")
                reseal(control, 512)
                (data / "control").write_bytes(control)
                return more(data)

            return damage

        cases = [("removed", "stopped", without_log(self.remove(f"snapshots/{newest}")), ("refused",))]
        cases += [(f"byte {offset} flipped", "stopped", without_log(self.flip(f"snapshots/{newest}", offset, 1)),
                   ("refused",)) for offset in (0, 40, 600)]
        self.try_all(cases)


if __name__ == "__main__":
    main()
