# SPDX-License-Identifier: MIT
"""Memory runs out: the k-th allocation of a process fails, for k = 1, 2, 3 ..., once and from then on, until a run in
which nothing failed any more. fail_malloc.c, preloaded, does it.

walkvd starts on a store with a snapshot and a log behind it, takes a load over its socket, and stops. Whatever failed:
it ends with status 0 or 71 and a sentence, never by a signal or a broken invariant, and when it has been started again
with memory, every acknowledged write is there, and nothing else but writes that were in flight. walkv-snapshot,
walkvctl and walkv-httpd are treated likewise: a checkpoint that fails is told and the next one succeeds; walkvctl says
what is wrong or prints everything; a worker answers, refuses or ends, and what it acknowledged has been done.

No process makes more than a few hundred allocations here, so every k is tried; nothing is random but the machine.
"""

import itertools
import json
import mmap
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from memory_store import (LONG_GRACE, NAP_S, PATIENCE_S, SHORT_GRACE, Store, Worlds, copy_sparse,  # noqa: E402
                          make_template, text)
from walkv import ALARMING, BUILD, EX_DATA, EX_OS, HTTPD, WALKVCTL, Connection, fingerprint  # noqa: E402

LIBRARY = BUILD / "tests" / "crash" / "fail_malloc.so"
ONCE, FROM_THEN_ON = False, True
AT_ONCE = os.cpu_count() or 1


class Plan:
    """The file that a process shares with us; its picture is in fail_malloc.c."""

    def __init__(self, place, k=0, mode=ONCE):
        self.path = Path(place, "plan")
        self.path.write_bytes(bytes(32))
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 32)
        self.set(k, mode)

    def set(self, k, mode):
        """And count from the beginning."""
        self.map[:] = b"".join(n.to_bytes(8, sys.byteorder) for n in (k, int(mode), 0, 0))

    @property
    def count(self):
        return int.from_bytes(self.map[16:24], sys.byteorder)

    @property
    def failures(self):
        return int.from_bytes(self.map[24:32], sys.byteorder)

    def environment(self, program):
        return {**os.environ, "LD_PRELOAD": str(LIBRARY), "WALKV_FAIL_MALLOC": str(self.path),
                "WALKV_FAIL_PROGRAM": program}


def shared_memory_dir():
    return tempfile.TemporaryDirectory(prefix="walkv-memory-", dir="/dev/shm")


def check_end(program, status, log):
    """A program that has run out of memory says so and ends, or goes on."""
    said = re.search(r"(?i)(error|walkvctl): .*(memory|cannot have a thread)", log)
    if status not in (0, EX_OS) or ALARMING.search(log) or (status and not said):
        raise AssertionError(f"{program} ended with {status}:\n{log}")


