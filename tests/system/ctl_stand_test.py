# SPDX-License-Identifier: MIT
"""walkvctl against a stand in the place of walkvd: what it does with answers that walkvd does not give, or gives only on
a bad day. One sentence, the right status, nothing on standard output that could be taken for a result."""

import contextlib
import os
import pty
import subprocess
import tempfile
from pathlib import Path

from raw_frames import (CHECKPOINT, CHECKPOINT_REPLY, GREETING, HEADER, INVALID, OUTCOME_UNKNOWN, PROTOCOL, RESULT,
                    STATUS_REPLY, STORAGE_FULL, UNAVAILABLE, WRITE, Stand, checkpoint_reply, frame, greeting, result)
from walkv import EX_IO, EX_UNAVAILABLE, EX_USAGE, PATIENCE_S, WALKVCTL, SystemTest, environment, main, run

EX_CANTCREAT, EX_PROTOCOL = 73, 76


class StandTest(SystemTest):
    options = None

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="walkv-test-")
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)
        self.socket = self.dir / "walkvd.sock"

    def ctl(self, *arguments, serve=lambda stream: None, welcome=None, **options):
        """Runs walkvctl against a walkvd that does what `serve` says."""
        with Stand(self.socket, serve, welcome):
            return run([WALKVCTL, "--socket", self.socket, *arguments], **options)

    def assertFails(self, done, status, *words):
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def commands(self):
        source = self.dir / "source"
        source.write_text('{"a":1}')
        return ("status",), ("checkpoint",), ("export",), ("import", source)


class Greetings(StandTest):
    def test_what_is_none(self):
        good = greeting()
        for name, welcome, status, word in (
            ("another protocol", greeting(protocol=PROTOCOL + 1), EX_PROTOCOL,
             f"speaks protocol {PROTOCOL + 1}, this walkvctl {PROTOCOL}"),
            ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", EX_PROTOCOL, "does not understand"),
            ("another frame", frame(STATUS_REPLY), EX_PROTOCOL, "does not understand"),
            ("a short one", frame(GREETING, good[HEADER.size:-1]), EX_PROTOCOL, "greeting of walkvd cannot be read"),
            ("a long one", frame(GREETING, good[HEADER.size:] + b"\0"), EX_PROTOCOL, "greeting of walkvd cannot be read"),
            ("half of one", good[:-1], EX_UNAVAILABLE, "closed the connection"),
            ("nothing", b"", EX_UNAVAILABLE, "closed the connection"),
        ):
            for command in self.commands():
                with self.subTest(name, command=command[0]):
                    self.assertFails(self.ctl(*command, welcome=welcome), status, word)

    def test_a_path_that_is_too_long(self):
        done = run([WALKVCTL, "--socket", "/" + "x" * 200, "status"])
        self.assertFails(done, EX_USAGE, "too long")


class Answers(StandTest):
    def answers(self, *frames):
        def serve(stream):
            stream.receive()
            stream.send(*frames)

        return serve

    def test_what_is_none(self):
        for name, frames, status, word in (
            ("the end", (), EX_UNAVAILABLE, "closed the connection"),
            ("another type", (frame(99),), EX_PROTOCOL, "does not understand"),
            ("no frame", (b"\0" * 32,), EX_PROTOCOL, "does not understand"),
        ):
            for command in self.commands()[:2] + self.commands()[3:]:  # an export asks no more
                with self.subTest(name, command=command[0]):
                    self.assertFails(self.ctl(*command, serve=self.answers(*frames)), status, word)

    def test_bodies_that_cannot_be_read(self):
        for command, kind, word in ((self.commands()[0], STATUS_REPLY, "status of walkvd cannot be read"),
                                    (self.commands()[1], CHECKPOINT_REPLY, "answer of walkvd cannot be read"),
                                    (self.commands()[3], RESULT, "answer of walkvd cannot be read")):
            for body in (b"", b"\0" * 7, b"\xff" * 4096):
                with self.subTest(command=command[0], bytes=len(body)):
                    self.assertFails(self.ctl(*command, serve=self.answers(frame(kind, body))), EX_PROTOCOL, word)

    def test_checkpoint(self):
        def serve(reply):
            def answer(stream):
                self.assertEqual(stream.receive()[0], CHECKPOINT)
                stream.send(reply)

            return answer

        done = self.ctl("checkpoint", serve=serve(checkpoint_reply(lsn=7)))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "checkpoint of LSN 7 is done\n", ""))
        done = self.ctl("--json", "checkpoint", serve=serve(checkpoint_reply(lsn=7)))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, '{"checkpoint_lsn":7}\n', ""))
        done = self.ctl("checkpoint", serve=serve(checkpoint_reply(UNAVAILABLE, 0, "no room on the disk")))
        self.assertFails(done, EX_IO, "walkvctl: no checkpoint: no room on the disk")


