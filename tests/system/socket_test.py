# SPDX-License-Identifier: MIT
"""walkvd's Unix socket: what is no frame ends its connection and nothing else, requests are answered in their order
however many there are, nobody is starved or held up by another, and limits hold. Also the checkpoints that peers ask
for, and the places where no socket can be made."""

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
from pathlib import Path

from raw_frames import (CHANGED, CHECKPOINT, CHECKPOINT_REPLY, CLEAR, CREATED, DELETE, DEPART, DEQUEUE, ENQUEUE, EXPIRE,
                        GREETING, HEADER, HELLO, MAGIC, NOOP, OK, PRECONDITION_FAILED, PROTOCOL, REFUSE, RESULT, SET,
                        STATUS, STATUS_REPLY, STORAGE_FULL, UNAVAILABLE, WATCH, WORKER, WRITE, WRITE_HEAD, Peer, frame,
                        hello, watch, write)
from walkv import EX_CONFIG, EX_IO, EX_UNAVAILABLE, WALKVD, SystemTest, main, run, wait_until


class SocketTest(SystemTest):
    """Each test has a walkvd of its own, without workers, and at its end walkvd still stops cleanly."""

    options = None
    flags = {}

    def setUp(self):
        super().setUp()
        self.walkv = self.instance(walkvd=self.flags)
        self.walkv.start_walkvd()

    def tearDown(self):
        if self.walkv.walkvd.running():
            self.walkv.stop_walkvd()
        super().tearDown()

    def peer(self, **options):
        one = Peer(self.walkv.socket, **options)
        self.addCleanup(one.close)
        return one

    def status(self, name):
        done = self.walkv.ctl("status", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)[name]

    @contextlib.contextmanager
    def paused(self):
        """walkvd does nothing meanwhile, so that what is sent arrives all at once."""
        stat = Path("/proc", str(self.walkv.walkvd.pid), "stat")
        self.walkv.walkvd.signal(signal.SIGSTOP)
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "walkvd to be stopped")
        try:
            yield
        finally:
            self.walkv.walkvd.signal(signal.SIGCONT)


