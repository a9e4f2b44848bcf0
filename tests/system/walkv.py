# SPDX-License-Identifier: MIT
"""walkv: what every system test stands on. It starts the real daemons in a temporary directory, speaks raw HTTP
to them, kills them, and looks at what they say.

Nothing here waits for a fixed time: it waits for a line of a log, for a process to end, for an answer. Nothing
here ends a process that it did not start. A daemon that reports a sanitizer finding or a broken invariant fails
the test that is running, whatever its answers were.

    WALKV_BUILD       the CMake build directory with the daemons (default: build/debug)
    WALKV_COVERAGE    set by scripts/coverage: daemons that a test leaves behind are asked to end, not killed
"""

import atexit
import collections
import ctypes
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from openapi import contract

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("WALKV_BUILD", ROOT / "build" / "debug")).resolve()
WALKVD = BUILD / "walkvd" / "walkvd"
WALKVCTL = BUILD / "walkvd" / "walkvctl"
HTTPD = BUILD / "walkv-httpd" / "walkv-httpd"

COUNTING = "WALKV_COVERAGE" in os.environ  # only a process that ends by itself writes what gcov counted

EX_USAGE, EX_DATA, EX_UNAVAILABLE, EX_OS, EX_IO, EX_CONFIG = 64, 65, 69, 71, 74, 78

PATIENCE_S = 60  # how long anything may take before the test gives up; never how long a test takes
POLL_S = 0.01
JSON_TYPE = "application/json"

ALARMING = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|\bpanic\b|Assertion")

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:handle_abort=1",
    "UBSAN_OPTIONS": "exitcode=99:halt_on_error=1:print_stacktrace=1",
}


def environment(**more):
    return {**os.environ, **SANITIZER_OPTIONS, **more}


def wait_until(condition, what, patience=PATIENCE_S, poll=POLL_S):
    """Calls `condition` until it returns something true, and returns that."""
    deadline = time.monotonic() + patience
    nap = threading.Event()
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience} s for {what}")
        nap.wait(poll)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children_of(pid):
    """The pids of the children of a process, oldest first."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append((int(fields[19]), int(entry)))
    return [pid for _, pid in sorted(found)]


def is_alive(pid):
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def send_signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


# --- processes ------------------------------------------------------------------------------------------------


class Daemon:
    """A process that was started here, and the lines that it and its children write to standard error."""

    def __init__(self, name, argv, env=None, cwd=None, preexec=None, stdout=subprocess.DEVNULL, pass_fds=()):
        self.name = name
        self.lines = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [str(a) for a in argv],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=environment(**(env or {})),
            cwd=cwd,
            preexec_fn=preexec,
            pass_fds=pass_fds,
        )
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._news.notify_all()
        self.process.stderr.close()
        with self._news:
            self.lines.append("")
            self._news.notify_all()

    @property
    def log(self):
        with self._news:
            return "\n".join(self.lines)

    def seen(self, pattern):
        """The first line so far that matches, or None."""
        with self._news:
            return next((line for line in self.lines if re.search(pattern, line)), None)

    def wait_for_line(self, pattern, patience=PATIENCE_S):
        """Waits for a line, fails at once if the process ends before it wrote one."""
        deadline = time.monotonic() + patience
        while True:
            ended = self.process.poll() is not None
            line = self.seen(pattern)
            if line:
                return line
            if ended and not self._reader.is_alive():
                raise AssertionError(
                    f"{self.name} ended with {self.process.returncode} before /{pattern}/:\n{self.log}"
                )
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: waited {patience} s for /{pattern}/:\n{self.log}")
            with self._news:
                self._news.wait(POLL_S)

    def wait(self, patience=PATIENCE_S):
        """Waits for the end and returns the exit status (negative: minus the signal)."""
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {patience} s:\n{self.log}") from None
        self._reader.join(1)
        return status

    def end(self, patience=10):
        """Asks it to end, whatever state it is in, and gives up after a while."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            pass

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.running():
            send_signal(self.pid, number)

    def check(self):
        """Fails when the log holds what no log may hold."""
        if ALARMING.search(self.log):
            raise AssertionError(f"{self.name} reported a bug of its own:\n{self.log}")


