# SPDX-License-Identifier: MIT
"""A disk that fails under walkvd: what was acknowledged is kept, what was not is never called done, and walkvd stops with
one sentence and status 74 rather than go on. And walkv-snapshot by itself.

A write fails here because its file may not be larger than the offset (RLIMIT_FSIZE of the running process). unit/ has
every file call failing in turn, on a disk in memory."""

import json
import random
import resource
import signal
import subprocess

from raw_frames import CHECKPOINT, CREATED, OK, OUTCOME_UNKNOWN, SET, UNAVAILABLE, Peer, frame, write
from walkv import EX_IO, EX_USAGE, WALKVD, SystemTest, environment, main, run, wait_until

SNAPSHOT = WALKVD.with_name("walkv-snapshot")
LIMIT_BYTES = 1 << 20


def survive_the_limit():
    """A write beyond it is an error, and not the end by SIGXFSZ. Inherited by what is run."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


class Failures(SystemTest):
    options = None

    def setUp(self):
        super().setUp()
        self.walkv = self.instance(walkvd={"wal_segment_size": "16MiB", "checkpoint_wal_size": 0})
        self.walkv.start_walkvd(preexec=survive_the_limit)
        self.peer = Peer(self.walkv.socket)
        self.addCleanup(self.peer.close)
        self.keys = {}
        text = random.Random(7)
        for n in range(30):
            self.keys[f"key{n}"] = '"' + text.randbytes(50000).hex() + '"'
            self.assertEqual(self.peer.set(f"key{n}", self.keys[f"key{n}"].encode())[0], CREATED)
        wait_until(self.is_witnessed, "the witness behind the last batch")

    def is_witnessed(self):
        """The empty batch that walkvd writes when it is idle."""
        done = self.walkv.ctl("status", "--json")
        return done.returncode == 0 and json.loads(done.stdout)["durable_lsn"] > json.loads(done.stdout)["applied_lsn"]

    def writes_fail(self, fail=True):
        """Those behind the first MiB of a file; the log is longer."""
        limit = LIMIT_BYTES if fail else resource.RLIM_INFINITY
        resource.prlimit(self.walkv.walkvd.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def assertStops(self, *lines):
        walkvd = self.walkv.walkvd
        self.assertEqual(walkvd.wait(), EX_IO, walkvd.log)
        errors = [line.partition(" error: ")[2] for line in walkvd.log.splitlines() if " error: " in line]
        self.assertEqual(errors, list(lines))
        self.assertIsNone(walkvd.seen("stopped cleanly"))
        self.assertTrue(self.peer.at_end())

    def assertKept(self, *unknown):
        """After another start, everything that was acknowledged, and perhaps what is unknown."""
        self.walkv.start_walkvd()
        self.walkv.start_httpd()
        for name, value in self.keys.items():
            answer = self.walkv.get(f"/api/kv/{name}")
            self.assertEqual(answer.text, f'{{"success":true,"key":"{name}","value":{value}}}')
        self.assertLessEqual(set(self.walkv.contents()[0]), set(self.keys) | set(unknown))

    def test_a_write_of_the_log(self):
        """The whole batch is of unknown outcome."""
        self.writes_fail()
        self.peer.send(*(write(SET, f"lost{n}", b"1", id=n) for n in range(3)))
        answers = [self.peer.result()[:2] for _ in range(3)]
        self.assertEqual(answers, [(n, OUTCOME_UNKNOWN) for n in range(3)])
        self.assertStops("the log cannot be written: File too large; stopping, nothing of this batch was acknowledged")
        self.assertKept("lost0", "lost1", "lost2")

    def test_a_write_while_nobody_waits(self):
        """The witness. On a slow machine it may have been written before the disk fails: then once more."""
        for _ in range(100):
            self.assertEqual(self.peer.set("key0", self.keys["key0"].encode())[0], OK)
            self.writes_fail()
            wait_until(lambda: not self.walkv.walkvd.running() or self.is_witnessed(), "the witness or the end")
            if not self.walkv.walkvd.running():
                break
            self.writes_fail(False)
        self.assertStops("the store cannot be written: File too large; stopping")
        self.assertKept()

    def test_the_last_write_of_a_clean_stop(self):
        self.writes_fail()
        self.walkv.walkvd.signal(signal.SIGTERM)
        self.assertStops("the log cannot be closed cleanly: File too large")
        self.assertKept()

    def test_a_snapshot(self):
        """That is no reason to stop: the log has everything."""
        self.writes_fail()
        self.peer.send(frame(CHECKPOINT))
        code, _, sentence = self.peer.checkpoint_reply()
        self.assertEqual((code, sentence), (UNAVAILABLE, f"walkv-snapshot exited with status {EX_IO}"))
        self.assertIsNotNone(self.walkv.walkvd.wait_for_line(r"walkv-snapshot\[\d+\] error: .*\.tmp: File too large$"))
        self.assertEqual(list((self.walkv.data / "snapshots").iterdir()), [])
        self.assertTrue(self.peer.status())
        self.writes_fail(False)
        self.assertEqual(self.peer.set("key0", self.keys["key0"].encode())[0], OK)
        self.peer.send(frame(CHECKPOINT))
        self.assertEqual(self.peer.checkpoint_reply()[0], OK)
        self.walkv.stop_walkvd()
        self.assertKept()


class SnapshotProgram(SystemTest):
    options = None

    def test_usage(self):
        done = run([SNAPSHOT, "--version"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\Awalkv-snapshot \d+\.\d+\.\d+\n\Z")
        done = run([SNAPSHOT, "--help"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("usage: walkv-snapshot VIEW_PATH FILE", done.stdout)
        for arguments in ((), ("view",), ("--x",), ("--help", "view", "file"), ("view", "file", "more")):
            done = run([SNAPSHOT, *arguments])
            self.assertEqual((done.returncode, done.stdout), (EX_USAGE, ""))
            self.assertIn("usage: walkv-snapshot VIEW_PATH FILE", done.stderr)

    def test_by_hand(self):
        walkv = self.instance()
        walkv.start_walkvd()
        with Peer(walkv.socket) as peer:
            lsn = peer.set("a")[1]
        file = walkv.dir / "by-hand"
        done = run([SNAPSHOT, walkv.view, file])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, f"{lsn} {file.stat().st_size}\n")
        for name, view, target, word in (("no view", walkv.dir / "none", file, "Resource temporarily unavailable"),
                                         ("no directory", walkv.view, walkv.dir / "none" / "f", "No such file"),
                                         ("a directory", walkv.view, walkv.dir, "File exists")):
            with self.subTest(name):
                done = run([SNAPSHOT, view, target])
                self.assertEqual((done.returncode, done.stdout), (EX_IO, ""))
                self.assertIn(f"error: {target}: {word}", done.stderr)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([SNAPSHOT, walkv.view, walkv.dir / "unsaid"], stdout=full, stderr=subprocess.PIPE,
                                  check=False, env=environment())
        self.assertEqual((done.returncode, done.stderr), (EX_IO, b""), "walkvd would not know")
        walkv.stop_walkvd()


if __name__ == "__main__":
    main()