class Frames(SocketTest):
    flags = {"max_value_size": "1KiB", "connection_bytes_in_flight": "64KiB"}

    def assertEnds(self, name, peer, *sent):
        with self.subTest(name):
            peer.send(*sent)
            self.assertTrue(peer.at_end())

    def test_what_is_no_greeting(self):
        body = hello()[HEADER.size:]
        for name, sent in (("HTTP", b"GET / HTTP/1.1\r\nHost: walkvd\r\n\r\n"),
                           ("another magic", frame(1, body, magic=MAGIC + 1)),
                           ("something where 0 must be", frame(1, body, zero=1)),
                           ("a frame too long", frame(1, body, length=1 << 31)),
                           ("a short one", frame(1, body[:-1])),
                           ("a long one", frame(1, body + b"\0")),
                           ("no role", hello(role=0)),
                           ("an unknown role", hello(role=3)),
                           ("a session number too large", hello(session=1 << 32)),
                           ("something sent in no session", hello(sent=1)),
                           ("a request", write(SET, "a", b"1")),
                           ("a question", frame(STATUS)),
                           ("a question that holds a greeting", frame(STATUS, body)),
                           ("an answer", frame(RESULT))):
            self.assertEnds(name, self.peer(greet=False), sent)
        self.assertTrue(self.peer().status())

    def test_a_frame_that_can_never_be_whole(self):
        """It says that it is longer than what may be in flight, so reading would stop before its end."""
        peer = self.peer()
        with self.assertRaises(ConnectionError):
            peer.send(write(SET, "a", b'"' + b"x" * (128 << 10) + b'"'))
            peer.result()
        self.assertTrue(self.peer().status())

    def test_what_is_no_request(self):
        good = write(SET, "a", b"1")[HEADER.size:]

        def changed(offset, value):
            return frame(WRITE, good[:offset] + value + good[offset + len(value):])

        for name, sent in (("a second greeting", hello()),
                           ("an unknown type", frame(99)),
                           ("a type of the answers", frame(STATUS_REPLY)),
                           ("no magic", b"\0" * 64),
                           ("no operation", write(NOOP, "a")),
                           *((f"operation {op}, which is none of a peer", write(op, "a")) for op in range(7, 256, 31)),
                           *((f"operation {op}, which is the log's own", write(op, "a", key=b"k"))
                             for op in (REFUSE, EXPIRE, DEPART)),
                           ("an unknown condition", write(SET, "a", b"1", condition=6)),
                           ("a condition that a queue has not", write(CLEAR, "a", condition=1)),
                           ("a set without a value", write(SET, "a")),
                           ("a delete with a value", write(DELETE, "a", b"1")),
                           ("no name", write(SET, "", b"1")),
                           ("a name too long", write(SET, "a" * 501, b"1")),
                           ("a name that is not UTF-8", write(SET, b"\xff", b"1")),
                           ("a name with NUL", write(SET, "a\0b", b"1")),
                           ("more name than there is", changed(2, struct.pack("<H", 500))),
                           ("more value than there is", changed(4, struct.pack("<I", 2))),
                           ("less value than there is", changed(4, struct.pack("<I", 0))),
                           ("more idempotency key than there is", changed(8, b"\1")),
                           ("an idempotency key that is not counted", frame(WRITE, good + bytes(16) + b"k")),
                           ("half a fingerprint", frame(WRITE, good[:8] + b"\1" + good[9:] + bytes(9))),
                           ("an idempotency key too long", write(SET, "a", b"1", key=b"k" * 256)),
                           ("an idempotency key with a space", write(SET, "a", b"1", key=b"a b")),
                           ("an idempotency key that is not ASCII", write(SET, "a", b"1", key=b"\xc3\xa4")),
                           ("something where 0 must be", changed(12, b"\1")),
                           ("a sequence without a session", write(SET, "a", b"1", sequence=1)),
                           ("confirmed without a session", write(SET, "a", b"1", confirmed=1)),
                           ("confirmed what comes", write(SET, "a", b"1", sequence=2, confirmed=2)),
                           ("half a head", frame(WRITE, good[: WRITE_HEAD.size - 1])),
                           ("a question for the status with more", frame(STATUS, b"x")),
                           ("a checkpoint with more", frame(CHECKPOINT, b"x")),
                           ("a watch of nothing", frame(WATCH)),
                           ("a watch with more", frame(WATCH, bytes(9))),
                           ("what only walkvd says", frame(CHANGED, bytes(8))),
                           ("a value over the limit", write(SET, "a", b"1" * 1025))):
            self.assertEnds(name, self.peer(), sent)
        peer = self.peer()
        self.assertEqual(peer.set("a", b"1" * 1024)[0], CREATED, "nothing of all that was done")

    def test_another_protocol_is_told_which_one_is_spoken(self):
        peer = self.peer(greet=False)
        peer.send(hello(protocol=PROTOCOL + 1), write(SET, "a", b"1"))
        _, body = peer.expect(GREETING)
        self.assertEqual(struct.unpack("<I", body[:4]), (PROTOCOL,))
        self.assertTrue(peer.at_end())
        self.assertEqual(self.peer().set("a")[0], CREATED)

    def test_a_peer_of_before_sessions_is_told_so(self):
        """Its greeting has 24 bytes, of which only the number of the protocol counts."""
        peer = self.peer(greet=False)
        peer.send(frame(HELLO, struct.pack("<IIQQ", 1, WORKER, 0, os.getpid())))
        _, body = peer.expect(GREETING)
        self.assertEqual(struct.unpack("<I", body[:4]), (PROTOCOL,))
        self.assertTrue(peer.at_end())

    def test_what_came_before_a_bad_frame_is_done_and_not_answered(self):
        peer = self.peer()
        with self.paused():
            peer.send(write(SET, "before", b"1"), b"\0" * 64, write(SET, "behind", b"1"))
        self.assertTrue(peer.at_end())
        other = self.peer()
        other.send(write(SET, "before", b"2", condition=2), write(SET, "behind", b"2", condition=2))  # if absent
        self.assertEqual([other.result()[1] for _ in range(2)], [PRECONDITION_FAILED, CREATED])

    def test_a_request_in_single_bytes(self):
        peer = self.peer(greet=False)
        for byte in hello() + write(SET, "a", b"[1]", id=9):
            peer.send(bytes([byte]))
        peer.expect(GREETING)
        self.assertEqual(peer.result()[:2], (9, CREATED))

    def test_a_peer_that_goes_away_in_the_middle_of_a_frame(self):
        peer = self.peer(role=WORKER)
        self.assertEqual(self.status("workers"), 1)
        peer.send(write(SET, "a", b"12345")[:-1])
        peer.close()
        wait_until(lambda: self.status("workers") == 0, "walkvd to let go of it")
        self.assertEqual(self.peer().set("a")[0], CREATED)


