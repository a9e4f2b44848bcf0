# SPDX-License-Identifier: MIT
"""How many instructions in user space an operation takes in each process, counted by callgrind.

Counts are differences: a run with 2 n operations less one with n, divided by n, each from start to stop, so that starts
and stops fall out. One connection, one operation at a time: a batch holds one write. What is left of chance are timers
that go off meanwhile, and how soon a page of the view may be used again, which depends on the clock."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

GETS, WRITES, RECORDS = 1500, 1000, 4000
KEYS = 100
PATIENCE_S = 120
KEY, VALUE = "key-%012d", "value-%026d"


def available():
    return shutil.which("valgrind") is not None


class Failed(Exception):
    """A daemon did not do what it was asked."""


class Process:
    """A daemon, counted or not."""

    def __init__(self, directory, name, argv, counted):
        self.log, self.out = os.path.join(directory, name + ".log"), os.path.join(directory, name + ".callgrind")
        prefix = ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + self.out] if counted else []
        self.name, self.counted = name, counted
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*prefix, *map(str, argv)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)

    def text(self):
        return Path(self.log).read_text(encoding="utf-8", errors="replace")

    def wait_for(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed("%s is not there:\n%s" % (self.name, self.text()[-2000:]))
            time.sleep(0.01)

    def stop(self, how=signal.SIGTERM):
        """Returns the instructions from start to stop, of a counted one."""
        self.process.send_signal(how)
        if self.process.wait(PATIENCE_S) != 0 and how == signal.SIGTERM:
            raise Failed("%s did not stop cleanly:\n%s" % (self.name, self.text()[-2000:]))
        if not self.counted:
            return None
        return int(re.search(r"(?m)^totals: (\d+)", Path(self.out).read_text(encoding="utf-8")).group(1))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Pair:
    """walkvd and one worker in a directory of their own, and a connection to the worker."""

    def __init__(self, build, counted=()):
        self.build, self.counted = Path(build).resolve(), counted
        self.directory = tempfile.mkdtemp(prefix="walkv-count-")
        self.view = "/dev/shm/%s" % os.path.basename(self.directory)
        self.processes, self.sock = {}, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.sock:
            self.sock.close()
        for process in self.processes.values():
            process.kill()
        for suffix in ("", ".gen", "-lock", ".new", ".new-lock"):
            try:
                os.unlink(self.view + suffix)
            except FileNotFoundError:
                pass
        shutil.rmtree(self.directory, ignore_errors=True)

    def start_walkvd(self, *flags):
        process = Process(self.directory, "walkvd", [
            self.build / "walkvd" / "walkvd", "--data-dir", os.path.join(self.directory, "data"), "--socket-path",
            os.path.join(self.directory, "sock"), "--view-path", self.view, "--view-size", "1GiB", "--wal-segment-size", "4MiB",
            "--checkpoint-interval", "0", "--checkpoint-wal-size", "0", *flags], "walkvd" in self.counted)
        self.processes["walkvd"] = process
        process.wait_for(lambda: " ready: " in process.text())
        return process

    def start_worker(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        process = Process(self.directory, "httpd", [
            self.build / "walkv-httpd" / "walkv-httpd", "--listen", "127.0.0.1:%d" % port, "--socket-path",
            os.path.join(self.directory, "sock"), "--view-path", self.view], "httpd" in self.counted)
        self.processes["httpd"] = process

        def connected():
            try:
                self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
                return True
            except OSError:
                return False
        process.wait_for(connected)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self, *flags):
        self.start_walkvd(*flags)
        self.start_worker()
        return self

    def ask(self, method, path, body="", wanted=(200,)):
        head = "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body) if body else ""
        self.sock.sendall(("%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n%s" % (method, path, head, body)).encode())
        data = b""
        while True:
            piece = self.sock.recv(65536)
            data += piece
            found = re.search(rb"\r\nContent-Length: (\d+)\r\n.*?\r\n\r\n", data, re.DOTALL)
            if found and len(data) >= found.end() + int(found.group(1)):
                break
            if not piece:
                raise Failed("%s %s: the connection was closed" % (method, path))
        if int(data.split(b" ", 2)[1]) not in wanted:
            raise Failed("%s %s: %r" % (method, path, data[:300]))

    def set(self, count, keys=KEYS):
        for i in range(count):
            self.ask("POST", "/api/kv/" + KEY % (i % keys), '{"value":"%s"}' % (VALUE % i), wanted=(200, 201))

    def get(self, count):
        for i in range(count):
            self.ask("GET", "/api/kv/" + KEY % (i % KEYS))

    def enqueue(self, count):
        for i in range(count):
            self.ask("POST", "/api/queue/jobs/enqueue", '{"value":"%s"}' % (VALUE % i))

    def dequeue(self, count):
        for _ in range(count):
            self.ask("POST", "/api/queue/jobs/dequeue")

    def stop(self):
        """Returns the counts of the counted, by name."""
        self.sock.close()
        self.sock = None
        counts = {name: self.processes[name].stop() for name in ("httpd", "walkvd")}
        return {name: count for name, count in counts.items() if count is not None}


def counted_run(build, counted, work):
    with Pair(build, counted) as pair:
        pair.start()
        pair.set(KEYS)
        work(pair)
        return pair.stop()


def difference(more, less, n):
    return {name: round((more[name] - less[name]) / n) for name in less}


def gets(build):
    """Instructions of walkv-httpd per GET."""
    runs = [counted_run(build, ("httpd",), lambda pair, n=n: pair.get(n)) for n in (GETS, 2 * GETS)]
    return difference(runs[1], runs[0], GETS)["httpd"]


def recovery(build):
    """Instructions of walkvd in a cold start, per record of the log; each is a batch of its own."""
    totals = []
    for n in (RECORDS, 2 * RECORDS):
        with Pair(build) as pair:
            pair.start("--wal-sync", "async")
            pair.set(n)
            pair.processes["httpd"].stop()
            pair.processes["walkvd"].stop(signal.SIGKILL)
            pair.counted = ("walkvd",)
            walkvd = pair.start_walkvd("--cold-start")
            if not re.search(r"complete: %d operations replayed" % n, walkvd.text()):
                raise Failed("it did not replay %d operations:\n%s" % (n, walkvd.text()))
            totals.append(walkvd.stop())
    return round((totals[1] - totals[0]) / RECORDS)


def measure(build):
    """All counts: operation -> process -> instructions."""
    def run(work):
        return counted_run(build, ("httpd", "walkvd"), work)

    n = WRITES
    sets = [run(lambda pair, k=k: pair.set(k * n)) for k in (1, 2)]
    enqueues = [run(lambda pair, k=k: pair.enqueue(k * n)) for k in (1, 2)]

    def both(pair):
        pair.enqueue(2 * n)
        pair.dequeue(n)
    dequeues = run(both)
    return {"get": {"httpd": gets(build)}, "set": difference(sets[1], sets[0], n),
            "enqueue": difference(enqueues[1], enqueues[0], n), "dequeue": difference(dequeues, enqueues[1], n),
            "recovery_per_record": {"walkvd": recovery(build)}}
