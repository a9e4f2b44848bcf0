# SPDX-License-Identifier: MIT
"""buildah and podman with a place of their own, build/containers: a base image that debootstrap made, the image of the
Dockerfile on it, containers, volumes. What is missing for it is a SkipTest that says so; a Dockerfile that does not build
is a failure.

Nothing is left behind but base.tar, which takes a minute to make. Mounts are made in a mount namespace of this process and
its children, so they are gone with the last of them, however they end; and nothing is removed that something is mounted
in. Containers have no network, and a test reaches a worker through the network namespace of its container."""

import atexit
import ctypes
import fcntl
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

import compose

WORK = compose.ROOT / "build" / "containers"
BASE_TAR = WORK / "base.tar"
BASE, IMAGE = "localhost/walkv-test-base", "localhost/walkv-test"
TOOLS = ("buildah", "podman", "runc", "debootstrap", "tar", "unshare")
PATIENCE_S = 60
BUILD_S, DEBOOTSTRAP_S = 900, 900
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x00020000, 0x4000, 1 << 18
UMOUNT_NOFOLLOW, MNT_DETACH = 8, 2

# vfs works everywhere, and copies the whole image for each container.
DRIVERS = ("overlay", "vfs")
_STORE = [f"--root={WORK}/storage", f"--runroot={WORK}/run"]
_PODMAN = ["podman", *_STORE, f"--tmpdir={WORK}/tmp", f"--volumepath={WORK}/volumes",
           f"--network-config-dir={WORK}/networks", "--cgroup-manager=cgroupfs", "--runtime=runc", "--events-backend=file"]
# Instead of the settings of this machine. Locks in files are ours, and those in shared memory are of all podmans.
_CONFIG = """[engine]
lock_type = "file"
"""
_driver = DRIVERS[0]
_libc = ctypes.CDLL(None, use_errno=True)


def say(text):
    print(f"containers: {text}", file=sys.stderr, flush=True)


def _command(argv, timeout=PATIENCE_S, **options):
    environment = {**os.environ, "CONTAINERS_CONF": str(WORK / "containers.conf")}
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout, check=False,
                          env=environment, **options)


def podman(*argv, wanted=0, **options):
    """Runs podman, checks its exit status (`wanted` None: any), and returns the finished process."""
    done = _command([*_PODMAN, f"--storage-driver={_driver}", *argv], **options)
    if wanted is not None and done.returncode != wanted:
        raise AssertionError(f"podman {' '.join(map(str, argv))}: {done.returncode}, not {wanted}\n{done.stdout}{done.stderr}")
    return done


def limits():
    """Limits that this machine lets a container have: podman asks for more than a root without all capabilities may set."""
    files = min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    return [f"--ulimit=nofile={files}:{files}", "--ulimit=nproc=1024:1024"]


# --- the base image: the Debian of this machine, from where this machine gets its packages ---------------------------


def _apt_source(suite):
    """(file, URI) of where this machine gets Debian from; (None, None) if that cannot be told."""
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in files:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if path.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", text):
                uri = re.search(r"^URIs:\s*(\S+)", stanza, re.MULTILINE)
                if uri and re.search(rf"^Suites:.*(?<![\w-]){suite}(?![\w-])", stanza, re.MULTILINE):
                    return path, uri[1]
        else:
            uri = re.search(rf"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+{suite}\s", text, re.MULTILINE)
            if uri:
                return path, uri[1]
    return None, None


def _make_base_tar():
    suite = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)
    if not suite:
        raise unittest.SkipTest("this system does not say which Debian it is")
    path, uri = _apt_source(suite[1])
    tree = WORK / "base"
    say("making a base image with debootstrap (once, about a minute)")
    # In a mount namespace of its own: what it mounts ends with it.
    done = _command(["unshare", "--mount", "--propagation", "private", "debootstrap", "--variant=minbase", suite[1], tree,
                     *([uri] if uri else [])], timeout=DEBOOTSTRAP_S)
    if done.returncode != 0:
        raise unittest.SkipTest(f"debootstrap does not work here: {(done.stdout + done.stderr).strip()[-300:]}")
    apt = tree / "etc" / "apt"
    if path:
        (apt / "sources.list").write_text("", encoding="utf-8")
        target = apt / "sources.list.d" if path.suffix == ".sources" else apt
        shutil.copy(path, target / path.name)
    settings = _command(["apt-config", "dump"]).stdout.splitlines()
    proxies = [line for line in settings if re.match(r"Acquire::\w+::Proxy\b", line)]
    (apt / "apt.conf.d" / "99test-proxy").write_text("".join(line + "\n" for line in proxies), encoding="utf-8")
    # Without what the slim images of Debian leave out, too: every container copies all of it.
    left_out = [f"--exclude=./{path}/*" for path in ("dev", "var/cache/apt", "var/lib/apt/lists", "usr/share/doc",
                                                     "usr/share/man", "usr/share/locale", "usr/share/info")]
    done = _command(["tar", "-C", tree, *left_out, "-cf", BASE_TAR.with_suffix(".partial"), "."], timeout=DEBOOTSTRAP_S)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    BASE_TAR.with_suffix(".partial").rename(BASE_TAR)


