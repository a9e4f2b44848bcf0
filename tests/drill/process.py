# SPDX-License-Identifier: MIT
"""process: the processes of the instance behind a URL, and nobody else's, found and killed through /proc.

/api/status names the pid of walkvd and that of the worker which answered. A pid alone proves nothing: the instance may
be on another host or in a container, or the process gone and its pid given away. So a process is only killed when

    1. the URL leads to an address of this host,
    2. /proc says that the process is called walkvd or walkv-httpd,
    3. it has been running for as long as the answer says,
    4. and it is still the one that was looked at (a pidfd is opened before looking).

Other workers of the same parent belong to the instance too, if that parent is a walkv-httpd: it is held by a pidfd, and
while it lives its children can be found without asking (walkvd may be away). The parent itself is never killed. A
walkvd that is not ready yet does not answer; it is known by its parent (scripts/run, not systemd) and its command line,
which are those of the one that was killed.

Must never: signal a process for which one of these does not hold.
"""

import os
import signal
import socket
import time
from pathlib import Path

from . import client

WALKVD, WORKER = "walkvd", "walkv-httpd"
AGE_SLACK_S = 2.0
START_MAX_S = 15.0  # from the start of the process to its uptime 0, besides recovery


class NotOurs(Exception):
    """The process cannot be shown to belong to the instance, or may not be signalled; a sentence for the operator."""


class Gone(NotOurs):
    """It has just ended."""


