#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The package as its users have it: installed into a minimal Debian with a booted systemd, and used, killed, upgraded, rebooted,
removed and purged there. The tests of a class follow each other, as a life does."""
import json
import os
import re
import subprocess
import unittest
from pathlib import Path

from container import CACHE, ROOT, Container, Unavailable, base, wait_for

HERE = Path(__file__).resolve().parent
WORKERS = os.cpu_count()
UNITS = ["walkv.target", "walkvd.service", "walkv-httpd.socket"] + ["walkv-httpd@%d.service" % (i + 1) for i in range(WORKERS)]
EXPOSURE_MAX = {"walkvd.service": 0.3, "walkv-httpd@1.service": 0.5}
PACKAGES = {}


def build(name, *options):
    output = CACHE / ("package-" + name)
    done = subprocess.run([ROOT / "scripts" / "package", "--no-install", "--output", output, *options], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("scripts/package: status %d:\n%s" % (done.returncode, done.stderr[-4000:]))
    return Path(done.stdout.strip()), done.stderr


def build_old():
    """The package of the commit before. Where there is none, this one as a lower version: then programs and data are the same,
    and what an upgrade does is still seen."""
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD~1"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    if commit:
        try:
            return build("old", "--no-ui", "--no-lint", "--commit", commit)[0]
        except RuntimeError as error:
            print("no package of the commit before: %s" % str(error).splitlines()[-1])
    return build("old", "--no-ui", "--no-lint", "--version", "0.0.1")[0]


def setUpModule():
    try:
        base()
    except Unavailable as reason:
        PACKAGES["unavailable"] = str(reason)
        return
    given = os.environ.get("WALKV_PACKAGE")
    PACKAGES["new"], PACKAGES["lintian"] = (Path(given), None) if given else build("new", "--no-ui")
    old = os.environ.get("WALKV_PACKAGE_OLD")
    PACKAGES["old"] = Path(old) if old else build_old()


class Booted(unittest.TestCase):
    name = ""

    @classmethod
    def setUpClass(cls):
        if "unavailable" not in PACKAGES:
            cls.container = Container(cls.name)
            cls.addClassCleanup(cls.container.close)
            try:
                cls.container.boot()
            except (OSError, RuntimeError, AssertionError) as error:  # nothing of walkv is in it yet
                PACKAGES["unavailable"] = "no container boots here: %s" % error

    def setUp(self):
        if "unavailable" in PACKAGES:
            self.skipTest(PACKAGES["unavailable"])

    def run_there(self, *words, **options):
        return self.container.run(*words, **options)

    def install(self, package):
        self.container.copy_in(package, "/root/" + package.name)
        return self.container.apt("install", "/root/" + package.name)

    def curl(self, path, *words):
        return self.run_there("curl", "-sS", "--max-time", 60, "http://127.0.0.1:4000" + path, *words).stdout

    def put(self, key, value):
        self.assertIn('"success":true', self.curl("/api/kv/" + key, "--json", json.dumps({"value": value})))

    def get(self, key):
        answer = json.loads(self.curl("/api/kv/" + key))
        return answer.get("value")

    def active(self, unit):
        return self.run_there("systemctl", "is-active", unit, check=False).stdout.strip()

    def assert_all_active(self):
        for unit in UNITS:
            self.assertEqual(self.active(unit), "active", "%s\n%s" % (unit, self.container.journal(unit)[-1500:]))

    def ready(self):
        wait_for(lambda: '"ready"' in self.run_there("curl", "-s", "http://127.0.0.1:4000/readyz", check=False).stdout, "/readyz")

    def starts(self, kind):
        """How often walkvd has started in this way, as far as its log messages go back."""
        return self.container.journal("walkvd").count("ready: %s start" % kind)

    def pid(self, unit):
        return int(self.container.show(unit, "MainPID"))


class Load:
    """Clients in the container; `found` says afterwards what they saw. Nothing may be refused, wrong or lost, or wait for long."""

    def __init__(self, test, name, longest_s=5, broken=0, unavailable=0):
        """`broken`: how many connections may end without an answer, for what is killed cannot give one; `unavailable`: how many
        answers may be 503."""
        self.test, self.name, self.longest_s, self.found = test, name, longest_s, None
        self.at_most = {"broken": broken, "unavailable": unavailable, "refused": 0, "wrong": 0, "lost": 0}

    def __enter__(self):
        self.process = self.test.container.start("python3", "/root/load.py", self.name, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                 text=True)
        self.process.stdout.readline()  # the first write was acknowledged
        return self

    def __exit__(self, kind, *_):
        out, _ = self.process.communicate(timeout=120)
        if kind:
            return
        self.found = json.loads(out)
        print("%s: %s" % (self.name, json.dumps(self.found)))
        for what, most in self.at_most.items():
            self.test.assertLessEqual(self.found[what], most, self.found)
        self.test.assertLess(self.found["longest_s"], self.longest_s, self.found)
        self.test.assertEqual(self.found["went_on"], 4, self.found)  # each client, when all was over


class Fresh(Booted):
    """From nothing to a stored key, and back to nothing."""
    name = "fresh"

    def test_1_apt_install_and_one_curl(self):
        self.install(PACKAGES["new"])
        self.assertEqual(self.curl("/api/kv/first", "--json", '{"value":1}'), '{"success":true,"key":"first","value":1}')
        self.assert_all_active()
        self.assertEqual(self.run_there("systemctl", "is-enabled", "walkv.target").stdout.strip(), "enabled")

    def test_2_lintian_has_nothing_to_say(self):
        if PACKAGES["lintian"] is None:
            self.skipTest("the package was given")
        self.assertIn("package: lintian", PACKAGES["lintian"])
        self.assertEqual([line for line in PACKAGES["lintian"].splitlines() if re.match("[EWIP]: ", line)], [])

    def test_3_what_is_installed(self):
        for path in ("/etc/walkv/walkv.conf", "/usr/sbin/walkvd", "/usr/sbin/walkv-httpd", "/usr/bin/walkvctl",
                     "/usr/share/doc/walkv/examples/nginx.conf"):
            self.assertTrue((self.container.root / path[1:]).exists(), path)
        self.assertIn("/etc/walkv/walkv.conf", self.run_there("dpkg-query", "-W", "-f", "${Conffiles}", "walkv").stdout)
        conf = (self.container.root / "etc/walkv/walkv.conf").read_text()
        self.assertEqual(set(re.findall(r"(?m)^[a-z_]+ = .*$", conf)), {"view_path = /dev/shm/walkv/view"})
        self.assertIn("\n#data_dir = /var/lib/walkv\n", conf)
        # It must not change with every release: dpkg asks whoever has a file of his own what to do then.
        self.assertNotIn(self.run_there("walkvctl", "--version").stdout.split()[1], conf)
        for program in ("walkvd", "walkv-httpd"):
            self.assertIn("the configuration is valid", self.run_there(program, "--check-config").stdout)
        self.assertIn("uptime", self.run_there("walkvctl", "status").stdout.lower())

    def test_4_another_address(self):
        self.run_there("mkdir", "-p", "/etc/systemd/system/walkv-httpd.socket.d")
        drop_in = self.container.root / "etc/systemd/system/walkv-httpd.socket.d/override.conf"
        drop_in.write_text("[Socket]\nListenStream=\nListenStream=/run/walkv-http.sock\n")

        def again():
            self.run_there("systemctl", "daemon-reload")
            self.run_there("systemctl", "stop", "walkv-httpd.socket", "walkv-httpd@*")
            self.run_there("systemctl", "start", "walkv.target")
            self.assert_all_active()
        again()
        answer = self.run_there("curl", "-s", "--unix-socket", "/run/walkv-http.sock", "http://localhost/api/kv/first").stdout
        self.assertIn('"value":1', answer)
        drop_in.unlink()
        again()
        self.assertEqual(self.get("first"), 1)

    def test_4_the_number_of_workers_is_a_setting(self):
        conf = self.container.root / "etc/walkv/walkv.conf"
        conf.write_text(conf.read_text().replace("#worker_units = 0", "worker_units = %d" % (WORKERS + 1)))
        self.run_there("systemctl", "daemon-reload")
        self.run_there("systemctl", "start", "walkv.target")
        self.assertEqual(self.active("walkv-httpd@%d" % (WORKERS + 1)), "active")
        self.assertEqual(self.get("first"), 1)

    def test_5_a_wrong_configuration_is_not_tried_again(self):
        conf = self.container.root / "etc/walkv/walkv.conf"
        right = conf.read_text()
        conf.write_text(right.replace("[walkvd]\n", "[walkvd]\ncolour = blue\n"))
        self.run_there("systemctl", "restart", "walkvd", check=False)
        self.assertEqual(self.container.show("walkvd", "ExecMainStatus"), "78")
        self.assertEqual(self.active("walkvd"), "failed")
        self.assertIn("colour", self.container.journal("walkvd"))
        self.assertEqual(self.get("first"), 1)  # workers go on reading
        conf.write_text(right)
        self.run_there("systemctl", "start", "walkvd")
        self.put("second", 2)

    def test_6_damage_is_not_tried_again(self):
        self.run_there("systemctl", "stop", "walkvd")
        control = self.container.root / "var/lib/walkv/control"
        good = control.read_bytes()
        control.write_bytes(good[:20] + bytes([good[20] ^ 1]) + good[21:])
        self.run_there("systemctl", "start", "walkvd", check=False)
        self.assertEqual(self.container.show("walkvd", "ExecMainStatus"), "65")
        self.assertEqual(self.active("walkvd"), "failed")  # and not "activating", as while it waits for the next try
        self.assertEqual(self.container.show("walkvd", "NRestarts"), "0")
        control.write_bytes(good)
        self.run_there("systemctl", "start", "walkvd")
        self.assertEqual(self.get("second"), 2)

    def test_7_tokens_from_a_file_and_from_a_credential(self):
        token = self.run_there("sh", "-c", "umask 027; walkvctl --quiet token new op --scope write >/root/op; chgrp walkv /root/op; "
                                           "tail -n 1 /root/op; head -n 1 /root/op").stdout.split("\n")
        line, secret = token[0], token[1]
        conf = self.container.root / "etc/walkv/walkv.conf"
        before = conf.read_text()
        for setting, place in (("/etc/walkv/tokens", "/etc/walkv/tokens"), ("credential:walkv.tokens", "/etc/credstore/walkv.tokens")):
            with self.subTest(setting):
                self.run_there("sh", "-c", "umask 027; mkdir -p $(dirname %s); cat >%s; chgrp walkv %s" % (place, place, place), text=line + "\n")
                conf.write_text(before.replace('#auth_tokens_file = ', 'auth_tokens_file = ' + setting))
                self.run_there("systemctl", "restart", "walkvd", "walkv-httpd@*")
                self.ready()
                self.assertIn("unauthorized", self.curl("/api/kv/first"))
                self.assertIn('"value":1', self.curl("/api/kv/first", "-H", "Authorization: Bearer " + secret))
                self.assertIn('"success":true', self.curl("/api/kv/third", "-H", "Authorization: Bearer " + secret, "--json", '{"value":3}'))
        self.run_there("sh", "-c", "umask 027; sed -i s/^op/operator/ /etc/walkv/tokens")
        conf.write_text(before.replace("#auth_tokens_file = ", "auth_tokens_file = /etc/walkv/tokens"))
        self.run_there("systemctl", "restart", "walkvd", "walkv-httpd@*")
        self.run_there("sh", "-c", "echo >/etc/walkv/tokens")
        self.run_there("systemctl", "reload", "walkvd", "walkv-httpd@*")
        wait_for(lambda: "unauthorized" in self.curl("/api/kv/first", "-H", "Authorization: Bearer " + secret), "the token to end")
        self.assertEqual(self.active("walkvd"), "active")
        conf.write_text(before)
        self.run_there("systemctl", "restart", "walkvd", "walkv-httpd@*")
        self.ready()

    def test_8_remove_stops_and_keeps_the_data(self):
        cold = self.starts("cold")
        self.container.apt("remove", "walkv")
        for unit in UNITS:
            self.assertIn(self.active(unit), ("inactive", "failed", "unknown"), unit)
        self.assertTrue((self.container.root / "var/lib/walkv/control").exists())
        left = self.run_there("sh", "-c", "ls -A /dev/shm; pgrep walkv; true").stdout
        self.assertNotIn("walkv", left)
        self.install(PACKAGES["new"])
        self.ready()
        self.assertEqual(self.get("second"), 2)
        self.assertGreaterEqual(self.starts("cold"), cold + 1)

    def test_9_purge_asks_before_it_deletes_data(self):
        said = self.container.apt("purge", "walkv")
        self.assertIn("the data in /var/lib/walkv is kept", said)
        self.assertTrue((self.container.root / "var/lib/walkv/control").exists())
        self.assertFalse((self.container.root / "etc/walkv/walkv.conf").exists())
        self.install(PACKAGES["new"])
        self.ready()
        self.assertEqual(self.get("second"), 2)
        self.run_there("debconf-set-selections", text="walkv walkv/purge_data boolean true\n")
        self.container.apt("purge", "walkv")
        self.assertFalse((self.container.root / "var/lib/walkv").exists())


class Life(Booted):
    """Under load: an upgrade, kills, hangs, restarts, a reboot."""
    name = "life"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if "unavailable" not in PACKAGES:
            cls.container.copy_in(HERE / "load.py", "/root/load.py")
            cls.container.copy_in(HERE / "attempts.py", "/usr/local/share/attempts.py")

    def test_1_upgrade_from_the_commit_before(self):
        self.install(PACKAGES["old"])
        self.ready()
        self.put("kept", "through the upgrade")
        conf = self.container.root / "etc/walkv/walkv.conf"
        conf.write_text(conf.read_text().replace("#worker_units = 0", "worker_units = %d" % WORKERS))
        before = {unit: self.pid(unit) for unit in UNITS if unit.endswith(".service")}
        with Load(self, "upgrade"):
            self.install(PACKAGES["new"])
        for unit, pid in before.items():
            self.assertNotEqual(self.pid(unit), pid, "%s was not restarted" % unit)
        self.assert_all_active()
        self.assertEqual(self.get("kept"), "through the upgrade")
        self.assertIn("\nworker_units = %d\n" % WORKERS, conf.read_text())

    def test_2_exposure(self):
        for unit, most in EXPOSURE_MAX.items():
            out = self.run_there("systemd-analyze", "security", "--no-pager", unit, check=False).stdout
            score = float(re.search(r"Overall exposure level for .*?: ([0-9.]+)", out).group(1))
            print("exposure of %s: %.1f (at most %.1f)" % (unit, score, most))
            self.assertLessEqual(score, most, out)

    def test_3_kills_under_load(self):
        workers, warm = [unit for unit in UNITS if "@" in unit], self.starts("warm")
        with Load(self, "kills", broken=4 * 3 * len(workers)):
            for unit in (workers + ["walkvd.service"]) * 3:
                before = self.pid(unit)
                self.run_there("systemctl", "kill", "-s", "KILL", unit)
                wait_for(lambda u=unit, b=before: self.pid(u) not in (0, b) and self.active(u) == "active", "another " + unit)
        self.assert_all_active()
        self.assertEqual(self.starts("warm") - warm, 3)

    def test_4_all_workers_at_once(self):
        with Load(self, "all-workers", broken=4 * 3):
            for _ in range(3):
                self.run_there("systemctl", "kill", "-s", "KILL", "walkv-httpd@*")
                wait_for(lambda: all(self.active(u) == "active" for u in UNITS), "all workers")

    def test_5_restarts_under_load(self):
        with Load(self, "restarts"):
            for unit in ("walkvd", "walkv-httpd@*", "walkvd"):
                self.run_there("systemctl", "restart", unit)
        self.assert_all_active()

    def test_6_the_watchdog_replaces_what_hangs(self):
        # As it is, walkvd has three minutes.
        self.run_there("sh", "-c", "mkdir -p /run/systemd/system/walkvd.service.d && "
                                   "printf '[Service]\\nWatchdogSec=10s\\n' >/run/systemd/system/walkvd.service.d/soon.conf")
        self.run_there("systemctl", "daemon-reload")
        self.run_there("systemctl", "restart", "walkvd")
        stopped = {unit: self.pid(unit) for unit in ("walkvd.service", "walkv-httpd@1.service")}
        with Load(self, "hangs", longest_s=60, broken=8, unavailable=1000):
            for pid in stopped.values():
                self.run_there("sh", "-c", "kill -STOP %d" % pid)
            for unit, pid in stopped.items():
                wait_for(lambda u=unit, b=pid: self.pid(u) not in (0, b) and self.active(u) == "active", "another " + unit, 90)
        said = {unit: self.run_there("journalctl", "--no-pager", "-u", unit).stdout.count("atchdog timeout") for unit in UNITS}
        self.assertEqual(said, {unit: int(unit in stopped) for unit in UNITS})  # and whoever does not hang is left alone
        self.run_there("rm", "-r", "/run/systemd/system/walkvd.service.d")
        self.run_there("systemctl", "daemon-reload")
        self.run_there("systemctl", "restart", "walkvd")

    def test_7_reload_is_heard(self):
        for unit in ("walkvd.service", "walkv-httpd@1.service"):
            before = self.pid(unit)
            self.run_there("systemctl", "reload", unit)
            wait_for(lambda u=unit: self.active(u) == "active", "%s after the reload" % unit)
            self.assertEqual(self.pid(unit), before)
            wait_for(lambda u=unit: "SIGHUP" in self.container.journal(u), "%s to read its tokens anew" % unit)
        self.assertRegex(self.container.show("walkvd", "StatusText"), r"Serving: LSN \d+")

    def test_8_a_worker_can_only_read(self):
        walkvd, worker = self.pid("walkvd"), self.pid("walkv-httpd@1")
        as_worker = ["setpriv", "--reuid", "walkv-http", "--regid", "walkv-http", "--groups",
                     self.run_there("getent", "group", "walkv").stdout.split(":")[2]]
        places = {"as its user": as_worker,
                  "in its namespaces": ["nsenter", "-t", str(worker), "-m", "-n", "-i", *as_worker, "--no-new-privs", "--bounding-set=-all"]}
        log = sorted(os.listdir(self.container.root / "var/lib/walkv/wal"))[-1]
        for place, words in places.items():
            with self.subTest(place):
                found = self.run_there(*words, "python3", "/usr/local/share/attempts.py", walkvd, log,
                                       "hidden" if "namespaces" in place else "in sight").stdout.splitlines()
                done = [line for line in found if not line.startswith("denied ")]
                self.assertEqual(done, [], found)
                self.assertGreaterEqual(len(found), 30)
                print("attempts %s: %d, all denied" % (place, len(found)))
        # The worker itself: what the kernel has taken from it.
        status = Path("/proc/%s/status" % self.host_pid(worker)).read_text()
        for field, wanted in (("CapEff", "0000000000000000"), ("CapBnd", "0000000000000000"), ("NoNewPrivs", "1"), ("Seccomp", "2")):
            self.assertRegex(status, r"(?m)^%s:\s+%s$" % (field, wanted))
        self.assertEqual((self.pid("walkvd"), self.pid("walkv-httpd@1")), (walkvd, worker))
        self.put("still", "here")

    def host_pid(self, pid):
        """The same process, as this machine counts."""
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    numbers = re.search(r"(?m)^NSpid:\s+(.*)$", Path("/proc", entry, "status").read_text()).group(1).split()
                except (OSError, AttributeError):
                    continue
                if len(numbers) > 1 and numbers[-1] == str(pid) and self.leader_of(entry):
                    return entry
        raise AssertionError("process %d is not there" % pid)

    def leader_of(self, entry):
        try:
            return os.readlink("/proc/%s/ns/pid" % entry) == os.readlink("/proc/%d/ns/pid" % self.container.leader)
        except OSError:
            return False

    def test_9_stop_start_and_reboot(self):
        self.put("before", "the reboot")
        warm = self.starts("warm")
        self.run_there("systemctl", "stop", "walkv.target")
        for unit in UNITS:
            wait_for(lambda u=unit: self.active(u) == "inactive", "%s to stop" % unit)
        self.run_there("systemctl", "start", "walkv.target")
        self.ready()
        self.assert_all_active()
        self.assertEqual(self.starts("warm"), warm + 1)
        self.container.reboot()
        self.ready()
        self.assert_all_active()
        self.assertIn("ready: cold start", self.run_there("journalctl", "--no-pager", "-b", "-o", "cat", "-u", "walkvd").stdout)
        self.assertEqual(self.get("before"), "the reboot")
        failed = self.run_there("systemctl", "list-units", "--plain", "--no-legend", "--failed", "walkv*").stdout
        self.assertEqual(failed.strip(), "")


if __name__ == "__main__":
    unittest.main()
