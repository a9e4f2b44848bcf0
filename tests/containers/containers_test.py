# SPDX-License-Identifier: MIT
"""The image of the Dockerfile, run as compose.yaml says: who may do what in it, and that walkv keeps its promises there.

    scripts/test --containers
    sudo python3 tests/containers/containers_test.py -v Containers.test_health
"""

import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import threading
import time
import unittest
import unittest.mock

import compose
from engine import IMAGE, PATIENCE_S, WORK, limits, need_image, podman, socket_in

DATA = "/var/lib/walkv/data"
UIDS = {"walkvd": 10001, "walkv-httpd": 10002}
GROUP = 10001
EX_DATA, EX_CONFIG = 65, 78


def wait_until(condition, what, patience=PATIENCE_S):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience} s for {what}")
        time.sleep(0.02)


class Container:
    """One that was started from a service of compose.yaml."""

    def __init__(self, name, service):
        self.name, self.service = name, service

    def inspect(self, what):
        return podman("inspect", "--format", what, self.name).stdout.strip()

    @property
    def pid(self):
        """Of its process 1, as this host sees it; 0 when it does not run."""
        return int(self.inspect("{{.State.Pid}}"))

    def run(self, *argv, **options):
        """Runs something in it, as its user."""
        return podman("exec", *(["--interactive"] if "input" in options else []), self.name, *argv, **options)

    def healthy(self):
        return podman("healthcheck", "run", self.name, wanted=None).returncode == 0

    def log(self):
        return podman("logs", self.name).stderr

    def status(self, name):
        """A field of process 1 in /proc/PID/status."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as lines:
            return next(line.split()[1:] for line in lines if line.startswith(f"{name}:"))

    def kill(self):
        """SIGKILL for process 1, from outside: what happens then is decided by its restart policy."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self):
        podman("stop", self.name, timeout=2 * PATIENCE_S)

    def start(self):
        podman("start", self.name)


