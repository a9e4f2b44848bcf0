#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many workers are worth having: reads, and writes, through 1, 2, 4 and 8 of them, on all processors of this machine, by a
client (wrk) that shares these processors. Rounds take turns; medians are printed, and with --readme put into the table of the README.
"""
import argparse
import os
import statistics
import sys
from pathlib import Path

import loads
import machine
from servers import BenchError, Session, Walkv

COUNTS = (1, 2, 4, 8)
BEGIN, END = "<!-- workers -->", "<!-- end of workers -->"


def measure(session, rounds, seconds):
    # Nobody is kept from any processor here: the question is what the kernel makes of it.
    everywhere = sorted(range(os.cpu_count()))
    os.sched_setaffinity(0, everywhere)
    session.server_cpus = session.client_cpus = ",".join(map(str, everywhere))
    server, client = Walkv(session, worker_counts=COUNTS).start(), loads.Client(session)
    server.fill(loads.lines(loads.KEYS))
    reads = loads.drawn(lambda i: loads.get("/api/kv/" + loads.key(i).decode()), loads.DRAWN, loads.KEYS)
    writes = loads.drawn(lambda i: loads.walkv_set(loads.key(i), loads.value(i)), 50000, loads.KEYS)
    found = {(kind, count): [] for kind in ("reads", "writes") for count in COUNTS}
    for i in range(rounds):
        for kind, requests in (("reads", reads), ("writes", writes)):
            for count in COUNTS:
                print("round %d of %d: %s, %d workers" % (i + 1, rounds, kind, count), file=sys.stderr)
                found[kind, count].append(client.wrk(server.ports[count], requests, 64, seconds, server.servers(count)))
    return found


def table(found):
    yield "| workers | reads/s | p99 ms | writes/s | p99 ms |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for count in COUNTS:
        cells = []
        for kind in ("reads", "writes"):
            cells.append("{:,.0f}".format(statistics.median(r["rate"] for r in found[kind, count])))
            cells.append("%.2f" % (statistics.median(r["p99_us"] for r in found[kind, count]) / 1000))
        yield "| %d | %s |" % (count, " | ".join(cells))


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench workers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of each run")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--build", default="build/bench", help=argparse.SUPPRESS)
    args = parser.parse_args()
    session = Session(args.build, os.path.join(args.build, "runs"))
    try:
        text = "\n".join(table(measure(session, args.rounds, args.seconds)))
        about = machine.describe(session.directory)
    except BenchError as error:
        sys.exit("bench: nothing is reported: %s" % error)
    finally:
        session.close()
    text = ("Measured by `scripts/bench workers` with wrk, 64 connections, on the same machine (%d cores, %s), medians of %d rounds:\n\n%s"
            % (about["cores"], about["cpu"], args.rounds, text))
    print(text)
    if args.readme:
        path = Path(__file__).resolve().parents[2] / "README.md"
        readme = path.read_text(encoding="utf-8")
        before, rest = readme.split(BEGIN)
        after = rest.split(END)[1]
        path.write_text("%s%s\n\n%s\n\n%s%s" % (before, BEGIN, text, END, after), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
