#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a start takes: warm (after SIGKILL, the view is still there) and cold (from snapshot and log).

Fills a store with --keys keys of 16 bytes with values of 32 bytes, then measures from the start of the process to
its line "ready" and to the first acknowledged write (through walkvctl, whose own start is in it), and prints the
medians of --rounds, in milliseconds. Loopback and local files only.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time


class Store:
    def __init__(self, build, directory):
        self.walkvd = os.path.join(build, "walkvd", "walkvd")
        self.walkvctl = os.path.join(build, "walkvd", "walkvctl")
        self.directory = directory
        self.socket = os.path.join(directory, "walkvd.sock")
        self.view = "/dev/shm/walkv-bench-%d" % os.getpid()
        self.process = None

    def start(self, *flags):
        """Returns the milliseconds until the daemon says that it is ready."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            [self.walkvd, "--data-dir", os.path.join(self.directory, "data"), "--socket-path", self.socket,
             "--view-path", self.view, "--view-size", "16GiB", *flags],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if " ready: " in line:
                took = (time.monotonic() - began) * 1000
                os.set_blocking(self.process.stderr.fileno(), False)
                return took
        raise SystemExit("walkvd ended with status %d" % self.process.wait())

    def stop(self, how):
        self.process.send_signal(how)
        self.process.wait()
        self.process.stderr.close()

    def ctl(self, *words, **options):
        return subprocess.run([self.walkvctl, "--socket", self.socket, *words], check=True, **options)

    def remove_view(self):
        for suffix in ("", ".gen", "-lock", ".new"):
            try:
                os.unlink(self.view + suffix)
            except FileNotFoundError:
                pass


def fill(store, keys):
    lines = os.path.join(store.directory, "keys.jsonl")
    with open(lines, "w", encoding="ascii") as out:
        for i in range(keys):
            out.write('{"key":"key-%012d","value":"value-%024d"}\n' % (i, i))
    store.ctl("import", lines)
    os.unlink(lines)
    store.ctl("checkpoint", stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="build directory (default build/release)")
    parser.add_argument("--keys", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="walkv-bench-")
    store = Store(args.build, directory)
    figures = {"keys": args.keys}
    try:
        store.start()
        print("filling %d keys ..." % args.keys, file=sys.stderr)
        began = time.monotonic()
        fill(store, args.keys)
        figures["fill_keys_per_second"] = round(args.keys / (time.monotonic() - began))
        status = json.loads(store.ctl("--json", "status", stdout=subprocess.PIPE).stdout)
        figures["view_bytes_per_key"] = round(status["view_used_bytes"] / args.keys, 1)
        figures["snapshot_bytes"] = status["snapshot_bytes"]
        one = os.path.join(directory, "one.jsonl")
        with open(one, "w", encoding="ascii") as out:
            out.write('{"key":"one","value":1}\n')
        for kind, flags in (("warm", ()), ("cold", ("--cold-start",))):
            ready, written = [], []
            for i in range(args.rounds):
                print("%s start %d of %d ..." % (kind, i + 1, args.rounds), file=sys.stderr)
                store.stop(signal.SIGKILL)
                began = time.monotonic()
                ready.append(store.start(*flags))
                store.ctl("import", one, stderr=subprocess.DEVNULL)
                written.append((time.monotonic() - began) * 1000)
            for name, times in (("ready", ready), ("first_write", written)):
                figures["%s_%s_ms_median" % (kind, name)] = round(statistics.median(times), 1)
                figures["%s_%s_ms_max" % (kind, name)] = round(max(times), 1)
        store.stop(signal.SIGTERM)
    finally:
        if store.process and store.process.poll() is None:
            store.process.kill()
            store.process.wait()
        store.remove_view()
        shutil.rmtree(directory)
    if args.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print("%-24s %s" % (name, value))


if __name__ == "__main__":
    main()
