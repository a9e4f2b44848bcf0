# SPDX-License-Identifier: MIT
"""The layers of STYLE.md, held to the sources: an include never points up, and nothing links what it must not."""
import os
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("WALKV_BUILD", ROOT / "build" / "debug"))
FOLDERS = ("common", "walkvd", "walkv-httpd")


def includes(path):
    return re.findall(r'^#include\s+([<"][^>"]+[>"])', path.read_text(), re.MULTILINE)


def sources(folder):
    return sorted(list((ROOT / folder).glob("*.c")) + list((ROOT / folder).glob("*.h")))


class Structure(unittest.TestCase):
    def test_common_knows_no_daemon_and_no_loop(self):
        headers = {p.name for p in sources("common")}
        for path in sources("common"):
            for name in includes(path):
                if name.startswith('"'):
                    self.assertIn(name.strip('"'), headers, f"{path.name} includes upwards")
                self.assertNotRegex(name, "event|jansson", f"{path.name}")

    def test_the_daemons_do_not_know_each_other(self):
        common = {p.name for p in sources("common")}
        for folder in ("walkvd", "walkv-httpd"):
            allowed = common | {p.name for p in sources(folder)}
            for path in sources(folder):
                for name in includes(path):
                    if name.startswith('"'):
                        self.assertIn(name.strip('"'), allowed, f"{folder}/{path.name}")

    def test_no_circles_among_headers(self):
        headers = {p.name: p for folder in FOLDERS for p in (ROOT / folder).glob("*.h")}
        graph = {name: [i.strip('"') for i in includes(path) if i.startswith('"')] for name, path in headers.items()}
        done = set()

        def visit(name, trail):
            self.assertNotIn(name, trail, " -> ".join(trail + [name]))
            if name in done:
                return
            for other in graph.get(name, []):
                visit(other, trail + [name])
            done.add(name)

        for name in graph:
            visit(name, [])

    def test_header_names_are_unique(self):
        seen = {}
        for folder in FOLDERS:
            for path in (ROOT / folder).glob("*.h"):
                self.assertFalse(path.name in seen, f"{path} and {seen.get(path.name)}")
                seen[path.name] = path

    def test_walkvd_links_neither_jansson_nor_the_worker(self):
        needed = subprocess.run(["readelf", "-d", BUILD / "walkvd" / "walkvd"], capture_output=True, text=True, check=True)
        self.assertNotIn("jansson", needed.stdout)

    def test_every_file_call_of_walkvd_goes_through_the_door(self):
        calls = (
            "open|openat|creat|fopen|opendir|stat|lstat|fstat|flock|chmod|fchmod|truncate|ftruncate|fallocate|pread|pwrite|"
            "preadv|pwritev|fsync|fdatasync|sync_file_range|rename|unlink|mkdir|rmdir|mmap|posix_fadvise|statvfs|fstatvfs"
        )
        socket_files = ("socket_listener.c", "server.c")  # the socket is no file of the store
        for path in sources("walkvd"):
            if path.name == "disk.c" or path.name.startswith("ctl_"):
                continue
            found = re.findall(rf"(?<![\w>.])({calls})\(", path.read_text())
            if path.name in socket_files:
                found = [name for name in found if name not in ("unlink", "chmod", "lstat")]
            self.assertEqual(found, [], path.name)

    def test_every_mutant_still_applies(self):
        if not (ROOT / ".git").exists():
            self.skipTest("not a git checkout")
        for patch in sorted((ROOT / "tests" / "mutants").glob("*.patch")):
            done = subprocess.run(["git", "apply", "--check", patch], cwd=ROOT, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, f"{patch.name}: {done.stderr}")

    def test_every_source_says_its_licence(self):
        for folder in FOLDERS + ("tests/fuzz", "tests/kit", "tests/unit"):
            for path in sources(folder):
                self.assertIn("SPDX-License-Identifier: MIT", path.read_text()[:1500], path)


if __name__ == "__main__":
    unittest.main()
