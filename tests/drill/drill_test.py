# SPDX-License-Identifier: MIT
"""scripts/drill against scripts/run, each kind of kill and both modes of sync; and against servers that are wrong.

    python3 tests/drill/drill_test.py --kills 500 [--seed N]

runs the long form: as many kills at random moments, in rounds with a new server, and new numbers of workers and clients
each, and a check of everything after each round. The daemons are those of WALKV_BUILD.
"""

import argparse
import collections
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "system")]

from drill import history, process  # noqa: E402
from drill.fake import Fake  # noqa: E402
from run_test import VIEWS, Instance  # noqa: E402
from walkv import ALARMING, ROOT, free_port, is_alive, wait_until  # noqa: E402

DRILL = ROOT / "scripts" / "drill"
SEED = int(os.environ.get("WALKV_SEED", random.randrange(1 << 32)))
PATIENCE_S = 300
SCRATCH = tempfile.TemporaryDirectory(prefix="walkv-drill-scratch-")  # for histories that are kept
ENVIRONMENT = {**os.environ, "TMPDIR": SCRATCH.name}
NUMBERS = ("lost", "duplicated", "out_of_order", "unexpected")


def drill(*arguments, patience=PATIENCE_S):
    """Runs it; the result has `report`, if it printed one."""
    done = subprocess.run([DRILL, "--quiet", "--json", *map(str, arguments)], capture_output=True, text=True,
                          timeout=patience, stdin=subprocess.DEVNULL, env=ENVIRONMENT, check=False)
    done.report = json.loads(done.stdout) if done.stdout.startswith("{") else None
    return done


def explain(done, instance=None):
    text = f"status {done.returncode}\n{done.stderr}\n"
    if done.report:
        text += json.dumps({k: v for k, v in done.report.items() if k != "findings"}) + "\n"
        text += "\n".join(map(json.dumps, done.report["findings"][:10]))
    return text + (f"\n{instance.log()[-4000:]}" if instance else "")


