#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The guard against slowness: instructions in user space per operation, counted with callgrind on the release build, held
to what instructions.json says. That shows on any machine and under any load, where times do not.

    tests/bench/instructions_test.py            compare
    tests/bench/instructions_test.py --renew    count, and write instructions.json: for a change that is meant to cost that,
                                                with the reason in the commit

Counts belong to a release of Debian and an architecture, since compiler and libraries have a part in them; elsewhere only
the goal for GET is held. More than the tolerance is a failure; less is said, so that --renew keeps what was won."""
import json
import os
import platform
import re
import sys
import unittest
from pathlib import Path

import_from = str(Path(__file__).resolve().parent)
if import_from not in sys.path:
    sys.path.insert(0, import_from)

import instructions  # noqa: E402  pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("WALKV_BUILD", ROOT / "build" / "release"))
EXPECTED = Path(__file__).with_name("instructions.json")
GOAL_PER_GET = 9000


def place():
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    name, version = (re.search(r'(?m)^%s="?([^"\n]*)' % word, release) for word in ("ID", "VERSION_ID"))
    return "%s-%s-%s" % (name.group(1), version.group(1) if version else "", platform.machine())


def build_type():
    cache = BUILD / "CMakeCache.txt"
    found = re.search(r"(?m)^CMAKE_BUILD_TYPE:\w+=(.*)$", cache.read_text(encoding="utf-8")) if cache.exists() else None
    return found.group(1) if found else "unknown"


@unittest.skipUnless(instructions.available(), "valgrind is missing")
@unittest.skipUnless(build_type() == "Release", "%s is not a release build" % BUILD)
class Instructions(unittest.TestCase):
    def test_what_an_operation_takes(self):
        found = instructions.measure(BUILD)
        expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
        self.assertLess(found["get"]["httpd"], GOAL_PER_GET, "the goal for a GET")
        if place() not in expected["counts"]:
            self.skipTest("there are no counts for %s, only the goal for GET was held; --renew makes them" % place())
        tolerance = expected["tolerance"]
        for operation, counts in expected["counts"][place()].items():
            for process, count in counts.items():
                with self.subTest(operation=operation, process=process):
                    now = found[operation][process]
                    said = "%s in %s: %d instructions, expected %d (%+.1f %%)" % (
                        operation, process, now, count, 100 * (now / count - 1))
                    self.assertLessEqual(now, count * (1 + tolerance), said)
                    if now < count * (1 - tolerance):
                        print(said + ": --renew keeps what was won", file=sys.stderr)


def renew():
    expected = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {"tolerance": 0.1, "counts": {}}
    expected["counts"][place()] = instructions.measure(BUILD)
    EXPECTED.write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(expected["counts"][place()], indent=1))


if __name__ == "__main__":
    if sys.argv[1:] == ["--renew"]:
        if build_type() != "Release" or not instructions.available():
            sys.exit("it needs valgrind, and a release build in %s" % BUILD)
        renew()
    else:
        unittest.main()
