# SPDX-License-Identifier: MIT
"""What a run was made on: the machine and the versions of all that took part. Nothing that names the machine itself."""
import os
import platform
import re
import subprocess
from pathlib import Path

VERSIONS = {  # name -> Debian package
    "nginx": "nginx", "redis": "redis-server", "webdis": "webdis", "etcd": "etcd-server", "beanstalkd": "beanstalkd",
    "memcached": "memcached", "wrk": "wrk", "lmdb": "liblmdb0", "libevent": "libevent-2.1-7", "gcc": "gcc",
}


def output(*argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def package_version(name):
    return output("dpkg-query", "-W", "-f", "${Version}", name) or output("dpkg-query", "-W", "-f", "${Version}", name + "t64")


def disk(directory):
    """The kind of the disk and of the file system that a directory is on."""
    device = os.stat(directory).st_dev
    number = "%d:%d" % (os.major(device), os.minor(device))
    file_system, kind = "unknown file system", "unknown device"
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields, _, rest = line.partition(" - ")
        if fields.split()[2] == number:
            file_system = rest.split()[0]
    block = Path("/sys/dev/block", number)
    if block.exists():
        block = block.resolve()
        whole = block if (block / "queue").exists() else block.parent
        rotational = (whole / "queue" / "rotational").read_text().strip() == "1"
        cache = (whole / "queue" / "write_cache").read_text().strip()
        name = re.sub(r"\d+$|p\d+$", "", whole.name)
        kind = "virtio disk" if name.startswith("vd") else "NVMe" if name.startswith("nvme") else "disk"
        kind += ", rotating" if rotational and not name.startswith("vd") else ""
        kind += ", write cache: " + cache
    return "%s on %s" % (file_system, kind)


def describe(directory):
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", cpuinfo)
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1))
    release = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    return {
        "cores": os.cpu_count(), "cpu": model.group(1).strip() if model else platform.machine(),
        "virtual": "hypervisor" in cpuinfo, "memory_gib": round(memory / (1 << 20), 1),
        "kernel": platform.release().split("-")[0], "system": release.group(1) if release else "", "disk": disk(directory),
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions(root):
    found = {name: package_version(package) for name, package in VERSIONS.items()}
    found["walkv"] = output("git", "-C", str(root), "describe", "--always", "--dirty") or "unknown"
    return {name: version for name, version in found.items() if version}