class Server:
    """scripts/run in a directory of its own."""

    def __init__(self, *options):
        self.home = Path(tempfile.mkdtemp(prefix="walkv-drill-"))
        self.instance = Instance(self.home, "one", *options)
        self.url = f"http://127.0.0.1:{self.instance.port}"

    def __enter__(self):
        try:
            self.instance.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                status = self.instance.stop()
                if status != 0 or ALARMING.search(self.instance.log()):
                    raise AssertionError(f"scripts/run ended with {status}:\n{self.instance.log()}")
        finally:
            self.close()

    def close(self):
        self.instance.close()
        name = hashlib.sha256(f"{os.getuid()}:{self.instance.data.resolve()}".encode()).hexdigest()[:12]
        for path in VIEWS.glob(f"walkv-{name}*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def names(self):
        """What is in the store: (keys, queues)."""
        return (self.instance.request("GET", "/api/kv?keys=only").json()["keys"],
                self.instance.request("GET", "/api/queue").json()["queues"])


def one_run(server, kind, kills, seed, clients=32, every="100ms", in_recovery=False, duration="120s"):
    """A drill with that many kills; raises AssertionError unless nothing is wrong. Returns its report."""
    options = ["--in-recovery"] if in_recovery else []
    done = drill("--url", server.url, "--kill", kind, "--kills", kills, "--duration", duration, "--every", every,
                 "--before", "300ms", "--clients", clients, "--seed", seed, *options)
    if done.returncode != 0 or done.report is None:
        raise AssertionError(f"seed {seed}, {kind}: " + explain(done, server.instance))
    report = done.report
    wrong = [number for number in NUMBERS if report[number]]
    if wrong or report["linearizable"] != "yes" or sum(report["kills"].values()) < kills or not report["done"]:
        raise AssertionError(f"seed {seed}, {kind}: " + explain(done, server.instance))
    return report


class Kills(unittest.TestCase):
    """Sixty kills at random moments, ten for each kind and mode of sync, with the check of everything."""

    KILLS = 10

    def check(self, kind, mode):
        with Server("--workers", "2", "--wal-sync", mode) as server:
            report = one_run(server, kind, self.KILLS, SEED)
            print(f"drill: {kind}, {mode}: {report['done']} done, {sum(report['kills'].values())} kills, "
                  f"{report['retries']} retries, {report['replayed']} replayed", file=sys.stderr)
            self.assertEqual(report["refused_connections"], 0)
            self.assertLessEqual(set(report["errors"]), {"reset"}, report["errors"])  # only what the death of a worker does
            self.assertEqual((report["unknown"], report["never_done"]), (0, 0))
            if kind == "walkvd":
                self.assertEqual(report["errors"], {}, "a restart of walkvd is a pause and no error")
            self.assertEqual(server.names(), ([], []), "it removes what it made")

    def test_worker(self):
        self.check("worker", "sync")

    def test_walkvd(self):
        self.check("walkvd", "sync")

    def test_both(self):
        self.check("both", "sync")

    def test_worker_async(self):
        self.check("worker", "async")

    def test_walkvd_async(self):
        self.check("walkvd", "async")

    def test_both_async(self):
        self.check("both", "async")

    def test_while_it_starts(self):
        with Server("--workers", "1") as server:
            report = one_run(server, "walkvd", 12, SEED, clients=8, in_recovery=True)
            self.assertEqual(report["unknown"], 0)
            self.assertGreater(report["kills"]["in recovery"], 0)

    def test_without_keys(self):
        """What is lost then is only the knowledge of the outcome."""
        with Server("--workers", "2") as server:
            done = drill("--url", server.url, "--kill", "both", "--kills", 8, "--every", "100ms", "--before", "300ms",
                         "--without-keys", "--seed", SEED)
            self.assertEqual(done.returncode, 0, explain(done, server.instance))
            self.assertEqual([done.report[number] for number in NUMBERS], [0, 0, 0, 0])


class Ways(unittest.TestCase):
    """The options, on one server."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--workers", "2")
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def test_no_kills_history_and_check(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "history.jsonl")
            done = drill("--url", self.server.url, "--kill", "none", "--duration", "1s", "--keep", "--history", path)
            self.assertEqual(done.returncode, 0, explain(done))
            self.assertEqual(done.report["errors"], {})
            keys, queues = self.server.names()
            self.assertTrue(keys and queues)
            self.assertEqual([n for n in keys + queues if not n.startswith(done.report["run"] + "-")], [])
            for queue in queues:
                self.server.instance.request("DELETE", f"/api/queue/{queue}?forget=true")
            for key in keys:
                self.server.instance.request("DELETE", f"/api/kv/{key}")
            checked = drill("--check", path)
            self.assertEqual(checked.returncode, 0, explain(checked))
            self.assertEqual(checked.report["attempted"], done.report["attempted"])
            lines = path.read_text().splitlines(keepends=True)
            taken = next(i for i, line in enumerate(lines) if '"op":"dequeue"' in line and '"got"' in line)
            path.write_text("".join(lines[:taken] + lines[taken + 1 :]))
            checked = drill("--check", path)
            self.assertEqual(checked.returncode, 1, explain(checked))
            self.assertEqual(checked.report["lost"], 1)
            path.write_text("".join(lines[:-1]))  # without its end
            self.assertEqual(drill("--check", path).returncode, 1)
            path.write_text("".join(lines[1:]))
            self.assertEqual(drill("--check", path).returncode, 65)

    def test_ctrl_c_ends_it_early_and_checks(self):
        running = subprocess.Popen([DRILL, "--json", "--url", self.server.url, "--kill", "worker", "--duration", "10m"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        try:
            line = running.stderr.readline()
            while line and "calls" not in line:
                line = running.stderr.readline()
            self.assertIn("calls", line)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=PATIENCE_S)
        finally:
            if running.poll() is None:
                running.kill()
                running.wait()
        report = json.loads(out)
        self.assertTrue(report["complete"], err)
        self.assertEqual([report[number] for number in NUMBERS], [0, 0, 0, 0])
        self.assertEqual(self.server.names(), ([], []))

    def test_rate(self):
        done = drill("--url", self.server.url, "--kill", "none", "--duration", "2s", "--rate", "100")
        self.assertEqual(done.returncode, 0, explain(done))
        self.assertTrue(150 <= done.report["latency"]["before"]["calls"] <= 230, done.report)

    def test_text(self):
        done = subprocess.run([DRILL, "--url", self.server.url, "--kill", "worker", "--duration", "2s", "--before", "500ms"],
                              capture_output=True, text=True, timeout=PATIENCE_S, env=ENVIRONMENT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        for line in (r"^lost +0$", r"^duplicated +0$", r"^out of order +0$", r"^unexpected +0$", r"^linearizable +yes ",
                     r"^refused +0 connections$", r"^  before +p50 [\d.]+ ms", r"^  during +p50 [\d.]+ ms"):
            self.assertRegex(done.stdout, "(?m)" + line)

    def test_kill_command(self):
        with tempfile.TemporaryDirectory() as folder:
            words = Path(folder, "words")
            pid_file = self.server.instance.runtime() / "walkvd.pid"
            command = f'echo "$1" >>{words}; if [ "$1" = walkvd ]; then kill -9 $(cat {pid_file}); fi'
            done = drill("--url", self.server.url, "--kill", "both", "--kills", 6, "--every", "100ms", "--before", "200ms",
                         "--kill-command", command)
            self.assertEqual(done.returncode, 0, explain(done, self.server.instance))
            said = words.read_text().split()
            self.assertEqual(len(said), 6)
            self.assertLessEqual(set(said), {"worker", "walkvd"})
        done = drill("--url", self.server.url, "--kill", "worker", "--duration", "5s", "--before", "0ms", "--kill-command",
                     "exit 3")
        self.assertEqual(done.returncode, 69, explain(done))
        self.assertIn("the kill command ended with status 3", done.stderr)


class Wrong(unittest.TestCase):
    """The drill can fail: servers with one fault each, found under the right name."""

    FOUND_AS = {
        "lose": ["lost"],
        "stale": ["unexpected"],
        "twice": ["duplicated"],
        "again": ["duplicated"],
        "swap": ["out_of_order"],
        "cas": ["unexpected", "duplicated"],
        "empty": ["unexpected", "lost"],
        "resurrect": ["unexpected", "lost"],
        "odd": ["unexpected"],
    }

    def test_faults_are_found(self):
        for fault, numbers in self.FOUND_AS.items():
            with self.subTest(fault), Fake(fault) as server, tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "history")
                done = drill("--url", server.url, "--kill", "none", "--duration", "1500ms", "--clients", 4, "--seed", SEED,
                             "--history", path)
                self.assertEqual(done.returncode, 1, explain(done))
                self.assertGreater(sum(done.report[number] for number in numbers), 0, explain(done))
                self.assertIn("something is wrong", done.stderr)
                self.assertGreater(len(history.read(path.read_text().splitlines()).ops), 0)

    def test_none_is_found_where_none_is(self):
        with Fake() as server:
            done = drill("--url", server.url, "--kill", "none", "--duration", "1s", "--clients", 4)
            self.assertEqual(done.returncode, 0, explain(done))

    def test_the_history_of_a_bad_run_is_kept(self):
        with Fake("odd") as server:
            done = drill("--url", server.url, "--kill", "none", "--duration", "700ms", "--clients", 4)
        self.assertEqual(done.returncode, 1, explain(done))
        self.assertIn("every call is in ", done.stderr)
        path = Path(done.stderr.partition("every call is in ")[2].partition(";")[0])
        self.assertEqual(drill("--check", path).returncode, 1)

    def test_refusals(self):
        for fault, sentence in (("no_keys", "--without-keys"), ("no_lsn", "Walkv-Lsn"), ("not_walkv", "as walkv does")):
            with self.subTest(fault), Fake(fault) as server:
                done = drill("--url", server.url, "--kill", "none", "--duration", "1s")
                self.assertEqual(done.returncode, 69, explain(done))
                self.assertIn(sentence, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)
        done = drill("--url", f"http://127.0.0.1:{free_port()}")
        self.assertEqual(done.returncode, 69)
        self.assertIn("is not reachable", done.stderr)
        for arguments in (["--duration", "5"], ["--kill", "all"], ["--clients", "0"], ["--url", "ftp://x"], ["--every"],
                          ["stray"], ["--check", "a", "--history", "b"]):
            with self.subTest(arguments=arguments):
                done = drill(*arguments)
                self.assertEqual(done.returncode, 64, done.stderr)
        done = drill("--check", "/nonexistent")
        self.assertEqual(done.returncode, 65)
        self.assertIn("Idempotency-Key", subprocess.run([DRILL, "--help"], capture_output=True, text=True, check=True).stdout)


class Innocent(unittest.TestCase):
    """No process is killed that is not the instance's."""

    def setUp(self):
        self.other = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(self.other.wait)
        self.addCleanup(self.other.kill)
        wait_until(lambda: process.name_of(self.other.pid) == "sleep", "sleep to begin")

    def test_a_status_that_names_another_process(self):
        for kind in ("worker", "walkvd", "both"):
            with self.subTest(kind), Fake("innocent", self.other.pid) as server:
                done = drill("--url", server.url, "--kill", kind, "--duration", "2s", "--before", "0ms")
                self.assertEqual(done.returncode, 69, explain(done))
                self.assertIn("is called sleep here", done.stderr)
                self.assertTrue(is_alive(self.other.pid))

    def test_a_process_of_the_right_name_that_is_younger(self):
        with process.Process(self.other.pid) as one:
            one.must_be("sleep", 0)
            with self.assertRaisesRegex(process.NotOurs, "has run for"):
                one.must_be("sleep", 3_600_000)
            with self.assertRaisesRegex(process.NotOurs, "is called sleep"):
                one.must_be("walkvd", 0)

    def test_an_address_of_another_host(self):
        self.assertTrue(process.is_local("127.0.0.1"))
        self.assertTrue(process.is_local("localhost"))
        self.assertFalse(process.is_local("192.0.2.1"))  # for documentation: nobody's

    def test_a_process_of_another_user(self):
        if os.getuid() != 0:
            self.skipTest("needs root, to become another user")
        code = (f"import os, sys; sys.path.insert(0, {str(ROOT / 'tests')!r}); from drill import process; os.setuid(65534)\n"
                f"with process.Process({self.other.pid}) as one:\n"
                "    try:\n        one.may_be_signalled()\n"
                "    except process.NotOurs as error:\n        print(error)")
        said = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False)
        self.assertIn("run the drill with sudo", said.stdout, said.stderr)

    def test_a_stranger_with_the_same_names(self):
        """Two instances on one host: only the processes of the one at the URL die."""
        with Server("--workers", "2") as one, Server("--workers", "2") as two:
            before = (two.instance.pid("walkvd"), two.instance.pid("httpd"))
            one_run(one, "both", 6, SEED, clients=8)
            self.assertEqual((two.instance.pid("walkvd"), two.instance.pid("httpd")), before)
            self.assertNotIn("killed by signal", two.instance.log())


