# SPDX-License-Identifier: MIT
"""Cuts the power of the file system under walkvd, again and again: ext4 on a loop device is stopped with
EXT4_IOC_SHUTDOWN, which drops whatever has not been written, mounted again, which replays its journal, and walkvd has
to come up with everything that it ever acknowledged.

    tests/crash/power_test.py --cycles 10000 [--seed N] [--wal-sync async]

In the suite it runs short. The seed is printed; with the same seed the same things are tried at about the same moments
(the machine decides the rest). Each cycle cuts at a moment of one of the kinds in MOMENTS, while clients write (load.py),
and then checks that

- walkvd acknowledged nothing that was sent after the cut, and ended with status 74 (unless it was killed with the power,
  or had just ended cleanly);
- it starts again: a power cut is never damage;
- the log and what walkvd serves from it are those of the acknowledged operations in the order of their LSNs, all of
  them with wal_sync = sync, a prefix that goes at least to the last durable LSN that it told with async;
- what is there beyond that was sent, in that order, and as whole batches.

Mostly the whole machine goes: walkvd is stopped before the cut and killed after it, and the view is removed. With
wal_sync = sync the view stays now and then: a warm start must not know more than the log does. In the other cycles only
the disk goes, and walkvd has to find out. tracer.py takes walkvd to where no chance would: right before a sync or a
rename.
"""

import argparse
import collections
import ctypes
import os
import random
import shutil
import signal
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from frames import CONTROL, DONE, Frames  # noqa: E402
from load import Client, Model, Power, dumped, exported  # noqa: E402
from loopfs import LoopFs  # noqa: E402
from tracer import Tracer  # noqa: E402
from walkv import BUILD, EX_CONFIG, EX_IO, Walkv, send_signal, wait_until  # noqa: E402

IMAGE_BYTES, CLIENTS = 32 << 20, 4
FLAGS = {"wal_segment_size": "64KiB", "checkpoint_interval": 400, "checkpoint_wal_size": "512KiB", "view_size": "16MiB",
         "wal_sync_interval": "20ms"}
# The steps of a start as its log tells them.
STEPS = ("store .* in ", "cold start|warm start", "loaded state", "starting WAL recovery", "WAL recovery complete",
         r"\bready\b")
PAGE_BYTES, SYNC_RANGE_ALL = 4096, 7  # SYNC_FILE_RANGE_*: wait before, write, wait after

# How often each kind of moment comes.
MOMENTS = {"load": 8, "call": 8, "acknowledgement": 4, "rotation": 4, "checkpoint": 4, "idle": 2, "stop": 2, "start": 3,
           "creation": 1}


