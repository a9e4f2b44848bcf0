# SPDX-License-Identifier: MIT
"""The checker and the audit find what they are for, and nothing where nothing is: histories that are wrong in one way
each, histories of a simulated store, damaged ones, and small ones against every order there is."""

import io
import os
import random
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from drill import audit, checker, history, simulate  # noqa: E402
from drill.history import Op  # noqa: E402

SEED = int(os.environ.get("WALKV_SEED", random.randrange(1 << 32)))


def key(kind, start, end, answer=None, value=None, lsn=None, version=None, got=None, expect=None, phase="during", **more):
    """A call on the key x. `answer` is a status; None: unknown."""
    outcome = {None: "unknown", 200: "done", 201: "done", 404: "refused", 412: "refused"}[answer]
    if outcome == "done" and kind in ("set", "create", "cas", "get") and version is None:
        version = lsn
    return Op(client=start, op=kind, name="x", start_ns=start, end_ns=end, status=answer, outcome=outcome, value=value,
              lsn=lsn, version=version, got=got, expect=expect, phase=phase, **more)


def queue(kind, start, end, answer=200, item=None, lsn=None, size=None, phase="during"):
    """A call on the queue x; `item` is what goes in or comes out."""
    outcome = {None: "unknown", 200: "done", 404: "refused"}[answer]
    enqueue = kind == "enqueue"
    return Op(client=start, op=kind, name="x", start_ns=start, end_ns=end, status=answer, outcome=outcome,
              value=item if enqueue else None, got=None if enqueue else item, lsn=lsn, size=size, phase=phase)


def set_a():
    return key("set", 0, 1, 201, "a", 1)


def set_b():
    return key("set", 2, 3, 200, "b", 2)


def last_a():
    return key("get", 5, 6, 200, got="a", version=1, phase="final")


def last_b():
    return key("get", 8, 9, 200, got="b", version=2, phase="final")


def in_a():
    return queue("enqueue", 0, 1, 200, "a", 1, 1)


def in_b():
    return queue("enqueue", 2, 3, 200, "b", 2, 2)


def drain(start, *items, lsn=100):
    """The end of a queue: these come out, then it is empty."""
    ops = []
    for i, item in enumerate(items):
        ops.append(queue("dequeue", start, start + 1, 200, item, lsn + i, phase="drain"))
        start += 2
    return ops + [queue("dequeue", start, start + 1, 404, lsn=lsn + len(items), phase="drain")]


def book_of(ops, listing=None):
    book = history.History({"run": "x"})
    for op in sorted(ops, key=lambda op: op.end_ns):
        book.add(op)
    if listing:
        book.event("listing", **listing)
    book.event("end")
    return book