def campaign(kills, seed, per_round=50):
    """The long form. Raises AssertionError on the first thing that is wrong; returns a line of figures."""
    chance, left, began = random.Random(seed), kills, time.monotonic()
    total = collections.Counter()
    rounds = 0
    while left > 0:
        kind, mode = ("both", "walkvd", "both", "worker")[rounds % 4], chance.choice(("sync", "async"))
        workers, clients = chance.choice((1, 2, 4)), chance.choice((8, 32, 64))
        every = chance.choice(("20ms", "100ms", "200ms"))
        in_recovery, count = chance.random() < 0.5, min(per_round, left)
        with Server("--workers", str(workers), "--wal-sync", mode) as server:
            report = one_run(server, kind, count, chance.randrange(1 << 32), clients, every, in_recovery, "10m")
        for name, number in report["kills"].items():
            total[name] += number
        for name in ("attempted", "retries", "replayed"):
            total[name] += report[name]
        total["refused"] += report["refused_connections"]
        total["errors"] += sum(number for name, number in report["errors"].items() if name != "reset")
        left -= sum(report["kills"].values())
        rounds += 1
        print(f"drill: {kills - max(left, 0)} of {kills} kills: {kind}, {mode}, {workers} workers, {clients} clients, each "
              f"{every}, errors {report['errors']}, pause {report['longest_pause_ms']['writes']:g} ms, "
              f"{time.monotonic() - began:.0f} s", flush=True)
    return (f"{sum(total[n] for n in ('worker', 'walkvd', 'in recovery'))} kills ({total['worker']} of workers, "
            f"{total['walkvd']} of walkvd, {total['in recovery']} while it started) in {rounds} rounds, "
            f"{total['attempted']} calls, {total['retries']} retries, {total['replayed']} replayed, {total['refused']} refused "
            f"connections, {total['errors']} errors other than resets, 0 violations; seed {seed}")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith("--kills"):
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--kills", type=int, default=500)
        parser.add_argument("--seed", type=int, default=SEED)
        args = parser.parse_args()
        print(campaign(args.kills, args.seed))
    else:
        unittest.main()