class Watch(SocketTest):
    def changed(self, peer):
        id, body = peer.expect(CHANGED)
        return id, struct.unpack("<Q", body)[0]

    def test_it_is_told_once_when_more_has_been_published(self):
        peer, other = self.peer(role=WORKER), self.peer()
        _, lsn = other.set("a")
        peer.send(watch(lsn - 1, id=5))
        self.assertEqual(self.changed(peer), (5, lsn), "at once")
        peer.send(watch(lsn, id=6))
        peer.send(frame(STATUS, id=7))
        self.assertEqual(peer.expect(STATUS_REPLY)[0], 7, "and nothing before")
        _, second = other.set("b")
        self.assertEqual(self.changed(peer), (6, second))
        other.set("c")
        peer.send(frame(STATUS, id=8))
        self.assertEqual(peer.expect(STATUS_REPLY)[0], 8, "once")

    def test_one_takes_the_place_of_the_other(self):
        peer, other = self.peer(), self.peer()
        _, lsn = other.set("a")
        peer.send(watch(lsn, id=1), watch(lsn + 1, id=2), frame(STATUS))
        peer.expect(STATUS_REPLY)
        other.set("b")
        other.set("c")
        self.assertEqual(self.changed(peer), (2, lsn + 2))

    def test_its_own_writes_count_and_are_answered_first(self):
        peer = self.peer()
        peer.send(watch(1 << 63, id=1), watch(0, id=2), write(SET, "a", b"1", id=3))
        self.assertEqual(peer.result()[:2], (3, CREATED))
        self.assertEqual(self.changed(peer)[0], 2)

    def test_one_that_goes_away_while_it_watches(self):
        peer = self.peer()
        peer.send(watch(1 << 62))
        peer.close()
        other = self.peer()
        _, lsn = other.set("a")
        other.send(watch(lsn - 1, id=1))
        self.assertEqual(self.changed(other), (1, lsn))


class GivenBack(SocketTest):
    """What stands behind more dequeues than one batch takes is given back, and happens once, in its place."""

    def test_every_frame_is_answered_once(self):
        peer, count = self.peer(role=WORKER, session=5), 20
        for n in range(count):
            peer.send(write(ENQUEUE, "q", b'"%04d%s"' % (n, b"v" * 1_000_000), id=n, sequence=n + 1))
            peer.result()
        with self.paused():
            # Each confirms what was answered, and the last one more than that: it gives the others up.
            peer.send(b"".join(write(DEQUEUE, "q", id=100 + n, sequence=count + 1 + n, confirmed=count) for n in range(count)),
                      frame(STATUS, id=200), watch(0, id=201), frame(CHECKPOINT, id=202),
                      write(SET, "behind", b"1", id=203, sequence=3 * count, confirmed=2 * count))
        seen, last = [], 0
        while len(seen) < count + 4:
            kind, id, body = peer.receive()
            seen.append((kind, id))
            if kind == RESULT and id < 200:
                self.assertEqual(body[32:38], b'"%04dv' % (id - 100))
                last = struct.unpack("<Q", body[8:16])[0]
            elif kind == CHECKPOINT_REPLY:
                self.assertGreaterEqual(struct.unpack("<HQ", body[:10])[1], last, "it holds what came before")
        self.assertEqual([id for kind, id in seen if kind in (RESULT, STATUS_REPLY)], [*range(100, 100 + count), 200, 203])
        self.assertEqual([seen.count(one) for one in ((CHANGED, 201), (CHECKPOINT_REPLY, 202))], [1, 1])
        peer.send(frame(STATUS, id=300))
        self.assertEqual(peer.expect(STATUS_REPLY)[0], 300, "and nothing more comes")


