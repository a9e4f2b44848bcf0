# SPDX-License-Identifier: MIT
"""The store of memory_test.py: a walkvd in a directory of its own in shared memory, a scripted load over its socket, and
every state that it can be in by what was answered. A run takes some ten milliseconds, so a run for each allocation is
affordable."""

import functools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from frames import Frames
from walkv import EX_UNAVAILABLE, WALKVCTL, WALKVD

PATIENCE_S = 30
NAP_S = 0.001  # between two looks
CLOSED_MAX = 20  # connections in a row that are accepted and closed, before we believe that walkvd takes none
SHORT_GRACE, LONG_GRACE = "--view-grace=10ms", "--view-grace=1s"  # for a quick warm start; for readers on a slow machine
FLAGS = ("--view-size=64MiB", "--wal-segment-size=64KiB", "--checkpoint-interval=0",
         "--checkpoint-wal-size=0", "--config=/dev/null")
LETTERS = [chr(n) for n in range(35, 91)]


# --- what the store may hold ----------------------------------------------------------------------------------


def apply(state, op, name, value):
    """Returns (state after it, result, value handed out). A state is ({key: value}, {queue: (value, ...)})."""
    keys, queues = state
    if op == "set":
        return ({**keys, name: value}, queues), "ok" if name in keys else "created", b""
    if op == "delete":
        if name not in keys:
            return state, "not_found", b""
        return ({k: v for k, v in keys.items() if k != name}, queues), "ok", b""
    items = queues.get(name)
    if op == "enqueue":
        return (keys, {**queues, name: (items or ()) + (value,)}), "ok", b""
    if op == "dequeue":
        if not items:
            return state, "queue_empty", b""
        return (keys, {**queues, name: items[1:]}), "ok", items[0]
    if items is None:
        return state, "queue_not_found", b""
    if op == "clear":
        return (keys, {**queues, name: ()}), "ok", b""
    return (keys, {k: v for k, v in queues.items() if k != name}), "ok", b""


class Worlds:
    """Every state that the store can be in."""

    def __init__(self, state):
        self.states = [state]

    def done(self, op, name, value, result, handed_out=b""):
        """A write was answered: the worlds in which that answer is wrong are none of ours."""
        after = [apply(state, op, name, value) for state in self.states]
        self.states = [state for state, *answer in after if answer == [result, handed_out]]
        if not self.states:
            raise AssertionError(f"{op} {name}: {result} {handed_out[:80]!r}, and right is {after[0][1:]}")

    def unknown(self, writes):
        """Nobody said what became of these, sent in this order on one connection: the first few may have been done."""
        states = list(self.states)
        for write in writes:
            states = [apply(state, *write)[0] for state in states]
            self.states += [state for state in states if state not in self.states]


def difference(found, wanted):
    """Where two states differ, in few words."""
    for what, a, b in zip(("key", "queue"), found, wanted):
        for name in sorted({*a, *b}):
            if a.get(name) != b.get(name):
                return f"{what} {name}: {str(a.get(name))[:200]} instead of {str(b.get(name))[:200]}"
    return "nothing"


# --- the load -------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def text(tag, size=0):
    """A JSON text that does not compress."""
    return json.dumps(tag + "".join(random.Random(tag).choices(LETTERS, k=size))).encode()


def load_steps():
    """Lists of writes that are sent together, and words for what is not a write."""
    return [
        [("set", "a", text("A"))], [("set", "new", text("B"))], [("set", "large", text("C", 90_000))],
        [("delete", "b", b"")], [("delete", "nobody", b"")], [("enqueue", "q", text("D", 5000))], [("dequeue", "q", b"")],
        [("dequeue", "q", b"")], [("clear", "long", b"")], [("forget", "gone", b"")], "status",
        [(op, f"{op}-{n}", text(f"E{n}", 40 * n)) for n in range(12) for op in ("set", "enqueue")], "checkpoint",
        "reconnect", "status", [("set", "after", text("F"))], [("enqueue", "long", text("G"))],
        [("dequeue", "enqueue-1", b"")], [("set", f"key-{n}", text(f"H{n}", 3000)) for n in range(40)],
    ]


# --- the store ------------------------------------------------------------------------------------------------


def copy_sparse(source, target):
    with open(source, "rb", buffering=0) as old, open(target, "wb", buffering=0) as new:
        size, at = os.fstat(old.fileno()).st_size, 0
        new.truncate(size)
        while at < size:
            try:
                at = os.lseek(old.fileno(), at, os.SEEK_DATA)
            except OSError:  # the rest is a hole
                break
            end = os.lseek(old.fileno(), at, os.SEEK_HOLE)
            os.pwrite(new.fileno(), os.pread(old.fileno(), end - at, at), at)
            at = end
    shutil.copymode(source, target)


