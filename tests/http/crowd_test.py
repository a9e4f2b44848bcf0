# SPDX-License-Identifier: MIT
"""Crowds of connections that are slow, silent, or large, and a well-behaved client beside them that must not notice: every
request of its own succeeds, and every one of the others is answered or closed when its time is over. What it costs in
time and in memory is printed; the counts are asserted, timing never."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from walkv import BUILD, PATIENCE_S, SystemTest, main, wait_until  # noqa: E402

SANITIZED = "CMAKE_BUILD_TYPE:STRING=Debug" in (BUILD / "CMakeCache.txt").read_text() if BUILD.exists() else False
COUNT, TIME = (500, "500ms") if SANITIZED else (2000, "1500ms")
REQUESTS_AT_LEAST = 4000


class Crowd:
    """crowd.py, from the moment in which all of it is connected."""

    def __init__(self, kind, count, port):
        self.process = subprocess.Popen([sys.executable, HERE / "crowd.py", kind, str(count), str(port)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            self.ends()
            raise AssertionError("the crowd did not begin")

    def over(self):
        return self.process.poll() is not None

    def ends(self):
        """How they ended, as {how: number}; those that are still open are left now."""
        said, _ = self.process.communicate("", PATIENCE_S)
        return {how: int(number) for how, number in (each.split() for each in said.strip().split(", "))}


def behave(walkv, over):
    """A well-behaved client: reads and writes on one connection, until `over()`. Returns the seconds of each."""
    took = []
    with walkv.connect() as c:
        while len(took) < REQUESTS_AT_LEAST or not over():
            n = len(took)
            began = time.monotonic()
            if n % 10:
                answer = c.get("/api/kv/good")
            else:
                answer = c.request("PUT", "/api/kv/good", f'{{"value":{n}}}')
            took.append(time.monotonic() - began)
            if answer.status not in (200, 201):
                raise AssertionError(f"request {n}: {answer}")
            if n % 10 == 1 and answer.json()["value"] != n - 1:
                raise AssertionError(f"request {n}: {answer}")
    return took


def figures(took):
    took = sorted(took)
    return "%d requests, p50 %.2f ms, p99 %.2f ms, most %.1f ms" % (
        len(took), *(1000 * took[min(len(took) - 1, len(took) * part // 1000)] for part in (500, 990, 1000)))


def say(text):
    print(text, file=sys.stderr, flush=True)


class Crowds(SystemTest):
    options = {
        "workers": 1,
        "walkvd": {"wal_sync": "async"},
        "httpd": {"header_timeout": TIME, "body_timeout_grace": TIME, "write_stall_timeout": TIME},
    }
    # How each of them ends; who does not read cannot see how.
    ENDS = {"idle": "silent", "head": "408", "body": "408", "read": "reset"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.walkv.set("good", "1")
        for n in range(100):
            cls.walkv.set(f"large{n}", '"' + "x" * 60000 + '"')

    def test_each_kind(self):
        for kind, end in self.ENDS.items():
            with self.subTest(kind):
                quiet = behave(self.walkv, lambda: True)
                crowd = Crowd(kind, COUNT, self.walkv.port)
                took = behave(self.walkv, crowd.over)
                ends = crowd.ends()
                say(f"\nquiet: {figures(quiet)}\n{COUNT} of kind {kind}: {figures(took)}; they ended: {ends}")
                self.assertEqual(ends, {end: COUNT})
        wait_until(lambda: self.connections() == 1, "all of them to be gone")

    def connections(self):
        """The sockets of the worker that are connected to HTTP clients, this question's among them."""
        pid = self.walkv.worker_pids()[0] if self.walkv.worker_pids() else self.walkv.httpd.pid
        held = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
        local = "0100007F:%04X" % self.walkv.port
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return 1 + sum(1 for row in rows if row[1] == local and f"socket:[{row[9]}]" in held and row[3] != "0A")

    def test_slowhttptest(self):
        """The same by a tool that others wrote, of three kinds at once, and with the times that a worker has by itself."""
        if not shutil.which("slowhttptest"):
            self.skipTest("slowhttptest is not installed")
        if SANITIZED:
            self.skipTest("the release build is tried with it")
        walkv = self.instance(workers=1, httpd={"max_connections": 4 * COUNT}).start()
        for n in range(100):
            walkv.set(f"large{n}", '"' + "x" * 60000 + '"')
        walkv.set("good", "1")
        kinds = {
            "slow headers": ("-H",),
            "slow body": ("-B", "-t", "POST", "-f", "application/json", "-s", "8192"),
            "slow read": ("-X", "-w", "10", "-y", "20", "-n", "1", "-z", "5", "-k", "3"),
        }
        common = ("-c", COUNT, "-r", COUNT, "-i", "1", "-l", "4", "-p", "4", "-u", f"http://127.0.0.1:{walkv.port}/api/kv", "-g", "-o")
        quiet = behave(walkv, lambda: True)
        tools = {name: subprocess.Popen(["slowhttptest", *kind, *map(str, common), walkv.dir / name], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.STDOUT) for name, kind in kinds.items()}
        took = behave(walkv, lambda: all(tool.poll() is not None for tool in tools.values()))
        say(f"\nquiet: {figures(quiet)}\nslowhttptest: {figures(took)}")
        for name, tool in tools.items():
            self.assertEqual(tool.wait(), 0, name)
            _, *rows = [row.split(",") for row in (walkv.dir / f"{name}.csv").read_text().splitlines() if row]
            most = max(int(row[3]) for row in rows)
            say(f"  {name}: up to {most} connections at once")
            self.assertGreater(most, COUNT // 10, name)
            self.assertNotIn("0", [row[4] for row in rows], f"{name}: the tool saw it unavailable")


class Memory(SystemTest):
    """What a connection costs at most. Bounds are far above what is seen, and far below what would hurt."""

    KIB_AT_MOST = {"idle": (1000, 8), "head": (1000, 16), "full": (1000, 64), "large": (100, 2600), "read": (500, 512)}
    options = {"workers": 1, "walkvd": {"wal_sync": "async"}}

    def test_resident_memory_of_each_kind(self):
        if SANITIZED:
            self.skipTest("a sanitizer has a memory of its own")
        for n in range(100):
            self.walkv.set(f"large{n}", '"' + "x" * 60000 + '"')
        for kind, (count, most) in self.KIB_AT_MOST.items():
            with self.subTest(kind):
                walkv = self.walkv
                before = self.resident_kib()
                crowd = Crowd(kind, count, walkv.port)
                walkv.get("/livez")
                if kind == "large":  # all has been read when the last answer beside it has come
                    wait_until(lambda: self.all_read(walkv), "the bodies to be read", poll=0.05)
                each = (self.resident_kib() - before) / count
                self.assertEqual(crowd.ends(), {"open": count})
                say(f"\n{count} of kind {kind}: {each:.1f} KiB of the worker's memory each")
                self.assertLess(each, most)

    def pid(self):
        return self.walkv.worker_pids()[0] if self.walkv.worker_pids() else self.walkv.httpd.pid

    def resident_kib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid()}/status").read_text())[1])

    @staticmethod
    def all_read(walkv):
        local = "0100007F:%04X" % walkv.port
        return all(fields[1] != local or fields[3] != "01" or fields[4].endswith(":00000000")
                   for fields in (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]))


if __name__ == "__main__":
    main()
