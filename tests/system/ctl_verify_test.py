# SPDX-License-Identifier: MIT
"""walkvctl verify and dump on copies of one store: each file of it wrong in each way, with the verdict, the place and
the exit status that belong to it. damage_test.py holds verify to what walkvd says; here is what a person reads."""

import json
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from walkv import (EX_CONFIG, EX_DATA, EX_IO, WALKVCTL, SystemTest, Walkv, environment, fingerprint, main, reseal, run,
                   wait_until)

HEADER_BYTES = 512


class VerifyTest(SystemTest):
    """`self.data` is a copy of a store that was stopped cleanly: several segments, the oldest ones deleted, and two
    snapshots. `cls.young` is what it was before the last checkpoint."""

    options = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        walkv = Walkv(workers=1, walkvd={"wal_segment_size": "64KiB", "checkpoint_wal_size": 0})
        cls.addClassCleanup(walkv.close)
        walkv.start()
        for part in range(3):
            for n in range(150):
                walkv.set(f"key{n}", f'"{part} {"x" * 300}"')
                walkv.enqueue("q", str(n))
            if part == 1:
                walkv.stop()
                shutil.copytree(walkv.data, walkv.dir / "young")
                walkv.httpd = None
                walkv.start()
            walkv.ctl("checkpoint")
        walkv.set("last", "1")
        walkv.stop()
        cls.store, cls.young = walkv.data, walkv.dir / "young"
        cls.segments = sorted(p.name for p in (cls.store / "wal").glob("*.wal"))
        cls.snapshots = sorted(p.name for p in (cls.store / "snapshots").glob("*.snap"))
        assert len(cls.segments) > 3 and len(cls.snapshots) == 2, (cls.segments, cls.snapshots)
        assert int(cls.segments[0][:16], 16) > 1

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="walkv-test-")
        self.addCleanup(directory.cleanup)
        self.data = Path(directory.name) / "data"
        self.fresh()

    def fresh(self, of=None):
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(of or self.store, self.data)

    def verify(self, status=0):
        """Runs it in both forms, which must say the same and change nothing. Returns (the lines, {file: facts}); of a
        segment that goes wrong in the middle, what is wrong."""
        before = fingerprint(self.data)
        text = run([WALKVCTL, "verify", self.data])
        document = run([WALKVCTL, "--json", "verify", self.data])
        self.assertEqual((text.returncode, document.returncode), (status, status), text.stdout + text.stderr)
        self.assertEqual(fingerprint(self.data), before)
        facts = json.loads(document.stdout)
        self.assertIs(facts["damaged"], status != 0)
        lines = text.stdout.splitlines()
        self.assertEqual(lines[0].split()[1], facts["store_id"])
        self.assertEqual(lines[-1], "no damage found" if status == 0 else "DAMAGED: see above")
        self.assertEqual([line.split()[:2] for line in lines[1:-1]], [[f["file"], f["verdict"]] for f in facts["files"]])
        return lines, {f["file"]: f for f in facts["files"]}

    def refused(self, status, *words):
        """No store that could be read: one sentence, and no report."""
        for command in ("verify", "dump"):
            done = run([WALKVCTL, command, self.data])
            self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            for word in words:
                self.assertIn(str(word), done.stderr)

    # what is done to the copy

    def patch(self, name, offset, value, header_bytes=None):
        path = self.data / name
        content = bytearray(path.read_bytes())
        content[offset : offset + len(value)] = value
        if header_bytes:
            reseal(content, header_bytes)
        path.write_bytes(content)

    def flip(self, name, offset):
        self.patch(name, offset, bytes([(self.data / name).read_bytes()[offset] ^ 16]))

    def newer(self, name):
        self.patch(name, 8, (9).to_bytes(4, "little"), HEADER_BYTES)

    def directory_instead(self, name):
        (self.data / name).unlink()
        (self.data / name).mkdir()


