# SPDX-License-Identifier: MIT
"""File systems of their own for tests, small enough to fill and expendable enough to cut the power of: ext4 on a loop
device, and tmpfs. What is missing for it (root, loop devices, mkfs.ext4, the right to mount) is a SkipTest that says so.

Nothing may be left behind, and nothing may be touched that was not set up here. Both are left to the kernel as far as
it goes: mounts are made in a mount namespace of this process alone, and a loop device lasts as long as its mount, so even the SIGKILL of a test takes them with it. The image is removed at exit.
"""

import atexit
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from walkv import wait_until

CLONE_NEWNS = 0x00020000
# linux/ext4.h: _IOR('X', 125, __u32), and "don't flush log nor data".
EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH = 0x8004587D, 2

_namespace_of = None


def _run(*argv):
    """Runs a tool; what it says when it fails is the reason to skip."""
    if not shutil.which(argv[0]):
        raise unittest.SkipTest(f"{argv[0]} is missing")
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")
    return done.stdout.strip()


def _enter_namespace():
    """Gives this process, and what it starts from now on, mounts of its own. Once, and from the main thread."""
    global _namespace_of
    if _namespace_of == os.getpid():
        return
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root may mount file systems")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise unittest.SkipTest(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    _run("mount", "--make-rprivate", "/")
    _namespace_of = os.getpid()


class FileSystem:
    """A mount point in a temporary directory; close() unmounts and removes it."""

    def __init__(self, base=None):
        self.dir = Path(tempfile.mkdtemp(prefix="walkv-fs-", dir=base))
        self.path = self.dir / "mount"
        self.path.mkdir()
        self.mounted = False
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def mount(self):
        outside = os.stat(self.path).st_dev
        _run("mount", *self.mount_options(), self.path)
        self.mounted = True
        if os.stat(self.path).st_dev == outside:
            raise AssertionError(f"nothing was mounted at {self.path}")

    def unmount(self):
        """Waits for processes that were killed to let go of it."""
        wait_until(lambda: subprocess.run(["umount", self.path], stderr=subprocess.DEVNULL, check=False).returncode == 0,
                   f"{self.path} to be unmounted")
        self.mounted = False

    def sync(self):
        """Makes names that were removed stay removed."""
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def free_bytes(self):
        use = os.statvfs(self.path)
        return use.f_bavail * use.f_frsize

    def close(self):
        atexit.unregister(self.close)
        if self.mounted:
            subprocess.run(["umount", "-l", self.path], check=False)
            self.mounted = False
        shutil.rmtree(self.dir, ignore_errors=True)


class TmpFs(FileSystem):
    def __init__(self, size_bytes):
        _enter_namespace()
        super().__init__()
        self.size_bytes = size_bytes
        self.mount()

    def mount_options(self):
        return "-t", "tmpfs", "-o", f"size={self.size_bytes},mode=0700", "walkv-test"


class LoopFs(FileSystem):
    """ext4 on a loop device, mounted, whose power can be cut."""

    def __init__(self, size_bytes, base=None):
        _enter_namespace()
        super().__init__(base)
        try:
            self.image = self.dir / "image"
            with open(self.image, "wb") as file:
                file.truncate(size_bytes)
            _run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
            self.mount()
        except BaseException:
            self.close()
            raise

    def mount_options(self):
        return "-t", "ext4", "-o", "loop", self.image

    def mount(self):
        super().mount()
        self.device = os.stat(self.path).st_dev
        major, minor = os.major(self.device), os.minor(self.device)
        self.backing = Path(f"/sys/dev/block/{major}:{minor}/loop/backing_file")
        if self.backing.read_text().rstrip("\n") != str(self.image):
            raise AssertionError(f"{self.path} is not on {self.image}")

    def unmount(self):
        """And waits until the loop device is gone: with it goes its page cache, in which ext4 may have left what was
        never written. Whoever keeps the device open over a cut gives ext4 a disk that remembers more than it wrote."""
        super().unmount()
        wait_until(lambda: not self.backing.exists(), "the loop device to be let go")

    def check(self):
        """ext4 itself is whole: if it is not, what was found wrong on it says nothing about anybody else."""
        self.unmount()
        done = subprocess.run(["e2fsck", "-f", "-n", self.image], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"e2fsck: {done.stdout}{done.stderr}")

    def cut(self):
        """The power fails: what ext4 has not written, it never will, and everything from now on is EIO. unmount() and
        mount() bring it back as it is after power loss."""
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # The ioctl stops whatever file system it meets; it must never be another one than ours.
            if os.fstat(fd).st_dev != self.device:
                raise AssertionError(f"{self.path} is not on {self.image}")
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))
        finally:
            os.close(fd)
