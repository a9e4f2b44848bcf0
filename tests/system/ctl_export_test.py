# SPDX-License-Identifier: MIT
"""walkvctl export: everything that is there, in both shapes, in pieces; what changes meanwhile is said; and a reader or a
view that goes away ends it. ctl_test.py has the way there and back through import."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from raw_frames import Stand, greeting
from walkv import EX_IO, EX_UNAVAILABLE, WALKVCTL, SystemTest, environment, main, run

EX_NOPERM = 77


class ExportTest(SystemTest):
    options = None

    def setUp(self):
        super().setUp()
        self.walkv = self.instance(workers=1).start()

    @staticmethod
    def key(n):
        """The later ones are longer."""
        return f"k{n:06}{'+' * (n >= 1500)}"

    def fill(self, count, value):
        """Keys and items in their order, `value` bytes each."""
        source = self.walkv.dir / "source"
        source.write_text("".join(f'{{"key":"{self.key(n)}","value":"{"x" * value}"}}\n'
                                  f'{{"queue":"q","value":"{n:0{value}}"}}\n' for n in range(count)))
        self.assertEqual(self.walkv.ctl("import", source).returncode, 0)

    def exported(self, *options):
        done = self.walkv.ctl("export", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout


class Whole(ExportTest):
    def test_nothing(self):
        self.assertEqual(self.exported(), '{\n"queues":{}\n}\n')
        self.assertEqual(self.exported("--lines"), "")

    def test_queues_alone(self):
        self.walkv.enqueue("full", "1")
        self.walkv.enqueue("empty", "1")
        self.walkv.request("POST", "/api/queue/empty/dequeue")
        self.assertEqual(self.exported(), '{\n"queues":{\n"empty":[],\n"full":[1]}\n}\n')
        self.assertEqual(self.exported("--lines"), '{"queue":"empty"}\n{"queue":"full","value":1}\n')

    def test_names_like_the_one_that_has_no_place(self):
        for key in ("queue", "queuet", "queues2", "Queues"):
            self.walkv.set(key, "1")
        self.assertEqual(set(json.loads(self.exported())), {"queue", "queuet", "queues2", "Queues", "queues"})

    def test_long_names(self):
        names = ["\u0001" * 500, "é" * 250, '"' * 500]
        for name in names:
            self.walkv.set(name, "1")
            self.walkv.enqueue(name, "2")
        document = json.loads(self.exported())
        self.assertEqual(document.pop("queues"), {name: [2] for name in names})
        self.assertEqual(document, {name: 1 for name in names})

    def test_in_pieces(self):
        """A piece is 1000 entries, or 256 KiB; here are both kinds, and every border of the first."""
        for count, value in ((999, 1), (1000, 1), (1001, 1), (2500, 200), (600, 4000)):
            with self.subTest(count=count, value=value):
                self.fill(count, value)
                document = json.loads(self.exported())
                queues = document.pop("queues")
                self.assertEqual(list(document), [self.key(n) for n in range(max(count, len(document)))])
                self.assertEqual([int(item) for item in queues["q"]], list(range(count)))
                self.assertEqual(len(self.exported("--lines").splitlines()), len(document) + count)
                self.walkv.request("DELETE", "/api/queue/q")


class Meanwhile(ExportTest):
    """The export waits for its reader, who waits for the test."""

    def start(self, *options):
        process = subprocess.Popen([WALKVCTL, "--socket", self.walkv.socket, "export", *options], env=environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        process.first = process.stdout.read(1)  # now it is in the middle of its first piece
        return process

    def test_what_was_written_during_it(self):
        """The key that ended a piece goes away before the next one is read."""
        self.fill(3000, 300)
        process = self.start("--lines")
        with self.walkv.connect() as c:
            for n in range(300, 1500):
                self.assertEqual(c.request("DELETE", f"/api/kv/{self.key(n)}").status, 200)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        keys = [line["key"] for line in map(json.loads, (process.first + out).splitlines()) if "key" in line]
        left = [self.key(n) for n in (*range(300), *range(1500, 3000))]
        self.assertEqual(keys, sorted(set(keys)), "each once, in their order")
        self.assertLessEqual(set(left), set(keys))
        self.assertLess(len(keys), 3000)
        said = re.sub(r"(?m)^exporting: .*\n", "", err.decode())  # on a slow machine
        self.assertRegex(said, r"\Awalkvctl: the store was written to during the export \(LSN \d+ to \d+\): "
                         "each piece is of one moment, the whole is not\n\\Z")

    def test_walkvd_starts_again_during_it(self):
        """From the new view it goes on where it was in the old one."""
        self.fill(3000, 300)
        process = self.start("--lines")
        self.walkv.restart_walkvd(cold_start=True)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (0, b""))
        lines = [json.loads(line) for line in (process.first + out).splitlines()]
        self.assertEqual([line["key"] for line in lines if "key" in line], [self.key(n) for n in range(3000)])
        self.assertEqual([int(line["value"]) for line in lines if "queue" in line], list(range(3000)))

    def test_the_view_goes_away_during_it(self):
        self.fill(3000, 300)
        process = self.start("--lines")
        self.walkv.restart_walkvd(cold_start=True)
        self.walkv.kill_walkvd()
        self.walkv.view.unlink()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, EX_UNAVAILABLE, err)
        self.assertIn(b"the view cannot be read", err)

    def test_the_reader_goes_away(self):
        self.fill(3000, 300)
        process = self.start("--lines")
        process.stdout.close()
        self.assertEqual(process.wait(60), -signal.SIGPIPE)
        process.stdout = None

    def test_output_that_cannot_be_written(self):
        self.fill(3000, 300)
        for options in ((), ("--lines",)):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([WALKVCTL, "--socket", self.walkv.socket, "export", *options], stdout=full,
                                      stderr=subprocess.PIPE, text=True, check=False, env=environment())
            self.assertEqual(done.returncode, EX_IO, done.stderr)
            self.assertEqual(done.stderr, "walkvctl: standard output cannot be written: No space left on device\n")


class Views(SystemTest):
    """What the greeting says of the view is not there, or not for us."""

    options = None

    def test_no_view(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "s")
            with Stand(path, lambda stream: None, greeting(view_path=f"{directory}/view")):
                done = run([WALKVCTL, "--socket", path, "export"])
        self.assertEqual((done.returncode, done.stdout), (EX_UNAVAILABLE, ""), done.stderr)
        self.assertIn(f"view {directory}/view cannot be read", done.stderr)

    def test_no_right_to_it(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("needs root and setpriv, to be somebody else")
        walkv = self.instance(workers=1).start()
        walkv.set("a", "1")
        walkv.dir.chmod(0o777)
        walkv.socket.chmod(0o777)
        shutil.copy(WALKVCTL, walkv.dir / "walkvctl")
        done = run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", walkv.dir / "walkvctl",
                    "--socket", walkv.socket, "export"])
        self.assertEqual((done.returncode, done.stdout), (EX_NOPERM, ""), done.stderr)
        self.assertIn(f"view {walkv.view} cannot be read: Permission denied", done.stderr)


if __name__ == "__main__":
    main()