class Verify(VerifyTest):
    def test_whole(self):
        lines, files = self.verify()
        self.assertEqual(set(files), {"control", *(f"wal/{s}" for s in self.segments),
                                      *(f"snapshots/{s}" for s in self.snapshots)})
        self.assertEqual({f["verdict"] for f in files.values()}, {"ok"})
        ends = [(f["first_lsn"], f["last_lsn"]) for name, f in files.items() if name.startswith("wal/")]
        self.assertEqual([first for first, _ in ends], [int(s[:16], 16) for s in self.segments])
        self.assertEqual([last + 1 for _, last in ends[:-1]], [first for first, _ in ends[1:]])
        self.assertIn("stopped cleanly", lines[1])
        self.assertTrue(lines[len(files) - 2].endswith("sealed"), lines)
        self.assertRegex(files[f"snapshots/{self.snapshots[1]}"]["text"], r"^150 keys, 1 queues, 450 items$")

    def test_without_its_lock_file(self):
        """It is walkvd that makes it; a copy need not have it."""
        (self.data / "lock").unlink()
        self.verify()

    def test_the_control_file(self):
        path = self.data / "control"
        path.unlink()
        self.refused(EX_DATA, f"{path} does not exist")
        for content in (b"", b"WALKVCTL" * 64, (self.store / "control").read_bytes() + b"\0"):
            path.write_bytes(content)
            self.refused(EX_DATA, f"{path} is damaged at offset 0")
        self.fresh()
        self.newer("control")
        self.refused(EX_CONFIG, f"{self.data} was written by a newer walkv")
        path.unlink()
        path.symlink_to(path)
        self.refused(EX_IO, f"{path} cannot be read: Too many levels of symbolic links")

    def test_paths(self):
        self.data = self.data / ("x" * 200 + "/") / "y"
        self.refused(EX_DATA, f"{self.data}/control does not exist")
        self.data = Path("/" + "/".join(["x" * 200] * 25))
        self.refused(EX_IO, "cannot be read: File name too long")

    def test_the_directories(self):
        shutil.rmtree(self.data / "wal")
        self.refused(EX_DATA, f"{self.data}/wal cannot be read: No such file")
        (self.data / "wal").write_text("")
        self.refused(EX_IO, f"{self.data}/wal cannot be read: Not a directory")
        self.fresh()
        shutil.rmtree(self.data / "snapshots")
        _, files = self.verify(EX_DATA)
        self.assertEqual(files["snapshots"]["verdict"], "missing")
        self.assertEqual(files["snapshots"]["text"], "No such file or directory")

    def test_segments(self):
        victim = f"wal/{self.segments[1]}"
        first, following = (int(s[:16], 16) for s in self.segments[1:3])
        for name, status, verdict, damage in (
            ("newer", EX_CONFIG, "newer", lambda: self.newer(victim)),
            ("damaged header", EX_DATA, "corrupt", lambda: self.flip(victim, 40)),
            ("of another store", EX_DATA, "foreign", lambda: self.patch(victim, 16, b"another", HEADER_BYTES)),
            ("damaged batch", EX_DATA, "corrupt", lambda: self.flip(victim, 1024 + 100)),
            ("missing", EX_DATA, "missing", lambda: (self.data / victim).unlink()),
            ("unreadable", EX_IO, "failed", lambda: self.directory_instead(victim)),
        ):
            with self.subTest(name):
                self.fresh()
                damage()
                lines, files = self.verify(status)
                found = files[victim]
                self.assertEqual(found["verdict"], verdict)
                self.assertTrue(found["text"])
                if verdict != "failed":  # its header would have said where the one before ends
                    self.assertEqual(files[f"wal/{self.segments[0]}"]["verdict"], "ok", "what came before was read")
                self.assertNotIn(f"wal/{self.segments[2]}", files, "what comes behind was not")
                line = [line for line in lines if line.startswith(victim)][-1]
                self.assertIn(f" at offset {found['offset']}: ", line)
                if verdict == "corrupt":
                    self.assertTrue(first <= found["first_lsn"] < following)
                    self.assertEqual(found["last_lsn"], following - 1)
                done = run([WALKVCTL, "dump", self.data])
                self.assertEqual(done.returncode, status)
                self.assertIn(f"walkvctl: {verdict}: {self.data}/{victim} at offset {found['offset']}: ", done.stderr)
                lsns = [json.loads(row)["lsn"] for row in done.stdout.splitlines()]
                begin = int(self.segments[0][:16], 16)
                self.assertEqual(lsns, list(range(begin, begin + len(lsns))))
                if verdict != "failed":
                    self.assertGreaterEqual(begin + len(lsns), first)
                self.assertLess(begin + len(lsns), following)

    def test_no_segments(self):
        for name in self.segments:
            (self.data / "wal" / name).unlink()
        _, files = self.verify(EX_DATA)
        self.assertEqual(files[f"wal/{self.segments[-1]}"]["text"], "the newest segment is missing")
        self.assertEqual(files[f"snapshots/{self.snapshots[-1]}"]["verdict"], "ok")
        (self.data / "snapshots" / self.snapshots[0]).unlink()
        (self.data / "snapshots" / self.snapshots[1]).unlink()
        _, files = self.verify(EX_DATA)
        self.assertEqual([f["verdict"] for f in files.values()], ["ok", "missing", "missing"])

    def test_the_end_of_the_log(self):
        """What a kill leaves behind: bytes of a batch that nobody was told about."""
        walkv = self.instance(workers=1, walkvd={"wal_segment_size": "64KiB"})
        walkv.start_walkvd()
        walkv.start_httpd()
        walkv.set("a", "1")
        wait_until(lambda: walkv.status()["durable_lsn"] > walkv.status()["applied_lsn"], "the witness")
        walkv.kill_walkvd()
        self.fresh(walkv.data)
        lines, files = self.verify()
        self.assertIn("not stopped cleanly", lines[1])
        name, facts = next((n, f) for n, f in files.items() if n.startswith("wal/"))
        self.patch(name, (self.data / name).read_bytes().rstrip(b"\0").__len__() // 512 * 512 + 512, b"WKVB torn")
        lines, files = self.verify()
        torn = json.loads(run([WALKVCTL, "--json", "verify", self.data]).stdout)["files"][-1]
        self.assertEqual((torn["file"], torn["verdict"]), (name, "torn"))
        self.assertEqual(torn["first_lsn"], facts["last_lsn"] + 1)
        self.assertRegex(torn["text"], r"^\d+ bytes of a batch that nobody was told about$")
        self.assertRegex(lines[-2], rf"^{name} +torn +LSN {torn['first_lsn']} on at offset {torn['offset']}: ")

    def test_snapshots(self):
        victim, kept = (f"snapshots/{s}" for s in self.snapshots)
        for name, status, verdict, damage in (
            ("newer", EX_CONFIG, "newer", lambda: self.newer(victim)),
            ("damaged header", EX_DATA, "corrupt", lambda: self.flip(victim, 40)),
            ("of another store", EX_DATA, "foreign", lambda: self.patch(victim, 16, b"another", HEADER_BYTES)),
            ("damaged block", EX_DATA, "corrupt", lambda: self.flip(victim, 700)),
            ("unreadable", EX_IO, "failed", lambda: self.directory_instead(victim)),
        ):
            with self.subTest(name):
                self.fresh()
                damage()
                _, files = self.verify(status)
                self.assertEqual(files[victim]["verdict"], verdict)
                self.assertTrue(files[victim]["text"])
                self.assertEqual(files[kept]["verdict"], "ok")

    def test_snapshots_that_do_not_belong_there(self):
        older, newest = self.snapshots
        shutil.copy(self.data / "snapshots" / newest, self.data / "snapshots" / older)
        _, files = self.verify(EX_DATA)
        found = files[f"snapshots/{older}"]
        self.assertEqual(found["verdict"], "corrupt")
        self.assertEqual(found["text"], f"is the snapshot of LSN {int(newest[:16], 16)}, which does not belong here")
        self.fresh(self.young)
        self.verify()
        shutil.copy(self.store / "snapshots" / newest, self.data / "snapshots" / newest)
        _, files = self.verify(EX_DATA)
        self.assertEqual(files[f"snapshots/{newest}"]["verdict"], "corrupt", "it is ahead of the log")

    def test_snapshots_that_are_missing(self):
        older, newest = self.snapshots
        (self.data / "snapshots" / older).unlink()
        self.verify()  # the newest is enough
        (self.data / "snapshots" / newest).unlink()
        _, files = self.verify(EX_DATA)
        self.assertEqual(files[f"snapshots/{newest}"]["verdict"], "missing")
        self.assertEqual(files[f"snapshots/{newest}"]["text"], "the control file knows this snapshot")
        self.assertEqual((files["snapshots"]["verdict"], files["snapshots"]["last_lsn"]),
                         ("missing", int(self.segments[0][:16], 16) - 1))
        self.assertEqual(files["snapshots"]["text"], "no snapshot holds what the log continues")

    def test_the_worst_is_the_exit_status(self):
        older, newest = (f"snapshots/{s}" for s in self.snapshots)
        for name, damages, status in (
            ("newer, corrupt", (lambda: self.newer(older), lambda: self.flip(newest, 40)), EX_DATA),
            ("corrupt, newer", (lambda: self.flip(older, 40), lambda: self.newer(newest)), EX_DATA),
            ("newer, unreadable", (lambda: self.newer(older), lambda: self.directory_instead(newest)), EX_CONFIG),
            ("unreadable, newer", (lambda: self.directory_instead(older), lambda: self.newer(newest)), EX_IO),
        ):
            with self.subTest(name):
                self.fresh()
                for damage in damages:
                    damage()
                self.verify(status)

    def test_a_store_in_use(self):
        walkv = self.instance(workers=1)
        walkv.start()
        walkv.set("a", "1")
        walkv.walkvd.signal(signal.SIGSTOP)  # so that nothing changes between the two forms
        try:
            self.data = walkv.data
            lines, files = self.verify()
            self.assertIn("a walkvd is running on it: the end of the log is in motion", lines[0])
            self.assertTrue(json.loads(run([WALKVCTL, "--json", "verify", walkv.data]).stdout)["in_use"])
            # Bytes of a batch at its end are not called torn.
            name = next(n for n in files if n.startswith("wal/"))
            self.patch(name, (walkv.data / name).read_bytes().rstrip(b"\0").__len__() // 512 * 512 + 512, b"WKVB")
            self.assertEqual({f["verdict"] for f in self.verify()[1].values()}, {"ok"})
        finally:
            walkv.kill_walkvd()


class Dump(VerifyTest):
    def dump(self, *options):
        done = run([WALKVCTL, "dump", *options, self.data])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_from(self):
        whole = self.dump()
        first, last = whole[0]["lsn"], whole[-1]["lsn"]
        self.assertEqual([e["lsn"] for e in whole], list(range(first, last + 1)))
        borders = [int(s[:16], 16) + step for s in self.segments[1:] for step in (-1, 0, 1)]
        for start in (0, 1, first, first + 1, *borders, last, last + 1, 1 << 63):
            with self.subTest(start=start):
                self.assertEqual(self.dump("--from", start), [e for e in whole if e["lsn"] >= start])

    def test_seals(self):
        """A segment ends with one; the last one was written by the clean stop."""
        sealed = [e for e in self.dump() if e.get("seal")]
        self.assertEqual([e["op"] for e in sealed], ["noop"] * len(self.segments))
        self.assertEqual([e["segment"] for e in sealed], self.segments)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([WALKVCTL, "dump", self.data], stdout=full, stderr=subprocess.PIPE, text=True,
                                  check=False, env=environment())
        self.assertEqual(done.returncode, EX_IO)
        self.assertEqual(done.stderr, "walkvctl: standard output cannot be written: No space left on device\n")


if __name__ == "__main__":
    main()
