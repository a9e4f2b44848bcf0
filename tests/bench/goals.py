# SPDX-License-Identifier: MIT
"""The goals (goals.json), judged by a run: each is a figure, or one divided by another, and a bound."""
import json
from pathlib import Path

GOALS = Path(__file__).with_name("goals.json")


def figures(bench):
    """All that a goal can name: name -> (value, keys that it was measured with, or None)."""
    found = {}
    for load in bench.get("loads", []):
        for name, of in load["contenders"].items():
            found["%s.%s" % (load["name"], name)] = (of["median"], None)
    for name, of in bench.get("latency", {}).get("contenders", {}).items():
        for p, spread in of.items():
            found["latency.%s.%s" % (name, p)] = (spread["median"], None)
    sizes = bench.get("growth", {}).get("sizes", [])
    for size in sizes:
        keys = size["keys"]
        for name, spread in size["start_ms"].items():
            if keys <= 5000000:
                found["start." + name] = (spread["median"], keys)
        for store in ("walkv", "redis"):
            for kind, per_entry in size["memory_" + store].items():
                found["memory.%s_%s" % (store, kind)] = (per_entry, keys)
    if len(sizes) > 1:
        first, last = sizes[0], sizes[-1]
        found["growth.get_largest"] = (last["get_per_s"]["here"]["median"], last["keys"])
        found["growth.get_smallest"] = (last["get_per_s"]["smallest"]["median"], first["keys"])
        found["start.warm_largest"] = (last["start_ms"]["walkv_warm"]["median"], last["keys"])
        found["start.warm_smallest"] = (first["start_ms"]["walkv_warm"]["median"], first["keys"])
    for name, of in (bench.get("instructions") or {}).items():
        for process, count in of.items():
            found["instructions.%s.%s" % (name, process)] = (count, None)
    return found


def client_was_the_limit(of):
    """One processor makes requests about as fast as one can answer them. Then rates say little about the servers, and the
    processor time that they took per request says more."""
    return of.get("client_busy", 0) > 0.95 and of.get("server_busy", 1) < 0.97


def judge(bench):
    """The goals as a list of {goal, wanted, found, met, note}; found and met are None where it was not measured."""
    known, result = figures(bench), []
    for goal in json.loads(GOALS.read_text(encoding="utf-8")):
        of, to = known.get(goal["of"]), known.get(goal.get("to"))
        bound = goal.get("at_least", goal.get("at_most"))
        entry = {"goal": goal["goal"], "wanted": ("at least %g" if "at_least" in goal else "at most %g") % bound,
                 "found": None, "met": None, "note": ""}
        if of and (to or "to" not in goal):
            found = of[0] / (to[0] * goal.get("times", 1)) if to else of[0]
            entry["found"] = round(found, 3 if to else 0)
            entry["met"] = found >= bound if "at_least" in goal else found <= bound
            by_load = {load["name"]: load["contenders"] for load in bench.get("loads", [])}
            sides = [by_load.get(name.partition(".")[0], {}).get(name.partition(".")[2], {}) for name in (goal["of"], goal.get("to", ""))]
            if any(client_was_the_limit(side) for side in sides) and all("server_us_per_request" in side for side in sides):
                entry["note"] = "the client was the limit; by the servers' processor time per request %.2f" % (
                    sides[1]["server_us_per_request"] / sides[0]["server_us_per_request"])
            if "keys" in goal and of[1] != goal["keys"]:
                entry["note"] = "measured with {:,} keys".format(of[1])
        result.append(entry)
    return result