# (name, category, calls). Each is wrong in one way.
WRONG = [
    ("a lost write", "lost", lambda: [set_a(), key("get", 5, 6, 404, phase="final")]),
    ("an older value at the end", "lost",
     lambda: [set_a(), set_b(), last_a()]),
    ("there again after a delete", "lost",
     lambda: [set_a(), key("delete", 2, 3, 200, lsn=2), last_a()]),
    ("a stale read", "unexpected",
     lambda: [set_a(), set_b(), key("get", 5, 6, 200, got="a", version=1),
              last_b()]),
    ("reads that go back", "unexpected",
     lambda: [set_a(), key("set", 2, 20, 200, "b", 2), key("get", 3, 4, 200, got="b", version=2),
              key("get", 5, 6, 200, got="a", version=1)]),
    ("a read of what nobody wrote", "unexpected", lambda: [set_a(), key("get", 5, 6, 200, got="z", version=7)]),
    ("a read of what comes later", "unexpected", lambda: [key("get", 0, 1, 200, got="a", version=1), key("set", 2, 3, 201, "a", 1)]),
    ("two cas of one version", "duplicated",
     lambda: [set_a(), key("cas", 2, 5, 200, "b", 2, expect=1), key("cas", 3, 6, 200, "c", 3, expect=1)]),
    ("a write that was done twice", "duplicated",
     lambda: [key("set", 0, 9, 200, "a", 4), key("get", 2, 3, 200, got="a", version=1), key("set", 5, 6, 200, "b", 3)]),
    ("a refused cas that shows", "unexpected",
     lambda: [set_a(), key("cas", 2, 3, 412, "b", 1, version=1, expect=7),
              key("get", 5, 6, 200, got="b", version=2)]),
    ("a cas refused by its own version", "unexpected",
     lambda: [set_a(), key("cas", 2, 3, 412, "b", 1, version=1, expect=1)]),
    ("created twice", "unexpected", lambda: [key("create", 0, 1, 201, "a", 1), key("create", 2, 3, 201, "b", 2)]),
    ("a set that says there was nothing", "unexpected", lambda: [set_a(), key("set", 2, 3, 201, "b", 2)]),
    ("a delete that found nothing", "unexpected", lambda: [set_a(), key("delete", 2, 3, 404, lsn=1)]),
    ("a delete of nothing", "unexpected",
     lambda: [set_a(), key("delete", 2, 3, 200, lsn=2), key("delete", 4, 5, 200, lsn=3)]),
    ("an unknown write that happened and did not", "unexpected",
     lambda: [set_a(), key("set", 2, 3, None, "b"), key("get", 5, 6, 200, got="b", version=2),
              key("get", 8, 9, 200, got="a", version=1)]),
    ("an unknown cas that cannot have happened", "unexpected",
     lambda: [set_a(), set_b(), key("cas", 5, 6, None, "c", expect=1),
              key("get", 8, 9, 200, got="c", version=3)]),
    ("a dequeue of one item twice", "duplicated",
     lambda: [in_a(), queue("dequeue", 2, 3, 200, "a", 2), queue("dequeue", 4, 5, 200, "a", 3),
              *drain(8)]),
    ("an enqueue that was done twice", "duplicated",
     lambda: [queue("enqueue", 0, 4, 200, "a", 1, 1), *drain(8, "a", "a")]),
    ("an unknown enqueue that comes out twice", "duplicated",
     lambda: [queue("enqueue", 0, 4, None, "a"), *drain(8, "a", "a")]),
    ("the wrong way round", "out of order",
     lambda: [in_a(), in_b(), *drain(8, "b", "a")]),
    ("the wrong way round by LSN alone", "out of order",
     lambda: [queue("enqueue", 0, 3, 200, "a", 1), queue("enqueue", 1, 3, 200, "b", 2), *drain(8, "b", "a")]),
    ("an item that nobody enqueued", "unexpected", lambda: [in_a(), *drain(8, "a", "z")]),
    ("an item before it was enqueued", "unexpected",
     lambda: [queue("dequeue", 0, 1, 200, "a", 1), queue("enqueue", 2, 3, 200, "a", 2, 1), *drain(8)]),
    ("empty though an item is in it", "unexpected",
     lambda: [in_a(), queue("dequeue", 2, 3, 404, lsn=1), *drain(8, "a")]),
    ("a peek behind the head", "unexpected",
     lambda: [in_a(), in_b(), queue("peek", 4, 5, 200, "b"),
              *drain(8, "a", "b")]),
    ("a lost item", "lost", lambda: [in_a(), in_b(), *drain(8, "b")]),
    ("two lost items and one lost answer", "lost",
     lambda: [in_a(), in_b(), queue("dequeue", 4, 5, None), *drain(8)]),
    ("a lost answer that took an item before it was asked", "unexpected",
     lambda: [in_a(), queue("dequeue", 2, 3, 404, lsn=1), queue("dequeue", 5, 6, None), *drain(8)]),
    ("two values of one version", "unexpected",
     lambda: [set_a(), set_b(), key("get", 4, 5, 200, got="a", version=2)]),
    ("a wrong size", "unexpected", lambda: [queue("enqueue", 0, 1, 200, "a", 1, 2), *drain(8, "a")]),
    ("one LSN twice", "unexpected",
     lambda: [in_a(), queue("enqueue", 2, 3, 200, "b", 1, 2), *drain(8, "a", "b")]),
    ("LSNs against the time", "unexpected",
     lambda: [key("set", 0, 1, 201, "a", 7), key("delete", 2, 3, 200, lsn=5)]),
    ("an odd status", "unexpected",
     lambda: [Op(client=1, op="set", name="x", value="a", start_ns=0, end_ns=1, outcome="odd", status=422, phase="during")]),
]
BY_OTHER_MEANS = ("the wrong way round by LSN alone", "one LSN twice", "LSNs against the time", "an odd status")

