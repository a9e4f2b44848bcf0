# SPDX-License-Identifier: MIT
"""The same bytes through walkv's parser and through llhttp, that of Node, with every lenient option off: no stream may
be read as other requests, and each difference in what is refused is of a kind that differences.py explains.

A program behind or before walkv that frames the same bytes differently is request smuggling. llhttp is a parser that
others trust, and was not written by us.

    WALKV_HTTP_STREAMS=all    every byte value at each place, instead of the awkward ones
    WALKV_NODE=PATH           that program instead of `node`
    tests/http/differential_test.py --table     the lines of the table in tests/http/README.md"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from differences import KINDS, Head  # noqa: E402
from streams import streams  # noqa: E402
from walkv import BUILD, environment  # noqa: E402

PATIENCE_S = 300
NO_ACCESS = 77  # of llhttp_account.js
SANITIZED = "CMAKE_BUILD_TYPE:STRING=Debug" in (BUILD / "CMakeCache.txt").read_text() if BUILD.exists() else False
BYTES_EVERY, CUT_EVERY = (10, 100) if SANITIZED else (1, 10)


def parse(line):
    """(requests, end) of a line of an account."""
    requests, mark, error = line.partition("!")
    *requests, end = requests.split(" ")
    return requests, (mark + error) or end


class Differential(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.streams = list(streams(os.environ.get("WALKV_HTTP_STREAMS") == "all"))
        packed = b"".join(struct.pack("<I", len(stream)) + stream for _, stream in cls.streams)
        cls.file = tempfile.NamedTemporaryFile(prefix="walkv-streams-")
        cls.addClassCleanup(cls.file.close)
        cls.file.write(packed)
        cls.file.flush()
        with open(cls.file.name, "rb") as stdin:
            done = subprocess.run([BUILD / "tests" / "http" / "http_account", str(BYTES_EVERY), str(CUT_EVERY)], stdin=stdin,
                                  capture_output=True, timeout=PATIENCE_S, env=environment(), check=False)
        if done.returncode != 0:
            said = done.stdout.decode().count("\n")
            raise AssertionError(f"{cls.streams[said - 1]}: {done.stderr.decode()}")
        cls.ours = [parse(line) for line in done.stdout.decode().splitlines()]

    def test_nothing_is_read_behind_an_error_or_an_end(self):
        self.assertEqual(len(self.ours), len(self.streams))
        ends = Counter()
        for requests, end in self.ours:
            ends[re.sub(r"(!\d+).*", r"\1", end)] += 1
        print("\n%d streams: %s" % (len(self.ours), ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))), file=sys.stderr)
        self.assertEqual(set(ends), {".", "more", "close", "!400", "!413", "!417", "!501", "!505"})

    def test_against_llhttp(self):
        node = os.environ.get("WALKV_NODE") or shutil.which("node") or shutil.which("nodejs")
        if not node:
            self.skipTest("node is not installed")
        done = subprocess.run([node, "--no-deprecation", HERE / "llhttp_account.js", self.file.name], capture_output=True,
                              timeout=PATIENCE_S, check=False)
        if done.returncode == NO_ACCESS:
            self.skipTest(done.stderr.decode().strip())
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        theirs = [parse(line) for line in done.stdout.decode().splitlines()]
        self.assertEqual(len(theirs), len(self.streams))
        found, unexplained = Counter(), []
        for (_, stream), our, their in zip(self.streams, self.ours, theirs):
            if our == their or (our[0] == their[0] and our[1][0] == their[1][0] == "!"):
                continue
            both = min(len(our[0]), len(their[0]))
            # Whatever else they differ in: what both take for a request is the same one, to the last byte.
            self.assertEqual(our[0][:both], their[0][:both], stream)
            kind = next((kind for kind in KINDS if re.match(kind.ours, our[1]) and re.fullmatch(kind.theirs, their[1])
                         and self.holds(kind, stream, our)), None)
            found[kind.name if kind else "unexplained"] += 1
            if not kind:
                unexplained.append((stream, our, their))
        versions = subprocess.run([node, "-p", "process.version + ', llhttp ' + process.versions.llhttp"], capture_output=True,
                                  text=True, check=True).stdout.strip()
        old = int(re.search(r"llhttp (\d+)", versions)[1]) < 8
        self.found = found
        print("\n%d streams, %d differ from Node %s:" % (len(self.streams), found.total(), versions), file=sys.stderr)
        for name, count in found.most_common():
            print("%6d %s" % (count, name), file=sys.stderr)
        self.assertEqual(unexplained[:5], [], f"{len(unexplained)} of no kind")
        self.assertEqual({kind.name for kind in KINDS if old or not kind.old} ^ set(found), set(), "kinds without a difference")

    @staticmethod
    def holds(kind, stream, our):
        """Whether what the kind says of the bytes is true at the head where the two part."""
        requests, end = our
        try:
            head = Head(stream[2:] if re.match(rb"\r\n[^\r\n]", stream) else stream)
            if requests and end not in ("close", "."):
                head = Head(head.behind)
            return bool(kind.holds(head))
        except (TypeError, AttributeError, ValueError):  # there is no such thing in this head
            return False

    def test_the_readme_has_every_kind(self):
        text = (HERE / "README.md").read_text()
        self.assertEqual([kind.name for kind in KINDS if f"| {kind.name} |" not in text or kind.why not in text], [])




def table():
    test = Differential("test_against_llhttp")
    Differential.setUpClass()
    test.test_against_llhttp()
    for kind in KINDS:
        print(f"| {kind.name} | {test.found[kind.name]} | {kind.why} |")
    Differential.doClassCleanups()


if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        table()
    else:
        unittest.main()