def run(argv, env=None, patience=PATIENCE_S, stdin=None, preexec=None):
    """Runs a program to its end; stdin is text or bytes. Returns the CompletedProcess with text output."""
    done = subprocess.run(
        [str(a) for a in argv],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        timeout=patience,
        env=environment(**(env or {})),
        preexec_fn=preexec,
        check=False,
    )
    done.stdout = done.stdout.decode("utf-8", "surrogateescape")
    done.stderr = done.stderr.decode("utf-8", "replace")
    if ALARMING.search(done.stderr):
        raise AssertionError(f"{argv[0]} reported a bug of its own:\n{done.stderr}")
    return done


# --- a store with its daemons ---------------------------------------------------------------------------------

_serial = itertools.count(1)


class Walkv:
    """One walkvd and one `walkv-httpd --workers N`, with a data directory, a socket and a view of their own.

    `walkvd` and `httpd` are flags, as a dictionary: {"wal_sync": "async"}; a later start() may be given more.
    """

    def __init__(self, workers=2, walkvd=None, httpd=None, data=None):
        self.dir = Path(tempfile.mkdtemp(prefix="walkv-test-"))
        self.data = self.dir / "data"
        if data is not None:
            shutil.copytree(data, self.data)
        else:
            self.data.mkdir(mode=0o700)
        self.socket = self.dir / "walkvd.sock"
        self.view = Path(f"/dev/shm/walkv-test-{os.getpid()}-{next(_serial)}")
        self.port = free_port()
        self.workers = workers
        self.walkvd_flags = {"view_grace": "10ms", "view_size": "256MiB", **(walkvd or {})}
        self.httpd_flags = dict(httpd or {})
        self.walkvd = None
        self.httpd = None
        self.all = []  # every Daemon that was ever started
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.check()
        finally:
            self.close()

    # starting

    @staticmethod
    def _flags(*dictionaries):
        merged = {}
        for each in dictionaries:
            merged.update(each)
        flags = []
        for name, value in merged.items():
            flag = "--" + name.replace("_", "-")
            flags += [flag] if value is True else [] if value is None else [flag, str(value)]
        return flags

    def walkvd_argv(self, **flags):
        places = {"data_dir": self.data, "socket_path": self.socket, "view_path": self.view}
        return [WALKVD, *self._flags(places, self.walkvd_flags, flags)]

    def httpd_argv(self, **flags):
        places = {
            "listen": f"127.0.0.1:{self.port}",
            "workers": self.workers,
            "socket_path": self.socket,
            "view_path": self.view,
        }
        return [HTTPD, *self._flags(places, self.httpd_flags, flags)]

    def start_walkvd(self, wait=True, preexec=None, **flags):
        self.walkvd = Daemon("walkvd", self.walkvd_argv(**flags), preexec=preexec)
        self.all.append(self.walkvd)
        if wait:
            self.walkvd.wait_for_line(r"\bready\b")
        return self.walkvd

    def start_httpd(self, wait=True, **flags):
        self.httpd = Daemon("walkv-httpd", self.httpd_argv(**flags))
        self.all.append(self.httpd)
        if wait:
            self.wait_ready()
        return self.httpd

    def start(self, **walkvd_flags):
        self.start_walkvd(**walkvd_flags)
        if self.httpd is None or not self.httpd.running():
            self.start_httpd()
        else:
            self.wait_ready()
        return self

    def is_ready(self):
        try:
            with Connection(self.port, patience=10) as c:
                return c.get("/readyz").status == 200
        except OSError:
            return False

    def wait_ready(self):
        def ready():
            if not self.httpd.running():
                raise AssertionError(f"walkv-httpd ended with {self.httpd.wait()}:\n{self.httpd.log}")
            return self.is_ready()

        wait_until(ready, "/readyz to be 200")

    # ending

    def stop_walkvd(self):
        self.walkvd.signal(signal.SIGTERM)
        self._expect_clean(self.walkvd)

    def stop_httpd(self):
        self.httpd.signal(signal.SIGTERM)
        self._expect_clean(self.httpd)

    @staticmethod
    def _expect_clean(daemon):
        status = daemon.wait()
        if status != 0:
            raise AssertionError(f"{daemon.name} ended with {status} after SIGTERM:\n{daemon.log}")

    def stop(self):
        if self.httpd is not None and self.httpd.running():
            self.stop_httpd()
        if self.walkvd is not None and self.walkvd.running():
            self.stop_walkvd()

    def kill_walkvd(self):
        self.walkvd.signal(signal.SIGKILL)
        self.walkvd.wait()

    def restart_walkvd(self, **flags):
        """SIGKILL, start again, and wait until the workers have noticed."""
        self.kill_walkvd()
        self.start_walkvd(**flags)
        if self.httpd is not None and self.httpd.running():
            self.wait_ready()

    def worker_pids(self):
        return children_of(self.httpd.pid)

    def check(self):
        for daemon in self.all:
            daemon.check()

    def close(self):
        atexit.unregister(self.close)
        for daemon in self.all:
            if COUNTING:
                daemon.end()
            workers = children_of(daemon.pid) if daemon.running() else []
            daemon.signal(signal.SIGKILL)
            for pid in workers:
                send_signal(pid, signal.SIGKILL)
            if daemon.running():
                daemon.wait()
        for path in self.view.parent.glob(self.view.name + "*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    # asking

    def connect(self, **options):
        return Connection(self.port, **options)

    def request(self, method, path, body=None, headers=None, **options):
        """One request on a connection of its own."""
        with self.connect(**options) as c:
            return c.request(method, path, body, headers)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def status(self):
        answer = self.get("/api/status")
        if answer.status != 200:
            raise AssertionError(f"/api/status: {answer}")
        return answer.json()

    def set(self, key, value_text):
        answer = self.request("POST", "/api/kv/" + quote(key), '{"value":' + value_text + "}")
        if answer.status not in (200, 201):
            raise AssertionError(f"set {key}: {answer}")
        return int(answer.header("Walkv-Lsn"))

    def enqueue(self, queue, value_text):
        answer = self.request("POST", f"/api/queue/{quote(queue)}/enqueue", '{"value":' + value_text + "}")
        if answer.status not in (200, 201):
            raise AssertionError(f"enqueue {queue}: {answer}")
        return int(answer.header("Walkv-Lsn"))

    def contents(self):
        """Everything a reader can see: ({key: value}, {queue: [values]}), values as Python has them."""
        with self.connect() as c:
            answer = c.get("/api/kv")
            if answer.status != 200:
                raise AssertionError(f"GET /api/kv: {answer}")
            keys = answer.json()["data"]
            queues = {}
            for name in c.get("/api/queue").json()["queues"]:
                queues[name] = [item["value"] for item in c.items(name)]
            return keys, queues

    def ctl(self, *arguments, **options):
        return run([WALKVCTL, "--socket", self.socket, *arguments], **options)


# --- HTTP -----------------------------------------------------------------------------------------------------

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quote(name):
    """A key or queue name (text or bytes) as one path segment."""
    raw = name.encode() if isinstance(name, str) else name
    return "".join(chr(b) if b in _UNRESERVED else f"%{b:02X}" for b in raw)


class Response:
    def __init__(self, version, status, reason, headers, body):
        self.version, self.status, self.reason, self.headers, self.body = version, status, reason, headers, body

    def header(self, name, default=None):
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        if len(values) > 1:
            raise AssertionError(f"header {name} came {len(values)} times")
        return values[0] if values else default

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.text)

    @property
    def code(self):
        return self.json().get("code")

    @property
    def closes(self):
        tokens = (self.header("Connection") or "").lower()
        return "close" in tokens or (self.version == "HTTP/1.0" and "keep-alive" not in tokens)

    def __repr__(self):
        return f"{self.status} {self.reason} {self.headers} {self.body[:600]!r}"


