# SPDX-License-Identifier: MIT
"""audit: the four numbers of the report, each finding with the calls that show it.

    lost           acknowledged, and not there at the end, though nobody overwrote, deleted or took it
    duplicated     done twice: an item handed out twice, a write that has two versions, two cas of one version
    out of order   an item that was handed out before one that stood in front of it
    unexpected     anything else that cannot be: a value that nobody wrote, a stale read, empty though an item is there, a
                   status that does not belong, sequence numbers against the time, no order that explains the answers

These rules name what is wrong; they need not find everything. checker.py decides whether an object is right, and what it
refuses while no rule here has a name for it is one `unexpected`. Each rule only reports what is certain: a call of
unknown outcome may have happened or not, whichever explains more.
"""

import bisect

from . import checker
from .history import WRITES
from .model import INFINITY, may_be

CATEGORIES = ("lost", "duplicated", "out of order", "unexpected")
SHOWN_CALLS = 6


class Finding:
    def __init__(self, category, name, sentence, ops=(), count=1):
        self.category, self.name, self.sentence, self.count = category, name, sentence, count
        self.ops = list(ops)[:SHOWN_CALLS]

    def lines(self):
        yield f"{self.category}: {self.name}: {self.sentence}"
        for op in self.ops:
            yield f"    {op!r}"


class Result:
    """What a check came to."""

    def __init__(self):
        self.findings, self.undecided = [], []
        self.keys = self.queues = self.steps = 0
        self.refuted = 0  # objects that no order explains
        self.complete = False  # the history reaches to the end of the run

    def count(self, category):
        return sum(f.count for f in self.findings if f.category == category)

    @property
    def linearizable(self):
        """True, False, or None: not decided within the budget."""
        if self.refuted:
            return False
        return None if self.undecided else True

    @property
    def good(self):
        return self.complete and not self.findings and self.linearizable is True


def audit(history, budget=checker.BUDGET, progress=None):
    """Checks a whole history. `progress(done, all)` is called now and then."""
    result = Result()
    result.complete = history.last_event("end") is not None
    result.findings += _odd(history.ops) + _sequence(history.ops)
    objects = history.objects()
    for number, ((kind, name), ops) in enumerate(sorted(objects.items())):
        found = _key(name, ops) if kind == "key" else _queue(name, ops)
        verdict = checker.check(kind, ops, budget)
        result.steps += verdict.steps
        if kind == "key":
            result.keys += 1
        else:
            result.queues += 1
        if verdict.ok is None:
            result.undecided.append(name)
        elif not verdict.ok:
            result.refuted += 1
            if not found:
                found = [Finding("unexpected", name, "no order of its calls explains the answers; none of these can be next",
                                 verdict.stuck)]
        result.findings += found
        if progress:
            progress(number + 1, len(objects))
    result.findings += _listing(history, objects)
    return result


# --- all calls ------------------------------------------------------------------------------------------------


def _odd(ops):
    return [Finding("unexpected", op.name, op.detail or "an answer that does not belong", [op]) for op in ops
            if op.outcome == "odd"]


def _sequence(ops):
    """Walkv-Lsn: no two writes have one, and a write that was sent after another one was acknowledged has a higher one."""
    writes = [op for op in ops if op.op in WRITES and op.outcome == "done" and op.lsn is not None]
    found, seen = [], {}
    for op in writes:
        if op.lsn in seen:
            found.append(
                Finding("unexpected", op.name, f"two writes were acknowledged with LSN {op.lsn}", [seen[op.lsn], op]))
        seen[op.lsn] = op
    ended = sorted(writes, key=lambda op: op.end_ns)
    highest, best, at = 0, None, 0
    for op in sorted(writes, key=lambda op: op.start_ns):
        while at < len(ended) and ended[at].end_ns < op.start_ns:
            if ended[at].lsn > highest:
                highest, best = ended[at].lsn, ended[at]
            at += 1
        if op.lsn < highest:
            found.append(Finding("unexpected", op.name, f"LSN {op.lsn} was given after {highest} had been acknowledged",
                                 [best, op]))
    return found


