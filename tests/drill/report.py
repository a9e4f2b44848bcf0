# SPDX-License-Identifier: MIT
"""report: the figures of a run, as text for people and as JSON for programs."""

import collections

from .audit import CATEGORIES

READS = ("get", "peek")


def percentile(ordered, share):
    """Of a sorted list; the nearest rank."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def latencies(ops, phase):
    """{"calls", "p50_ms", "p99_ms", "p99.9_ms", "max_ms"} of calls that were answered, first request to last answer."""
    times = sorted((op.end_ns - op.waited_since_ns) / 1e6 for op in ops
                   if op.phase == phase and op.outcome in ("done", "refused"))
    figures = {"calls": len(times)}
    for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("p99.9_ms", 0.999), ("max_ms", 1.0)):
        value = percentile(times, share)
        figures[name] = None if value is None else round(value, 2)
    return figures


def longest_pause_ms(ops, reads, phases=("before", "during")):
    """The longest time in which a call of that sort was waiting and none was answered."""
    times = sorted((op.end_ns, op.waited_since_ns) for op in ops if op.phase in phases and (op.op in READS) == reads
                   and op.outcome in ("done", "refused"))
    longest, waits_since = 0, float("inf")
    for at in range(len(times) - 1, -1, -1):
        end, start = times[at]
        waits_since = min(waits_since, start)
        longest = max(longest, end - max(waits_since, times[at - 1][0] if at else 0))
    return round(longest / 1e6, 1)


def figures(history, result, killer_counts, failures):
    """Everything the report shows."""
    ops = history.ops
    outcomes = collections.Counter(op.outcome for op in ops)
    seconds = max((op.end_ns for op in ops if op.end_ns), default=0) / 1e9
    report = {
        "run": history.header.get("run"),
        "url": history.header.get("url"),
        "seed": history.header.get("seed"),
        "clients": history.header.get("clients"),
        "seconds": round(seconds, 1),
        "kills": dict(killer_counts),
        "attempted": len(ops),
        "acknowledged": outcomes["done"] + outcomes["refused"],
        "done": outcomes["done"],
        "not_applicable": outcomes["refused"],
        "unknown": outcomes["unknown"],
        "never_done": outcomes["never"],
    }
    for category in CATEGORIES:
        report[category.replace(" ", "_")] = result.count(category)
    report["linearizable"] = {True: "yes", False: "no", None: "undecided"}[result.linearizable]
    report["undecided"] = result.undecided
    report["complete"] = result.complete
    report["keys"], report["queues"], report["steps"] = result.keys, result.queues, result.steps
    report["refused_connections"] = failures.get("refused", 0)
    report["errors"] = {kind: count for kind, count in sorted(failures.items()) if kind != "refused"}
    report["retries"] = sum(op.tries - 1 for op in ops if op.tries)
    report["replayed"] = sum(1 for op in ops if op.replayed)
    report["longest_pause_ms"] = {"writes": longest_pause_ms(ops, False), "reads": longest_pause_ms(ops, True)}
    report["latency"] = {phase: latencies(ops, phase) for phase in ("before", "during")}
    report["findings"] = [{"category": f.category, "name": f.name, "what": f.sentence, "count": f.count,
                           "calls": [op.n for op in f.ops]} for f in result.findings]
    return report


def _latency_line(name, figures_of):
    if not figures_of["calls"]:
        return f"  {name:<8} nothing was answered"
    times = "   ".join(f"{word} {figures_of[key]:g} ms" for word, key in
                       (("p50", "p50_ms"), ("p99", "p99_ms"), ("p99.9", "p99.9_ms"), ("longest", "max_ms")))
    return f"  {name:<8} {times}   ({figures_of['calls']} calls)"


def text(report, result, findings_shown=12):
    """The report as lines."""
    kills = report["kills"]
    errors = ", ".join(f"{kind} {count}" for kind, count in report["errors"].items()) or "none"
    yield f"run            {report['run']}: {report['seconds']:g} s, {report['clients']} clients, seed {report['seed']}"
    early = kills.get("in recovery", 0)
    yield (f"kills          {kills.get('worker', 0)} of workers, {kills.get('walkvd', 0) + early} of walkvd, {early} of them "
           "while it started")
    yield f"attempted      {report['attempted']} calls"
    yield (f"acknowledged   {report['acknowledged']}: {report['done']} done, {report['not_applicable']} answered that they "
           "do not apply")
    yield f"no outcome     {report['unknown']} unknown, {report['never_done']} given up without having been done"
    for category in CATEGORIES:
        yield f"{category:<14} {report[category.replace(' ', '_')]}"
    where = f"{report['keys']} keys and {report['queues']} queues, {report['steps']} steps"
    if report["undecided"]:
        where += f"; {len(report['undecided'])} not decided within the budget: {', '.join(report['undecided'][:3])}"
    yield f"linearizable   {report['linearizable']} ({where})"
    yield f"refused        {report['refused_connections']} connections"
    yield f"errors         {errors}"
    yield f"retries        {report['retries']}, of which {report['replayed']} were answered from what had been done already"
    pause = report["longest_pause_ms"]
    yield f"longest pause  writes {pause['writes']:g} ms, reads {pause['reads']:g} ms"
    yield "latency"
    yield _latency_line("before", report["latency"]["before"])
    yield _latency_line("during", report["latency"]["during"])
    if result.findings:
        yield ""
        for finding in result.findings[:findings_shown]:
            yield from finding.lines()
        if len(result.findings) > findings_shown:
            yield f"... and {len(result.findings) - findings_shown} more findings; --check FILE --all-findings shows them"
