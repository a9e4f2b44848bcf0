#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the section Benchmarks of README.md, and its chart, from a run that scripts/bench has left.

Only a full run is taken: no --quick one, none of a few loads, none of a tree with changes that are not committed.
"""
import argparse
import json
import os
import sys
from pathlib import Path

import chart
import report
from loads import LOADS

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- benchmarks -->", "<!-- end of benchmarks -->"
CHART = "tests/bench/benchmarks.svg"


def objections(bench):
    """Why this run is none to show."""
    if bench["quick"]:
        yield "it is a --quick one"
    missing = {load.name for load in LOADS} - {load["name"] for load in bench["loads"]}
    if missing or not {"idle", "latency", "growth", "instructions"} <= set(bench):
        yield "not everything was measured"
    if bench["rounds"] < 3:
        yield "it has fewer than 3 rounds"
    if bench["versions"]["walkv"].endswith("-dirty"):
        yield "walkv was built from a tree with changes"
    if bench["machine"]["load_before"] > 0.5 * bench["machine"]["cores"]:
        yield "the machine was busy before it began (load average %s)" % bench["machine"]["load_before"]


def lost(bench):
    """Where a peer was faster: sentences."""
    for load in bench["loads"]:
        own = next((of for name, of in load["contenders"].items() if name.startswith("walkv")), None)
        for name, of in load["contenders"].items():
            if name.startswith("the disk") or of is own or of["median"] <= own["median"]:
                continue
            yield "%s: %s, %.2f times walkv" % (load["text"], name, of["median"] / own["median"])


def section(bench):
    met = [g["met"] for g in bench["goals"]]
    out = [BEGIN, "",
           "One run of `%s` on %s, %d minutes. Repeat it with that command; then `scripts/bench readme` writes this section. "
           "`tests/bench/README.md` says how it is measured." % (bench["command"], bench["date"], round(bench["took_s"] / 60)), "",
           "![Requests per second of walkv and its peers](%s)" % CHART, ""]
    out += ["- " + line for line in report.machine_lines(bench)]
    out += ["", "Of the %d goals, %d are met and %d are not; the last table shows each." % (len(met), met.count(True), met.count(False)), ""]
    faster = list(lost(bench))
    if faster:
        out += ["Where a peer is faster than walkv:", "", *("- " + line for line in faster), ""]
    failed = report.failure_lines(bench)
    if failed:
        out += [*("- " + line for line in failed), ""]
    return "\n".join(out + [report.markdown(bench), "", END])


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench readme", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="the JSON of the run (default build/bench/bench.json)")
    parser.add_argument("--into", metavar="DIRECTORY", help="write README.md and the chart there instead, whatever the run is")
    parser.add_argument("--build", default="build/bench", help=argparse.SUPPRESS)
    args = parser.parse_args()
    path = args.file or os.path.join(args.build, "bench.json")
    try:
        bench = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        sys.exit("bench: %s is not there; scripts/bench makes it" % path)
    wrong = list(objections(bench))
    if wrong:
        print("bench: %s is no run for the README: %s" % (path, "; ".join(wrong)), file=sys.stderr)
        if not args.into:
            return 1
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit("bench: README.md lacks the lines %s and %s" % (BEGIN, END))
    into = Path(args.into) if args.into else ROOT
    (into / CHART).parent.mkdir(parents=True, exist_ok=True)
    (into / "README.md").write_text(before + section(bench) + after, encoding="utf-8")
    (into / CHART).write_text(chart.svg(bench), encoding="utf-8")
    print("bench: wrote README.md and %s" % CHART, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