class Worker(Container):
    def request(self, method, path, value=None, headers=(), expect=(200, 201)):
        """One request on a connection of its own; returns the answer's JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", 4000, timeout=PATIENCE_S)
        connection.sock = socket_in(self.pid, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        try:
            connection.sock.settimeout(PATIENCE_S)
            connection.sock.connect(("127.0.0.1", 4000))
            body = None if value is None else json.dumps({"value": value})
            connection.request(method, path, body, {"Content-Type": "application/json", **dict(headers)})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status not in (expect if isinstance(expect, tuple) else (expect,)):
            raise AssertionError(f"{method} {path}: {answer.status} {text}")
        return json.loads(text)

    def get(self, key, **options):
        return self.request("GET", f"/api/kv/{key}", **options).get("value")

    def put(self, key, value, **options):
        return self.request("PUT", f"/api/kv/{key}", value, **options)


class Project:
    """What `docker compose up` makes of the files: volumes, walkvd, workers."""

    numbers = itertools.count(1)

    def __init__(self, *files, base=compose.ROOT):
        self.whole = compose.load(*files)
        self.base = base
        self.containers = []
        for name, volume in self.whole["volumes"].items():
            podman("volume", "create", *compose.volume_arguments(volume), compose.PREFIX + name)

    def _service(self, service, changes):
        keys = {**self.whole["services"][service], **changes}
        made = compose.run_arguments(keys, self.base)
        names = [argument for argument in made if argument.startswith("--ulimit=")]
        return [*limits(), *made] if not names else [limits()[1], *made], keys["command"]

    def up(self, service, **changes):
        """Starts one container of a service; `changes` go over its keys."""
        arguments, command = self._service(service, changes)
        name = f"walkv-test-{service}-{next(self.numbers)}"
        podman("run", "--detach", "--name", name, *arguments, IMAGE, *command)
        container = (Worker if service == "walkv-httpd" else Container)(name, service)
        self.containers.append(container)
        return container

    def run(self, service, *argv, changes=None, **options):
        """As `docker compose run --rm --no-deps SERVICE ARGV`: a container for one command."""
        arguments, _ = self._service(service, {"restart": "no", **(changes or {})})
        return podman("run", "--rm", *arguments, IMAGE, *argv, **options)

    def down(self, *options):
        """As `docker compose down`: workers first, and the volumes stay."""
        for container in reversed(self.containers):
            podman("stop", container.name, wanted=None, timeout=2 * PATIENCE_S)
        if self.containers:
            podman("rm", "--force", "--time=0", *(c.name for c in self.containers))
        self.containers = []

    def close(self):
        for container in self.containers:  # one that is started again and again may be just in between
            wait_until(lambda c=container: podman("rm", "--force", "--time=0", c.name, wanted=None).returncode == 0,
                       f"{container.name} to be removed")
        podman("volume", "rm", "--force", *(compose.PREFIX + name for name in self.whole["volumes"]))


class Containers(unittest.TestCase):
    def setUp(self):
        need_image()

    def project(self, *files, **options):
        project = Project(*files, **options)
        self.addCleanup(project.close)
        return project

    def up(self, workers=1, project=None, **changes):
        """(project, walkvd, workers...), all of them healthy."""
        project = project or self.project()
        walkvd = project.up("walkvd", **changes)
        made = [walkvd, *(project.up("walkv-httpd") for _ in range(workers))]
        for container in made:
            try:
                wait_until(container.healthy, f"{container.name} to be healthy")
            except AssertionError as problem:
                raise AssertionError(f"{problem}\n{container.log()[-2000:]}") from None
        return project, *made

    # --- the files ---

    def test_compose_says_what_keeps_strangers_out(self):
        for files in ((), ("compose.yaml", "containers/tokens.yaml")):
            services = compose.load(*files)["services"]
            self.assertEqual(sorted(services), sorted(UIDS))
            for name, service in services.items():
                with self.subTest(files=files, service=name):
                    self.assertNotIn("image", service)  # a name that somebody else could have in a registry
                    self.assertEqual(service["cap_drop"], ["ALL"])
                    self.assertTrue(service["read_only"])
                    for port in service.get("ports", []):
                        self.assertRegex(port, r"^127\.0\.0\.1:[\d-]+:4000$")
            self.assertEqual(services["walkvd"]["network_mode"], "none")
            command = services["walkv-httpd"]["command"]
            self.assertEqual("--insecure-no-auth" in command, not files)
            self.assertTrue(any(flag.startswith("--allowed-hosts=localhost,") for flag in command))
            self.assertIn("run:/run/walkv:ro", services["walkv-httpd"]["volumes"])

    # --- the image ---

    def test_the_image_is_small_and_not_root(self):
        found = json.loads(podman("image", "inspect", IMAGE).stdout)[0]
        self.assertEqual(found["Config"]["User"], "walkv")
        self.assertEqual(found["Config"]["StopSignal"], "SIGTERM")
        base = json.loads(podman("image", "inspect", "localhost/walkv-test-base").stdout)[0]
        self.assertLess(found["Size"] - base["Size"], 16 << 20)
        project = self.project()
        said = project.run("walkvd", "bash", "-c", "id -un; type -P gcc cmake node; find / -xdev -writable -type f; "
                           "find /usr/local/bin -type f ! -uid 0; for p in walkvd walkv-snapshot walkvctl walkv-httpd; "
                           "do ldd /usr/local/bin/$p; done | grep 'not found'", wanted=None).stdout
        self.assertEqual([line for line in said.split("\n") if line and not line.startswith("/proc/")], ["walkv"])

    def test_a_worker_that_anybody_could_reach_does_not_start(self):
        done = self.project().run("walkv-httpd", "walkv-httpd", wanted=EX_CONFIG)
        self.assertIn("--insecure-no-auth", done.stderr)

    # --- what is in force in the containers ---

    def test_a_key_is_stored_and_read_back(self):
        project, walkvd, worker = self.up()
        worker.put("greeting", {"text": "hello"})
        worker.request("POST", "/api/queue/jobs/enqueue", 1)
        self.assertEqual(worker.get("greeting"), {"text": "hello"})
        worker.request("GET", "/api/kv/greeting", headers=[("Host", "evil.example.org")], expect=421)
        worker.request("GET", "/api/kv/greeting", headers=[("Host", "walkv-httpd:4000")])
        for container in (walkvd, worker):
            with self.subTest(service=container.service):
                self.assertEqual(container.status("Uid"), [str(UIDS[container.service])] * 4)
                self.assertEqual(set(container.status("CapBnd")), {"0" * 16})
                self.assertEqual(container.status("NoNewPrivs"), ["1"])
                self.assertNotEqual(container.run("touch", "/usr/local/bin/x", wanted=None).returncode, 0)
        self.assertEqual(sorted(worker.status("Groups")), [str(GROUP), str(UIDS["walkv-httpd"])])
        project.down()
        self.assertEqual(project.containers, [])
        project, walkvd, worker = self.up(project=project)
        self.assertIn("cold start", walkvd.log())  # the view went with the last container
        self.assertEqual(worker.get("greeting"), {"text": "hello"})
        self.assertEqual(worker.request("POST", "/api/queue/jobs/dequeue")["value"], 1)

    def test_a_worker_can_write_nothing(self):
        project, walkvd, worker = self.up()
        writable = project.up("walkv-httpd", volumes=["run:/run/walkv"])  # what the modes of the files are worth alone
        attempts = (": >>/run/walkv/view", ": >>/run/walkv/view.gen", ": >>/run/walkv/view-lock", ": >/run/walkv/new",
                    "rm -f /run/walkv/view", "rm -f /run/walkv/walkvd.sock", "chmod 666 /run/walkv/view")
        for container in (worker, writable):
            for attempt in attempts:
                with self.subTest(container=container.name, attempt=attempt):
                    done = container.run("sh", "-c", attempt, wanted=None)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertRegex(done.stderr, "Permission denied|Read-only file system|not permitted")
        self.assertEqual(len(worker.run("head", "-c", "8", "/run/walkv/view").stdout), 8)  # it can read it
        self.assertNotEqual(worker.run("ls", "/var/lib/walkv/data", wanted=None).returncode, 0)
        wait_until(writable.healthy, "the other worker")
        writable.put("still", 1)
        self.assertEqual(worker.get("still"), 1)

    def test_health(self):
        _, walkvd, worker = self.up()
        worker_pid = worker.pid
        walkvd.stop()
        self.assertFalse(worker.healthy())
        self.assertIn("503", worker.run("walkv-ready", wanted=1).stdout)
        self.assertFalse(walkvd.healthy())
        self.assertEqual(walkvd.inspect("{{.State.ExitCode}}"), "0")
        walkvd.start()
        for container in (walkvd, worker):
            wait_until(container.healthy, f"{container.service} to be healthy again")
        os.kill(worker_pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            worker.run("walkv-ready", wanted=1)
            self.assertLess(time.monotonic() - began, 5)  # the timeout of compose.yaml
        finally:
            os.kill(worker_pid, signal.SIGCONT)
        wait_until(worker.healthy, "the worker to go on")
        worker.run("walkv-ready", "4001", wanted=1)
        walkvd.run("walkvctl", "--socket", "/run/walkv/none", "status", wanted=69)

    def test_stop(self):
        """Each is process 1, for which the kernel ignores every signal that it does not wait for."""
        project, walkvd, worker = self.up()
        worker.put("a", 1)
        for container, said in ((worker, "stopp"), (walkvd, "stopped cleanly")):
            began = time.monotonic()
            container.stop()
            self.assertLess(time.monotonic() - began, 8, container.service)
            self.assertEqual(container.inspect("{{.State.ExitCode}}"), "0")
            self.assertIn(said, container.log())

    # --- kills ---

    def test_walkvd_is_killed_under_load(self):
        project, walkvd, *workers = self.up(workers=2)
        acknowledged, problems, over = {}, [], threading.Event()

        def client(number):
            for count in itertools.count():
                if over.is_set():
                    return
                key = f"c{number}-{count}"
                try:
                    # Half without a key: then it is the session of the worker that lets nothing get lost.
                    workers[number % 2].put(key, count, headers=[("Idempotency-Key", key)] if number < 2 else ())
                except Exception as problem:  # pylint: disable=broad-exception-caught
                    problems.append(f"{key}: {problem}")
                    return
                acknowledged[key] = count

        threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(4):
                before = len(acknowledged)
                wait_until(lambda b=before: len(acknowledged) > b + 20 or problems, "writes")
                pid = walkvd.kill()
                wait_until(lambda p=pid: walkvd.pid not in (0, p), "walkvd to be started again")
            before = len(acknowledged)
            wait_until(lambda: len(acknowledged) > before + 20 or problems, "writes after the last kill")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(problems, [])  # a kill is a pause: no write failed
        self.assertIn("warm start", walkvd.log())  # a worker kept the tmpfs, and with it the view
        for worker in workers:
            self.assert_has(worker, acknowledged)
        podman("kill", walkvd.name)  # as an operator does it: it stays away until it is started
        self.assert_has(workers[0], acknowledged)
        walkvd.start()
        wait_until(walkvd.healthy, "walkvd")
        project.down()
        self.assertIn("no damage found", project.run("walkvd", "walkvctl", "verify", DATA).stdout)
        _, walkvd, worker = self.up(project=project)
        self.assertIn("cold start", walkvd.log())
        self.assert_has(worker, acknowledged)

    def assert_has(self, worker, acknowledged):
        found = worker.request("GET", "/api/kv")["data"]
        lost = {key: value for key, value in acknowledged.items() if found.get(key) != value}
        self.assertEqual(lost, {})

    def test_a_worker_is_killed(self):
        _, _, one, other = self.up(workers=2)
        one.put("shared", "by one")
        self.assertEqual(other.get("shared"), "by one")  # the same view
        pid = one.kill()
        other.put("shared", "by the other")
        wait_until(lambda: one.pid not in (0, pid), "the worker to be started again")
        wait_until(one.healthy, "the worker to be healthy")
        self.assertEqual(one.get("shared"), "by the other")

    def test_workers_in_one_container(self):
        with unittest.mock.patch.dict(os.environ, WALKV_WORKERS="2"):
            project = self.project()
        _, _, worker = self.up(project=project)
        parent = worker.pid
        children = self.children(parent)
        self.assertEqual(len(children), 2)
        os.kill(children[0], signal.SIGKILL)
        wait_until(lambda: len(self.children(parent)) == 2 and self.children(parent) != children, "another worker")
        worker.put("a", 1)
        worker.stop()
        self.assertEqual(worker.inspect("{{.State.ExitCode}}"), "0")

    @staticmethod
    def children(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
            return [int(text) for text in file.read().split()]

    # --- the operator's commands ---

    def test_checkpoint(self):
        project, walkvd, worker = self.up()
        for count in range(50):
            worker.put(f"k{count}", count)
        self.assertIn("is done", walkvd.run("walkvctl", "checkpoint").stdout)
        self.assertIn(".snap", walkvd.run("ls", f"{DATA}/snapshots").stdout)
        self.assertEqual(self.zombies(walkvd.pid), [])  # walkvd waits for walkv-snapshot, as process 1, too
        worker.put("behind", 1)
        project.down()
        _, walkvd, worker = self.up(project=project)
        self.assertRegex(walkvd.log(), r"loaded state from ROM: snapshot of LSN \d+, 50 keys")
        self.assertEqual(len(worker.request("GET", "/api/kv")["data"]), 51)

    @staticmethod
    def zombies(pid):
        space = os.readlink(f"/proc/{pid}/ns/pid")
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                    state = file.read().rpartition(")")[2].split()
                if state[0] == "Z" and (state[1] == str(pid) or os.readlink(f"/proc/{entry}/ns/pid") == space):
                    found.append(entry)
            except OSError:
                pass
        return found

    def test_export_and_import(self):
        project, walkvd, worker = self.up()
        worker.put("a", {"z": 1})
        worker.request("POST", "/api/queue/jobs/enqueue", "first")
        backup = walkvd.run("walkvctl", "--quiet", "export", "--lines").stdout
        worker.request("DELETE", "/api/kv/a")
        worker.request("DELETE", "/api/queue/jobs?forget=true")
        walkvd.run("walkvctl", "--quiet", "import", "-", input=backup)
        self.assertEqual(worker.get("a"), {"z": 1})
        self.assertEqual(worker.request("GET", "/api/queue/jobs/peek")["value"], "first")

    def test_verify_and_repair(self):
        project, walkvd, worker = self.up()
        for count in range(20):
            worker.put(f"k{count}", "x" * 600)
        walkvd.run("walkvctl", "verify", DATA)  # while it is in use
        project.down()
        path = WORK / "volumes" / f"{compose.PREFIX}data" / "_data" / "data" / "wal"
        segment = min(path.glob("*.wal"))
        with open(segment, "r+b") as file:  # behind the first batches, and well in front of the last
            file.seek(8192)
            byte = file.read(1)
            file.seek(8192)
            file.write(bytes([byte[0] ^ 1]))
        done = project.run("walkvd", "walkvctl", "verify", DATA, wanted=EX_DATA)
        self.assertIn("corrupt", done.stdout)
        project.run("walkvd", "walkvctl", "repair", DATA, wanted=EX_DATA)
        self.assertIn("is made", project.run("walkvd", "walkvctl", "--yes", "repair", DATA).stdout)
        self.assertIn("no damage found", project.run("walkvd", "walkvctl", "verify", f"{DATA}.repaired").stdout)
        project.run("walkvd", "sh", "-c", f"mv {DATA} {DATA}.damaged && mv {DATA}.repaired {DATA}")
        _, _, worker = self.up(project=project)
        self.assertEqual(worker.get("k0"), "x" * 600)

    # --- access tokens ---

    def test_tokens(self):
        access = WORK / "access"
        access.mkdir()
        self.addCleanup(shutil.rmtree, access)
        project = self.project("compose.yaml", "containers/tokens.yaml", base=WORK)

        def token(name, scope):
            new = project.run("walkvd", "walkvctl", "--quiet", "token", "new", name, "--scope", scope).stdout.split("\n")
            return new[0], new[1]

        def put_in_place(*lines):
            fresh = access / "tokens.new"
            fresh.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
            fresh.chmod(0o640)
            os.chown(fresh, 0, GROUP)
            fresh.rename(access / "tokens")

        os.chown(access, 0, GROUP)
        access.chmod(0o750)
        web, web_line = token("web", "write")
        monitor, monitor_line = token("monitor", "read")
        put_in_place(web_line)
        _, walkvd, worker = self.up(project=project)
        self.assertIn("web", walkvd.run("walkvctl", "token", "check", "/etc/walkv/access/tokens").stdout)
        bearer = {name: [("Authorization", f"Bearer {text}")] for name, text in (("web", web), ("monitor", monitor))}
        worker.put("a", 1, expect=401)
        worker.put("a", 1, headers=bearer["web"])
        worker.get("a", headers=bearer["monitor"], expect=401)
        put_in_place(web_line, monitor_line)
        for container in (walkvd, worker):
            container.run("sh", "-c", "kill -HUP 1")
        wait_until(lambda: worker.get("a", headers=bearer["monitor"], expect=(200, 401)) == 1, "the new token to be known")
        worker.put("a", 2, headers=bearer["monitor"], expect=403)


if __name__ == "__main__":
    unittest.main()
