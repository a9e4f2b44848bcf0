# SPDX-License-Identifier: MIT
"""A minimal Debian with a booted systemd, in systemd-nspawn: debootstrap makes it once, each run works on a layer above it.

Its network is its own, so that port 4000 there is nobody else's. What is started or mounted here ends with close(), or, when
the test is killed, with the next run."""
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("WALKV_SYSTEMD_CACHE", ROOT / "build" / "systemd"))
SUITE = os.environ.get("WALKV_SYSTEMD_SUITE", "bookworm")
# systemd and what the tests look with; what the package needs besides, apt has to bring.
INCLUDED = "systemd,systemd-sysv,dbus,curl,python3-minimal,libpython3-stdlib,ca-certificates"
PATIENCE_S = 60


class Unavailable(Exception):
    """Why there can be no container here."""


def check_host():
    if os.geteuid() != 0:
        raise Unavailable("only root can boot a container")
    for program in ("systemd-nspawn", "debootstrap", "nsenter"):
        if not shutil.which(program):
            raise Unavailable("%s is missing; scripts/install-deps systemd installs it" % program)


def host_sources(suite):
    """The lines of apt's sources of this machine, with the suite changed to the one wanted."""
    here = subprocess.run(["sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()
    lines = []
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.list"))]
    for path in files:
        if path.exists():
            lines += [line for line in path.read_text().splitlines() if line.startswith("deb ")]
    for path in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        for entry in path.read_text().split("\n\n"):
            fields = dict(line.split(":", 1) for line in entry.splitlines() if ":" in line and line[0] not in "# ")
            for uri in fields.get("URIs", "").split():
                for name in fields.get("Suites", "").split():
                    lines.append("deb %s %s %s" % (uri, name, fields.get("Components", "main").strip()))
    if not lines:
        raise Unavailable("apt has no sources here")
    return [line.replace(here, suite) for line in lines]


def mirror(suite):
    for line in host_sources(suite):
        words = [word for word in line.split() if not word.startswith("[") and not word.endswith("]")]
        if len(words) > 2 and words[2] == suite:
            return words[1]
    raise Unavailable("apt's sources have no %s" % suite)


def base():
    """The folder of the bare system; made when it is not there."""
    check_host()
    folder = CACHE / ("debian-" + SUITE)
    if (folder / "made").exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    making = CACHE / ("making-" + SUITE)
    subprocess.run(["rm", "-rf", "--one-file-system", making], check=True)
    done = subprocess.run(["debootstrap", "--variant=minbase", "--include=" + INCLUDED, SUITE, making, mirror(SUITE)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable("debootstrap failed: " + done.stdout[-1000:])
    (making / "etc/apt/sources.list").write_text("\n".join(host_sources(SUITE)) + "\n")
    for path in Path("/etc/apt/apt.conf.d").glob("*proxy*"):
        shutil.copy(path, making / "etc/apt/apt.conf.d")
    (making / "etc/machine-id").write_text("")
    (making / "made").write_text("")
    making.rename(folder)
    return folder


class Container:
    def __init__(self, name):
        self.lower, self.process, self.leader = base(), None, None
        self.folder = Path(tempfile.mkdtemp(prefix="walkv-%s-" % name, dir=CACHE))
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir()
        self.root = self.folder / "root"
        self.console = open(self.folder / "console", "wb")  # pylint: disable=consider-using-with
        options = "lowerdir=%s,upperdir=%s,workdir=%s" % (self.lower, self.folder / "upper", self.folder / "work")
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True)

    def boot(self):
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "-D", self.root, "--boot", "--register=no", "--keep-unit", "--console=pipe",
             "--private-network", "--resolv-conf=copy-host"], stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console)
        self.wait_for_boot()
        return self

    def reboot(self):
        """Down, and up again from what is on the disk."""
        self.run("systemctl", "poweroff", check=False)
        self.process.wait(PATIENCE_S)
        self.boot()

    def wait_for_boot(self):
        def booted():
            children = Path("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)).read_text().split()
            if self.process.poll() is not None:
                raise RuntimeError("the container ended:\n" + self.console_text())
            if not children:
                return False
            self.leader = int(children[0])
            try:
                done = self.run("systemctl", "is-system-running", check=False)
            except OSError:
                return False
            return done.stdout.strip() in ("running", "degraded")
        wait_for(booted, "a booted system")

    def console_text(self):
        return Path(self.console.name).read_text(errors="replace")[-3000:]

    def enter(self, network=True):
        """The words before a command that runs in the container; with the network of this machine, for apt, if that is wanted."""
        return ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-p", "-C", *(["-n"] if network else []), "-r", "-w", "env", "-i",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
                "DEBIAN_FRONTEND=noninteractive"]

    def run(self, *words, network=True, check=True, timeout=180, text=None):
        done = subprocess.run([*self.enter(network), *map(str, words)], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise RuntimeError("%s: status %d:\n%s" % (" ".join(map(str, words)), done.returncode, done.stdout[-4000:]))
        return done

    def start(self, *words, **options):
        return subprocess.Popen([*self.enter(), *map(str, words)], **options)

    def copy_in(self, path, to):
        shutil.copy(path, self.root / str(to).lstrip("/"))

    def apt(self, *words):
        return self.run("apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0", "-o", "Dpkg::Options::=--force-confold", *words, network=False, timeout=300).stdout

    def show(self, unit, name):
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit, check=False).stdout

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.console.close()
        subprocess.run(["umount", self.root], check=False)
        if not os.path.ismount(self.root):
            subprocess.run(["rm", "-rf", "--one-file-system", self.folder], check=False)


def wait_for(condition, what, seconds=PATIENCE_S):
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError("waited %d s for %s" % (seconds, what))
        time.sleep(0.1)