# --- what there is while tests run -----------------------------------------------------------------------------------


def _mounts_below(path):
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        where = line.split()[4].encode().decode("unicode_escape")
        if where.startswith(f"{path}/") or where == str(path):
            found.append(where)
    return found


def _remove_all():
    """Ends every container of ours, unmounts what is left, and removes all but the tar."""
    if (WORK / "storage" / f"{_driver}-containers").exists():
        podman("rm", "--force", "--all", "--time=0", wanted=None)
    for where in reversed(_mounts_below(WORK)):
        _libc.umount2(where.encode(), MNT_DETACH | UMOUNT_NOFOLLOW)
    left = _mounts_below(WORK)
    if left:
        say(f"still mounted, so nothing is removed: {left}")
        return
    for name in ("base", "storage", "run", "tmp", "volumes", "networks", "access", "containers.conf"):
        if (WORK / name).exists():
            _command(["rm", "-rf", "--one-file-system", WORK / name], timeout=300)


def _enter_namespace():
    """Gives this process, and what it starts from now on, mounts of its own."""
    if _libc.unshare(CLONE_NEWNS) or _libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise unittest.SkipTest(f"no mount namespace: {os.strerror(ctypes.get_errno())}")


def _import_base():
    """Sets `_driver` to the first with which podman runs something; returns None, or what the last said."""
    global _driver
    for _driver in DRIVERS:
        _remove_all()  # of a run that was killed, or of the driver that does not work
        (WORK / "containers.conf").write_text(_CONFIG, encoding="utf-8")
        done = podman("import", BASE_TAR, BASE, wanted=None, timeout=300)
        if done.returncode == 0:
            done = podman("run", "--rm", "--network=none", *limits(), BASE, "true", wanted=None)
        if done.returncode == 0:
            return None
    return done.stderr.strip()


def _set_up():
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root may build and run containers here")
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise unittest.SkipTest(f"missing: {', '.join(missing)} (scripts/install-deps containers)")
    try:
        compose.load()
    except ImportError:
        raise unittest.SkipTest("missing: python3-yaml (scripts/install-deps containers)") from None
    WORK.mkdir(parents=True, exist_ok=True)
    lock = os.open(WORK / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise unittest.SkipTest("another run uses build/containers") from None
    _enter_namespace()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it is tidied up
    atexit.register(_remove_all)
    if not BASE_TAR.exists():
        _make_base_tar()
    problem = _import_base()
    if problem:
        raise unittest.SkipTest(f"podman does not work here: {problem[-300:]}")
    began = time.monotonic()
    say("building the image, without the web UI")
    # A build that finds its layers again would keep gigabytes here, and hide a Dockerfile that no longer builds.
    done = _command(["buildah", *_STORE, f"--storage-driver={_driver}", "bud", "--isolation=chroot", "--layers=false",
                     f"--build-arg=BASE={BASE}", "--build-arg=UI=OFF", "--tag", IMAGE, compose.ROOT], timeout=BUILD_S)
    if done.returncode != 0:
        raise AssertionError(f"the Dockerfile does not build:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    say(f"built in {time.monotonic() - began:.0f} s")


_outcome = None


def need_image():
    """Builds the image, once; every test begins with it, so that each is skipped where that cannot be done."""
    global _outcome
    if _outcome is None:
        _outcome = True
        try:
            _set_up()
        except (unittest.SkipTest, AssertionError) as problem:
            _outcome = problem
    if _outcome is not True:
        raise _outcome


def socket_in(pid, make):
    """Calls `make` in the network namespace of another process. A socket stays in the one that it was made in."""
    with open("/proc/thread-self/ns/net", "rb") as own, open(f"/proc/{pid}/ns/net", "rb") as other:
        if _libc.setns(other.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return make()
        finally:
            if _libc.setns(own.fileno(), 0):
                os.abort()  # this thread is in the wrong place, and cannot get out