class Campaign:
    """one(k, mode) runs something whose k-th allocation fails and returns (how it ended, its allocations, failures).
    run() does that for every k, in both modes, until nothing fails any more."""

    def __init__(self, name, one, at_once=AT_ONCE):
        self.name, self.one, self.at_once = name, one, at_once
        self.endings, self.runs, self.failures = Counter(), 0, 0

    def _one(self, place):
        k, mode = place
        try:
            return self.one(k, mode)
        except Exception as error:
            when = "from then on" if mode else "once"
            raise AssertionError(f"{self.name}: allocation {k} fails, {when}: {type(error).__name__}: {error}") from error

    def _all(self, pool, places):
        for ending, count, failures in pool.map(self._one, places):
            self.endings[ending] += 1
            self.runs += 1
            self.failures += failures
        return count, failures

    def run(self):
        began = time.monotonic()
        with ThreadPoolExecutor(self.at_once) as pool:
            count, _ = self._all(pool, [(0, ONCE)])
            self._all(pool, [(k, mode) for mode in (ONCE, FROM_THEN_ON) for k in range(1, count + 1)])
            k = count + 1  # the count differs a little from run to run
            while self._all(pool, [(k, ONCE)])[1]:
                k += 1
        print(f"memory_test: {self.name}: {count} allocations, {self.runs} runs, {self.failures} failures injected; "
              f"{', '.join(f'{n} {ending}' for ending, n in sorted(self.endings.items()))}; "
              f"{time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


class Worker:
    """A walkv-httpd without a parent, and the requests that it gets. `name` is a key and a queue of its own."""

    def __init__(self, place, store, plan, name):
        self.name, self.path, self.connection = name, Path(place, "log"), None
        self.worlds, self.refusals = Worlds(({}, {})), 0
        # A port that nobody else gets: bound, but not listening, and from now on ready to be shared.
        self.bound = socket.socket()
        self.bound.bind(("127.0.0.1", 0))
        self.bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = self.bound.getsockname()[1]
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen(
                [HTTPD, f"--listen=127.0.0.1:{self.port}", "--workers=0", f"--socket-path={store.socket}",
                 f"--view-path={store.view}", "--write-timeout=300ms", "--config=/dev/null"], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log, env=plan.environment("walkv-httpd"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.connection:
            self.connection.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.bound.close()

    @property
    def log(self):
        return self.path.read_text("utf-8", "replace")

    def ask(self, method, path, body=None):
        """The answer, or None: the connection ended before it, or the worker has."""
        deadline = time.monotonic() + PATIENCE_S
        while self.connection is None:
            try:
                self.connection = Connection(self.port, patience=PATIENCE_S)
            except ConnectionError:
                if self.process.poll() is not None:
                    return None
                if time.monotonic() > deadline:
                    raise AssertionError(f"walkv-httpd neither answers nor ends:\n{self.log}") from None
                time.sleep(NAP_S)
        answer = None
        try:
            answer = self.connection.request(method, path, body)
        except ConnectionError:
            pass
        self.refusals += answer is None or answer.status in (500, 503)
        if answer is None or answer.closes:
            self.connection.close()
            self.connection = None
        return answer

    def read(self, path, right):
        """`right` says of the document of a success whether it is."""
        answer = self.ask("GET", path)
        if answer and answer.status not in (500, 503) and not (answer.status == 200 and right(answer.json())):
            raise AssertionError(f"GET {path}: {answer}")

    def write(self, op, method, path, value=b""):
        answer = self.ask(method, path, b'{"value":%s}' % value if value else None)
        write = (op, self.name, value)
        if answer is None or answer.status == 500 or (answer.status == 503 and answer.code == "outcome_unknown"):
            self.worlds.unknown([write])
        elif answer.status in (200, 201):
            handed_out = json.dumps(answer.json()["value"]).encode() if op == "dequeue" else b""
            self.worlds.done(*write, "created" if answer.status == 201 else "ok", handed_out)
        elif answer.status == 404:
            self.worlds.done(*write, answer.code)
        elif answer.status != 503:
            raise AssertionError(f"{op} {self.name}: {answer}")

    def run(self, state):
        keys = {name: json.loads(value) for name, value in state[0].items()}
        items = [json.loads(value) for value in state[1]["long"]]
        key, queue = f"/api/kv/{self.name}", f"/api/queue/{self.name}"
        self.read("/livez", lambda d: d["status"] == "alive")
        self.read("/readyz", lambda d: d["status"] == "ready")
        self.read("/api/kv/more-3", lambda d: d["value"] == keys["more-3"])
        self.write("set", "PUT", key, text(self.name, 300))
        self.write("set", "PUT", key, text(self.name + "again", 20_000))
        self.write("enqueue", "POST", f"{queue}/enqueue", text(self.name + "1"))
        self.write("enqueue", "POST", f"{queue}/enqueue", text(self.name + "2", 9000))
        self.write("dequeue", "POST", f"{queue}/dequeue")
        self.read("/api/kv", lambda d: d["data"].items() >= keys.items())
        self.read("/api/kv?limit=3", lambda d: len(d["data"]) == 3)
        self.read("/api/kv?prefix=more&keys=only", lambda d: len(d["keys"]) == 30)
        self.read("/api/queue?sizes=true", lambda d: d["sizes"]["long"] == len(items))
        self.read("/api/queue/long/peek", lambda d: d["value"] == items[0])
        self.read("/api/queue/long/items?limit=60", lambda d: [item["value"] for item in d["items"]] == items[:60])
        self.read("/api/status", lambda d: d["walkvd"] == "running" and d["keys"] >= len(keys) and "uptime_ms" in d["worker"])
        self.write("delete", "DELETE", key)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@unittest.skipUnless(LIBRARY.exists(), f"{LIBRARY.name} is not built: sanitizers have an allocator of their own")
class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template, cls.state = make_template()
        cls.addClassCleanup(cls.template.close)

    def run_walkvd(self, k, mode, *flags, view):
        with Store(self.template, view) as store:
            plan, worlds = Plan(store.dir, k, mode), Worlds(self.state)
            store.start(SHORT_GRACE, *flags, environment=plan.environment("walkvd"))
            store.run_load(worlds)
            status = store.end(signal.SIGTERM)
            check_end("walkvd", status, store.log)
            if not plan.failures and (status or store.breaks or not store.complete):
                raise AssertionError(f"walkvd ended with {status} without a reason:\n{store.log}")
            if status == 0 and mode == ONCE and (store.breaks > 1 or not store.complete):
                raise AssertionError(f"{store.breaks} connections were lost by one failure:\n{store.log}")
            store.restart_and_compare(worlds, *(["--cold-start"] if k % 2 else []))
            return f"ended with {status}", plan.count, plan.failures

    def test_walkvd_cold(self):
        Campaign("walkvd, cold start", lambda k, mode: self.run_walkvd(k, mode, view=False)).run()

    def test_walkvd_warm(self):
        flags = ("--wal-sync=async", "--wal-sync-interval=10ms")
        Campaign("walkvd, warm start, async", lambda k, mode: self.run_walkvd(k, mode, *flags, view=True)).run()

    def test_walkv_snapshot(self):
        """A checkpoint that fails is told; walkvd goes on, and the next one is done."""
        with Store(self.template) as store:
            plan, worlds = Plan(store.dir), Worlds(self.state)
            store.start(LONG_GRACE, environment=plan.environment("walkv-snapshot"))
            connection = store.connect()

            def checkpoint(k, mode):
                write = ("set", "snapshot", text(f"{k}-{mode}"))
                worlds.done(*write, connection.write(*write).result)
                plan.set(k, mode)
                return connection.checkpoint()

            def one(k, mode):
                answer = checkpoint(k, mode)
                count, failures = plan.count, plan.failures
                told = (answer.result, answer.sentence) == ("unavailable", f"walkv-snapshot exited with status {EX_OS}")
                if answer.result != "ok" and not (failures and told):
                    raise AssertionError(f"{answer}\n{store.log}")
                again = checkpoint(0, ONCE)
                if again.result != "ok":
                    raise AssertionError(f"the one after it: {again}\n{store.log}")
                return answer.result, count, failures

            campaign = Campaign("walkv-snapshot", one, at_once=1)
            campaign.run()
            connection.close()
            self.assertEqual(store.end(signal.SIGTERM), 0, store.log)
            self.assertEqual(store.log.count("checkpoint: failed, will be tried again"), campaign.endings["unavailable"])
            store.restart_and_compare(worlds, "--cold-start")

    def test_walkvctl(self):
        """It prints what it prints with memory and ends with 0, or says what is wrong and ends with 71."""
        with Store(self.template) as store:
            store.start(LONG_GRACE)
            store.connect().close()
            for name, *operands in (("verify", self.template.data), ("verify --json", self.template.data),
                                    ("dump", self.template.data), ("export",), ("export --lines",)):
                argv = [WALKVCTL, f"--socket={store.socket}", "--quiet", *name.split(), *operands]
                right = subprocess.run(argv, capture_output=True, check=True).stdout

                def one(k, mode, argv=argv, right=right):
                    with shared_memory_dir() as place:
                        plan = Plan(place, k, mode)
                        done = subprocess.run(argv, capture_output=True, check=False, timeout=PATIENCE_S,
                                              env=plan.environment("walkvctl"))
                        check_end("walkvctl", done.returncode, done.stderr.decode())
                        if done.returncode == 0 and done.stdout != right:
                            raise AssertionError(f"printed {done.stdout[-300:]!r}")
                        return f"ended with {done.returncode}", plan.count, plan.failures

                Campaign(f"walkvctl {name}", one).run()

    def test_walkvctl_repair(self):
        """It says all, or what is wrong; it makes a whole store or none; the store that was damaged stays as it is."""
        with shared_memory_dir() as place:
            damaged = Path(place, "damaged")
            shutil.copytree(self.template.data, damaged, copy_function=copy_sparse)
            segment = sorted((damaged / "wal").glob("*.wal"))[-2]
            content = bytearray(segment.read_bytes())
            content[len(content) // 2] ^= 1
            segment.write_bytes(content)
            before, numbers = fingerprint(damaged), itertools.count(1)

            def run(k, mode, *arguments):
                plan = Plan(tempfile.mkdtemp(dir=place), k, mode)
                done = subprocess.run([WALKVCTL, "--quiet", *arguments, damaged], capture_output=True, check=False,
                                      timeout=PATIENCE_S, env=plan.environment("walkvctl"))
                whole = done.returncode == EX_DATA and not done.stderr  # what it says when something would be lost
                check_end("walkvctl", 0 if whole else done.returncode, done.stderr.decode())
                return done, plan

            for name in ("repair", "repair --json", "dump --all"):
                right = run(0, ONCE, *name.split())[0].stdout

                def explain(k, mode, name=name, right=right):
                    done, plan = run(k, mode, *name.split())
                    if done.returncode == EX_DATA and done.stdout != right:
                        raise AssertionError(f"printed {done.stdout[-300:]!r}")
                    return f"ended with {done.returncode}", plan.count, plan.failures

                Campaign(f"walkvctl {name}", explain).run()

            def repair(k, mode):
                new = Path(place, f"new-{next(numbers)}")
                done, plan = run(k, mode, "repair", "--yes", "--into", new)
                if new.exists() != (done.returncode == 0):
                    raise AssertionError(f"ended with {done.returncode}: {done.stdout}{done.stderr}")
                if new.exists():
                    subprocess.run([WALKVCTL, "--quiet", "verify", new], capture_output=True, check=True)
                for directory in (new, Path(f"{new}.partial")):
                    shutil.rmtree(directory, ignore_errors=True)
                return f"ended with {done.returncode}", plan.count, plan.failures

            Campaign("walkvctl repair --yes", repair).run()
            self.assertEqual(fingerprint(damaged), before)

    def test_walkv_httpd(self):
        """A worker answers, refuses, or ends; what it acknowledged has been done."""
        with Store(self.template) as store:
            store.start(LONG_GRACE)
            store.connect().close()
            workers, number = [], itertools.count(1)

            def one(k, mode):
                with shared_memory_dir() as place:
                    plan = Plan(place, k, mode)
                    with Worker(place, store, plan, f"http-{next(number)}") as worker:
                        worker.run(self.state)
                        status = worker.end()
                        workers.append(worker)
                        check_end("walkv-httpd", status, worker.log)
                        if worker.refusals and not plan.failures:
                            raise AssertionError(f"{worker.refusals} refusals without a reason:\n{worker.log}")
                        if worker.refusals > 3 and status == 0 and mode == ONCE:
                            raise AssertionError(f"{worker.refusals} refusals by one failure:\n{worker.log}")
                    return f"ended with {status}", plan.count, plan.failures

            Campaign("walkv-httpd", one).run()
            self.assertIsNone(store.process.poll(), store.log)
            keys, queues = store.contents()
            for worker in workers:
                found = tuple({n: v for n, v in all.items() if n == worker.name} for all in (keys, queues))
                self.assertIn(found, worker.worlds.states, worker.name)


if __name__ == "__main__":
    unittest.main()