RIGHT = [
    ("overlapping writes in either order",
     lambda: [key("set", 0, 5, 201, "a", 1), key("set", 0, 5, 200, "b", 2), key("get", 2, 3, 200, got="a", version=1),
              key("get", 6, 7, 200, got="b", version=2, phase="final")]),
    ("an unknown write that did not happen",
     lambda: [set_a(), key("set", 2, 3, None, "b"), last_a()]),
    ("an unknown write that happened late",
     lambda: [set_a(), key("set", 2, 3, None, "b"), key("get", 5, 6, 200, got="a", version=1),
              last_b()]),
    ("an unknown delete", lambda: [set_a(), key("delete", 2, 3, None), key("get", 5, 6, 404, phase="final")]),
    ("a version that only a refusal names",
     lambda: [set_a(), key("set", 2, 3, None, "b"), key("cas", 5, 6, 412, "c", 2, version=2, expect=1),
              key("delete", 7, 8, 200, lsn=3)]),
    ("an unknown dequeue that took the head",
     lambda: [in_a(), in_b(), queue("dequeue", 4, 5, None),
              *drain(8, "b")]),
    ("an unknown enqueue that an unknown dequeue took",
     lambda: [queue("enqueue", 0, 1, None, "a"), queue("dequeue", 2, 3, None), queue("enqueue", 4, 5, 200, "b", 3, 1),
              *drain(8, "b")]),
    ("overlapping enqueues in either order",
     lambda: [queue("enqueue", 0, 5, 200, "a", 2), queue("enqueue", 0, 5, 200, "b", 1), *drain(8, "b", "a")]),
    ("a call that was given up", lambda: [Op(client=1, op="set", name="x", value="a", start_ns=0, end_ns=1, outcome="never"),
                                          key("get", 5, 6, 404, phase="final")]),
]


class Seeded(unittest.TestCase):
    def test_wrong_histories_are_found(self):
        self.assertGreaterEqual(len(WRONG), 12)
        for name, category, make in WRONG:
            with self.subTest(name):
                result = audit.audit(book_of(make()))
                self.assertGreater(result.count(category), 0, [line for f in result.findings for line in f.lines()])
                self.assertFalse(result.good)
                if name not in BY_OTHER_MEANS:
                    self.assertIs(result.linearizable, False)

    def test_each_is_wrong_in_the_search_itself(self):
        """The search does not lean on the audit: it refuses these alone."""
        for name, _, make in WRONG:
            if name not in BY_OTHER_MEANS:
                with self.subTest(name):
                    ops = make()
                    for number, op in enumerate(ops):
                        op.n = number + 1
                    kind = "key" if ops[0].op in history.KEY_OPS else "queue"
                    self.assertIs(checker.check(kind, ops).ok, False)

    def test_right_histories_pass(self):
        for name, make in RIGHT:
            with self.subTest(name):
                result = audit.audit(book_of(make()))
                self.assertTrue(result.good, [line for f in result.findings for line in f.lines()] + result.undecided)

    def test_lists_are_compared(self):
        calls = lambda: [set_a(), last_a()]  # noqa: E731
        self.assertTrue(audit.audit(book_of(calls(), {"keys": ["x"], "queues": {}})).good)
        self.assertEqual(audit.audit(book_of(calls(), {"keys": [], "queues": {}})).count("unexpected"), 1)
        self.assertEqual(audit.audit(book_of(calls(), {"keys": ["x", "y"], "queues": {}})).count("unexpected"), 1)
        self.assertEqual(audit.audit(book_of([in_a(), *drain(8, "a")],
                                             {"keys": [], "queues": {"x": 1}})).count("unexpected"), 1)

    def test_without_its_end_nothing_is_known(self):
        book = book_of([set_a()])
        book.events.clear()
        self.assertFalse(audit.audit(book).good)

    def test_over_its_budget_it_is_undecided(self):
        ops = [queue("enqueue", 0, 50, 200, f"v{n}", n + 1) for n in range(12)]
        ops += drain(60, *[f"v{n}" for n in range(11)], "z")
        verdict = checker.check("queue", [setattr(op, "n", n) or op for n, op in enumerate(ops)], budget=50)
        self.assertIsNone(verdict.ok)
        result = audit.audit(book_of([queue("enqueue", 0, 50, 200, f"v{n}", n + 1) for n in range(12)] + drain(60)), budget=5)
        self.assertFalse(result.good)