def _listing(history, objects):
    """The lists at the end show the keys that the last reads found, and empty queues."""
    listing = history.last_event("listing")
    if listing is None:
        return []
    found, there = [], set(listing["keys"])
    for name in sorted(there - {name for kind, name in objects if kind == "key"}):
        found.append(Finding("unexpected", name, "is in the list of keys, and nobody wrote it"))
    for (kind, name), ops in sorted(objects.items()):
        if any(may_be(op) for op in ops):
            continue
        if kind == "queue":
            if listing["queues"].get(name):
                found.append(Finding("unexpected", name, "has a size in the list of queues after it was emptied"))
            continue
        last = next((op for op in reversed(ops) if op.phase == "final" and op.op == "get"), None)
        if last and last.outcome == "done" and name not in there:
            found.append(Finding("unexpected", name, "is not in the list of keys", [last]))
        elif last and last.outcome == "refused" and name in there:
            found.append(Finding("unexpected", name, "is in the list of keys, and a read of it says no", [last]))
    return found


# --- a key ----------------------------------------------------------------------------------------------------


def _key(name, ops):
    found = []
    brought = {op.value: op for op in ops if op.value is not None}
    writes = [op for op in ops if op.op in ("set", "create", "cas", "delete") and op.outcome == "done" and op.lsn is not None]
    found += _written_twice(name, ops)
    found += _two_winners(name, ops)
    for op in ops:
        if op.op != "get" or op.outcome not in ("done", "refused"):
            continue
        if op.outcome == "done":
            source = brought.get(op.got)
            if source is None:
                found.append(Finding("unexpected", name, f"holds {op.got}, which nobody wrote", [op]))
                continue
            if source.outcome in ("refused", "never"):
                found.append(Finding("unexpected", name, "holds what a refused write brought", [source, op]))
                continue
            if source.start_ns > op.end_ns:
                found.append(Finding("unexpected", name, "showed a value before it was written", [op, source]))
                continue
        found += _stale(name, op, ops, writes)
    return found


def _written_twice(name, ops):
    versions, values, found = {}, {}, []
    for op in ops:
        if op.outcome == "done" and op.version is not None and op.op != "delete":
            value = op.got if op.op == "get" else op.value
            first = versions.setdefault(value, op)
            if first.version != op.version:
                found.append(Finding("duplicated", name, f"{value} has two versions: it was written twice", [first, op]))
                versions[value] = op
            other = values.setdefault(op.version, op)
            if value != (other.got if other.op == "get" else other.value):
                found.append(Finding("unexpected", name, f"version {op.version} stands for two values", [other, op]))
    return found


def _two_winners(name, ops):
    seen, found = {}, []
    for op in ops:
        if op.op == "cas" and op.outcome == "done":
            if op.expect in seen:
                found.append(Finding("duplicated", name, f"two cas of version {op.expect} succeeded", [seen[op.expect], op]))
            seen[op.expect] = op
    return found


def _stale(name, read, ops, writes):
    """A read that does not show an acknowledged write. At the end of the run that write is lost."""
    if read.outcome == "done":
        if read.version is None:
            return []
        missed = [op for op in writes if op.lsn > read.version and op.end_ns < read.start_ns]
    else:
        removals = [op for op in ops if op.op == "delete" and (op.outcome == "done" or may_be(op))
                    and op.start_ns <= read.end_ns]
        if any(may_be(op) or op.lsn is None for op in removals):
            return []
        last = max((op.lsn for op in removals), default=-1)
        missed = [op for op in writes if op.op != "delete" and op.lsn > last and op.end_ns < read.start_ns]
    if not missed:
        return []
    if read.phase != "final":
        return [Finding("unexpected", name, "was read as it had been before an acknowledged write", [missed[-1], read])]
    gone = [op for op in missed if op.op == "delete"]
    if gone and len(gone) == len(missed):
        return [Finding("lost", name, "is there again after a delete that was acknowledged", [*gone[-2:], read], len(gone))]
    return [Finding("lost", name, f"{len(missed)} acknowledged writes are gone", [*missed[-4:], read], len(missed))]


