# SPDX-License-Identifier: MIT
"""The servers that are measured, started by hand on loopback: walkv, and what people use today, each as somebody would
configure it who must not lose what was acknowledged.

Everything that is started or made here is noted in a Session and is ended (by its process id), and removed, when that is
closed, however the run ends; a server also ends when the benchmark itself is killed."""
import base64
import ctypes
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

PATIENCE_S = 60
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """What makes a run worthless; it is not reported then."""


def fail(text):
    raise BenchError(text)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def end_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def processor_time_s(session_id):
    """What the processes of a session of the kernel, and those that they have waited for, have used of the processors: a
    server has a session of its own."""
    ticks = 0
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session_id:
                ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def ask(port, path, body=None, method=None, content_type="application/json", timeout=PATIENCE_S):
    """Returns (status, headers, body) of one request of its own."""
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), data=body, method=method)
    if body is not None:
        request.add_header("Content-Type", content_type)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def raw_answer(port, request):
    """The bytes that answer one GET on a connection: (head, body)."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as s:
        s.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += s.recv(65536) or fail("the connection was closed")
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        while len(body) < length:
            body += s.recv(65536) or fail("the connection was closed")
        return head + b"\r\n\r\n", body


class Server:
    """A process of its own kernel session, on the processors of servers."""

    def __init__(self, session, name, argv, env=None, cwd=None):
        self.session, self.name, self.argv, self.env, self.cwd = session, name, [str(a) for a in argv], env, cwd
        self.log = session.new_path(name + ".log")
        self.process = None

    def start(self):
        self.log_from = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        out = open(self.log, "ab")
        with out:
            self.process = subprocess.Popen(
                ["taskset", "-c", self.session.server_cpus, *self.argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, preexec_fn=end_with_parent, env={**os.environ, **(self.env or {})}, cwd=self.cwd)
        self.session.running.append(self)
        return self

    @property
    def pid(self):
        return self.process.pid

    def log_text(self):
        with open(self.log, "rb") as f:
            f.seek(self.log_from)
            return f.read().decode("utf-8", "replace")

    def wait_for(self, condition, what):
        deadline = time.monotonic() + 10 * PATIENCE_S
        while True:
            found = condition()
            if found:
                return found
            if self.process.poll() is not None:
                raise BenchError("%s ended with status %d:\n%s" % (self.name, self.process.returncode, self.log_text()[-2000:]))
            if time.monotonic() > deadline:
                raise BenchError("%s: waited too long for %s" % (self.name, what))
            time.sleep(0.002)

    def wait_for_port(self, port):
        def connects():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return True
            except OSError:
                return False
        self.wait_for(connects, "port %d" % port)

    def wait_for_log(self, text):
        self.wait_for(lambda: text in self.log_text(), "%r in its log" % text)

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        # What it has started, if that outlived it, is in its process group.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process = None
        if self in self.session.running:
            self.session.running.remove(self)

    def processor_time_s(self):
        return processor_time_s(self.process.pid)


class Session:
    """Directories, processors and processes of one run of the benchmark."""

    def __init__(self, build, directory):
        self.build = Path(build).resolve()
        Path(directory).mkdir(parents=True, exist_ok=True)
        self.directory = tempfile.mkdtemp(prefix="run-", dir=os.path.abspath(directory))
        self.sockets = tempfile.mkdtemp(prefix="walkv-bench-")  # a Unix socket has a short path
        os.chmod(self.directory, 0o755)  # nginx may change its user
        self.running, self.views, self.counter = [], [], itertools.count()
        cpus = sorted(os.sched_getaffinity(0))
        half = max(1, len(cpus) // 2)
        self.pinned = len(cpus) > 1
        self.servers = cpus[:half]
        self.clients = cpus[half:half + 1] or cpus[:1]
        self.server_cpus = ",".join(map(str, self.servers))
        self.client_cpus = ",".join(map(str, self.clients))
        os.sched_setaffinity(0, self.clients)  # what this script does itself is not done where servers are measured

    def pinning(self):
        if not self.pinned:
            return "one processor for all of it: nothing is pinned, and no number means much"
        return "servers on processor %s, client on processor %s, with taskset" % (self.server_cpus, self.client_cpus)

    def new_path(self, name):
        return os.path.join(self.directory, "%d-%s" % (next(self.counter), name))

    def new_directory(self, name):
        path = self.new_path(name)
        os.mkdir(path)
        return path

    def client(self, *argv):
        return ["taskset", "-c", self.client_cpus, *map(str, argv)]

    def close(self):
        for server in list(reversed(self.running)):
            server.stop()
        for view in self.views:
            remove_view(view)
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)


def remove_view(view):
    for suffix in ("", ".gen", "-lock", ".new", ".new-lock"):
        try:
            os.unlink(view + suffix)
        except FileNotFoundError:
            pass


# --- walkv ----------------------------------------------------------------------------------------------------


class Walkv:
    """walkvd and workers. `worker_counts` are the numbers of workers, each with a port of its own."""

    def __init__(self, session, name="walkv", worker_counts=(1,), view_size="4GiB", flags=()):
        self.session = session
        self.data = session.new_path(name + "-data")
        self.socket = os.path.join(session.sockets, os.path.basename(self.data) + ".sock")
        self.view = "/dev/shm/walkv-bench-%d-%s" % (os.getpid(), os.path.basename(self.data))
        session.views.append(self.view)
        self.walkvd = Server(session, name + "d", [
            session.build / "walkvd" / "walkvd", "--data-dir", self.data, "--socket-path", self.socket, "--view-path", self.view,
            "--view-size", view_size, *flags])
        self.ports = {n: free_port() for n in worker_counts}
        self.workers = {n: Server(session, "%s-httpd-%d" % (name, n), [
            session.build / "walkv-httpd" / "walkv-httpd", "--listen", "127.0.0.1:%d" % port, "--socket-path", self.socket,
            "--view-path", self.view, *(() if n == 1 else ("--workers", n))]) for n, port in self.ports.items()}

    @property
    def port(self):
        return self.ports[1]

    def start_walkvd(self, *flags):
        """Returns the milliseconds until walkvd says that it is ready."""
        self.walkvd.argv = [a for a in self.walkvd.argv if a != "--cold-start"] + list(flags)
        began = time.monotonic()
        self.walkvd.start()
        self.walkvd.wait_for_log(" ready: ")
        return (time.monotonic() - began) * 1000

    def start(self):
        self.start_walkvd()
        for n, worker in self.workers.items():
            worker.start()
            worker.wait_for_port(self.ports[n])
        if self.workers:
            self.walkvd.wait_for(lambda: ask(self.port, "/readyz")[0] == 200, "a ready worker")
        return self

    def servers(self, n=1):
        return [self.walkvd] + ([self.workers[n]] if n in self.workers else [])

    def ctl(self, *words, **options):
        return subprocess.run(self.session.client(self.session.build / "walkvd" / "walkvctl", "--socket", self.socket, *words),
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options).stdout

    def status(self):
        return json.loads(self.ctl("--json", "status"))

    def fill(self, lines):
        """Imports lines, as an iterable of bytes of some size each."""
        ctl = subprocess.Popen(self.session.client(self.session.build / "walkvd" / "walkvctl", "--socket", self.socket, "import", "-"),
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            for piece in lines:
                ctl.stdin.write(piece)
            ctl.stdin.close()
        except BrokenPipeError:
            pass
        text = ctl.stderr.read().decode()
        ctl.stderr.close()
        if ctl.wait() != 0:
            raise BenchError("walkvctl import failed: " + text)

    def stop(self, how=signal.SIGTERM):
        for server in (*self.workers.values(), self.walkvd):
            server.stop(how)
        remove_view(self.view)
        shutil.rmtree(self.data, ignore_errors=True)


# --- peers ----------------------------------------------------------------------------------------------------


class Nginx:
    """One worker that answers with fixed bytes of the same size: as little work as an HTTP server can have. `answers` is
    path -> (status, body, length of the head wanted); a head that would be shorter is padded, a longer one stays."""

    def __init__(self, session, answers, files=()):
        self.port = free_port()
        root = session.new_directory("nginx")
        os.chmod(root, 0o755)
        places, maps = [], []
        for path, (status, body, head) in answers.items():
            # Status line, Server, Date, Content-Type, Content-Length and Connection are nginx's own.
            reason = {200: "OK", 404: "Not Found"}[status]
            own = len("HTTP/1.1 %d %s\r\nServer: nginx\r\nDate: Sat, 28 Nov 2026 13:40:28 GMT\r\nContent-Type: application/json\r\n"
                      "Content-Length: %d\r\nConnection: keep-alive\r\n\r\n" % (status, reason, len(body)))
            pad = max(0, head - own - len("X-Pad: \r\n"))
            padding = "add_header X-Pad %s always;" % ("x" * pad) if pad else ""
            parts = []  # a word of the configuration has at most 4096 bytes; a map of one constant costs next to nothing
            for at in range(0, len(body), 2048):
                parts.append("$part%d" % len(maps))
                maps.append("map $host %s { default '%s'; }" % (parts[-1], body[at:at + 2048].decode()))
            answer = '"%s"' % "".join(parts) if len(parts) > 1 else "'%s'" % body.decode()
            places.append("location = %s { %s return %d %s; }" % (path, padding, status, answer))
        for name, content in files:
            with open(os.path.join(root, name), "wb") as f:
                f.write(content)
            places.append("location = /%s { root %s; }" % (name, root))
        config = os.path.join(root, "nginx.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write("""worker_processes 1; daemon off; pid %(root)s/pid; error_log stderr;