class Closed(ConnectionError):
    """The server closed where a response, or the rest of one, should have come."""

    def __init__(self, received):
        super().__init__(f"closed after {received[:200]!r}")
        self.received = received


REQUEST_LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n")


class Connection:
    """One connection, on which anything can be sent, and which reads responses strictly, and holds them to
    openapi.json. With `proxied` a reverse proxy stands between, and may add header fields of its own."""

    def __init__(self, port, patience=PATIENCE_S, receive_buffer=None, host=None, proxied=False):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(patience)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = host or f"127.0.0.1:{port}"
        self.pending = bytearray()
        self.proxied = proxied
        self.asked = collections.deque()  # (method, target) of requests whose responses have not been read

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # out

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        if not self.asked and (line := REQUEST_LINE.match(data)):
            self.asked.append((line[1].decode(), line[2].decode("utf-8", "replace")))
        self.socket.sendall(data)

    def head(self, method, path, headers, version="HTTP/1.1"):
        """The head of a request that will be sent on this connection."""
        self.asked.append((method, path))
        lines = [f"{method} {path} {version}"]
        if not any(name.lower() == "host" for name in headers):
            lines.append(f"Host: {self.host}")
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")

    def put(self, method, path, body=None, headers=None):
        """Sends one request without waiting for its response. A header set to None is left out."""
        fields = dict(headers or {})
        raw = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
        if raw is not None:
            fields.setdefault("Content-Type", JSON_TYPE)
            fields.setdefault("Content-Length", str(len(raw)))
        self.send(self.head(method, path, fields) + (raw or b""))

    # in

    def _more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise Closed(bytes(self.pending))
        self.pending += data

    def _line(self):
        start = 0
        while (end := self.pending.find(b"\r\n", start)) < 0:
            start = max(0, len(self.pending) - 1)
            self._more()
        line = bytes(self.pending[:end])
        del self.pending[: end + 2]
        return line

    def _exactly(self, count):
        while len(self.pending) < count:
            self._more()
        data = bytes(self.pending[:count])
        del self.pending[:count]
        return data

    def _rest(self):
        try:
            while True:
                self._more()
        except Closed:
            data = bytes(self.pending)
            self.pending.clear()
            return data

    def response_head(self, interim=False):
        """Reads the head of one response; with `interim` a 1xx one counts."""
        while True:
            version, status, reason = self._line().decode("ascii").split(" ", 2)
            headers = []
            while line := self._line():
                name, colon, value = line.decode("utf-8").partition(":")
                if not colon or name != name.strip():
                    raise AssertionError(f"malformed header line {line!r}")
                headers.append((name, value.strip()))
            answer = Response(version, int(status), reason, headers, b"")
            if answer.status // 100 != 1 or interim:
                return answer

    def response(self, method="GET", interim=False):
        """Reads one response to a request of that method; with `interim` a 1xx one counts."""
        answer = self.response_head(interim)
        status, headers = answer.status, answer.headers
        method_sent, target = self.asked.popleft() if self.asked and status // 100 != 1 else (method, None)
        length, coding = answer.header("Content-Length"), answer.header("Transfer-Encoding")
        if length is not None and coding is not None:
            raise AssertionError(f"both Content-Length and Transfer-Encoding: {answer}")
        if method == "HEAD" or status // 100 == 1 or status in (204, 304):
            pass
        elif coding is not None:
            if coding.lower() != "chunked":
                raise AssertionError(f"transfer coding {coding}")
            answer.body = self._chunks()
        elif length is not None:
            answer.body = self._exactly(int(length))
        else:
            answer.body = self._rest()
        if target is not None:
            contract.check(method_sent, target, status, headers, answer.body, self.proxied)
        elif status // 100 != 1:
            if answer.body and answer.header("Content-Type") != JSON_TYPE:
                raise AssertionError(f"Content-Type is not {JSON_TYPE}: {answer}")
            contract.unattributed += 1
        return answer

    def _chunks(self):
        body = bytearray()
        while True:
            size = int(self._line(), 16)
            if size == 0:
                if self._line():
                    raise AssertionError("trailers were not expected")
                return bytes(body)
            body += self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise AssertionError("chunk without its end")

    def request(self, method, path, body=None, headers=None):
        self.put(method, path, body, headers)
        return self.response(method)

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers)

    def post(self, path, body=None, headers=None):
        return self.request("POST", path, body, headers)

    def items(self, queue):
        """All items of a queue, page by page."""
        found, after = [], ""
        while True:
            answer = self.get(f"/api/queue/{quote(queue)}/items?limit=1000{after}")
            if answer.status != 200:
                raise AssertionError(f"items of {queue}: {answer}")
            page = answer.json()
            found += page["items"]
            if "next" not in page:
                return found
            after = f"&after={page['next']}"

    def at_end(self):
        """True when the server has closed and nothing is left to read (a reset is not a clean close)."""
        if self.pending:
            return False
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            raise AssertionError("the connection was reset instead of closed") from None


