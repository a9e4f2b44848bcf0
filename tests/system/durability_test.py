# SPDX-License-Identifier: MIT
"""What was acknowledged stays, whoever is stopped or killed, and what cannot be started says why and touches
nothing."""

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from frames import DONE, Frames
from walkv import (EX_CONFIG, EX_DATA, EX_UNAVAILABLE, EX_USAGE, HTTPD, WALKVD, WALKVCTL, SystemTest, fingerprint, main, reseal,
                   run, wait_until)


def fill(walkv, count=50, tag=""):
    """Writes keys and queues that are easy to recognise; returns what walkv.contents() must then say of them."""
    keys, queue = {}, []
    with walkv.connect() as c:
        for n in range(count):
            keys[f"key{tag}{n}"] = {"n": n}
            assert c.request("PUT", f"/api/kv/key{tag}{n}", f'{{"value":{{"n":{n}}}}}').status in (200, 201)
            queue.append(n)
            assert c.post(f"/api/queue/queue{tag}/enqueue", f'{{"value":{n}}}').status == 200
        for n in range(0, count, 7):
            del keys[f"key{tag}{n}"]
            assert c.request("DELETE", f"/api/kv/key{tag}{n}").status == 200
            assert c.post(f"/api/queue/queue{tag}/dequeue").json()["value"] == queue.pop(0)
    return keys, {f"queue{tag}": queue}


