# SPDX-License-Identifier: MIT
"""simulate: histories of a store that is right by construction, for the tests of the checker.

Clients overlap at random; each call takes effect at one moment between its start and its end. Of some the answer is lost:
they take effect at any moment after their start, or never. damage() then changes one answer.
"""

from . import history
from .history import Op


class Store:
    """One key or one queue, and its sequence numbers."""

    def __init__(self):
        self.lsn = 0
        self.value, self.version = None, None
        self.items = []

    def answer(self, op):
        """Applies the call and fills in its answer."""
        op.outcome = "done"
        if op.op in ("get", "peek"):
            held = self.value if op.op == "get" else self.items[0] if self.items else None
            op.got, op.outcome, op.status = held, "done" if held is not None else "refused", 200 if held is not None else 404
            op.version = self.version if op.op == "get" and held is not None else None
            return
        allowed = {"set": True, "create": self.value is None, "cas": self.value is not None and self.version == op.expect,
                   "delete": self.value is not None, "enqueue": True, "dequeue": bool(self.items)}[op.op]
        if not allowed:
            op.outcome, op.lsn, op.status = "refused", self.lsn, 412 if op.op in ("cas", "create") else 404
            if op.status == 412:
                op.version, op.absent = self.version, True if self.value is None else None
            return
        self.lsn += 1
        op.lsn, op.status = self.lsn, 200
        if op.op in ("set", "create", "cas"):
            op.status = 201 if self.value is None else 200
            self.value, self.version = op.value, self.lsn
            op.version = self.lsn
        elif op.op == "delete":
            self.value = self.version = None
        elif op.op == "enqueue":
            self.items.append(op.value)
            op.size = len(self.items)
        else:
            op.got = self.items.pop(0)


KEY_MIX = ("set", "set", "get", "get", "cas", "cas", "create", "delete")
QUEUE_MIX = ("enqueue", "enqueue", "dequeue", "dequeue", "peek")


def history_of(chance, kind, calls, clients, lost_share=0.1, finish=True):
    """[Op ...] in the order in which they ended. Times are small whole numbers, so that many fall together."""
    moments, free = [], [0] * clients
    for number in range(calls):
        client = min(range(clients), key=lambda c: (free[c], chance.random()))
        start = free[client] + chance.randrange(3)
        end = start + chance.randrange(8)
        op = Op(client=client, op=chance.choice(KEY_MIX if kind == "key" else QUEUE_MIX), name="x", start_ns=start, end_ns=end,
                phase="during", n=number + 1)
        if op.op in ("set", "create", "cas", "enqueue"):
            op.value = f"v{number}"
        lost = chance.random() < lost_share
        free[client] = end + 1
        if lost:
            when = start + chance.randrange(40) if chance.random() < 0.6 else None
        else:
            when = chance.uniform(start, end)
        moments.append((when, chance.random(), op, lost))
    last = max(free) + 50
    if finish:
        drains = sum(1 for _, _, op, _ in moments if op.op == "enqueue") + 1
        for number in range(drains if kind == "queue" else 1):
            op = Op(client=0, op="dequeue" if kind == "queue" else "get", name="x", start_ns=last + 2 * number,
                    end_ns=last + 2 * number + 1, phase="drain" if kind == "queue" else "final", n=calls + number + 1)
            moments.append((op.start_ns, 0, op, False))
    store, seen, done = Store(), [], []
    for when, _, op, lost in sorted(moments, key=lambda m: (m[0] is None, m[0] or 0, m[1])):
        if op.op == "cas":
            op.expect = chance.choice(seen[-3:]) if seen else 0
        if when is not None:
            store.answer(op)
            if store.version is not None:
                seen.append(store.version)
        if lost:
            for member in ("status", "got", "version", "absent", "lsn", "size"):
                setattr(op, member, None)
            op.outcome = "unknown" if op.op in history.WRITES else "never"
        done.append(op)
    return sorted(done, key=lambda op: op.end_ns)


def damage(chance, ops):
    """Changes one answer. What comes out may be wrong or, now and then, still right."""
    op = chance.choice([op for op in ops if op.outcome in ("done", "refused")])
    values = [o.value for o in ops if o.value] + ["never"]
    versions = [o.version for o in ops if o.version] + [99]
    if op.op in ("get", "peek", "dequeue") and op.outcome == "done":
        if chance.random() < 0.7:
            op.got = chance.choice(values)
            if op.op == "get":
                op.version = chance.choice(versions)
        else:
            op.outcome, op.got, op.version = "refused", None, None
    elif op.outcome == "refused" and op.op in ("get", "peek", "dequeue"):
        op.outcome, op.got = "done", chance.choice(values)
    elif op.outcome == "refused":
        op.outcome, op.absent, op.status, op.version = "done", None, 201 if op.op == "create" else 200, None
    elif op.op in ("set", "enqueue") and chance.random() < 0.5:
        op.status, op.size = 401 - op.status, op.size and op.size + chance.choice((-1, 1))
    elif op.op in ("set", "enqueue"):
        op.outcome = "never"
    else:
        op.outcome, op.version = "refused", None
    return op