# --- tests ----------------------------------------------------------------------------------------------------


class SystemTest(unittest.TestCase):
    """A test with `self.walkv`, one running instance for the class (made with the class's `options`), and
    transcripts to read it by:

        > POST /api/kv/a {"value":1}         a request: method, path, body
        + If-Match: "7"                      one more header of it
        < 201 {"success":true,...}           what must come: status and body, byte for byte,
        < 404 not_found                      or status and error code,
        < 200                                or the status alone
        - Walkv-Lsn: *                       a header that must be there (*: with any value)

    {port} in it is the port of the instance.
    """

    options = {}
    make = Walkv
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.walkv = None
        if cls.options is not None:
            cls.walkv = cls.make(**cls.options)
            cls.addClassCleanup(cls.walkv.close)
            cls.walkv.start()

    def setUp(self):
        self._extra = []
        contract.violations.clear()

    def tearDown(self):
        self.assertEqual(contract.violations, [], "what came is not what openapi.json describes")
        for each in [self.walkv, *self._extra]:
            if each is not None:
                each.check()

    def instance(self, **options):
        """An instance of this test alone, not started yet; it is gone after the test."""
        one = self.make(**options)
        self._extra.append(one)
        self.addCleanup(one.close)
        return one

    def transcript(self, text, walkv=None, connection=None):
        walkv = walkv or self.walkv
        own = connection is None
        connection = connection or walkv.connect()
        answer = None
        request = None

        def send():
            nonlocal connection, answer, request
            if request is None:
                return
            method, path, body, headers = request
            if own and answer is not None and answer.closes:
                connection.close()
                connection = walkv.connect()
            answer = connection.request(method, path, body, headers)
            request = None

        try:
            for line in text.strip().splitlines():
                kind, _, rest = line.strip().replace("{port}", str(walkv.port)).partition(" ")
                if not kind or kind == "#":
                    continue
                if kind == ">":
                    method, path, *body = rest.split(" ", 2)
                    request = (method, path, body[0] if body else None, {})
                elif kind == "+":
                    name, _, value = rest.partition(": ")
                    request[3][name] = value
                elif kind == "<":
                    shown = request
                    send()
                    status, _, wanted = rest.partition(" ")
                    self.assertEqual(f"{shown} -> {answer.status}", f"{shown} -> {status}", answer)
                    if wanted.startswith("{"):
                        self.assertEqual(answer.text, wanted, shown)
                    elif wanted:
                        self.assertEqual(answer.code, wanted, f"{shown} -> {answer}")
                        self.assertError(answer)
                elif kind == "-":
                    name, _, value = rest.partition(": ")
                    found = answer.header(name)
                    self.assertIsNotNone(found, f"{name} is missing in {answer}")
                    if value != "*":
                        self.assertEqual(found, value, f"{name} in {answer}")
                else:
                    self.fail(f"not a line of a transcript: {line}")
        finally:
            if own:
                connection.close()
        return answer

    def assertError(self, answer, status=None, code=None):
        """A failure in the one shape that failures have."""
        if status is not None:
            self.assertEqual(answer.status, status, answer)
        self.assertRegex(answer.text, r'\A\{"success":false,"error":"[^"]+","code":"[a-z_]+"[,}]')
        if code is not None:
            self.assertEqual(answer.code, code, answer)


