# SPDX-License-Identifier: MIT
"""scripts/run, the one command: starts, says so, keeps everything alive, stops, and refuses in one sentence. It runs
the daemons of WALKV_BUILD, so nothing is built here but in the last test."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from walkv import (BUILD, EX_CONFIG, EX_DATA, EX_UNAVAILABLE, EX_USAGE, ROOT, Connection, SystemTest, children_of, free_port,
                   is_alive, main, wait_until)

RUN = ROOT / "scripts" / "run"
VIEWS = Path("/dev/shm")


class Instance:
    """One scripts/run; what it prints goes to two files."""

    def __init__(self, home, name, *options, port=None, data=None, build=BUILD, environment=None):
        self.home = home
        self.port = port or free_port()
        self.data = Path(data or home / name / "data")
        self.out, self.err = home / f"{name}.out", home / f"{name}.err"
        variables = {**os.environ, "XDG_RUNTIME_DIR": str(home), **(environment or {})}
        if build:
            variables["WALKV_BUILD"] = str(build)
        else:
            variables.pop("WALKV_BUILD", None)
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [RUN, "--no-install", "--port", str(self.port), "--data-dir", self.data, *options],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=variables, start_new_session=True)

    def said(self):
        return self.out.read_text()

    def log(self):
        return self.err.read_text()

    def wait_ready(self, patience=60):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"scripts/run ended with {self.process.returncode}: {self.said()}{self.log()}")
            return self.said().count("\n") == 2

        wait_until(ready, "scripts/run to be ready", patience)
        return self

    def wait(self):
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"scripts/run does not end: {self.said()}{self.log()}") from None

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def request(self, method, path, body=None):
        with Connection(self.port) as c:
            return c.request(method, path, body)

    def runtime(self):
        """The runtime directory whose walkvd serves our data directory."""
        for path in self.home.glob("walkv-*"):
            try:
                pid = int((path / "walkvd.pid").read_text())
                if str(self.data.resolve()).encode() in Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0"):
                    return path
            except (OSError, ValueError):
                pass
        raise AssertionError("no runtime directory")

    def pid(self, name):
        return int((self.runtime() / f"{name}.pid").read_text())

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.wait()


class Run(SystemTest):
    options = None

    def setUp(self):
        super().setUp()
        self.home = Path(tempfile.mkdtemp(prefix="walkv-run-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.instances = []
        self.addCleanup(self.remove_views)

    def tearDown(self):
        for each in self.instances:
            log = each.log()
            self.assertNotRegex(log, "AddressSanitizer|LeakSanitizer|runtime error:|panic", log)
        super().tearDown()

    def run_it(self, name, *options, **more):
        one = Instance(self.home, name, *options, **more)
        self.instances.append(one)
        self.addCleanup(one.close)
        return one

    def remove_views(self):
        """Those that a run left which was killed, or which found damage; nobody would remove them. Only ours: the name
        follows from user and data directory."""
        for one in self.instances:
            name = hashlib.sha256(f"{os.getuid()}:{one.data.resolve()}".encode()).hexdigest()[:12]
            for path in VIEWS.glob(f"walkv-{name}*"):
                path.unlink(missing_ok=True)

    def test_start_and_stop(self):
        one = self.run_it("one", "--workers", "3").wait_ready()
        self.assertEqual(one.said(), f"walkv is ready: http://127.0.0.1:{one.port}\nA new store in {one.data}.\n")
        runtime = one.runtime()
        self.assertEqual(runtime.stat().st_mode & 0o777, 0o700)
        self.assertEqual(len(children_of(one.pid("httpd"))), 3)
        self.assertEqual(one.request("PUT", "/api/kv/a", '{"value":1}').status, 201)
        self.assertEqual(one.request("POST", "/api/queue/q/enqueue", '{"value":1}').status, 200)
        self.assertEqual(one.request("POST", "/api/queue/q/enqueue", '{"value":2}').status, 200)
        pids = [one.pid("walkvd"), one.pid("httpd"), *children_of(one.pid("httpd"))]
        view = VIEWS / f"walkv-{runtime.name.rpartition('-')[2]}"
        self.assertTrue(view.exists())
        self.assertEqual(one.stop(), 0, one.log())
        self.assertEqual([pid for pid in pids if is_alive(pid)], [])
        self.assertEqual(list(VIEWS.glob(view.name + "*")), [])
        self.assertFalse(runtime.exists())
        again = self.run_it("one").wait_ready()
        self.assertRegex(again.said(), r"\nRecovered 1 keys and 1 queues with 2 items from \S+ \(cold start, \d+ ms\)\.\n\Z")
        self.assertEqual(again.request("GET", "/api/kv/a").json()["value"], 1)

    def test_two_instances_do_not_meet(self):
        one, two = self.run_it("one"), self.run_it("two")
        one.wait_ready()
        two.wait_ready()
        self.assertEqual(one.request("PUT", "/api/kv/a", '{"value":1}').status, 201)
        self.assertEqual(two.request("GET", "/api/kv/a").status, 404)
        self.assertEqual(two.request("PUT", "/api/kv/a", '{"value":2}').status, 201)
        self.assertEqual(one.stop(), 0, one.log())
        self.assertEqual(two.request("GET", "/api/kv/a").json()["value"], 2)
        self.assertEqual(two.request("PUT", "/api/kv/a", '{"value":3}').status, 200)
        one = self.run_it("one").wait_ready()
        self.assertEqual(one.request("GET", "/api/kv/a").json()["value"], 1)

    def test_what_dies_is_started_again(self):
        one = self.run_it("one", "--workers", "2").wait_ready()
        for n, name in enumerate(("walkvd", "httpd", "worker", "walkvd")):
            with self.subTest(name):
                self.assertLess(one.request("PUT", f"/api/kv/before{n}", '{"value":1}').status, 300)
                pid = children_of(one.pid("httpd"))[0] if name == "worker" else one.pid(name)
                os.kill(pid, signal.SIGKILL)
                if name == "worker":
                    wait_until(lambda: len(set(children_of(one.pid("httpd"))) - {pid}) == 2, "another worker")
                else:
                    wait_until(lambda: self.another(one, name, pid), f"another {name}")

                def written():
                    try:
                        return one.request("PUT", f"/api/kv/after{n}", '{"value":1}').status < 300
                    except OSError:
                        return False

                wait_until(written, "writes to be taken again")
                self.assertEqual(one.request("GET", f"/api/kv/before{n}").status, 200)
        self.assertEqual(one.stop(), 0, one.log())

    @staticmethod
    def another(one, name, pid):
        try:
            return one.pid(name) != pid
        except (AssertionError, OSError, ValueError):
            return False

    def test_ctrl_c_twice(self):
        one = self.run_it("one").wait_ready()
        one.process.send_signal(signal.SIGINT)
        one.process.send_signal(signal.SIGINT)
        one.process.send_signal(signal.SIGTERM)
        self.assertEqual(one.wait(), 0, one.log())

    def test_a_stop_in_the_middle_of_the_start(self):
        for _ in range(5):
            one = self.run_it("one")
            wait_until(lambda: "walkvd[" in one.log() or one.process.poll() is not None, "walkvd to begin")
            self.assertEqual(one.stop(), 0, one.log())

    def test_nothing_is_left_when_it_is_killed(self):
        one = self.run_it("one").wait_ready()
        self.assertEqual(one.request("PUT", "/api/kv/a", '{"value":1}').status, 201)
        pids = [one.pid("walkvd"), one.pid("httpd"), *children_of(one.pid("httpd"))]
        one.process.kill()
        one.wait()
        wait_until(lambda: not any(is_alive(pid) for pid in pids), "the daemons to end")
        one = self.run_it("one").wait_ready()
        self.assertEqual(one.request("GET", "/api/kv/a").json()["value"], 1)

    def test_options_reach_the_daemons(self):
        one = self.run_it("one", "--wal-sync=async", "--workers=1").wait_ready()
        self.assertEqual(one.request("GET", "/api/status").json()["wal_sync"], "async")
        self.assertEqual(len(children_of(one.pid("httpd"))), 1)

    def test_a_long_runtime_directory(self):
        deep = self.home / ("d" * 120)
        deep.mkdir()
        one = self.run_it("one", environment={"XDG_RUNTIME_DIR": str(deep)}).wait_ready()
        self.assertEqual(one.request("PUT", "/api/kv/a", '{"value":1}').status, 201)
        self.assertEqual(one.stop(), 0, one.log())

    def assertRefused(self, one, status, *words):
        self.assertEqual(one.wait(), status, one.log())
        self.assertEqual(one.said(), "")
        last = [line for line in one.log().splitlines() if line.startswith("walkv: ")]
        for word in words:
            self.assertIn(str(word), "\n".join(last) or one.log())

    def test_a_port_in_use(self):
        one = self.run_it("one").wait_ready()
        self.assertRefused(self.run_it("two", port=one.port), EX_UNAVAILABLE, one.port, "--port")
        self.assertEqual(one.request("GET", "/livez").status, 200)

    def test_a_data_directory_in_use(self):
        one = self.run_it("one").wait_ready()
        self.assertEqual(one.request("PUT", "/api/kv/a", '{"value":1}').status, 201)
        self.assertRefused(self.run_it("two", data=one.data), EX_UNAVAILABLE, one.data)
        # Not known to each other by the runtime directory, so it is walkvd that refuses.
        elsewhere = self.home / "elsewhere"
        elsewhere.mkdir()
        three = self.run_it("three", data=one.data, environment={"XDG_RUNTIME_DIR": str(elsewhere)})
        self.assertRefused(three, EX_UNAVAILABLE, "walkvd")
        self.assertEqual(one.request("GET", "/api/kv/a").json()["value"], 1)
        self.assertEqual(one.request("PUT", "/api/kv/a", '{"value":2}').status, 200)
        self.assertEqual(one.stop(), 0)

    def test_a_data_directory_that_cannot_be(self):
        (self.home / "file").write_text("")
        for data in (self.home / "file", self.home / "file" / "data", Path("/proc/no/data")):
            with self.subTest(data=data):
                self.assertRefused(self.run_it("one", data=data), EX_CONFIG, "data directory")

    def test_damaged_data(self):
        one = self.run_it("one").wait_ready()
        for n in range(20):
            one.request("PUT", f"/api/kv/{n}", '{"value":1}')
        self.assertEqual(one.stop(), 0)
        segment = sorted((one.data / "wal").glob("*.wal"))[0]
        content = bytearray(segment.read_bytes())
        content[1024 + 20] ^= 1
        segment.write_bytes(content)
        one = self.run_it("one")
        self.assertRefused(one, EX_DATA, "damaged")
        self.assertIn(segment.name, one.log())

    def test_usage(self):
        done = subprocess.run([RUN, "--help"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for option in ("--port", "--workers", "--data-dir", "--wal-sync", "--no-install"):
            self.assertIn(option, done.stdout)
        for arguments in (["--no-such-option"], ["stray"], ["--port"], ["--port", "0"], ["--port", "70000"],
                          ["--port", "x"], ["--workers", "0"], ["--wal-sync", "maybe"], ["--data-dir="]):
            with self.subTest(arguments=arguments):
                done = subprocess.run([RUN, *arguments], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, EX_USAGE, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    @unittest.skipUnless(BUILD == (ROOT / "build" / "release").resolve(), "builds build/release, so only with that build")
    def test_it_builds_what_it_runs(self):
        one = self.run_it("one", build=None).wait_ready(patience=600)
        self.assertEqual(one.request("PUT", "/api/kv/a", '{"value":1}').status, 201)
        self.assertEqual(one.stop(), 0, one.log())


if __name__ == "__main__":
    main()
