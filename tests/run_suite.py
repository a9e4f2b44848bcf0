#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs unittest files and ends with one line that scripts/test adds up: `NAME: N passed, N failed, N skipped`.

    tests/run_suite.py NAME FILE...
"""
import importlib.util
import os
import signal
import sys
import time
import unittest


class Result(unittest.TextTestResult):
    """Counts every test once: its subtests fail it, however many of them do."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.bad = set()

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def stopTest(self, test):
        took = time.monotonic() - self.began
        if took > 10:
            self.stream.writeln("  (%s took %.0f s)" % (test.id(), took))
        super().stopTest(test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.bad.add(test.id())

    def addError(self, test, error):
        super().addError(test, error)
        self.bad.add(test.id())

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.bad.add(test.id())


def main():
    name, files = sys.argv[1], sys.argv[2:]
    # What a script starts in the background ignores SIGINT, and so would everything that is interrupted here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    suite = unittest.TestSuite()
    for path in files:
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
        module_name = os.path.splitext(os.path.basename(path))[0]
        spec = importlib.util.spec_from_file_location(module_name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
        suite.addTests(unittest.defaultTestLoader.loadTestsFromModule(module))
    runner = unittest.TextTestRunner(stream=sys.stderr, verbosity=1, resultclass=Result)
    result = runner.run(suite)
    for test, reason in result.skipped:
        print("skipped: %s: %s" % (test.id(), reason), file=sys.stderr)
    if "openapi" in sys.modules:  # see tests/system/openapi.py
        print("%s: %s" % (name, sys.modules["openapi"].contract.report()), file=sys.stderr)
    failed = len(result.bad)
    skipped = len(result.skipped)
    print("%s: %d passed, %d failed, %d skipped" % (name, result.testsRun - failed - skipped, failed, skipped), flush=True)
    sys.exit(1 if failed or result.testsRun == 0 else 0)


if __name__ == "__main__":
    main()