# --- files ----------------------------------------------------------------------------------------------------


def fingerprint(directory):
    """{relative path: (hash of the content, size, time of change)} of everything below."""
    found = {}
    for path in sorted(Path(directory).rglob("*")):
        if path.is_file():
            facts = path.stat()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(directory))] = (digest, facts.st_size, facts.st_mtime_ns)
        else:
            found[str(path.relative_to(directory))] = None
    return found


def xxh3_64(data, seed=0):
    """The checksum of walkv's files, by the library that walkv itself uses; for forging valid headers."""
    library = ctypes.CDLL("libxxhash.so.0")
    library.XXH3_64bits_withSeed.restype = ctypes.c_uint64
    library.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    return library.XXH3_64bits_withSeed(bytes(data), len(data), seed)


def reseal(data, header_bytes):
    """Writes the checksum at the end of a header again, after bytes in it were changed. `data` is a bytearray."""
    data[header_bytes - 8 : header_bytes] = xxh3_64(data[: header_bytes - 8]).to_bytes(8, "little")


def main():
    """For `python3 tests/system/some_test.py [-v] [Class.test_name]`."""
    if not WALKVD.exists():
        sys.exit(f"{WALKVD} is not there: build first, or set WALKV_BUILD")
    unittest.main(module="__main__")
