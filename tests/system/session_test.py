# SPDX-License-Identifier: MIT
"""The sessions of workers on walkvd's socket (common/frame.h, [session]): what was sent before and is sent again gets
the answer that it had, and what was not done is done, once; who may resume a session, for how long, and what ends it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from frames import NS_PER_S, WORKER, Frames, boottime_ns
from raw_frames import CREATED, ENQUEUE, GREETING, OK, SET, Peer, hello, write
from walkv import PATIENCE_S, WALKVCTL, SystemTest, Walkv, environment, main, run, wait_until

AWAY_S = 60  # SESSION_AWAY_NS in walkvd/sessions.h
HERE = Path(__file__).resolve().parent

_departing = None


def setUpModule():
    """Begins what takes a minute, so that it is over when the last test asks."""
    global _departing
    _departing = Departing()


def tearDownModule():
    _departing.walkv.close()


def steps(name):
    """Writes that are all done on a store that does not know the name, with their results."""
    large = b'"' + b"x" * 200000 + b'"'
    return (
        ({"op": "set", "name": name, "value": b"1"}, "created"),
        ({"op": "set", "name": name, "value": b"[2]", "condition": "exists"}, "ok"),
        ({"op": "set", "name": f"{name}-absent", "value": b"3", "condition": "absent"}, "created"),
        ({"op": "set", "name": name, "value": b"4", "condition": "update"}, "ok"),
        ({"op": "delete", "name": name}, "ok"),
        ({"op": "enqueue", "name": name, "value": b'"one"'}, "ok"),
        ({"op": "enqueue", "name": name, "value": b'"two"'}, "ok"),
        ({"op": "dequeue", "name": name}, "ok"),
        ({"op": "enqueue", "name": f"{name}-large", "value": large}, "ok"),
        ({"op": "dequeue", "name": f"{name}-large"}, "ok"),
        ({"op": "enqueue", "name": f"{name}-large", "value": b"5"}, "ok"),
        ({"op": "clear", "name": f"{name}-large"}, "ok"),
        ({"op": "forget", "name": f"{name}-large"}, "ok"),
        ({"op": "enqueue", "name": name, "value": b'"three"', "key": b"key-of-" + name.encode()}, "ok"),
        ({"op": "dequeue", "name": name}, "ok"),
    )


COUNT = len(steps(""))


def state_after(name):
    """(keys, queues) of that name when all steps are done."""
    return {f"{name}-absent": 3}, {name: ["three"]}


class Sessions(SystemTest):
    """Each test has a walkvd of its own, without workers."""

    options = None
    flags = {}

    def setUp(self):
        super().setUp()
        self.walkv = self.instance(walkvd=self.flags)
        self.walkv.start_walkvd()

    def tearDown(self):
        self.walkv.stop_walkvd()
        super().tearDown()

    def join(self, session, sent=0, **options):
        """A connection of this process in that session."""
        one = Frames(self.walkv.socket, WORKER, session=session, sent=sent, **options)
        self.addCleanup(one.close)
        return one

    def peer(self, **options):
        one = Peer(self.walkv.socket, **options)
        self.addCleanup(one.close)
        return one

    def ask(self, frames, name, first, last, **options):
        """Sends the steps first..last (from 1) at once, and returns their answers."""
        for sequence, (one, _) in enumerate(steps(name)[first - 1 : last], first):
            frames.put_write(sequence=sequence, **one, **options)
        frames.flush()
        found = []
        while frames.asked:
            found += frames.answers()
        return found

    def assertResults(self, name, results, last=COUNT):
        self.assertEqual([r.result for r in results], [wanted for _, wanted in steps(name)[:last]], results)
        self.assertFalse([r for r in results if r.replayed])
        lsns = [r.lsn for r in results]
        self.assertEqual(lsns, sorted(set(lsns)))

    def contents(self):
        done = self.walkv.ctl("--lines", "--quiet", "export")
        self.assertEqual(done.returncode, 0, done.stderr)
        keys, queues = {}, {}
        for entry in map(json.loads, done.stdout.splitlines()):
            if "key" in entry:
                keys[entry["key"]] = entry["value"]
            else:
                queues.setdefault(entry["queue"], []).extend([entry["value"]] if "value" in entry else [])
        return keys, queues

    def assertState(self, *names):
        keys, queues = {}, {}
        for name in names:
            k, q = state_after(name)
            keys.update(k)
            queues.update(q)
        self.assertEqual(self.contents(), (keys, queues))

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


class Resumed(Sessions):
    def try_resuming(self, restart=None):
        """A session for each number of steps that were done when the connection broke; then all is sent again."""
        firsts = {}
        for done in range(COUNT + 1):
            frames = self.join(1000 + done)
            self.assertTrue(frames.greeting.in_force)
            firsts[done] = self.ask(frames, f"n{done}", 1, done)
            self.assertResults(f"n{done}", firsts[done], done)
            frames.close()
        if restart:
            restart()
        for done, first in firsts.items():
            with self.subTest(done=done):
                frames = self.join(1000 + done, sent=COUNT)
                self.assertTrue(frames.greeting.in_force)
                again = self.ask(frames, f"n{done}", 1, COUNT)
                self.assertEqual(again[:done], first)
                self.assertResults(f"n{done}", again)
        self.assertState(*(f"n{done}" for done in firsts))
        self.assertEqual(self.ask(self.join(1000 + COUNT, sent=COUNT), f"n{COUNT}", 1, COUNT), firsts[COUNT], "and again")

    def test_after_the_connection_broke(self):
        self.try_resuming()

    def test_after_a_kill(self):
        self.try_resuming(self.walkv.restart_walkvd)
        self.assertIsNotNone(self.walkv.walkvd.seen("ready: warm start"))

    def test_after_a_cold_start(self):
        self.try_resuming(lambda: self.walkv.restart_walkvd(cold_start=True))
        self.assertIsNotNone(self.walkv.walkvd.seen("ready: cold start"))

    def test_after_a_clean_stop_and_a_snapshot(self):
        def restart():
            with Frames(self.walkv.socket) as frames:
                self.assertEqual(frames.checkpoint().result, "ok")
            self.walkv.stop_walkvd()
            self.walkv.start_walkvd(cold_start=True)

        self.try_resuming(restart)

    def test_after_each_of_many_kills(self):
        """One session through all of them: each time the last three are sent again, and one more."""
        firsts = []
        for n in range(1, 16):
            begin = max(1, n - 3)
            frames = self.join(5, sent=n - 1)
            for sequence in range(begin, n + 1):
                frames.put_write("enqueue", "q", b"%d" % sequence, sequence=sequence, confirmed=begin - 1)
            frames.flush()
            answers = []
            while frames.asked:
                answers += frames.answers()
            self.assertEqual(answers[:-1], firsts[begin - 1 :])
            firsts.append(answers[-1])
            frames.close()
            self.walkv.restart_walkvd(cold_start=n % 3 == 0 or None)
        self.assertEqual(self.contents(), ({}, {"q": list(range(1, 16))}))

    def test_while_the_connection_before_still_stands(self):
        """walkvd may not have seen its end: the new one counts, and the one before is ended."""
        before = self.join(7)
        first = self.ask(before, "a", 1, 6)
        after = self.join(7, sent=COUNT)
        self.assertTrue(after.greeting.in_force)
        with self.assertRaises(ConnectionError):
            before.answers()
        again = self.ask(after, "a", 1, COUNT)
        self.assertEqual(again[:6], first)
        self.assertState("a")

    def test_both_in_one_batch(self):
        """The same writes from both connections in one turn, and in either order."""
        for turn in range(6):
            before = self.peer(role=WORKER, session=100 + turn)
            writes = [write(ENQUEUE, f"q{turn}", b"%d" % n, id=n, sequence=n) for n in range(1, 9)]
            before.send(writes[0])
            self.assertEqual(before.result()[:2], (1, OK))
            with self.paused():
                before.send(*writes[1:])
                after = self.peer(greet=False)
                after.send(hello(role=WORKER, session=100 + turn, sent=8), *writes)
            after.expect(GREETING)
            self.assertEqual([after.result()[:2] for _ in writes], [(n, OK) for n in range(1, 9)])
        self.assertEqual(self.contents()[1], {f"q{turn}": list(range(1, 9)) for turn in range(6)})

    def test_refusals_are_decided_anew(self):
        """Nothing was done, and nobody has seen the answer."""
        frames = self.join(3)
        self.assertEqual(frames.write("dequeue", "q", sequence=1).result, "queue_empty")
        self.assertEqual(frames.write("delete", "a", sequence=2).result, "not_found")
        frames.write("enqueue", "q", b"1", sequence=3)
        frames.close()
        frames = self.join(3, sent=3)
        self.assertEqual(frames.write("dequeue", "q", sequence=1).value, b"1")
        self.assertEqual(frames.write("delete", "a", sequence=2).result, "not_found")
        self.assertEqual(frames.write("enqueue", "q", b"1", sequence=3).size, 1)
        self.assertEqual(self.contents()[1], {"q": []})

    def test_with_an_idempotency_key(self):
        """Sent again in the session it is the first answer; with the key alone, and elsewhere, a repeat."""
        key = {"key": b"k", "fingerprint": b"f" * 16}
        for restart in (None, True):
            name = f"q{restart}"
            key["key"] = name.encode()
            frames = self.join(9)
            first = frames.write("enqueue", name, b"1", sequence=1, **key)
            refused = frames.write("dequeue", "none", sequence=2, key=b"no" + name.encode())
            self.assertEqual((first.replayed, refused.result, refused.replayed), (False, "queue_empty", False))
            frames.close()
            if restart:
                self.walkv.restart_walkvd(cold_start=True)
            frames = self.join(9, sent=2)
            self.assertEqual(frames.write("enqueue", name, b"1", sequence=1, **key), first)
            again = frames.write("dequeue", "none", sequence=2, key=b"no" + name.encode())
            self.assertEqual(again._replace(replayed=False), refused)
            for other in (frames, self.join(10), self.join(0)):
                placed = {"sequence": 3} if other is frames else {"sequence": 1} if other.greeting.in_force else {}
                self.assertEqual(other.write("enqueue", name, b"1", **placed, **key), first._replace(replayed=True))
                mismatch = other.write("enqueue", name, b"1", key=key["key"], fingerprint=b"g" * 16)
                self.assertEqual((mismatch.result, mismatch.replayed), ("mismatch", False))
            self.assertEqual(self.contents()[1], {f"q{r}": [1] for r in (None, True)[: 2 if restart else 1]})
            self.walkv.restart_walkvd()


class Confirmed(Sessions):
    def test_what_is_confirmed_is_kept_no_longer(self):
        """It is never asked for again; if it is, against the protocol, it is done again, which shows that it is gone."""
        for restart in (None, True):
            session, queue = (1, "warm") if not restart else (2, "cold")
            frames = self.join(session)
            for sequence in range(1, 6):
                frames.write("enqueue", queue, b"%d" % sequence, sequence=sequence)
            frames.write("enqueue", queue, b"6", sequence=6, confirmed=4)
            frames.close()
            if restart:
                self.walkv.restart_walkvd(cold_start=True)
            frames = self.join(session, sent=6)
            sizes = [frames.write("enqueue", queue, b"0", sequence=sequence).size for sequence in range(1, 7)]
            self.assertEqual(sizes, [7, 8, 9, 10, 5, 6])

    def test_of_one_session_and_no_other(self):
        frames = {session: self.join(session) for session in (1, 2, 3)}
        for sequence in (1, 2):
            for session, one in frames.items():
                confirmed = 1 if session == 2 and sequence == 2 else 0
                one.write("enqueue", f"q{session}", b"0", sequence=sequence, confirmed=confirmed)
        for session, size in ((1, 1), (2, 3), (3, 1)):
            self.assertEqual(self.join(session, sent=2).write("enqueue", f"q{session}", b"0", sequence=1).size, size)

    def test_what_is_kept_does_not_grow(self):
        """A worker that confirms as it goes leaves nothing behind but its last answer."""
        frames = self.join(1)
        large = b'"' + b"y" * 100000 + b'"'
        used = []
        for sequence in range(1, 601):
            op, body = ("enqueue", large) if sequence % 2 else ("dequeue", b"")
            self.assertEqual(frames.write(op, "q", body, sequence=sequence, confirmed=sequence - 1).result, "ok")
            if sequence % 100 == 0:
                used.append(frames.status()["view_used_bytes"])
        self.assertLess(max(used[2:]), 600 * 100000 // 4, used)


class Small(Sessions):
    flags = {"view_size": "8MiB", "checkpoint_interval": 0}

    def test_what_is_kept_takes_little_room(self):
        """As much fits into one batch on the smallest view as without sessions; a key takes as much as a write."""
        for name, count, options in (("in no session", 200, {}), ("in a session", 200, {"session": 5}),
                                     ("with keys", 100, {"session": 6})):
            with self.subTest(name):
                peer = self.peer(role=WORKER, **options)
                begin = f"{name}-".replace(" ", "-")
                sent = [write(SET, f"{begin}{n}", b"1", id=n, sequence=n if options else 0,
                              key=f"{begin}{n}".encode() if count == 100 else b"") for n in range(1, count + 1)]
                with self.paused():
                    peer.send(*sent)
                self.assertEqual([peer.result()[:2] for _ in sent], [(n, CREATED) for n in range(1, count + 1)])


class Rules(Sessions):
    def test_another_process_has_another_session_of_that_number(self):
        """Whatever it says that its process id is."""
        frames = self.join(42)
        first = frames.write("enqueue", "q", b"1", sequence=1)
        code = """
