# SPDX-License-Identifier: MIT
"""The model of load.py finds what it is for: histories that cannot be, told from those that can."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from frames import Result  # noqa: E402
from load import Model, Op  # noqa: E402


class Sent:
    """A client for the tests of the model, with what it sent."""

    def __init__(self, *ops):
        self.ops = list(ops)


def sent(kind, name, value=None, lsn=None, result="ok", gave=b"", size=0, promised=True):
    """An operation, answered if it has an LSN or another result than ok."""
    op = Op(kind, name, value)
    if lsn is not None or result != "ok":
        op.answer = Result(result, lsn or 0, lsn or 0, size, gave)
        op.promised = promised
    return op


def entry(lsn, op, name=None, value=None):
    return {"lsn": lsn, "op": op, "key" if op in ("set", "delete") else "queue": name, "value": value}


class TheModel(unittest.TestCase):
    def settle(self, ops, log, promised_lsn=None):
        model = Model()
        model.settle([Sent(*ops)], log, promised_lsn)
        return model

    def wrong(self, why, ops, log, promised_lsn=None):
        with self.assertRaisesRegex(AssertionError, why):
            self.settle(ops, log, promised_lsn)

    def test_wrong_histories_are_found(self):
        a = sent("set", "k", "a", 1, "created")
        self.wrong("lost", [a], [])
        self.wrong("lost", [a, sent("set", "k", "b", 2)], [entry(1, "set", "k", "a")])
        self.wrong("lost", [sent("set", "k", "a", 1, "created", promised=False)], [], promised_lsn=1)
        self.wrong("was acknowledged as", [a], [entry(1, "set", "k", "b")])
        self.wrong("was acknowledged as", [a], [entry(1, "noop")])
        self.wrong("twice", [a, sent("set", "l", "b", 1, "created")], [entry(1, "set", "k", "a")])
        self.wrong("never sent", [a], [entry(1, "set", "k", "a"), entry(2, "set", "k", "b")])
        self.wrong("never sent", [sent("set", "k", "a", result="storage_full")], [entry(1, "set", "k", "a")])
        self.wrong("gap", [a], [entry(1, "set", "k", "a"), entry(3, "noop")])
        self.wrong("order of sending", [sent("set", "k", "a"), sent("set", "k", "b")], [entry(1, "set", "k", "b")])
        self.wrong("half a batch", [sent("set", "k", "a", result="outcome_unknown"),
                                    sent("set", "k", "b", result="outcome_unknown")], [entry(1, "set", "k", "a")])
        self.wrong("must have been refused", [sent("delete", "k")], [entry(1, "delete", "k")])
        self.wrong("the model says created", [sent("set", "k", "a", 1, "ok")], [entry(1, "set", "k", "a")])
        self.wrong("the model says queue_empty", [sent("dequeue", "q", None, 1, gave=b'"a"')], [entry(1, "dequeue", "q")])
        queue = [sent("enqueue", "q", "a", 1, size=1), sent("enqueue", "q", "b", 2, size=2)]
        log = [entry(1, "enqueue", "q", "a"), entry(2, "enqueue", "q", "b")]
        self.wrong("the model says ok a", [*queue, sent("dequeue", "q", None, 3, gave=b'"b"', size=1)],
                   [*log, entry(3, "dequeue", "q")])
        self.wrong("the model says ok a", [*queue, sent("dequeue", "q", None, 2, "queue_empty")], log)

    def test_a_wrong_state_is_found(self):
        model = self.settle([sent("set", "k", "a", 1, "created"), sent("enqueue", "q", "a", 2, size=1),
                             sent("enqueue", "q", "b", 3, size=2)], [entry(1, "set", "k", "a")], promised_lsn=1)
        model.compare({"k": "a"}, {})
        for keys, queues in (({}, {}), ({"k": "b"}, {}), ({"k": "a", "l": "a"}, {}), ({"k": "a"}, {"q": ["a"]})):
            with self.assertRaises(AssertionError):
                model.compare(keys, queues)

    def test_right_histories_pass(self):
        lost, survived = Model().settle([Sent(sent("set", "k", "a", 1, "created", promised=False))], [])
        self.assertEqual((lost, survived), (1, 0))
        model = self.settle([sent("enqueue", "q", "a", 2, size=1), sent("dequeue", "q", None, 3, gave=b'"a"'),
                             sent("dequeue", "q", None, 3, "queue_empty"), sent("delete", "k"), sent("set", "k", "b")],
                            [entry(3, "dequeue", "q"), entry(4, "noop"), entry(5, "set", "k", "b")])
        model.compare({"k": "b"}, {"q": []})


if __name__ == "__main__":
    unittest.main()