class Imports(StandTest):
    """A walkvd that refuses, or goes away, in the middle."""

    def lines(self, count):
        source = self.dir / "lines"
        source.write_text("".join(f'{{"key":"k{n}","value":{n}}}\n' for n in range(count)))
        return source

    def test_refused(self):
        for code, status, word in ((STORAGE_FULL, EX_CANTCREAT, "storage_full"),
                                   (UNAVAILABLE, EX_UNAVAILABLE, "unavailable"),
                                   (OUTCOME_UNKNOWN, EX_UNAVAILABLE, "outcome_unknown"),
                                   (INVALID, EX_UNAVAILABLE, "invalid")):
            for before in (0, 3, 1000):
                def serve(stream):
                    for _ in range(before):
                        stream.expect(WRITE)
                        stream.send(result())
                    stream.expect(WRITE)
                    stream.send(result(code))
                    stream.receive()  # until it goes

                with self.subTest(word, before=before):
                    self.assertFails(self.ctl("import", self.lines(1200), serve=serve), status,
                                     f"refused an operation: {word}; about {before} operations were done before")

    def test_walkvd_goes_away(self):
        """While answers are awaited, and while more is sent than it takes."""
        def after_some(stream):
            for _ in range(700):
                stream.expect(WRITE)
                stream.send(result())

        def at_once(stream):
            stream.expect(WRITE)

        for name, serve in (("after some", after_some), ("at once", at_once)):
            with self.subTest(name):
                self.assertFails(self.ctl("import", self.lines(20000), serve=serve), EX_UNAVAILABLE, "connection")
        large = self.dir / "large"
        large.write_text('{"a":"' + "x" * 900000 + '","b":"' + "x" * 900000 + '","c":1}')
        self.assertFails(self.ctl("import", large, serve=lambda stream: None), EX_UNAVAILABLE, "connection to walkvd broke")

    def test_no_more_in_flight_than_agreed(self):
        """A window of 2048 requests: walkvd is never flooded, and not asked one at a time either."""
        most = []

        def serve(stream):
            stream.socket.settimeout(0.3)
            pending = 0
            while True:
                try:
                    stream.expect(WRITE)
                    pending += 1
                except TimeoutError:  # it waits for answers
                    most.append(pending)
                    stream.send(*[result()] * pending)
                    pending = 0

        done = self.ctl("--quiet", "import", self.lines(6000), serve=serve)
        self.assertEqual((done.returncode, done.stderr), (0, "walkvctl: 6000 operations done\n"))
        self.assertLessEqual(max(most), 2048)
        self.assertGreater(max(most), 100)


class Progress(StandTest):
    """On a terminal a line that is written over, four times a second at most; elsewhere, nothing of that for a while."""

    def slowly(self, stream):
        """Answers when it has been asked for nothing more for so long that progress is due."""
        due = 0
        stream.socket.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            while True:
                stream.expect(WRITE)
                due += 1
        stream.socket.settimeout(PATIENCE_S)
        stream.send(*[result()] * due)
        while True:
            stream.expect(WRITE)
            stream.send(result())

    def import_on(self, terminal, *options):
        source = self.dir / "lines"
        source.write_text("".join(f'{{"key":"k{n}","value":{n}}}\n' for n in range(3000)))
        argv = [str(WALKVCTL), "--socket", str(self.socket), *options, "import", str(source)]
        with Stand(self.socket, self.slowly):
            if not terminal:
                done = run(argv)
                return done.returncode, done.stderr
            ours, theirs = pty.openpty()
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs,
                                       env=environment())
            os.close(theirs)
            shown = bytearray()
            try:
                while data := os.read(ours, 4096):
                    shown += data
            except OSError:  # what the end of a terminal looks like
                pass
            os.close(ours)
            return process.wait(60), shown.decode()

    def test_on_a_terminal(self):
        status, shown = self.import_on(terminal=True)
        self.assertEqual(status, 0, shown)
        self.assertRegex(shown, r"\A(\rimporting: \d+ of \d+ \(\d+%\) bytes, \d+ per second +)+"
                                r"\r\x1b\[Kwalkvctl: 3000 operations done\r\n\Z")

    def test_quiet(self):
        self.assertEqual(self.import_on(True, "--quiet"), (0, "walkvctl: 3000 operations done\r\n"))

    def test_in_a_file(self):
        self.assertEqual(self.import_on(False), (0, "walkvctl: 3000 operations done\n"))


if __name__ == "__main__":
    main()
