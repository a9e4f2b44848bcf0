# SPDX-License-Identifier: MIT
"""What the daemons tell a service manager, heard at a socket of our own: tests/systemd has a real one."""

import ctypes
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from unittest import mock

from walkv import BUILD, EX_CONFIG, Daemon, SystemTest, main, wait_until

WATCHDOG_US = 800000
SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}
HAND_OVER = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])"""


class Manager:
    """A NOTIFY_SOCKET, and what came to it."""

    def __init__(self, directory, watchdog_us=WATCHDOG_US):
        self.path = str(directory / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.heard = []
        self.environment = {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": str(watchdog_us)}

    def listen(self):
        try:
            while True:
                message = self.socket.recv(65536).decode()
                self.heard += [(time.monotonic(), *line.split("=", 1)) for line in message.splitlines()]
        except BlockingIOError:
            return self.heard

    def values(self, name):
        return [value for _, key, value in self.listen() if key == name]

    def wait_for(self, name, pattern=".*", count=1):
        return wait_until(lambda: len([v for v in self.values(name) if re.search(pattern, v)]) >= count, "%s=%s" % (name, pattern))


class Notifications(SystemTest):
    options = None

    def setUp(self):
        super().setUp()
        self.one = self.instance()
        self.manager = Manager(self.one.dir)
        self.addCleanup(self.manager.socket.close)

    def start(self, what, **flags):
        with mock.patch.dict(os.environ, self.manager.environment):
            return what(**flags)

    def test_walkvd(self):
        walkvd = self.start(self.one.start_walkvd)
        self.manager.wait_for("READY", "^1$")
        self.manager.wait_for("STATUS", r"^Serving: LSN 0, 0 keys, 0 queues, 0 items$")
        self.manager.wait_for("WATCHDOG", count=3)
        walkvd.signal(signal.SIGHUP)
        self.manager.wait_for("READY", count=2)
        self.assertEqual(len(self.manager.values("RELOADING")), 1)
        self.assertLess(abs(int(self.manager.values("MONOTONIC_USEC")[0]) / 1e6 - time.monotonic()), 60)
        self.one.stop_walkvd()
        self.assertEqual(self.manager.values("STOPPING"), ["1"])

    def test_the_loop_feeds_the_watchdog_under_load_too(self):
        self.start(self.one.start_walkvd)
        self.one.start_httpd()
        deadline = time.monotonic() + 4 * WATCHDOG_US / 1e6
        with self.one.connect() as c:
            while time.monotonic() < deadline:
                c.request("PUT", "/api/kv/a", '{"value":1}')
        times = [at for at, key, _ in self.manager.listen() if key == "WATCHDOG"]
        self.assertGreaterEqual(len(times), 6)

    def test_a_long_start_says_how_far_it_is_and_asks_for_time(self):
        self.one.start()
        with self.one.connect() as c:
            for i in range(300):
                c.request("PUT", "/api/kv/%d" % i, '{"value":1}')
        self.one.ctl("checkpoint")
        self.one.set("behind", "1")
        self.one.kill_walkvd()
        self.start(self.one.start_walkvd, cold_start=True)
        self.manager.wait_for("READY")
        heard = self.manager.listen()
        first = [key for _, key, _ in heard].index("READY")
        before = [(key, value) for _, key, value in heard[:first]]
        self.assertIn(("EXTEND_TIMEOUT_USEC", "60000000"), before)
        self.assertRegex(dict(before)["STATUS"], r"^(Loading the snapshot: \d+ of \d+ MiB|Replaying the log: LSN \d+, \d+ operations)$")

    def test_worker(self):
        self.one.start_walkvd()
        httpd = self.start(self.one.start_httpd, workers=0)
        self.manager.wait_for("READY")
        self.manager.wait_for("STATUS", "^Serving$")
        self.manager.wait_for("WATCHDOG", count=3)
        httpd.signal(signal.SIGHUP)
        self.manager.wait_for("READY", count=2)
        self.assertEqual(len(self.manager.values("RELOADING")), 1)
        self.one.stop_httpd()
        self.assertEqual(self.manager.values("STOPPING"), ["1"])

    def test_the_parent_of_workers_speaks_for_them(self):
        self.one.start_walkvd()
        self.start(self.one.start_httpd, workers=2)
        self.manager.wait_for("STATUS", "^2 workers$")
        self.manager.wait_for("WATCHDOG", count=3)

    def test_nobody_asks_for_a_watchdog(self):
        del self.manager.environment["WATCHDOG_USEC"]
        walkvd = self.start(self.one.start_walkvd)
        for times in (2, 3, 4):  # and each time its loop has turned
            walkvd.signal(signal.SIGHUP)
            self.manager.wait_for("READY", count=times)
        self.assertEqual(self.manager.values("WATCHDOG"), [])


class Scheduling(SystemTest):
    options = None

    def slice_ns(self, pid):
        """How long a process may run before the kernel looks for another one: sched_getattr(2); 0 on kernels without that."""
        attributes = ctypes.create_string_buffer(48)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syscall(SCHED_GETATTR[os.uname().machine], pid, attributes, 48, 0) != 0:
            raise OSError(ctypes.get_errno(), "sched_getattr")
        return struct.unpack_from("=Q", attributes, 24)[0]

    def test_a_worker_has_a_short_slice(self):
        if os.uname().machine not in SCHED_GETATTR:
            self.skipTest("no number of that system call here")
        one = self.instance(workers=2)
        one.start()
        usual = self.slice_ns(one.walkvd.pid)
        for pid in one.worker_pids():
            self.assertEqual(self.slice_ns(pid), 100000 if usual else 0)
        self.assertNotEqual(usual, 100000)


class Credentials(SystemTest):
    options = None

    def test_tokens_from_a_credential(self):
        one = self.instance()
        line = one.ctl("--quiet", "token", "new", "op", "--scope", "write").stdout.splitlines()[-1]
        (one.dir / "walkv.tokens").write_text(line + "\n")
        (one.dir / "walkv.tokens").chmod(0o400)
        with mock.patch.dict(os.environ, {"CREDENTIALS_DIRECTORY": str(one.dir)}):
            walkvd = one.start_walkvd(auth_tokens_file="credential:walkv.tokens")
        self.assertTrue(walkvd.seen(r"1 access tokens read from .*/walkv.tokens"), walkvd.log)

    def test_where_there_are_none(self):
        one = self.instance()
        for setting, said in (("credential:tokens", "systemd has handed over no credentials; the unit needs LoadCredential=tokens"),):
            walkvd = one.start_walkvd(wait=False, auth_tokens_file=setting)
            self.assertEqual(walkvd.wait(), EX_CONFIG)
            self.assertIn(said, walkvd.log)
        with mock.patch.dict(os.environ, {"CREDENTIALS_DIRECTORY": str(one.dir)}):
            for setting in ("credential:", "credential:../etc/passwd"):
                walkvd = one.start_walkvd(wait=False, auth_tokens_file=setting)
                self.assertEqual(walkvd.wait(), EX_CONFIG)
                self.assertIn("must be followed by the name of a credential", walkvd.log)


class Generator(SystemTest):
    options = None

    def test_one_worker_per_processor(self):
        if os.path.exists("/etc/walkv/walkv.conf"):
            self.skipTest("this machine has a walkv.conf")
        one = self.instance()
        done = subprocess.run([BUILD / "systemd" / "walkv-generator", one.dir, one.dir, one.dir], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        wants = one.dir / "walkv.target.wants"
        self.assertEqual(sorted(p.name for p in wants.iterdir()),
                         sorted("walkv-httpd@%d.service" % (i + 1) for i in range(os.sysconf("SC_NPROCESSORS_ONLN"))))
        self.assertTrue(all(os.readlink(p).endswith("/systemd/system/walkv-httpd@.service") for p in wants.iterdir()))

    def test_it_is_not_for_people(self):
        done = subprocess.run([BUILD / "systemd" / "walkv-generator"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 64)
        self.assertIn("usage: walkv-generator", done.stderr)


class Socket(SystemTest):
    options = None

    def test_a_blocking_socket_is_told(self):
        """With several workers, who waits in accept() does nothing else."""
        one = self.instance()
        one.start_walkvd()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            for blocking in (True, False):
                listening.setblocking(blocking)
                httpd = Daemon("walkv-httpd", [sys.executable, "-c", HAND_OVER, listening.fileno(), *one.httpd_argv(workers=0)],
                               pass_fds=[listening.fileno()])
                one.all.append(httpd)
                httpd.wait_for_line("serving")
                self.assertEqual(bool(httpd.seen("NonBlocking=yes")), blocking)
                httpd.signal(signal.SIGTERM)
                httpd.wait()


if __name__ == "__main__":
    main()