events { worker_connections 4096; }
http {
  access_log off; server_tokens off; keepalive_requests 1000000000; default_type application/json; sendfile on;
  client_body_temp_path %(root)s/b; proxy_temp_path %(root)s/p; fastcgi_temp_path %(root)s/f; uwsgi_temp_path %(root)s/u;
  scgi_temp_path %(root)s/s; open_file_cache max=100; map_hash_bucket_size 128;
  %(maps)s
  server { listen 127.0.0.1:%(port)d backlog=1024; %(places)s }
}
""" % {"root": root, "port": self.port, "places": "\n    ".join(places),
       "maps": "\n  ".join(maps)})
        self.server = Server(session, "nginx", ["nginx", "-e", "stderr", "-c", config])

    def start(self):
        self.server.start()
        self.server.wait_for_port(self.port)
        return self

    def servers(self):
        return [self.server]


class Redis:
    """Redis, and webdis in front of it with Debian's number of threads. `fsync`: always or everysec; None is no log."""

    def __init__(self, session, name="redis", fsync="always", webdis=True, flags=()):
        self.session, self.port, self.web_port = session, free_port(), free_port()
        self.directory = session.new_directory(name)
        log = ["--appendonly", "yes", "--appendfsync", fsync] if fsync else ["--appendonly", "no"]
        self.flags = ["--port", self.port, "--bind", "127.0.0.1", "--dir", self.directory, "--save", "", "--daemonize", "no",
                      "--logfile", "", *flags]
        self.redis = Server(session, name, ["redis-server", *self.flags, *log])
        self.webdis = None
        if webdis:
            config = session.new_path("webdis.json")
            with open(config, "w", encoding="utf-8") as f:
                json.dump({"redis_host": "127.0.0.1", "redis_port": self.port, "redis_auth": None, "http_host": "127.0.0.1",
                           "http_port": self.web_port, "threads": 2, "daemonize": False, "database": 0, "verbosity": 0,
                           "logfile": config + ".log"}, f)
            self.webdis = Server(session, "webdis", ["webdis", config])

    def start_redis(self, *flags):
        """Returns the milliseconds until Redis says that it is ready."""
        if flags:
            self.redis.argv = ["redis-server", *map(str, self.flags), *flags]
        began = time.monotonic()
        self.redis.start()
        self.redis.wait_for_log("Ready to accept connections")
        return (time.monotonic() - began) * 1000

    def start(self):
        self.start_redis()
        if self.webdis:
            self.webdis.start()
            self.webdis.wait_for_port(self.web_port)
        return self

    def servers(self):
        return [self.redis] + ([self.webdis] if self.webdis else [])

    def call(self, *words):
        """One command; bulk strings, simple strings and integers only. Returns bytes or int."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10 * PATIENCE_S) as s, s.makefile("rb") as f:
            s.sendall(command(*words))
            line = f.readline()
            if line[:1] == b"$":
                return f.read(int(line[1:])) if line[1:3] != b"-1" else None
            if line[:1] == b"-":
                raise BenchError("Redis: " + line.decode())
            return int(line[1:]) if line[:1] == b":" else line[1:].strip()

    def info(self, section):
        lines = self.call("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def fill(self, pieces):
        """Sends pieces of (commands, how many) in a pipeline and counts the answers, which have to be one line each."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10 * PATIENCE_S) as s:
            waiting = 0
            for piece, count in pieces:
                s.sendall(piece)
                waiting += count
                while waiting > 100000:
                    waiting -= self.answers(s)
            while waiting > 0:
                waiting -= self.answers(s)

    @staticmethod
    def answers(s):
        got = s.recv(1 << 20)
        if not got or b"-" in got:
            raise BenchError("Redis refused to be filled: %r" % got[:100])
        return got.count(b"\n")

    def stop(self, how=signal.SIGTERM):
        for server in (self.webdis, self.redis):
            if server:
                server.stop(how)
        shutil.rmtree(self.directory, ignore_errors=True)


