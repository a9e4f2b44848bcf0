#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures walkv and what people use today side by side, in one run on this machine, and says who was faster.

All servers run on one processor and the client on another (half of the processors for servers, where there are more than
two), in temporary directories on one file system, and in turn: each round runs walkv and every peer once, so that what
changes on the machine meanwhile hits all of them. What is printed are medians, the spread from the least to the most of
the rounds, and how many times as fast walkv was. A run in which walkv gave any wrong answer is not reported; a peer that did is left out of
that load, and that is said.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import goals
import growth
import latency
import loads
import machine
import report
from servers import BenchError, Session, Walkv, ask

ROOT = Path(__file__).resolve().parents[2]
FULL_SIZES, QUICK_SIZES = (10000, 1000000, 5000000, 10000000), (10000, 200000)
PARTS = {
    "idle": "latency at a steady pace, one connection, p50 and p99",
    "latency": "latency of reads: quiet, during checkpoints, under full write load",
    "growth": "GET, starts and memory with 10 thousand to 10 million keys, beside Redis",
    "instructions": "instructions in user space per GET (valgrind)",
}


class Progress:
    def __init__(self):
        self.began, self.live = time.monotonic(), sys.stderr.isatty()

    def __call__(self, text):
        line = "%5.0f s  %s" % (time.monotonic() - self.began, text)
        print("\r\033[K" + line if self.live else line, end="" if self.live else "\n", file=sys.stderr, flush=True)

    def done(self):
        if self.live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def count_syncs(server, session, work):
    """How often a process and its threads call fdatasync, fsync and the like while `work` runs; None where strace may not."""
    if not shutil.which("strace"):
        return None
    out = session.new_path("strace")
    strace = subprocess.Popen(["strace", "-f", "-c", "-e", "trace=fdatasync,fsync,sync_file_range,msync", "-o", out,
                               "-p", str(server.pid)], stderr=subprocess.PIPE, text=True)
    line = strace.stderr.readline()
    if "attached" not in line:
        strace.wait()
        strace.stderr.close()
        return None
    work()
    strace.send_signal(signal.SIGINT)
    strace.wait()
    strace.stderr.close()
    calls = 0
    for line in Path(out).read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields and fields[-1] in ("fdatasync", "fsync", "msync") and fields[0] != "%":
            calls += int(fields[3])
    return calls


def probe_durability(stand, session, names, say):
    """With one write at a time, everybody who says that it is durable has to sync for each."""
    writes = 20

    def webdis_writes():
        for i in range(writes):
            ask(stand.get("redis").web_port, "/SET/probe/%d" % i)

    def walkv_writes():
        for i in range(writes):
            ask(stand.get("walkv").port, "/api/kv/probe", b'{"value":%d}' % i)

    def etcd_writes():
        for i in range(writes):
            ask(stand.get("etcd").port, "/v3/kv/put", b'{"key":"cHJvYmU=","value":"%s"}' % loads.Etcd.text(b"%d" % i).encode())

    probes = {"walkv": (lambda s: s.walkvd, walkv_writes), "redis": (lambda s: s.redis, webdis_writes),
              "etcd": (lambda s: s.server, etcd_writes),
              "beanstalkd": (lambda s: s.server, lambda: [stand.get("beanstalkd").fill(1, b"probe") for _ in range(writes)])}
    found = {}
    for name in sorted(names & set(probes)):
        say("does %s sync?" % name)
        of, work = probes[name]
        server = stand.get(name)
        calls = count_syncs(of(server), session, work)
        found[name] = {"writes": writes, "syncs": calls}
        if calls is not None and calls < writes:
            raise BenchError("%s made %d syncs for %d writes, one at a time" % (name, calls, writes))
    return found


def run_loads(stand, client, chosen, rounds, seconds, say):
    """Returns the loads, and of peers that failed at one: what they did. They are left out there; when walkv fails, all ends."""
    results, failures = [], []
    for load in chosen:
        runs = {c.name: [] for c in load.contenders}
        for i in range(rounds):
            for contender in [c for c in load.contenders if c.name in runs]:
                say("%s: %s, round %d of %d" % (load.name, contender.name, i + 1, rounds))
                try:
                    runs[contender.name].append(loads.run_once(stand, client, load, contender, seconds))
                except BenchError as error:
                    failure = "%s, %s: %s" % (load.text, contender.name, error)
                    if contender.name.startswith("walkv"):
                        raise BenchError(failure) from error
                    failures.append(failure if len(failure) <= 300 else failure[:300] + " ...")
                    stand.forget(contender.server)
                    del runs[contender.name]
        for contender in load.contenders:
            contender.prepared.clear()
        results.append({"name": load.name, "text": load.text, "connections": load.connections, "unit": load.unit,
                        "contenders": {name: summary(of) for name, of in runs.items()}})
    return results, failures