class Store:
    """A directory with a data directory, a socket and a view (`view`: a copy of the template's), and its walkvd."""

    def __init__(self, template=None, view=False):
        self.dir = Path(tempfile.mkdtemp(prefix="walkv-memory-", dir="/dev/shm"))
        self.data, self.socket, self.view = (self.dir / name for name in ("data", "socket", "view"))
        self.process, self.breaks, self.refused, self.complete = None, 0, False, False
        if template:
            shutil.copytree(template.data, self.data, copy_function=copy_sparse)
            for name in ("view", "view.gen") if view else ():
                copy_sparse(template.dir / name, self.dir / name)
        else:
            self.data.mkdir(mode=0o700)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, *flags, environment=None):
        self.socket.unlink(missing_ok=True)
        with open(self.dir / "log", "wb") as log:
            self.process = subprocess.Popen(
                [WALKVD, f"--data-dir={self.data}", f"--socket-path={self.socket}", f"--view-path={self.view}", *FLAGS,
                 *flags], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=environment)

    @property
    def log(self):
        return (self.dir / "log").read_text("utf-8", "replace")

    def connect(self):
        """A connection; None when walkvd has ended, or takes none."""
        closed, deadline = 0, time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                return Frames(self.socket)
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None:
                    return None
            except ConnectionError:
                closed += 1
                if closed == CLOSED_MAX:
                    return None
            time.sleep(NAP_S)
        raise AssertionError(f"walkvd neither answers nor ends:\n{self.log}")

    def end(self, number):
        """Sends the signal, unless walkvd has said that it is ending, and returns the exit status."""
        ending = self.refused or (not self.complete and re.search(r"walkvd\[\d+\] error: ", self.log))
        if self.process.poll() is None and not ending:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"walkvd does not end:\n{self.log}") from None

    def run_load(self, worlds):
        """Runs the load as far as walkvd goes along: `breaks` counts the connections that it ended, `refused` says that
        it answered as one that has to stop, `complete` that the load came to its end."""
        connection = self.connect()
        for step in load_steps():
            if connection is None:
                return
            asked, unsure = [], []
            try:
                if step == "reconnect":
                    connection.close()
                    connection = self.connect()
                elif step == "status":
                    connection.status()
                elif step == "checkpoint":
                    connection.checkpoint()
                else:
                    for write in step:
                        connection.put_write(*write)
                    asked = list(step)
                    connection.flush()
                while asked:
                    for answer in connection.answers():
                        write = asked.pop(0)
                        if answer.result == "outcome_unknown":
                            unsure.append(write)
                        elif answer.result != "unavailable":
                            worlds.done(*write, answer.result, answer.value)
                        self.refused |= answer.result in ("outcome_unknown", "unavailable")
            except ConnectionError:
                self.breaks += 1
                connection.close()
                connection = self.connect()
            worlds.unknown(unsure + asked)
        if connection:
            connection.close()
            self.complete = True

    def contents(self):
        status, deadline = EX_UNAVAILABLE, time.monotonic() + PATIENCE_S
        while status == EX_UNAVAILABLE and time.monotonic() < deadline:  # a slow machine may not make it within the grace
            done = subprocess.run([WALKVCTL, f"--socket={self.socket}", "--lines", "--quiet", "export"], check=False,
                                  capture_output=True, timeout=PATIENCE_S)
            status = done.returncode
        if status:
            raise AssertionError(f"walkvctl export: {done.stderr.decode()}")
        keys, queues = {}, {}
        for line in done.stdout.splitlines():
            entry = json.loads(line)
            value = (json.dumps(entry["value"]).encode(),) if "value" in entry else ()
            if "key" in entry:
                (keys[entry["key"]],) = value
            else:
                queues[entry["queue"]] = queues.get(entry["queue"], ()) + value
        return keys, queues

    def restart_and_compare(self, worlds, *flags):
        """Starts again, with memory, and looks at what is there."""
        self.start(SHORT_GRACE, *flags)
        connection = self.connect()
        if connection is None:
            raise AssertionError(f"walkvd does not start again:\n{self.log}")
        connection.close()
        found = self.contents()
        if found not in worlds.states:
            raise AssertionError(f"not what was acknowledged: {difference(found, worlds.states[0])}")


def make_template():
    """A store with a snapshot, a log of several segments behind it, and the view that its killed walkvd left; and what
    it holds."""
    store, worlds = Store(), Worlds(({}, {}))
    store.start(LONG_GRACE)
    connection = store.connect()
    before = [("set", f"old-{n}", text(f"I{n}", 200 * n)) for n in range(20)]
    before += [("enqueue", "long", text(f"J{n}")) for n in range(100)]
    before += [("enqueue", "gone", text(f"K{n}")) for n in range(3)]
    after = [("set", name, text("L")) for name in "abc"] + [("enqueue", "q", text("M"))]
    after += [("set", f"more-{n}", text(f"N{n}", 5000)) for n in range(30)]
    for writes in (before, after):
        for write in writes:
            answer = connection.write(*write)
            worlds.done(*write, answer.result, answer.value)
        if writes is before and connection.checkpoint().result != "ok":
            raise AssertionError(f"no checkpoint:\n{store.log}")
    connection.close()
    store.end(signal.SIGKILL)
    return store, worlds.states[0]