# --- every order there is -------------------------------------------------------------------------------------


def explained(kind, ops):
    """Whether some order explains the answers, by trying all of them. Slow, and written without a look at model.py."""
    values, versions = {}, {}
    for op in ops:
        if op.outcome == "done" and op.version is not None and op.op in ("set", "create", "cas", "get"):
            value = op.got if op.op == "get" else op.value
            values.setdefault(op.version, set()).add(value)
            versions.setdefault(value, op.version)

    def is_at(held, version, unless_known=True):
        if version in values:
            return held in values[version]
        return unless_known and held is not None and held not in versions

    def after(op, state):
        """(possible, state after it)"""
        unknown = op.outcome == "unknown"
        done = op.outcome == "done"
        if op.op == "enqueue":
            return unknown or op.size is None or op.size == len(state) + 1, state + [op.value]
        if op.op in ("dequeue", "peek"):
            if unknown:
                return True, state[1:]
            possible = (state[:1] == [op.got]) if done else not state
            return possible, state[1:] if op.op == "dequeue" and done else state
        if op.op == "get":
            return (state == op.got) if done else state is None, state
        if op.op == "delete":
            if unknown:
                return True, None
            return (state is not None) == done, None
        holds = {"set": True, "create": state is None, "cas": op.op == "cas" and is_at(state, op.expect)}[op.op]
        if unknown:
            return True, op.value if holds else state
        if done:
            right = op.op != "set" or op.status == (201 if state is None else 200)
            return holds and right, op.value
        named = state is None if op.absent else op.version is None or (op.version != op.expect and is_at(state, op.version))
        refused = state is not None if op.op == "create" else not is_at(state, op.expect, False)
        return refused and named, state

    known = [op for op in ops if op.outcome in ("done", "refused")]
    unknown = [op for op in ops if op.outcome == "unknown"]

    def go(left, maybe, state):
        if not left:
            return True
        horizon = min(op.end_ns for op in left)
        for pool in (left, maybe):
            for op in pool:
                if op.start_ns <= horizon:
                    possible, new = after(op, state)
                    if possible and go([o for o in left if o is not op], [o for o in maybe if o is not op], new):
                        return True
        return False

    return go(known, unknown, [] if kind == "queue" else None)