# --- a queue --------------------------------------------------------------------------------------------------


def _queue(name, ops):
    enqueues = {op.value: op for op in ops if op.op == "enqueue"}
    taken = [op for op in ops if op.op == "dequeue" and op.outcome == "done"]
    taken.sort(key=lambda op: (op.lsn if op.lsn is not None else INFINITY, op.end_ns))
    found, first = [], {}
    for op in [op for op in ops if op.op == "peek" and op.outcome == "done"] + taken:
        source = enqueues.get(op.got)
        if source is None:
            found.append(Finding("unexpected", name, f"gave {op.got}, which nobody enqueued", [op]))
        elif source.outcome in ("refused", "never"):
            found.append(Finding("unexpected", name, "gave what a refused enqueue brought", [source, op]))
        elif source.start_ns > op.end_ns:
            found.append(Finding("unexpected", name, "gave an item before it was enqueued", [op, source]))
    for op in taken:
        if op.got in first:
            found.append(Finding("duplicated", name, f"{op.got} was handed out twice",
                                 [*filter(None, [enqueues.get(op.got)]), first[op.got], op]))
        first.setdefault(op.got, op)
    found += _order(name, enqueues, first)
    found += _missing(name, ops, enqueues, first)
    found += _not_empty(name, ops, enqueues, first)
    return found


def _order(name, enqueues, first):
    """Items come out as they went in: by LSN, and by the clock where one enqueue had ended before the other began."""
    late = {}
    known = [(enqueues[v], op) for v, op in first.items() if v in enqueues and enqueues[v].outcome == "done"]
    by_exit = sorted((p for p in known if p[0].lsn is not None and p[1].lsn is not None), key=lambda p: p[1].lsn)
    front = None
    for pair in by_exit:
        if front and pair[0].lsn < front[0].lsn:
            late[pair[0].value] = (pair, front)
        else:
            front = pair
    ended = sorted(known, key=lambda p: p[0].end_ns)
    latest, at = None, 0
    for pair in sorted(known, key=lambda p: p[0].start_ns):
        while at < len(ended) and ended[at][0].end_ns < pair[0].start_ns:
            if latest is None or ended[at][1].start_ns > latest[1].start_ns:
                latest = ended[at]
            at += 1
        if latest and pair[1].end_ns < latest[1].start_ns and latest[0].value not in late:
            late.setdefault(pair[0].value, (latest, pair))
    return [Finding("out of order", name, f"{behind[0].value} came out after {ahead[0].value}, and had gone in before it",
                    [behind[0], ahead[0], ahead[1], behind[1]]) for behind, ahead in late.values()]


def _missing(name, ops, enqueues, first):
    if not any(op.phase == "drain" and op.op == "dequeue" and op.outcome == "refused" for op in ops):
        return []  # it was never emptied, so nothing is known to be missing
    missing = [op for value, op in enqueues.items() if op.outcome == "done" and value not in first]
    lost_answers = sum(1 for op in ops if op.op == "dequeue" and may_be(op))
    lost = len(missing) - lost_answers
    if lost <= 0:
        return []
    sentence = f"{len(missing)} acknowledged items never came out, and {lost_answers} dequeues had no answer"
    return [Finding("lost", name, sentence, missing, lost)]


def _not_empty(name, ops, enqueues, first):
    """It said that it was empty while an acknowledged item that came out later stood in it. (One that never came out is
    lost, and counted there.)"""
    sure = [(op.end_ns, first[v].start_ns) for v, op in enqueues.items() if op.outcome == "done" and v in first]
    sure.sort()
    ends, until = [end for end, _ in sure], []
    for _, leaves in sure:
        until.append(max(leaves, until[-1]) if until else leaves)
    found = []
    for op in ops:
        if op.op in ("dequeue", "peek") and op.outcome == "refused":
            at = bisect.bisect_left(ends, op.start_ns)
            if at and until[at - 1] > op.end_ns:
                found.append(Finding("unexpected", name, "was said to be empty, and an acknowledged item was in it", [op]))
    return found