class Campaign:
    """A store on a file system of its own, and a model of what must be in it."""

    def __init__(self, seed, wal_sync):
        self.chance = random.Random(seed)
        self.sync = wal_sync == "sync"
        self.libc = ctypes.CDLL(None)
        self.traceable = True
        self.figures = collections.Counter()
        self.model, self.clients, self.serial = Model(), [], 0
        self.power = Power()
        self.lives = False  # walkvd, when only the disk dies
        self.ready = False  # walkvd had said so when the power was cut
        room = shutil.disk_usage("/dev/shm").free if os.path.isdir("/dev/shm") else 0
        self.fs = LoopFs(IMAGE_BYTES, "/dev/shm" if room > 4 * IMAGE_BYTES else None)
        self.walkv = Walkv(walkvd={**FLAGS, "wal_sync": wal_sync})
        self.walkv.data = self.fs.path / "data"
        try:
            self.cut()
        except OSError as error:
            self.close()
            raise unittest.SkipTest(f"EXT4_IOC_SHUTDOWN: {error.strerror}") from None
        self.replug()
        self.walkv.start_walkvd()

    def close(self):
        self.kill()
        self.walkv.close()
        self.fs.close()

    # the power

    def cut(self):
        """Of the whole machine: walkvd takes no further step. Or of the disk alone, and walkvd has to find out."""
        daemon = self.walkv.walkvd
        self.ready = bool(daemon and daemon.seen(r"\bready\b"))
        if self.lives:
            self.power.failing.set()
        elif daemon and daemon.process.returncode is None:
            send_signal(daemon.pid, signal.SIGSTOP)
        if self.chance.random() < 0.5:
            self.write_back()
        self.fs.cut()
        self.power.off.set()

    def kill(self):
        """Of a walkvd that may be traced: wait() might take one of its stops for its end."""
        daemon = self.walkv.walkvd
        if daemon and daemon.process.returncode is None:
            send_signal(daemon.pid, signal.SIGKILL)
            os.waitid(os.P_PID, daemon.pid, os.WEXITED | os.WNOWAIT)

    def replug(self):
        self.fs.unmount()
        self.fs.mount()

    def newest_files(self):
        """Descriptors of those that walkvd may be writing to."""
        for directory in ("wal", "snapshots"):
            for path in sorted((self.walkv.data / directory).glob("*"))[-2:]:
                try:
                    fd = os.open(path, os.O_RDWR)
                except OSError:
                    continue
                yield fd
                os.close(fd)

    def write_back(self):
        """The kernel writes dirty pages whenever it likes; here it likes some of them, in any order."""
        for fd in self.newest_files():
            share = self.chance.random()
            for page in range(0, os.fstat(fd).st_size, PAGE_BYTES):
                if self.chance.random() < share:
                    self.libc.sync_file_range(fd, ctypes.c_int64(page), ctypes.c_int64(PAGE_BYTES), SYNC_RANGE_ALL)

    def drop_cache(self):
        """And it drops clean ones. What is written after that is in small pieces of the cache, which are written back one
        by one; the zeros ahead of the log would keep it in one large piece."""
        for fd in self.newest_files():
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)

    # the moments: each returns when the power is to be cut

    def nap(self, most_s):
        """The one thing here that waits for a time: when the power fails is up to chance."""
        time.sleep(self.chance.random() * most_s)

    def watch(self, directory, most_changes):
        """Waits until that many files, at most, have come, gone or got another name."""
        path, changes = self.walkv.data / directory, self.chance.randint(1, most_changes)
        deadline, names = time.monotonic() + 30, os.listdir(path)
        while changes > 0:
            before, names = names, os.listdir(path)
            changes -= before != names
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing happens in {path}: {names}\n{self.walkv.walkvd.log}")

    def load(self):
        self.nap(self.chance.choice((0.005, 0.02, 0.06)))
        if self.chance.random() < 0.5:
            self.drop_cache()

    def acknowledgement(self):
        """The client itself cuts."""
        self.load()
        self.chance.choice(self.clients).on_done = self.cut
        if not self.power.off.wait(30):
            raise AssertionError("nothing is acknowledged any more")

    def rotation(self):
        self.load()
        self.watch("wal", 3)  # the next segment is made, gets its name, an old one is deleted

    def checkpoint(self):
        self.load()
        with Frames(self.walkv.socket, CONTROL) as control:
            control.put_checkpoint()
            control.flush()
            self.watch("snapshots", 3)  # the temporary file, its name, an old snapshot is deleted
            self.nap(self.chance.choice((0, 0.001)))

    def call(self):
        self.load()
        self.run_to_call(20)

    def run_to_call(self, most_calls):
        """To where walkvd stands before one of its calls to the file system."""
        if not self.traceable:
            return
        try:
            tracer = Tracer(self.walkv.walkvd.pid)
        except OSError as error:
            print(f"power_test: no cuts right before a call, ptrace says: {error}", file=sys.stderr)
            self.traceable = False
            return
        self.lives = False
        self.figures["stops"] += tracer.run_to_call(self.chance.randint(1, most_calls)) is not None

    def idle(self):
        self.load()
        for client in self.clients:
            client.pause()
        for client in self.clients:
            client.resting.wait(60)
        self.nap(0.05)

    def stop(self):
        self.load()
        self.walkv.walkvd.signal(signal.SIGTERM)
        self.nap(0.01)

    # a cycle

    def cycle(self):
        self.power = Power()
        self.lives = self.chance.random() < 0.4
        self.moment = moment = self.chance.choices(list(MOMENTS), MOMENTS.values())[0]
        self.figures[moment] += 1
        if moment == "creation":
            self.begin_anew()
            self.cut_a_start()
        elif moment == "start":
            self.start_clients()
            self.load()
            self.end_process()
            self.cut_a_start()
        else:
            self.start_clients()
            getattr(self, moment)()
            if not self.power.off.is_set():
                self.cut()
            self.end_walkvd((EX_IO, 0) if moment == "stop" else (EX_IO,))
        for client in self.clients:
            client.end()
        self.replug()
        self.settle(None if self.sync or (moment == "start" and self.ready) else self.durable_lsn())
        while self.chance.random() < 0.1:
            self.cut_a_start()
            self.replug()
            self.settle()
        self.come_back()

    def begin_anew(self):
        """Another store in the place of this one."""
        self.end_process()
        shutil.rmtree(self.walkv.data)
        self.fs.sync()  # or the cut brings some of it back
        self.model, self.clients = Model(), []

    def start_clients(self):
        window = self.chance.choice((1, 4, 16, 64))
        self.clients = []
        for _ in range(CLIENTS):
            self.serial += 1
            chance = random.Random(self.chance.random())
            self.clients.append(Client(self.serial, self.walkv.socket, chance, window, self.power))
        for client in self.clients:
            client.start()

    def cut_a_start(self):
        """Starts walkvd and cuts the power at one of the steps of its start, before one of its calls, or any time."""
        self.figures["cut starts"] += 1
        self.power, self.lives = Power(), self.chance.random() < 0.4
        daemon = self.walkv.start_walkvd(wait=False)
        how = self.chance.randrange(3)
        if how == 0:
            step = self.chance.choice(STEPS)
            wait_until(lambda: daemon.seen(f"{step}|ready") or not daemon.running(), f"/{step}/", poll=0)
        elif how == 1:
            self.run_to_call(40)
        else:
            self.nap(0.03)
        self.cut()
        self.end_walkvd((EX_IO,))

    def end_walkvd(self, statuses):
        """Either the power took walkvd with it, or walkvd finds out by itself and ends with one of these statuses."""
        daemon = self.walkv.walkvd
        if self.lives:
            wait_until(lambda: self.refuses() or not daemon.running(), f"walkvd to end:\n{daemon.log}")
        elif daemon.process.returncode is None:
            self.kill()
            statuses = (*statuses, -signal.SIGKILL)
        status = daemon.wait()
        if status == EX_CONFIG and daemon.seen("error: .*Read-only file system"):
            status = EX_IO  # in a start; ext4 has its choice of words for being dead
        if status not in statuses:
            raise AssertionError(f"walkvd ended with {status} after the cut, not {statuses}:\n{daemon.log}")
        self.lose_view()
        self.end_process()

    def end_process(self):
        """Of walkvd alone, if it is still there, and looks through what it said."""
        self.kill()
        daemon = self.walkv.walkvd
        daemon.wait()
        self.walkv.all.remove(daemon)
        daemon.check()
        self.figures["checkpoints"] += daemon.log.count("checkpoint: done")

    def refuses(self):
        """One more write, so that an idle walkvd notices; True when it was not taken."""
        try:
            with Frames(self.walkv.socket) as frames:
                result = frames.write("set", "after the cut", b"1").result
        except OSError:
            return False  # not listening, not yet or no more
        if result in DONE:
            raise AssertionError("walkvd acknowledged a write after the cut")
        return True

    def durable_lsn(self):
        return max((client.durable_lsn for client in self.clients), default=0)

    def lose_view(self):
        """As power loss does. Now and then it stays, if what it holds is really durable: not what the mode async has
        published, nor what a sync during the cut has made walkvd believe."""
        if self.sync and not self.lives and self.chance.random() < 0.4:
            return
        for path in self.walkv.view.parent.glob(self.walkv.view.name + "*"):
            path.unlink(missing_ok=True)

    def settle(self, promised_lsn=None):
        """The power is back: what does the log say, before walkvd sees it?"""
        log = dumped(self.walkv, self.model.lsn) if (self.walkv.data / "control").exists() else []
        lost, survived = self.model.settle(self.clients, log, promised_lsn)
        ops = [op for client in self.clients for op in client.ops]
        self.clients = []
        self.figures["acknowledged"] += sum(op.done for op in ops)
        self.figures["unknown"] += sum(op.unknown for op in ops)
        self.figures["told"] += sum(op.unknown and op.answer is not None for op in ops)
        self.figures["lost"] += lost
        self.figures["survived"] += survived

    def come_back(self):
        """walkvd must start, and serve what the log says."""
        if self.chance.random() < 0.1:
            self.verify()
        daemon = self.walkv.start_walkvd(wal_segment_size=self.chance.choice(("64KiB", "256KiB")))
        self.model.compare(*exported(self.walkv))
        self.figures["torn"] += daemon.seen("torn tail") is not None
        self.figures["warm"] += daemon.seen("warm start in") is not None

    def verify(self):
        answer = self.walkv.ctl("verify", self.walkv.data)
        if answer.returncode != 0 and (self.walkv.data / "control").exists():
            raise AssertionError(f"walkvctl verify: {answer.stdout}{answer.stderr}")