class Order(SocketTest):
    def requests(self, queue, count):
        return b"".join(write(ENQUEUE, queue, b"%d" % n, id=n) for n in range(count))

    def test_questions_and_writes_are_answered_in_order(self):
        peer = self.peer()
        peer.send(b"".join(write(SET, "a", b"1", id=n) if n % 3 else frame(STATUS, id=n) for n in range(3000)))
        for n in range(3000):
            kind, id, _ = peer.receive()
            self.assertEqual((kind, id), (RESULT if n % 3 else STATUS_REPLY, n))

    def test_a_full_batch_starves_nobody(self):
        """A batch takes 1024 requests, 256 of one peer. What is left over has to be first in the next one."""
        peers = [self.peer() for _ in range(8)]
        with self.paused():
            for number, peer in enumerate(peers):
                peer.send(self.requests(f"queue{number}", 600))
        firsts = []
        for peer in peers:
            answers = [peer.result() for _ in range(600)]
            self.assertEqual([id for id, _, _ in answers], list(range(600)))
            lsns = [lsn for _, _, lsn in answers]
            self.assertEqual(lsns, sorted(set(lsns)))
            firsts.append(lsns[0])
        self.assertLess(max(firsts) - min(firsts), 2 * 1024)
        self.assertEqual(self.status("items"), 8 * 600)

    def test_more_bytes_than_one_batch_takes(self):
        """8 MiB; so much at once takes many peers, since one is read 256 KiB at a time."""
        peers = [self.peer() for _ in range(64)]
        value = b'"' + b"x" * 70000 + b'"'
        for peer in peers:  # the event loop has to see many at once before it asks for as many
            self.assertIn(peer.set("warm")[0], (OK, CREATED))
        for turn in range(2):
            batches = self.status("batches")
            with self.paused():
                for number, peer in enumerate(peers):
                    peer.send(write(SET, f"{turn}{number}a", value), write(SET, f"{turn}{number}b", value))
            for peer in peers:
                self.assertEqual([peer.result()[1] for _ in range(2)], [CREATED] * 2)
            self.assertGreaterEqual(self.status("batches") - batches, 2)
        self.assertEqual(self.status("keys"), 1 + 2 * 128)

    def test_a_checkpoint_holds_what_the_peer_wrote_before(self):
        peer = self.peer()
        peer.send(write(SET, "a", b"1", id=1), frame(CHECKPOINT, id=2))
        kind, id, _ = peer.receive()
        self.assertEqual((kind, id), (RESULT, 1))
        self.assertEqual(peer.checkpoint_reply()[0], OK)
        lsn = peer.set("b")[1]
        peer.send(write(SET, "c", b"1", id=3), frame(CHECKPOINT, id=4))
        written = peer.result()[2]
        code, saved, _ = peer.checkpoint_reply()
        self.assertEqual(code, OK)
        self.assertGreaterEqual(saved, written)
        self.assertGreater(written, lsn)