def command(*words):
    parts = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


class Etcd:
    """One member, durable as it is by default, through its JSON gateway."""

    def __init__(self, session):
        self.port, peer = free_port(), free_port()
        url, peer_url = "http://127.0.0.1:%d" % self.port, "http://127.0.0.1:%d" % peer
        self.server = Server(session, "etcd", [
            "etcd", "--name", "bench", "--data-dir", session.new_path("etcd"), "--listen-client-urls", url,
            "--advertise-client-urls", url, "--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url,
            "--initial-cluster", "bench=" + peer_url, "--quota-backend-bytes", 4 << 30, "--log-level", "error"])

    def start(self):
        self.server.start()
        self.server.wait_for_port(self.port)

        def elected():
            try:
                return ask(self.port, "/v3/kv/put", b'{"key":"YQ==","value":"YQ=="}')[0] == 200
            except OSError:
                return False
        self.server.wait_for(elected, "a leader")
        return self

    def servers(self):
        return [self.server]

    @staticmethod
    def text(data):
        return base64.b64encode(data).decode()

    def fill(self, pairs):
        for at in range(0, len(pairs), 100):
            puts = [{"requestPut": {"key": self.text(k), "value": self.text(v)}} for k, v in pairs[at:at + 100]]
            status, _, body = ask(self.port, "/v3/kv/txn", json.dumps({"success": puts}).encode())
            if status != 200:
                raise BenchError("etcd: %r" % body)