def campaign(cycles, seed, wal_sync="sync", out=sys.stderr):
    """Raises AssertionError on the first thing that is wrong. Returns a line of figures."""
    print(f"power_test: seed {seed}, {cycles} cycles, {wal_sync}", file=out, flush=True)
    began = time.monotonic()
    one = Campaign(seed, wal_sync)
    try:
        for done in range(1, cycles + 1):
            try:
                one.cycle()
            except BaseException as error:
                error.add_note(f"power_test: cycle {done} of seed {seed}, {wal_sync}, {one.moment}")
                raise
            if done % 100 == 0 or done == cycles:
                print(f"power_test: {done} cycles, {one.figures['acknowledged']} acknowledged, "
                      f"{time.monotonic() - began:.0f} s", file=out, flush=True)
        one.walkv.stop_walkvd()
        one.verify()
        one.fs.check()
    finally:
        one.close()
    f, cuts = one.figures, cycles - one.figures["start"] - one.figures["creation"] + one.figures["cut starts"]
    moments = ", ".join(f"{f[moment]} {moment}" for moment in MOMENTS)
    excuse = "during the cut" if wal_sync == "sync" else "not synced yet"
    return (f"{cycles} cycles with {cuts} power cuts ({moments}; {f['cut starts']} of starts in all, {f['stops']} right "
            f"before a call), {f['acknowledged']} writes acknowledged, {f['lost']} of them lost that were not promised "
            f"({excuse}), {f['unknown']} of unknown outcome ({f['told']} were told so, {f['survived']} are there), "
            f"{f['checkpoints']} checkpoints, {f['torn']} torn tails, {f['warm']} warm starts, 0 violations, "
            f"{(time.monotonic() - began) / cycles * 1000:.0f} ms a cycle")


class PowerCuts(unittest.TestCase):
    """300 cycles in a run of the whole suite: with sanitizers it is slower, so most of them are in the release build."""

    def run_campaign(self, wal_sync, sanitizers, release):
        cycles = sanitizers if "CMAKE_BUILD_TYPE:STRING=Debug" in (BUILD / "CMakeCache.txt").read_text() else release
        seed = int(os.environ.get("WALKV_SEED", random.randrange(1 << 32)))
        print(campaign(cycles, seed, wal_sync), file=sys.stderr)

    def test_sync(self):
        self.run_campaign("sync", 40, 160)

    def test_async(self):
        self.run_campaign("async", 20, 80)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--wal-sync", choices=("sync", "async"), default="sync")
    args = parser.parse_args()
    try:
        print(campaign(args.cycles, args.seed if args.seed is not None else random.randrange(1 << 32), args.wal_sync))
    except unittest.SkipTest as reason:
        print(f"power_test: skipped: {reason}")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith(("--cycles", "--seed", "--wal-sync", "--help")):
        main()
    else:
        unittest.main()