class Simulated(unittest.TestCase):
    def test_what_a_right_store_does_is_accepted(self):
        chance = random.Random(SEED)
        for number in range(300):
            kind, calls = chance.choice(("key", "queue")), chance.choice((20, 100, 300))
            lost = chance.choice((0, 0.02, 0.1)) if calls == 20 else chance.choice((0, 0.01, 0.02))
            ops = simulate.history_of(chance, kind, calls, chance.choice((1, 3, 8)), lost)
            book = book_of(ops)
            result = audit.audit(book, budget=200_000)
            self.assertTrue(result.good, f"seed {SEED}, number {number}: {result.undecided} "
                            + "\n".join(line for f in result.findings for line in f.lines()))

    def test_right_histories_take_about_a_step_a_call(self):
        chance = random.Random(SEED)
        for kind in ("key", "queue"):
            ops = simulate.history_of(chance, kind, 1000, 6, 0)
            self.assertLess(checker.check(kind, ops).steps, 3 * len(ops), f"seed {SEED}")

    def test_small_ones_against_every_order(self):
        """Right ones, damaged ones, and ones with hints that lie: the verdict is that of trying all orders."""
        chance = random.Random(SEED)
        verdicts = {True: 0, False: 0}
        for number in range(6000):
            kind = chance.choice(("key", "queue"))
            ops = simulate.history_of(chance, kind, chance.randrange(2, 7), chance.randrange(1, 4), 0.25, finish=False)
            for _ in range(chance.choice((0, 1, 1, 2))):
                if any(op.outcome in ("done", "refused") for op in ops):
                    simulate.damage(chance, ops)
            if chance.random() < 0.3:
                for op in ops:
                    op.lsn = chance.choice((None, chance.randrange(20)))
            wanted = explained(kind, ops)
            verdicts[wanted] += 1
            self.assertIs(checker.check(kind, ops).ok, wanted, f"seed {SEED}, number {number}:\n" + "\n".join(map(repr, ops)))
        self.assertGreater(min(verdicts.values()), 500, verdicts)

    def test_the_order_that_is_found_explains_the_answers(self):
        chance = random.Random(SEED)
        for _ in range(100):
            kind = chance.choice(("key", "queue"))
            ops = simulate.history_of(chance, kind, 30, 4, 0.1)
            verdict = checker.check(kind, ops)
            self.assertTrue(verdict.ok)
            order = verdict.order
            place = {id(op): at for at, op in enumerate(order)}
            for one in order:
                for other in order:
                    if one.outcome != "unknown" and one.end_ns < other.start_ns:
                        self.assertLess(place[id(one)], place[id(other)])
            self.assertEqual({op.n for op in ops if op.outcome in ("done", "refused")} - {op.n for op in order}, set())

    def test_damaged_ones_are_refused_or_right(self):
        """In long histories: where the search accepts a damaged one, its order really explains it."""
        chance = random.Random(SEED)
        refused = 0
        for _ in range(200):
            kind = chance.choice(("key", "queue"))
            ops = simulate.history_of(chance, kind, 60, 3, 0.03)
            simulate.damage(chance, ops)
            verdict = checker.check(kind, ops, budget=100_000)
            refused += verdict.ok is not True
        self.assertGreater(refused, 120, f"seed {SEED}")


class File(unittest.TestCase):
    def test_written_and_read_again(self):
        chance = random.Random(SEED)
        ops = simulate.history_of(chance, "queue", 50, 3)
        text = io.StringIO()
        book = history.History({"run": "x", "seed": 1}, text)
        for op in ops:
            book.add(op)
        book.event("kill", what="worker", pid=1, at_ns=5)
        book.event("end")
        again = history.read(io.StringIO(text.getvalue()))
        self.assertEqual(again.header, book.header)
        self.assertEqual([op.as_dict() for op in again.ops], [op.as_dict() for op in ops])
        self.assertEqual(again.events, book.events)

    def test_what_is_no_history_is_refused_with_its_line(self):
        good = '{"drill":1}\n'
        call = '{"n":1,"client":1,"op":"set","name":"x","value":"a","start_ns":1,"end_ns":2,"outcome":"done"}\n'
        self.assertEqual(len(history.read([good, call]).ops), 1)
        for lines, where in (([], "empty"), (["{}"], "line 1"), (['{"drill":2}'], "line 1"), ([good, "{"], "line 2"),
                             ([good, "[]"], "line 2"), ([good, call.replace('"set"', '"sit"')], "line 2"),
                             ([good, call.replace('"end_ns":2', '"end_ns":0')], "line 2"),
                             ([good, call.replace('"client":1', '"customer":1')], "line 2"),
                             ([good, call.replace('"n":1', '"n":"1"')], "line 2"),
                             ([good, call.replace('"value":"a",', "")], "line 2")):
            with self.subTest(lines=lines), self.assertRaisesRegex(history.BadHistory, where):
                history.read(lines)


if __name__ == "__main__":
    unittest.main()