class Beanstalkd:
    """With its log, synced at every write."""

    def __init__(self, session):
        self.port = free_port()
        self.server = Server(session, "beanstalkd", ["beanstalkd", "-l", "127.0.0.1", "-p", self.port, "-b",
                                                     session.new_directory("beanstalkd"), "-f", "0"])

    def start(self):
        self.server.start()
        self.server.wait_for_port(self.port)
        return self

    def servers(self):
        return [self.server]

    def ready_jobs(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as s, s.makefile("rb") as f:
            s.sendall(b"stats\r\n")
            text = f.read(int(f.readline().split()[1])).decode()
        return int(re.search(r"current-jobs-ready: (\d+)", text).group(1))

    def fill(self, count, body):
        """Puts jobs, in a pipeline."""
        one = b"put 0 0 60 %d\r\n%s\r\n" % (len(body), body)
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as s:
            for at in range(0, count, 1000):
                n = min(1000, count - at)
                s.sendall(one * n)
                while n > 0:
                    got = s.recv(1 << 16)
                    if not got or b"_" in got:  # OUT_OF_MEMORY, JOB_TOO_BIG and the like
                        raise BenchError("beanstalkd: %r" % got)
                    n -= got.count(b"\n")


class Memcached:
    """Not durable, for orientation."""

    def __init__(self, session):
        self.port = free_port()
        user = ["-u", "root"] if os.geteuid() == 0 else []
        self.server = Server(session, "memcached", ["memcached", "-l", "127.0.0.1", "-p", self.port, "-t", "1", "-m", "1024", *user])

    def start(self):
        self.server.start()
        self.server.wait_for_port(self.port)
        return self

    def servers(self):
        return [self.server]