import sys
from raw_frames import ENQUEUE, GREETING, WORKER, Peer, hello, write
with Peer(sys.argv[1], greet=False) as peer:
    peer.send(hello(role=WORKER, session=42, sent=1, pid=int(sys.argv[2])), write(ENQUEUE, "q", b"2", sequence=1))
    peer.expect(GREETING)
    print(*peer.result())
"""
        done = subprocess.run([sys.executable, "-c", code, self.walkv.socket, str(os.getpid())], capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False, env=environment(PYTHONPATH=str(HERE)))
        self.assertEqual(done.returncode, 0, done.stderr)
        id, code, lsn = map(int, done.stdout.split())
        self.assertEqual((id, code), (0, OK))
        self.assertGreater(lsn, first.lsn, "it was done, and not answered with what is not its own")
        self.assertEqual(frames.write("enqueue", "q", b"3", sequence=2).size, 3, "and this one still stands")
        frames.close()
        self.assertEqual(self.join(42, sent=2).write("enqueue", "q", b"1", sequence=1), first)
        self.assertEqual(self.contents()[1], {"q": [1, 2, 3]})

    def test_a_sequence_only_grows(self):
        for name, sequences in (("the same again", (3, 3)), ("one that goes back", (3, 2)), ("to the first", (7, 8, 1))):
            with self.subTest(name):
                peer = self.peer(role=WORKER, session=8, sent=10)
                for sequence in sequences[:-1]:
                    peer.send(write(SET, f"{name}{sequence}", b"1", sequence=sequence))
                    self.assertEqual(peer.result()[1], CREATED)
                peer.send(write(SET, "never", b"1", sequence=sequences[-1]))
                self.assertTrue(peer.at_end())
                peer.close()
        peer = self.peer(role=WORKER, session=8)
        # Gaps are fine, and writes without a place in between.
        for sequence, confirmed in ((20, 0), (0, 0), (25, 0), (0, 0), ((1 << 64) - 1, (1 << 64) - 2)):
            peer.send(write(SET, f"gap{sequence}", b"1", sequence=sequence, confirmed=confirmed))
            self.assertIn(peer.result()[1], (CREATED, OK))
        self.assertNotIn("never", self.contents()[0])

    def test_so_many_are_unconfirmed_at_most(self):
        for confirmed in (0, 7):
            most = confirmed + (1 << 20)
            peer = self.peer(role=WORKER, session=9 + confirmed, sent=1)
            peer.send(write(SET, "most", b"1", sequence=most, confirmed=confirmed))
            self.assertIn(peer.result()[1], (CREATED, OK))
            peer.send(write(SET, "never", b"1", sequence=most + 1, confirmed=confirmed))
            self.assertTrue(peer.at_end())
        self.assertNotIn("never", self.contents()[0])

    def test_a_process_has_only_so_many(self):
        """1024, away or not; those that it has are not harmed, and other processes neither."""
        first = self.join(1)
        answer = first.write("enqueue", "q", b"1", sequence=1)
        for session in range(2, 1025):
            with Frames(self.walkv.socket, WORKER, session=session) as frames:
                self.assertTrue(frames.greeting.in_force)
        for session in (1025, 1026):
            peer = self.peer(greet=False)
            peer.send(hello(role=WORKER, session=session))
            self.assertTrue(peer.at_end())
        self.assertEqual(first.write("enqueue", "q", b"2", sequence=2).size, 2)
        self.assertEqual(self.join(1, sent=1).write("enqueue", "q", b"1", sequence=1), answer)
        self.assertTrue(self.join(1024).greeting.in_force)
        code = "import sys; from frames import Frames; assert Frames(sys.argv[1], session=1025).greeting.in_force"
        done = subprocess.run([sys.executable, "-c", code, self.walkv.socket], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False, env=environment(PYTHONPATH=str(HERE)))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_no_session(self):
        for name, options in (("too large a number", {"session": 1 << 32}), ("the largest", {"session": (1 << 64) - 1}),
                              ("something sent in none", {"sent": 1})):
            with self.subTest(name):
                peer = self.peer(greet=False)
                peer.send(hello(role=WORKER, **options))
                self.assertTrue(peer.at_end())
        self.assertTrue(self.join((1 << 32) - 1).greeting.in_force)
        self.assertFalse(self.join(0).greeting.in_force)

    def test_when_it_is_in_force(self):
        """A session that nobody knows, with writes that may have been done and forgotten, is not."""
        now = boottime_ns()
        numbers = iter(range(1, 100))
        for name, sent, oldest_ns, in_force in (
                ("nothing sent", 0, 0, True), ("nothing sent, long ago", 0, 1, True),
                ("sent just now", 1, now, True), ("sent a while ago", 5, now - 30 * NS_PER_S, True),
                ("sent a minute ago", 5, now - AWAY_S * NS_PER_S, False),
                ("sent long ago", 5, 1, False), ("sent in another time", 5, now + 3600 * NS_PER_S, False)):
            with self.subTest(name):
                session = next(numbers)
                for _ in range(2):  # and nothing changes when the greeting is lost, too
                    frames = self.join(session, sent=sent, oldest_ns=oldest_ns)
                    self.assertEqual(frames.greeting.in_force, in_force)
                    frames.close()
                frames = self.join(session, sent=0)
                self.assertTrue(frames.greeting.in_force, "it goes on with new writes")
                self.assertEqual(frames.write("set", f"s{session}", b"1", sequence=9).result, "created")
        with self.subTest("one that is known"):
            session = next(numbers)
            first = self.join(session).write("enqueue", "q", b"1", sequence=1)
            for restart in (None, self.walkv.restart_walkvd, lambda: self.walkv.restart_walkvd(cold_start=True)):
                if restart:
                    restart()
                # Kept since then, however long ago that was.
                frames = self.join(session, sent=1, oldest_ns=1 if restart else None)
                self.assertTrue(frames.greeting.in_force)
                self.assertEqual(frames.write("enqueue", "q", b"1", sequence=1), first)


class Departing:
    """Two sessions that are away for over a minute, one of them known after a restart only, and one that is not."""

    def __init__(self):
        self.walkv = Walkv()
        self.walkv.start_walkvd()
        for session in (1, 2):
            with Frames(self.walkv.socket, WORKER, session=session) as frames:
                for sequence in (1, 2):
                    frames.write("enqueue", f"q{session}", b"%d" % sequence, sequence=sequence)
        self.walkv.restart_walkvd()
        with Frames(self.walkv.socket, WORKER, session=3) as frames:
            frames.write("enqueue", "q3", b"1", sequence=1, key=b"kept-for-a-day")
        self.stays = Frames(self.walkv.socket, WORKER, session=4)
        self.stays.write("enqueue", "q4", b"1", sequence=1)
        self.began = time.monotonic()
        self.oldest_ns = boottime_ns()


class Zone(SystemTest):
    """The last one, since it waits for a minute to be over that began with the first."""

    options = None

    def test_who_is_away_for_a_minute_departs(self):
        departing = _departing
        walkv = departing.walkv
        self._extra.append(walkv)

        def departed():
            done = run([WALKVCTL, "dump", walkv.data])
            return [entry for entry in map(json.loads, done.stdout.splitlines()) if entry["op"] == "depart"]

        wait_until(lambda: len(departed()) >= 3, "three sessions to depart", patience=PATIENCE_S + 2 * AWAY_S, poll=0.5)
        self.assertGreater(time.monotonic() - departing.began, AWAY_S - 2, "too early")
        entries = departed()
        self.assertEqual(sorted(entry["session"] for entry in entries),
                         [f"{os.getpid():08x}{session:08x}" for session in (1, 2, 3)])
        for session in (1, 2, 3):
            with Frames(walkv.socket, WORKER, session=session, sent=2, oldest_ns=departing.oldest_ns) as frames:
                self.assertFalse(frames.greeting.in_force)
        frames = departing.stays
        self.assertEqual(frames.write("enqueue", "q4", b"2", sequence=2).size, 2, "its connection stands")
        with Frames(walkv.socket, WORKER, session=4, sent=2, oldest_ns=departing.oldest_ns) as resumed:
            self.assertTrue(resumed.greeting.in_force)
            self.assertEqual(resumed.write("enqueue", "q4", b"1", sequence=1).size, 1)
            again = resumed.write("enqueue", "q3", b"1", key=b"kept-for-a-day")
            self.assertEqual((again.size, again.replayed), (1, True), "that is not the session's")
        frames.close()
        walkv.restart_walkvd(cold_start=True)
        with Frames(walkv.socket, WORKER, session=1, sent=2, oldest_ns=departing.oldest_ns) as frames:
            self.assertFalse(frames.greeting.in_force)
        walkv.stop_walkvd()


if __name__ == "__main__":
    main()