def unread(port):
    """How many bytes wait to be read on each connection that came to this port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [int(f[4].split(":")[1], 16) for f in lines if int(f[1].split(":")[1], 16) == port and f[3] == "01"]


class Restarts(SystemTest):
    options = None

    def start_kind(self, walkv):
        return walkv.status()["start_kind"]

    def test_clean_stop_and_start(self):
        walkv = self.instance().start()
        wanted = fill(walkv)
        self.assertEqual(walkv.contents(), wanted)
        for flags, kind in (({}, "warm"), ({"cold_start": True}, "cold")):
            walkv.stop()
            walkv.start(**flags)
            self.assertEqual(self.start_kind(walkv), kind)
            self.assertEqual(walkv.contents(), wanted)
        walkv.stop()
        for path in walkv.view.parent.glob(walkv.view.name + "*"):  # as after a reboot
            path.unlink()
        walkv.start()
        self.assertEqual(self.start_kind(walkv), "cold")
        self.assertEqual(walkv.contents(), wanted)

    def test_sigkill_and_start(self):
        walkv = self.instance().start()
        keys, queues = {}, {}
        for n, (flags, kind) in enumerate((({}, "warm"), ({"cold_start": True}, "cold"), ({}, "warm"))):
            more_keys, more_queues = fill(walkv, 20, f"-{n}-")
            keys.update(more_keys)
            queues.update(more_queues)
            walkv.restart_walkvd(**flags)
            self.assertEqual(self.start_kind(walkv), kind)
            self.assertEqual(walkv.contents(), (keys, queues))

    def test_async_mode_survives_sigkill(self):
        walkv = self.instance(walkvd={"wal_sync": "async"}).start()
        wanted = fill(walkv)
        for flags in ({}, {"cold_start": True}):
            walkv.restart_walkvd(**flags)
            self.assertEqual(walkv.status()["wal_sync"], "async")
            self.assertEqual(walkv.contents(), wanted)

    def test_recovery_says_what_it_does(self):
        walkv = self.instance().start()
        fill(walkv)
        self.assertEqual(walkv.ctl("checkpoint").returncode, 0)
        fill(walkv, 10, "later")
        walkv.restart_walkvd(cold_start=True)
        log = walkv.walkvd.log
        for step in ("snapshot", "WAL recovery", "ready"):
            self.assertIn(step, log)

    def test_recovery_can_be_killed_at_any_moment(self):
        walkv = self.instance(walkvd={"wal_segment_size": "64KiB", "checkpoint_interval": 200}).start()
        wanted = fill(walkv, 400)
        for n in range(12):
            walkv.kill_walkvd()
            walkv.start_walkvd(wait=False, cold_start=True if n % 2 else None)
            # Each time a little further: n steps of its log, or all of them.
            lines = walkv.walkvd.lines
            wait_until(lambda: len(lines) > n % 4 or not walkv.walkvd.running(), "the next step of recovery")
        walkv.restart_walkvd()
        self.assertEqual(walkv.contents(), wanted)

    def test_a_warm_start_reads_only_what_the_view_has_not(self):
        """Damage before that is found afterwards, and a checkpoint writes down what the view has; before that, whoever
        reads it, `walkvctl verify` and a cold start, says so, and the view stays."""
        for name, which in (("in the segment of the view's last batch", -1), ("in one before it", 1)):
            with self.subTest(name):
                walkv = self.instance(walkvd={"wal_segment_size": "64KiB", "checkpoint_interval": 0}).start()
                wanted = fill(walkv, 100)
                walkv.kill_walkvd()
                segment = sorted((walkv.data / "wal").glob("*.wal"))[which]
                content = bytearray(segment.read_bytes())
                content[content.index(b"WKVB") + 4096] ^= 1
                segment.write_bytes(content)
                self.assertEqual(walkv.ctl("verify", walkv.data).returncode, EX_DATA)
                walkv.start_walkvd(wait=False, cold_start=True)
                self.assertEqual(walkv.walkvd.wait(), EX_DATA)
                self.assertIn(segment.name, walkv.walkvd.log)
                walkv.start_walkvd()
                self.assertEqual(walkv.status()["start_kind"], "warm")
                self.assertEqual(walkv.contents(), wanted)
                walkv.walkvd.wait_for_line(rf"error: corrupt: .*{segment.name} at offset \d+: .*the view has it all")
                walkv.walkvd.wait_for_line("no start needs the damaged part of the log any more")
                self.assertEqual(walkv.contents(), wanted)
                walkv.restart_walkvd(cold_start=True)
                self.assertEqual(walkv.contents(), wanted)

    def damaged(self, count):
        """A killed walkvd whose log has a damaged batch in front of what the view ends with; what it held, where that
        is, and its bytes before."""
        walkv = self.instance(walkvd={"wal_segment_size": "64KiB", "checkpoint_interval": 0}).start()
        fill(walkv, 20, "before")
        self.assertEqual(walkv.ctl("checkpoint").returncode, 0)
        fill(walkv, count)
        wanted = walkv.contents()
        walkv.kill_walkvd()
        segment = sorted((walkv.data / "wal").glob("*.wal"))[-1]
        whole = segment.read_bytes()
        content = bytearray(whole)
        content[content.index(b"WKVB") + 4096] ^= 1
        segment.write_bytes(content)
        return walkv, wanted, segment, whole

    def test_a_stop_waits_for_the_checkpoint_behind_the_damage(self):
        walkv, wanted, *_ = self.damaged(60)
        walkv.start_walkvd()
        walkv.walkvd.wait_for_line("the view has it all")
        walkv.stop_walkvd()
        for path in walkv.view.parent.glob(walkv.view.name + "*"):
            path.unlink()
        walkv.start_walkvd()
        self.assertEqual(walkv.contents(), wanted)

    def test_no_checkpoint_goes_back(self):
        """The newest snapshot, which stands behind an entry that changed nothing, is damaged; the state that is there
        without it is older by that entry, and a checkpoint of it must not take the place of what is newer."""
        walkv, wanted, segment, whole = self.damaged(60)
        walkv.start_walkvd()
        walkv.walkvd.wait_for_line("no start needs the damaged part of the log any more")
        walkv.kill_walkvd()
        segment.write_bytes(whole)  # it could not be read for a while
        newest = sorted((walkv.data / "snapshots").glob("*.snap"))[-1]
        content = bytearray(newest.read_bytes())
        content[len(content) // 2] ^= 1
        newest.write_bytes(content)
        walkv.start_walkvd(cold_start=True)
        before = walkv.status()
        self.assertLess(before["applied_lsn"], before["checkpoint_lsn"])
        self.assertEqual(walkv.ctl("checkpoint").returncode, 0)
        self.assertGreater(walkv.status()["checkpoint_lsn"], before["checkpoint_lsn"])
        walkv.set("after", "1")
        wanted[0]["after"] = 1
        walkv.restart_walkvd(cold_start=True)
        self.assertEqual(walkv.contents(), wanted)

    def test_a_log_that_is_whole_needs_no_checkpoint(self):
        walkv = self.instance(walkvd={"wal_segment_size": "64KiB", "checkpoint_interval": 0, "log_level": "debug"}).start()
        fill(walkv, 100)
        walkv.restart_walkvd()
        walkv.walkvd.wait_for_line("debug: the log behind the newest snapshot is whole")
        self.assertEqual(walkv.status()["checkpoint_lsn"], 0)

    def test_the_start_order_does_not_matter(self):
        walkv = self.instance()
        walkv.start_httpd(wait=False)
        walkv.httpd.wait_for_line("listening")
        self.assertError(walkv.get("/readyz"), 503, "unavailable")
        self.assertError(walkv.get("/api/kv/a"), 503, "unavailable")
        self.assertEqual(walkv.get("/livez").status, 200)
        walkv.start_walkvd()
        walkv.wait_ready()
        self.assertEqual(walkv.get("/api/kv/a").status, 404)

    def test_a_new_worker_waits_for_the_greeting(self):
        """It does not say that walkvd does not answer before it has been asked."""
        walkv = self.instance(workers=0)
        walkv.start_walkvd().signal(signal.SIGSTOP)
        walkv.start_httpd(wait=False)
        walkv.httpd.wait_for_line("serving")
        with walkv.connect() as c:
            c.put("GET", "/readyz")
            self.assertEqual(walkv.get("/livez").status, 200)
            walkv.walkvd.signal(signal.SIGCONT)
            self.assertEqual(c.response().status, 200)

    def test_every_worker_leaves_the_old_view_after_a_cold_start(self):
        walkv = self.instance(workers=4).start()
        connections = [walkv.connect() for _ in range(16)]
        try:
            for n in range(10):
                walkv.restart_walkvd(cold_start=True)
                walkv.set("generation", str(n))
                for c in connections:
                    self.assertEqual(c.get("/api/kv/generation").json()["value"], n)
        finally:
            for c in connections:
                c.close()


class Outages(SystemTest):
    options = None

    def has_answer(self, connection):
        return bool(select.select([connection.socket], [], [], 0)[0])

    def test_a_write_waits_for_walkvd_to_come_back(self):
        walkv = self.instance(httpd={"write_timeout": "30s"}).start()
        walkv.kill_walkvd()
        with walkv.connect() as setter, walkv.connect() as enqueuer:
            setter.put("PUT", "/api/kv/patient", '{"value":1}')
            enqueuer.put("POST", "/api/queue/patient/enqueue", '{"value":2}')
            for _ in range(20):  # the workers turn, and neither is answered
                self.assertEqual(walkv.get("/api/kv/patient").status, 404)
            self.assertFalse(self.has_answer(setter) or self.has_answer(enqueuer))
            walkv.start_walkvd()
            self.assertEqual(setter.response().status, 201)
            self.assertEqual(enqueuer.response().status, 200)
        self.assertEqual(walkv.contents(), ({"patient": 1}, {"patient": [2]}))

    def test_large_values_that_wait_share_batches(self):
        walkv = self.instance(workers=0, httpd={"write_timeout": "30s"}).start()
        walkv.set("before", "1")
        batches = walkv.status()["batches"]
        walkv.walkvd.signal(signal.SIGSTOP)
        setters = [walkv.connect() for _ in range(16)]
        try:
            for n, c in enumerate(setters):
                c.put("PUT", f"/api/kv/large-{n}", '{"value":"%s"}' % ("v" * 65536))
            wait_until(lambda: unread(walkv.port) == [0] * len(setters), "the worker to take all sets")
            walkv.walkvd.signal(signal.SIGCONT)
            self.assertEqual([c.response().status for c in setters], [201] * len(setters))
        finally:
            for c in setters:
                c.close()
        self.assertLessEqual(walkv.status()["batches"] - batches, 4)

    def test_and_gives_up_in_time(self):
        walkv = self.instance(httpd={"write_timeout": "500ms"}).start()
        walkv.set("before", "1")
        walkv.kill_walkvd()
        answer = walkv.request("PUT", "/api/kv/patient", '{"value":1}')
        self.assertError(answer, 503, "unavailable")
        self.assertRegex(answer.header("Retry-After"), r"\A\d+\Z")
        answer = walkv.get("/readyz")
        self.assertError(answer, 503, "unavailable")
        self.assertEqual(walkv.get("/livez").status, 200)
        self.assertEqual(walkv.get("/api/kv/before").status, 200)
        walkv.start_walkvd()
        walkv.wait_ready()
        self.assertEqual(walkv.get("/api/kv/patient").status, 404, "what was answered 503 unavailable is never done")
        walkv.set("patient", "2")

    def test_reads_go_on_while_walkvd_is_stopped_or_dead(self):
        walkv = self.instance(workers=4, httpd={"write_timeout": "500ms"}).start()
        wanted = fill(walkv)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            walkv.walkvd.signal(number)
            for _ in range(20):
                self.assertEqual(walkv.contents(), wanted)
            connections = [walkv.connect() for _ in range(16)]
            for c in connections:
                for _ in range(100):
                    self.assertEqual(c.get("/api/kv/key1").json()["value"], {"n": 1})
                c.close()
        walkv.start_walkvd()
        walkv.wait_ready()
        self.assertEqual(walkv.contents(), wanted)

    def test_a_lost_answer_is_called_unknown(self):
        walkv = self.instance(workers=1, httpd={"write_timeout": "500ms"}).start()
        walkv.set("before", "1")
        walkv.walkvd.signal(signal.SIGSTOP)
        answer = walkv.request("PUT", "/api/kv/unknown", '{"value":1}')
        self.assertError(answer, 503, "outcome_unknown")
        self.assertIsNotNone(answer.header("Retry-After"))
        walkv.walkvd.signal(signal.SIGCONT)
        walkv.wait_ready()
        walkv.set("after", "1")  # everything sent before it has been decided
        self.assertIn(walkv.get("/api/kv/unknown").status, (200, 404))

    def test_a_killed_worker_is_nobody_elses_business(self):
        walkv = self.instance(workers=3).start()
        walkv.set("key", "1")
        over = threading.Event()
        problems, counts = [], []
        owners = {}  # worker pid -> its connections

        def meet_another():
            c = walkv.connect()
            mine = owners.setdefault(c.get("/api/status").json()["worker"]["pid"], [])
            if len(mine) < 12:
                mine.append(c)
            else:
                c.close()  # on a busy machine one worker may be met again and again
            return sorted(owners) == sorted(walkv.worker_pids()) and sum(map(len, owners.values())) >= 24

        wait_until(meet_another, "connections to each of the workers")
        self.assertEqual(len(owners), 3, "the connections are spread over the workers")
        victim = sorted(owners)[0]

        def load(connection, number):
            count = 0
            try:
                while not over.is_set():
                    answers = (connection.get("/api/kv/key"),
                               connection.request("PUT", f"/api/kv/load{number}", f'{{"value":{count}}}'))
                    if any(a.status not in (200, 201) for a in answers):
                        problems.append(answers)
                    count += 1
            except Exception as error:  # pylint: disable=broad-except
                problems.append(error)
            counts.append((number, count))

        def arrive():
            """New clients all the time: none may be refused, and a reset can hit only who met the dying one."""
            try:
                while not over.is_set():
                    with walkv.connect() as c:
                        try:
                            answer = c.get("/api/status")
                        except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, ConnectionError) as error:
                            if isinstance(error, ConnectionRefusedError):
                                raise
                            continue
                        if answer.status != 200:
                            problems.append(answer)
            except Exception as error:  # pylint: disable=broad-except
                problems.append(error)

        survivors = [c for pid, each in owners.items() if pid != victim for c in each]
        threads = [threading.Thread(target=load, args=(c, n)) for n, c in enumerate(survivors)]
        threads.append(threading.Thread(target=arrive))
        for t in threads:
            t.start()
        try:
            for _ in range(5):
                os.kill(victim, signal.SIGKILL)
                known = set(owners)
                wait_until(lambda: len(set(walkv.worker_pids()) - known) == 1 and victim not in walkv.worker_pids(),
                           "the worker to be replaced")
                victim = next(iter(set(walkv.worker_pids()) - known))
                owners[victim] = owners.get(victim, [])
                wait_until(lambda: any(self.answers_from(walkv, victim) for _ in range(4)), "the new worker to serve")
        finally:
            over.set()
            for t in threads:
                t.join()
            for each in owners.values():
                for c in each:
                    c.close()
        self.assertEqual(problems, [])
        for number, count in counts:
            self.assertEqual(walkv.get(f"/api/kv/load{number}").json()["value"], count - 1)

    @staticmethod
    def answers_from(walkv, pid):
        try:
            return walkv.get("/api/status").json()["worker"]["pid"] == pid
        except ConnectionError:
            return False

    def test_workers_end_with_their_parent(self):
        walkv = self.instance(workers=2).start()
        wait_until(lambda: len(walkv.worker_pids()) == 2, "both workers")
        workers = walkv.worker_pids()
        walkv.httpd.signal(signal.SIGKILL)
        walkv.httpd.wait()
        wait_until(lambda: not any(Path("/proc", str(pid)).exists() and
                                   " Z " not in Path("/proc", str(pid), "stat").read_text() for pid in workers),
                   "the workers to end")
        walkv.start_httpd()  # and the port is free again


class Checkpoints(SystemTest):
    options = None

    def snapshots(self, walkv):
        return sorted(p.name for p in (walkv.data / "snapshots").glob("*.snap"))

    def segments(self, walkv):
        return sorted(p.name for p in (walkv.data / "wal").glob("*.wal"))

    def test_by_operations(self):
        walkv = self.instance(walkvd={"checkpoint_interval": 100, "wal_segment_size": "64KiB"}).start()
        wanted = fill(walkv, 40)
        self.assertEqual(walkv.status()["checkpoint_lsn"], 0)
        more = fill(walkv, 40, "more")
        wait_until(lambda: walkv.status()["checkpoint_lsn"] > 0, "a checkpoint after 100 operations")
        self.assertEqual(len(self.snapshots(walkv)), 1)
        wanted = ({**wanted[0], **more[0]}, {**wanted[1], **more[1]})
        walkv.restart_walkvd(cold_start=True)
        self.assertEqual(walkv.contents(), wanted)

    def test_by_bytes(self):
        walkv = self.instance(walkvd={"checkpoint_wal_size": "1MiB", "checkpoint_interval": 0,
                                      "wal_segment_size": "256KiB"}).start()
        text = os.urandom(50_000).hex()
        for n in range(5):
            walkv.set(f"large{n}", f'"{text}"')
        self.assertEqual(walkv.status()["checkpoint_lsn"], 0)
        for n in range(5, 45):
            walkv.set(f"large{n}", f'"{text}"')
        wait_until(lambda: walkv.status()["checkpoint_lsn"] > 0, "a checkpoint after 1 MiB of log")
        walkv.restart_walkvd(cold_start=True)
        self.assertEqual(walkv.contents(), ({f"large{n}": text for n in range(45)}, {}))

    def test_two_snapshots_are_kept_and_the_log_back_to_the_older(self):
        walkv = self.instance(walkvd={"wal_segment_size": "64KiB", "checkpoint_interval": 0}).start()
        keys, queues = {}, {}
        first_segment = self.segments(walkv)[0]
        for n in range(5):
            more_keys, more_queues = fill(walkv, 100, f"-{n}-")
            keys.update(more_keys)
            queues.update(more_queues)
            self.assertEqual(walkv.ctl("checkpoint").returncode, 0)
            self.assertEqual(len(self.snapshots(walkv)), min(n + 1, 2))
        self.assertNotIn(first_segment, self.segments(walkv))
        older = int(self.snapshots(walkv)[0][:16], 16)
        self.assertLessEqual(int(self.segments(walkv)[0][:16], 16), older + 1)
        self.assertEqual(walkv.ctl("verify", walkv.data).returncode, 0)
        walkv.stop()
        # Without the newest snapshot nothing is lost either: the older one and the log have it all, or it is said.
        newest = walkv.data / "snapshots" / self.snapshots(walkv)[-1]
        newest.rename(walkv.dir / "aside")
        walkv.start_walkvd(wait=False, cold_start=True)
        wait_until(lambda: walkv.walkvd.seen(r"\bready\b") or not walkv.walkvd.running(), "a decision")
        if walkv.walkvd.running():
            walkv.start_httpd()
            self.assertEqual(walkv.contents(), (keys, queues))
        else:
            self.assertEqual(walkv.walkvd.wait(), 65)
            self.assertIn(newest.name, walkv.walkvd.log)

    def test_a_killed_snapshot_process_harms_nothing(self):
        walkv = self.instance(walkvd={"wal_segment_size": "64KiB"}).start()
        wanted = fill(walkv, 100)
        from walkv import children_of
        for _ in range(5):
            ctl = subprocess.Popen([WALKVCTL, "--socket", walkv.socket, "checkpoint"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
            found = wait_until(lambda: children_of(walkv.walkvd.pid) or (ctl.poll() is not None and [0]),
                               "the snapshot process")
            for pid in found:
                if pid:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            ctl.wait(60)
            self.assertTrue(walkv.walkvd.running())
        self.assertEqual(walkv.ctl("checkpoint").returncode, 0)
        self.assertEqual([p.name for p in (walkv.data / "snapshots").iterdir() if p.suffix != ".snap"], [])
        walkv.restart_walkvd(cold_start=True)
        self.assertEqual(walkv.contents(), wanted)

    def test_writes_and_reads_go_on_during_a_checkpoint(self):
        walkv = self.instance(walkvd={"wal_segment_size": "64KiB", "checkpoint_interval": 50}).start()
        connections = [walkv.connect() for _ in range(8)]
        wanted = {}

        def load(c, number):
            for n in range(100):
                assert c.request("PUT", f"/api/kv/{number}.{n % 20}", f'{{"value":{n}}}').status in (200, 201)
                assert c.get(f"/api/kv/{number}.{n % 20}").json()["value"] == n
                wanted[f"{number}.{n % 20}"] = n

        threads = [threading.Thread(target=load, args=(c, n)) for n, c in enumerate(connections)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for c in connections:
            c.close()
        self.assertEqual(len(wanted), 160)
        self.assertEqual(walkv.contents()[0], wanted)
        walkv.restart_walkvd(cold_start=True)
        self.assertEqual(walkv.contents()[0], wanted)


class FullStorage(SystemTest):
    options = None

    def fill_up(self, walkv, room):
        """Writes until 507; returns what was acknowledged."""
        text = os.urandom(8000).hex()
        keys = {}
        for n in range(room // 16000 * 4 + 100):
            answer = walkv.request("PUT", f"/api/kv/full{n}", f'{{"value":"{text}"}}')
            if answer.status == 507:
                self.assertError(answer, 507, "storage_full")
                self.assertRegex(answer.header("Retry-After"), r"\A\d+\Z")
                return keys
            self.assertEqual(answer.status, 201, answer)
            keys[f"full{n}"] = text
        self.fail(f"not full after {len(keys)} keys")

    def resume(self, walkv, keys):
        self.assertEqual(walkv.contents()[0], keys)
        self.assertEqual(walkv.request("POST", "/api/queue/q/dequeue").status, 404)
        for name in list(keys)[: len(keys) * 3 // 4]:
            answer = walkv.request("DELETE", "/api/kv/" + name)
            self.assertEqual(answer.status, 200, f"deleting {name} when full: {answer}")
            del keys[name]

        def write():
            answer = walkv.request("PUT", "/api/kv/again", '{"value":1}')
            self.assertIn(answer.status, (200, 201, 507), answer)
            return answer.status != 507

        wait_until(write, "writes to be taken again")
        keys["again"] = 1
        self.assertEqual(walkv.contents()[0], keys)

    def test_a_full_view(self):
        walkv = self.instance(walkvd={"view_size": "8MiB", "checkpoint_interval": 0}).start()
        keys = self.fill_up(walkv, 8 << 20)
        self.resume(walkv, keys)
        for flags in ({}, {"cold_start": True}):
            walkv.restart_walkvd(**flags)
            self.assertEqual(walkv.contents()[0], keys)

    def write_all(self, frames, writes):
        """In batches, again and again until there was room for each."""
        while writes:
            for write in writes[:40]:
                frames.put_write(*write)
            frames.flush()
            results = []
            while len(results) < len(writes[:40]):
                results += [answer.result for answer in frames.answers()]
            self.assertLessEqual(set(results), {*DONE, "storage_full"})
            writes = [w for w, result in zip(writes, results) if result == "storage_full"] + writes[40:]

    def test_a_replay_waits_for_the_pages_that_it_frees(self):
        """It is faster than the writes were, and the grace holds back more."""
        walkv = self.instance(walkvd={"view_size": "8MiB", "checkpoint_interval": 0, "checkpoint_wal_size": 0})
        walkv.start_walkvd()
        value = b'"%s"' % (b"v" * 3000)
        with Frames(walkv.socket) as frames:
            self.write_all(frames, [("set", f"k{n % 300}", value) for n in range(9000)])
        walkv.kill_walkvd()
        walkv.start_walkvd(cold_start=True, view_grace="500ms")
        walkv.start_httpd()
        self.assertEqual(walkv.contents()[0], {f"k{n}": "v" * 3000 for n in range(300)})

    def test_a_replay_collects_cleared_queues(self):
        walkv = self.instance(walkvd={"view_size": "8MiB", "checkpoint_interval": 0, "checkpoint_wal_size": 0})
        walkv.start_walkvd()
        value = b'"%s"' % (b"v" * 3000)
        with Frames(walkv.socket) as frames:
            for _ in range(20):
                self.write_all(frames, [("enqueue", "q", value)] * 400)
                self.write_all(frames, [("clear", "q")])
        walkv.kill_walkvd()
        walkv.start_walkvd(cold_start=True)
        walkv.start_httpd()
        self.assertEqual(walkv.contents(), ({}, {"q": []}))

    def test_a_full_disk(self):
        walkv = self.instance(walkvd={"wal_segment_size": "256KiB", "checkpoint_wal_size": "1MiB"})
        mount = ["unshare", "--mount", "--propagation", "private"]
        if os.geteuid() != 0:
            mount += ["--user", "--map-root-user"]
        script = 'mount -t tmpfs -o size=4m,mode=0700 walkv-test "$1" && shift && exec "$@"'
        probe = run([*mount, "sh", "-c", script, "sh", walkv.data, "true"]) if shutil.which("unshare") else None
        if probe is None or probe.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {probe and probe.stderr.strip()}")
        argv = walkv.walkvd_argv
        walkv.walkvd_argv = lambda **flags: [*mount, "sh", "-c", script, "sh", walkv.data, *argv(**flags)]
        walkv.start()
        keys = self.fill_up(walkv, 16 << 20)
        self.resume(walkv, keys)


class Refused(SystemTest):
    """One clear sentence, the right status, and nothing changed on disk."""

    options = None

    def assertRefused(self, done, status, *words):
        self.assertEqual(done.returncode, status, done.stderr)
        lines = done.stderr.strip().splitlines()
        errors = [line for line in lines if " error: " in line]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertEqual(lines[-1], errors[0], "the reason is the last line")
        for word in words:
            self.assertIn(str(word), errors[0])

    def store(self):
        walkv = self.instance(workers=1, walkvd={"wal_segment_size": "64KiB"}).start()
        fill(walkv, 30)
        self.assertEqual(walkv.ctl("checkpoint").returncode, 0)
        fill(walkv, 30, "more")
        return walkv

    def test_a_second_walkvd_on_the_same_data_directory(self):
        walkv = self.store()
        walkv.walkvd.signal(signal.SIGSTOP)  # so that what changes is not its own work
        before = fingerprint(walkv.data), fingerprint(walkv.dir)
        second = Path(str(walkv.view) + "-second")
        done = run([WALKVD, "--data-dir", walkv.data, "--socket-path", walkv.dir / "second.sock", "--view-path", second])
        self.assertRefused(done, EX_UNAVAILABLE, walkv.data)
        done = run(walkv.walkvd_argv())
        self.assertRefused(done, EX_UNAVAILABLE, walkv.data)
        self.assertEqual((fingerprint(walkv.data), fingerprint(walkv.dir)), before)
        walkv.walkvd.signal(signal.SIGCONT)
        walkv.set("still", "1")
        self.assertEqual(walkv.get("/api/kv/still").json()["value"], 1)

    def test_a_second_walkvd_on_the_same_view_or_socket(self):
        walkv = self.store()
        other = self.instance()
        for flags in ({"view_path": walkv.view}, {"socket_path": walkv.socket}):
            done = run(other.walkvd_argv(**flags))
            self.assertRefused(done, EX_UNAVAILABLE)
        walkv.set("still", "1")
        walkv.restart_walkvd()
        self.assertEqual(walkv.get("/api/kv/still").json()["value"], 1)

    def test_a_socket_that_a_dead_walkvd_left_is_taken_over(self):
        walkv = self.store()
        walkv.kill_walkvd()
        self.assertTrue(walkv.socket.exists())
        walkv.start_walkvd()
        walkv.wait_ready()

    def test_an_unreadable_data_directory(self):
        walkv = self.instance()
        with tempfile.TemporaryDirectory() as directory:
            # Root may read everything, so it hands the program to somebody who may not.
            place, argv = Path(directory), []
            if os.geteuid() == 0:
                if not shutil.which("setpriv"):
                    self.skipTest("setpriv is missing")
                argv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
                place.chmod(0o777)
            shutil.copy(WALKVD, place / "walkvd")
            data = place / "data"
            data.mkdir(mode=0o700 if os.geteuid() == 0 else 0o000)
            done = run([*argv, place / "walkvd", "--data-dir", data, "--socket-path", place / "s",
                        "--view-path", str(walkv.view) + "-x"])
            data.chmod(0o700)
            self.assertRefused(done, EX_CONFIG, data, "Permission denied")
            self.assertEqual(list(data.iterdir()), [])

    def test_a_data_directory_that_is_none(self):
        walkv = self.instance()
        walkv.data.rmdir()
        walkv.data.write_text("not a directory")
        self.assertRefused(run(walkv.walkvd_argv()), EX_CONFIG, walkv.data)
        self.assertEqual(walkv.data.read_text(), "not a directory")

    def test_a_newer_format(self):
        walkv = self.store()
        walkv.stop()
        original = walkv.dir / "original"
        shutil.copytree(walkv.data, original)
        targets = [("control", 512), *((f"wal/{p.name}", 512) for p in sorted((original / "wal").glob("*.wal"))),
                   *((f"snapshots/{p.name}", 512) for p in sorted((original / "snapshots").glob("*.snap")))]
        self.assertGreaterEqual(len(targets), 3)
        for name, header_bytes in targets:
            with self.subTest(file=name):
                shutil.rmtree(walkv.data)
                shutil.copytree(original, walkv.data)
                path = walkv.data / name
                content = bytearray(path.read_bytes())
                version = int.from_bytes(content[8:12], "little")
                content[8:12] = (version + 1).to_bytes(4, "little")
                reseal(content, header_bytes)
                path.write_bytes(content)
                before = fingerprint(walkv.data)
                for flags in ({}, {"cold_start": True}):
                    if flags or not name.startswith("snapshots"):  # a warm start needs none
                        done = run(walkv.walkvd_argv(**flags), patience=60)
                        self.assertRefused(done, EX_CONFIG, walkv.data, "newer")
                self.assertEqual(fingerprint(walkv.data), before)
                done = walkv.ctl("verify", walkv.data)
                self.assertEqual(done.returncode, EX_CONFIG, done.stdout + done.stderr)

    def test_wrong_options(self):
        for program in (WALKVD, HTTPD):
            for flags, words in ((["--no-such-option"], "--no-such-option"), (["stray"], "stray"),
                                 (["--log-level", "loud"], "loud"), (["--socket-path"], "--socket-path")):
                with self.subTest(program=program.name, flags=flags):
                    self.assertRefused(run([program, *flags]), EX_USAGE, words)
        for flags, words in ((["--view-size", "1"], "view"), (["--view-size", "12XB"], "12XB"),
                             (["--wal-sync", "maybe"], "maybe"), (["--checkpoint-interval", "-1"], "-1"),
                             (["--wal-segment-size", "99999999999999999999"], "segment")):
            with self.subTest(flags=flags):
                self.assertRefused(run([WALKVD, *flags]), EX_USAGE, words)
        self.assertRefused(run([HTTPD, "--listen", "nowhere"]), EX_USAGE, "nowhere")

    def test_bad_configuration(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "walkv.conf"
            for program, section in ((WALKVD, "walkvd"), (HTTPD, "walkv-httpd")):
                for text, line in ((f"[{section}]\nno_such_setting = 1\n", 2), (f"[{section}]\n\nlog_level = loud\n", 3),
                                   (f"[{section}\n", 1), (f"[{section}]\nsocket_path\n", 2)):
                    with self.subTest(program=program.name, text=text):
                        path.write_text(text)
                        for command in ([], ["--check-config"]):
                            self.assertRefused(run([program, "--config", path, *command]), EX_CONFIG, f"{path}:{line}")
                path.write_text("[walkvd]\nlog_level = debug\n[walkv-httpd]\nlog_level = debug\n")
                done = run([program, "--config", path, "--check-config"])
                self.assertEqual(done.returncode, 0, done.stderr)
                done = run([program, "--config", path, "--print-config"])
                self.assertIn("log_level = debug", done.stdout)
                self.assertRefused(run([program, "--config", path.with_name("missing")]), EX_CONFIG, "missing")

    def test_help_and_version(self):
        for program in (WALKVD, HTTPD, WALKVCTL):
            done = run([program, "--version"])
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, rf"\A{program.name} \d+\.\d+\.\d+\n\Z")
            done = run([program, "--help"])
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(program.name, done.stdout)
            self.assertLessEqual(max(map(len, done.stdout.splitlines())), 120)

    def test_a_port_in_use(self):
        walkv = self.store()
        done = run(walkv.httpd_argv(), patience=30)
        self.assertRefused(done, EX_UNAVAILABLE, walkv.port)
        self.assertEqual(walkv.get("/livez").status, 200)


if __name__ == "__main__":
    main()