class Large(SocketTest):
    flags = {"max_value_size": "16MiB", "connection_bytes_in_flight": "32MiB"}

    def test_a_request_that_is_larger_than_a_batch(self):
        """It goes alone, and what came with it comes next."""
        peer = self.peer()
        value = b'"' + b"x" * (9 << 20) + b'"'
        for n in range(3):
            peer.send(write(SET, f"large{n}", value, id=1), write(SET, f"small{n}", b"1", id=2))
            self.assertEqual([peer.result()[:2] for _ in range(2)], [(1, CREATED), (2, CREATED)])
        self.assertEqual(self.status("key_bytes"), 3 * (len(value) + 1 + 2 * len("large0")))


class Limits(SocketTest):
    flags = {"max_connections": 3, "max_value_size": "64KiB", "connection_bytes_in_flight": "64KiB"}

    def test_max_connections(self):
        peers = [self.peer() for _ in range(3)]
        fourth = self.peer(greet=False)
        self.assertTrue(fourth.at_end())
        self.walkv.walkvd.wait_for_line("warning: a connection was refused: max_connections is 3")
        for peer in peers:
            self.assertTrue(peer.status())
        peers[1].close()

        def accepted():
            with Peer(self.walkv.socket, greet=False) as peer:
                try:
                    peer.send(hello())
                    return peer.expect(GREETING)
                except ConnectionError:
                    return None

        wait_until(accepted, "room for another connection")
        self.assertTrue(peers[0].status() and peers[2].status())

    def test_a_peer_that_does_not_read_its_answers(self):
        """walkvd stops reading from it, goes on with the others, and forgets nothing."""
        greedy, other = self.peer(), self.peer()
        greedy.socket.setblocking(False)
        sent = bytearray()
        waiting = b""
        stuck = 0
        while stuck < 50:
            waiting = waiting or frame(STATUS, id=len(sent) // HEADER.size)
            try:
                count = greedy.socket.send(waiting)
                sent += waiting[:count]
                waiting = waiting[count:]
                stuck = 0
                self.assertLess(len(sent), 64 << 20, "it is read from without an end")
            except BlockingIOError:
                stuck += 1
                self.assertEqual(other.set("a")[0] in (OK, CREATED), True)
        greedy.socket.setblocking(True)
        whole = len(sent) // HEADER.size
        self.assertGreater(whole, 100)
        for n in range(whole):
            self.assertEqual(greedy.expect(STATUS_REPLY)[0], n)
        greedy.send(waiting)
        self.assertTrue(greedy.status() if not waiting else greedy.expect(STATUS_REPLY))

    def test_a_peer_that_goes_away_with_answers_unread(self):
        other = self.peer()
        for _ in range(5):
            gone = self.peer(role=WORKER)
            with self.paused():
                gone.send(b"".join(frame(STATUS, id=n) for n in range(2000)))
                gone.close()
            wait_until(lambda: self.status("workers") == 0, "walkvd to let go of it")
            self.assertTrue(other.status())

    def test_values_that_wait_for_each_other(self):
        """More than is kept for one connection: read in pieces, all of it done, in order."""
        peer = self.peer()
        value = b'"' + b"x" * 60000 + b'"'
        for _ in range(4):
            with self.paused():
                peer.send(*(write(ENQUEUE, "q", value, id=n) for n in range(3)))
            self.assertEqual([peer.result()[0] for _ in range(3)], [0, 1, 2])
        self.assertEqual(self.status("items"), 12)


class Full(SocketTest):
    flags = {"view_size": "8MiB", "checkpoint_interval": 0}

    def test_status_says_so(self):
        peer = self.peer()
        value = b'"' + b"x" * 100000 + b'"'
        self.assertEqual(self.status("storage"), "ok")
        keys = []
        for n in range(200):
            if (code := peer.set(f"key{n}", value)[0]) == STORAGE_FULL:
                break
            self.assertEqual(code, CREATED)
            keys.append(f"key{n}")
        self.assertEqual(code, STORAGE_FULL)
        self.assertEqual(self.status("storage"), "view_full")
        for key in keys:
            peer.send(write(DELETE, key))
            self.assertEqual(peer.result()[1], OK)
        wait_until(lambda: peer.set("again")[0] != STORAGE_FULL, "room")
        self.assertEqual(self.status("storage"), "ok")


class Checkpoints(SocketTest):
    """walkvd starts the walkv-snapshot that lies beside it, which here is a script of the test."""

    def setUp(self):
        SystemTest.setUp(self)
        self.walkv = self.instance()
        self.programs = self.walkv.dir / "programs"
        self.programs.mkdir()
        shutil.copy(WALKVD, self.programs / "walkvd")
        argv = self.walkv.walkvd_argv
        self.walkv.walkvd_argv = lambda **flags: [self.programs / "walkvd", *argv(**flags)[1:]]
        self.started, self.gate = self.walkv.dir / "started", self.walkv.dir / "gate"
        self.started.touch()
        os.mkfifo(self.gate)

    def snapshot_is(self, script):
        program = self.programs / "walkv-snapshot"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def snapshot_waits(self):
        """Each snapshot is made, and then waits for open_gate() before it says so."""
        real = WALKVD.with_name("walkv-snapshot")
        self.snapshot_is(f'said=$({real} "$@") && echo >>{self.started} && read go <{self.gate} && echo "$said"')

    def wait_started(self, count):
        wait_until(lambda: self.started.read_text().count("\n") == count, f"checkpoint {count} to be started")

    def open_gate(self):
        self.gate.write_text("go\n")

    def test_who_asks_during_one_gets_the_next(self):
        self.snapshot_waits()
        self.walkv.start_walkvd()
        first, second, third, other = (self.peer() for _ in range(4))
        lsn = first.set("a")[1]
        first.send(frame(CHECKPOINT))
        self.wait_started(1)
        later = second.set("b")[1]
        second.send(frame(CHECKPOINT))
        third.send(frame(CHECKPOINT))
        self.assertTrue(other.status(), "walkvd goes on meanwhile")
        self.assertTrue(other.status())  # so the turn that took the two questions is over
        self.open_gate()
        code, saved, _ = first.checkpoint_reply()
        self.assertEqual(code, OK)
        self.assertTrue(lsn <= saved < later, (lsn, saved, later))
        self.wait_started(2)
        self.open_gate()
        for peer in (second, third):
            code, saved, _ = peer.checkpoint_reply()
            self.assertEqual(code, OK)
            self.assertGreaterEqual(saved, later)
        third.send(frame(CHECKPOINT))  # nothing new
        self.assertEqual(third.checkpoint_reply(), (OK, saved, ""))
        self.assertEqual(self.started.read_text().count("\n"), 2)

    def test_who_has_gone_is_not_answered(self):
        self.snapshot_waits()
        self.walkv.start_walkvd()
        first, second = self.peer(), self.peer()
        first.set("a")
        first.send(frame(CHECKPOINT))
        self.wait_started(1)
        second.send(frame(CHECKPOINT))
        second.status()
        first.close()
        second.close()
        self.open_gate()
        wait_until(lambda: self.status("checkpoint_running") == 0, "the checkpoint to end")
        self.assertGreater(self.status("checkpoint_lsn"), 0)

    def test_failures(self):
        """Each is told to who asked, counted, and harms nothing."""
        self.walkv.start_walkvd()
        peer = self.peer()
        peer.set("a")
        program = self.programs / "walkv-snapshot"
        failures = 0
        for name, script in (("it fails", "exit 3"), ("it is killed", "kill -9 $$"), ("it says nothing", "exit 0"),
                             ("it says something else", "echo done"), ("its file is not there", "echo 1 4096"),
                             ("there is none", None)):
            with self.subTest(name):
                if script is None:
                    program.unlink()
                else:
                    self.snapshot_is(script)
                peer.send(frame(CHECKPOINT))
                code, _, sentence = peer.checkpoint_reply()
                self.assertEqual(code, UNAVAILABLE)
                self.assertTrue(sentence)
                failures += 1
                self.assertEqual(self.status("checkpoint_failures"), failures)
        self.snapshot_is("exit 3")
        done = self.walkv.ctl("checkpoint")
        self.assertEqual((done.returncode, done.stdout), (EX_IO, ""))
        self.assertRegex(done.stderr, r"\Awalkvctl: no checkpoint: .+\n\Z")
        self.assertEqual(list((self.walkv.data / "snapshots").iterdir()), [])
        program.unlink()
        program.symlink_to(WALKVD.with_name("walkv-snapshot"))
        peer.send(frame(CHECKPOINT))
        self.assertEqual(peer.checkpoint_reply()[0], OK)

    def test_one_that_is_due_and_cannot_be_started(self):
        self.walkv.start_walkvd(checkpoint_interval=10)
        peer = self.peer()
        for n in range(10):
            peer.set(f"key{n}")
        self.walkv.walkvd.wait_for_line("warning: checkpoint: cannot be started, will be tried again: No such file")
        self.assertEqual(self.status("checkpoint_failures"), 1)
        self.assertEqual(peer.set("a")[0], CREATED)

    def test_a_stop_during_one(self):
        self.snapshot_waits()
        self.walkv.start_walkvd()
        peer = self.peer()
        peer.set("a")
        peer.send(frame(CHECKPOINT))
        self.wait_started(1)
        self.walkv.stop_walkvd()
        self.assertTrue(peer.at_end())
        self.assertEqual(list((self.walkv.data / "snapshots").iterdir()), [])
        self.walkv.start_walkvd()
        self.assertEqual(self.status("keys"), 1)


class Stops(SocketTest):
    def test_by_sigint_as_by_sigterm(self):
        for number, name in ((signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM")):
            peer = self.peer()
            self.assertIn(peer.set("a")[0], (OK, CREATED))
            self.walkv.walkvd.signal(number)
            self.assertEqual(self.walkv.walkvd.wait(), 0)
            self.assertIsNotNone(self.walkv.walkvd.seen(f"info: stopping: received {name}$"))
            self.assertIsNotNone(self.walkv.walkvd.seen("stopped cleanly"))
            self.assertTrue(peer.at_end())
            self.assertFalse(self.walkv.socket.exists())
            self.walkv.start_walkvd()


class Places(SystemTest):
    """Where no socket can be made: said before anything is changed."""

    options = None

    def assertRefused(self, walkv, path, status, *words):
        done = run(walkv.walkvd_argv(socket_path=path))
        self.assertEqual(done.returncode, status, done.stderr)
        for word in words:
            self.assertIn(str(word), done.stderr.strip().splitlines()[-1])
        self.assertEqual(list(walkv.data.iterdir()), [])

    def test_what_is_not_a_socket_is_left_alone(self):
        walkv = self.instance()
        file, directory = walkv.dir / "file", walkv.dir / "directory"
        file.write_text("mine")
        directory.mkdir()
        for path in (file, directory):
            self.assertRefused(walkv, path, EX_CONFIG, path, "not a socket")
        self.assertEqual(file.read_text(), "mine")

    def test_a_directory_that_is_not_there(self):
        walkv = self.instance()
        self.assertRefused(walkv, walkv.dir / "none" / "s", EX_CONFIG, walkv.dir / "none", "No such file")

    def test_another_process_that_does_not_even_accept(self):
        walkv = self.instance()
        with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as waiting:
            listener.bind(str(walkv.socket))
            listener.listen(0)

            def connects():
                one = waiting.enter_context(socket.socket(socket.AF_UNIX))
                one.setblocking(False)
                return one.connect_ex(str(walkv.socket)) == 0

            while connects():  # until nobody else gets in
                pass
            done = run(walkv.walkvd_argv())
            self.assertEqual(done.returncode, EX_UNAVAILABLE, done.stderr)
            self.assertIn(f"another process answers at {walkv.socket}", done.stderr)
            self.assertTrue(walkv.socket.is_socket())


if __name__ == "__main__":
    main()