class Process:
    """What /proc says of a process, read while a pidfd holds it. Close it."""

    def __init__(self, pid):
        self.pid = pid
        try:
            self.fd = os.pidfd_open(pid)
        except OSError as error:
            raise Gone(f"there is no process {pid}") from error
        try:
            folder = Path("/proc", str(pid))
            self.name = (folder / "comm").read_text().rstrip("\n")
            self.command = (folder / "cmdline").read_bytes()
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            self.parent = int(fields[1])
            uptime_s = float(Path("/proc/uptime").read_text().split()[0])
            self.age_s = uptime_s - int(fields[19]) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError) as error:
            self.close()
            raise Gone(f"process {pid} cannot be looked at: {error}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        os.close(self.fd)

    def must_be(self, name, uptime_ms=None, start_max_s=START_MAX_S):
        """Raises NotOurs when it is called otherwise, or has not run for as long as it says (sleep of the host apart)."""
        start_max_s += time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
        if self.name != name:
            raise NotOurs(f"process {self.pid} is called {self.name} here, not {name}: does the instance run on this host, "
                          "outside of a container?")
        if uptime_ms is not None and not -AGE_SLACK_S <= self.age_s - uptime_ms / 1000 <= start_max_s:
            raise NotOurs(f"process {self.pid} has run for {self.age_s:.0f} s, and {name} says it has for "
                          f"{uptime_ms / 1000:.0f} s: does the instance run on this host?")

    def alive(self):
        """A parent may belong to another user; it is only asked whether it is there."""
        try:
            return self._signal(0)
        except NotOurs:
            return True

    def may_be_signalled(self):
        self._signal(0)

    def kill(self):
        """SIGKILL. False when it had ended by itself."""
        return self._signal(signal.SIGKILL)

    def _signal(self, number):
        try:
            signal.pidfd_send_signal(self.fd, number)
            return True
        except ProcessLookupError:
            return False
        except PermissionError:
            raise NotOurs(f"{self.name} (process {self.pid}) belongs to another user, and may not be killed: run the drill "
                          "with sudo, or give it a --kill-command") from None


def children_of(parent, name):
    """The pids of the children of a process that are called so."""
    try:
        pids = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return []
    found = []
    for pid in map(int, pids):
        try:
            if Path(f"/proc/{pid}/comm").read_text().rstrip("\n") == name:
                found.append(pid)
        except OSError:
            pass
    return found


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except OSError:
        return ""


def is_local(host):
    """Whether this name leads to an address of this host: one that can be bound."""
    try:
        addresses = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    for family, kind, protocol, _, address in addresses:
        try:
            with socket.socket(family, kind, protocol) as s:
                s.bind((address[0], 0, *address[2:]))
        except OSError:
            return False
    return bool(addresses)


async def status_of(target, patience_s=3.0):
    """/api/status as an object. Raises client.Failed or client.Malformed."""
    answer = await client.ask(target, "GET", "/api/status", patience_s)
    body = answer.json()
    if answer.status != 200 or not isinstance(body.get("worker"), dict):
        raise client.Malformed(f"/api/status: {answer.status}")
    return body


class Local:
    """Finds and kills. `random` chooses among workers."""

    def __init__(self, target, random):
        self.target, self.random = target, random
        self.store = None
        self.parent = None  # of the workers, a Process that is held open
        self.last_walkvd = None  # (pid, parent, command line) of the walkvd that was killed last

    async def prepare(self, wants):
        """Looks at everything once, kills nothing. Raises NotOurs."""
        if not is_local(self.target.host):
            raise NotOurs(f"{self.target.host} is not an address of this host: run the drill there, or give it a "
                          "--kill-command")
        if not hasattr(os, "pidfd_open"):
            raise NotOurs("this needs pidfd_open (Linux 5.3 or newer)")
        status = await status_of(self.target)
        self.store = status.get("store_id")
        if "walkvd" in wants:
            with self._walkvd(status) as process:
                process.may_be_signalled()
        if "worker" in wants:
            with self._worker(status) as process:
                process.may_be_signalled()

    async def kill(self, what):
        """Kills one; returns its pid, or None when there was none to kill at this moment."""
        try:
            process = self._child() if what == "worker" else None
            if process is None:
                status = await status_of(self.target)
                if status.get("store_id", self.store) != self.store:
                    raise NotOurs("the instance serves another store than at the beginning")
                if what == "walkvd" and status.get("walkvd") != "running":
                    return None
                process = self._worker(status) if what == "worker" else self._walkvd(status)
        except (client.Failed, client.Malformed, Gone):
            return None
        with process:
            if what == "walkvd":
                self.last_walkvd = (process.pid, process.parent, process.command)
            return process.pid if process.kill() else None

    def starting_walkvd(self):
        """The walkvd that was started after the one that we killed, ready or not, as a Process to close; or None."""
        if self.last_walkvd is None:
            return None
        pid, parent, command = self.last_walkvd
        if parent <= 1 or name_of(parent) in ("systemd", ""):
            return None
        for child in children_of(parent, WALKVD):
            if child == pid:
                continue
            try:
                process = Process(child)
            except Gone:
                continue
            if process.name == WALKVD and process.parent == parent and process.command == command:
                self.last_walkvd = (child, parent, command)
                return process
            process.close()
        return None

    @staticmethod
    def _walkvd(status):
        if not isinstance(status.get("pid"), int):
            raise NotOurs("the status does not name walkvd's process")
        process = Process(status["pid"])
        try:
            process.must_be(WALKVD, status["uptime_ms"], START_MAX_S + status.get("recovery_ms", 0) / 1000)
        except NotOurs:
            process.close()
            raise
        return process

    def _worker(self, status):
        """The worker that answered, or another one of its parent, which is then known."""
        worker = status["worker"]
        process = Process(worker["pid"])
        try:
            process.must_be(WORKER, worker["uptime_ms"])
            if name_of(process.parent) == WORKER:
                if self.parent:
                    self.parent.close()
                self.parent = Process(process.parent)
                self.parent.must_be(WORKER)
        except NotOurs:
            process.close()
            raise
        child = self._child()
        if child is None:
            return process
        process.close()
        return child

    def _child(self):
        """Some child of the parent that is known; None without one."""
        if self.parent is None or not self.parent.alive():
            return None
        pids = children_of(self.parent.pid, WORKER)
        if not pids:
            return None
        process = Process(self.random.choice(pids))
        if process.name != WORKER or process.parent != self.parent.pid:
            process.close()
            raise Gone(f"process {process.pid} is no child of {self.parent.pid} any more")
        return process