def summary(runs):
    result = latency.spread([round(r["rate"], 1) for r in runs])
    for name in ("p50_us", "p99_us", "server_busy", "client_busy", "server_us_per_request", "syncs_per_s", "writes_per_sync"):
        values = [r[name] for r in runs if name in r]
        if values:
            result[name] = round(statistics.median(values), 3)
    return result


def choose(only):
    known = {load.name: load for load in loads.LOADS}
    unknown = [name for name in only if name not in known and name not in PARTS]
    if unknown:
        raise SystemExit("bench: there is no %s; --list shows what there is" % ", ".join(unknown))
    if not only:
        return list(known.values()), set(PARTS)
    return [load for name, load in known.items() if name in only], set(only) & set(PARTS)


def measure(args, session, say):
    chosen, parts = choose(args.only)
    rounds = args.rounds or (1 if args.quick else 5)
    seconds = args.seconds or (1 if args.quick else 2)
    stand, client = loads.Stand(session, args.workers, say), loads.Client(session)
    bench = {"format": 1, "quick": args.quick, "rounds": rounds, "seconds_per_run": seconds, "workers": args.workers,
             "date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine.describe(session.directory),
             "versions": machine.versions(ROOT), "pinning": session.pinning(),
             "command": "scripts/bench" + (" --quick" if args.quick else "")
                        + (" --only " + " ".join(args.only) if args.only else "")
                        + (" --rounds %d" % args.rounds if args.rounds else "")}
    say(bench["pinning"])
    needed = {c.server for load in chosen for c in load.contenders}
    if any(load.durable for load in chosen):
        bench["durability_probe"] = probe_durability(stand, session, needed, say)
    bench["loads"], bench["failures"] = run_loads(stand, client, chosen, rounds, seconds, say)
    if "idle" in parts:
        bench["idle"] = latency.idle(stand, client, max(1, rounds // 2), max(2, seconds), say)
    if "latency" in parts:
        bench["latency"] = latency.under_load(stand, client, max(1, rounds // 2), 3 if args.quick else 8, say)
    stand.close()
    if "growth" in parts:
        sizes = args.sizes or (QUICK_SIZES if args.quick else FULL_SIZES)
        bench["growth"] = growth.measure(session, client, sizes, max(1, rounds // 2), seconds, say)
    if "instructions" in parts:
        say("counting instructions")
        import instructions
        bench["instructions"] = {"get": {"httpd": instructions.gets(session.build)}} if instructions.available() else None
    bench["took_s"] = round(time.monotonic() - say.began)
    bench["machine"]["load_after"] = round(os.getloadavg()[0], 2)
    bench["goals"] = goals.judge(bench)
    return bench


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about 2 minutes: one round of a second each, small stores")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these of --list")
    parser.add_argument("--rounds", type=int, help="how many (default 5, with --quick 1)")
    parser.add_argument("--seconds", type=int, help="of each run (default 2, with --quick 1)")
    parser.add_argument("--workers", type=int, default=4, help="how many \"N workers\" are (default 4)")
    parser.add_argument("--sizes", type=lambda text: tuple(int(n) for n in text.split(",")), metavar="N,N...",
                        help="the numbers of keys of growth, from the smallest on")
    parser.add_argument("--list", action="store_true", help="the names of all loads")
    parser.add_argument("--json", action="store_true", help="print the JSON and not the table")
    parser.add_argument("--output", help="where the JSON goes (default bench.json in the build directory)")
    parser.add_argument("--build", default="build/bench", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.list:
        for load in loads.LOADS:
            print("%-20s %s" % (load.name, load.text))
        for name, text in PARTS.items():
            print("%-20s %s" % (name, text))
        return 0
    choose(args.only)
    output = Path(args.output or os.path.join(args.build, "bench.json"))

    def interrupted(*_):
        raise KeyboardInterrupt
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup and the like
            signal.signal(number, interrupted)
    say = Progress()
    session = Session(args.build, os.path.join(args.build, "runs"))
    try:
        bench = measure(args, session, say)
    except BenchError as error:
        say.done()
        print("bench: nothing is reported: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say.done()
        print("bench: interrupted", file=sys.stderr)
        return 130
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # what is begun here has to end
        session.close()
    say.done()
    text = json.dumps(bench, indent=1)
    output.write_text(text + "\n", encoding="utf-8")
    print(text if args.json else report.text(bench))
    print("bench: %s holds it all" % output, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
