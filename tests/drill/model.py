# SPDX-License-Identifier: MIT
"""model: what a key and a queue do, one call at a time. The checker (checker.py) looks for an order of the calls in
which these two explain every answer.

A key holds a value or nothing (None). Because every value is written by one call only, a version stands for a value,
and which one is learned from the answers; a version that was never seen beside a value is UNSEEN: it belongs to a
write of unknown outcome. A queue is a tuple of values, head first.

A Step is a call made ready for the search. `apply(state)` returns the state after it, or NO when its answer cannot
have come in this state. For a call of unknown outcome it returns what the state is if it happens now.
"""

NO = object()      # this answer is impossible here
UNSEEN = object()  # some value whose version no answer named; as a state: one that only calls of unknown outcome bring
INFINITY = float("inf")


class Step:
    """`start`, `end` in ns, `end` infinite when the outcome is unknown; `hint`: about where it stands in the order,
    a guess that makes the search fast and never decides anything; `pure`: it changes nothing."""

    __slots__ = ("op", "start", "end", "hint", "pure", "apply")

    def __init__(self, op, hint, pure, apply):
        self.op, self.hint, self.pure, self.apply = op, hint, pure, apply
        self.start = op.start_ns
        self.end = INFINITY if may_be(op) else op.end_ns


def may_be(op):
    """It may have happened, and may happen yet."""
    return op.outcome in ("unknown", "odd")


def matters(op):
    """Whether the order has to explain this call: not one that has not happened, nor a read without an answer."""
    return op.outcome != "never" and not (may_be(op) and op.op in ("get", "peek"))


def place(op):
    """The hint of a call with an answer: done writes stand at their LSN, reads and refusals right behind what they saw."""
    if op.op in ("get", "peek") or op.outcome == "refused":
        seen = op.lsn if op.lsn is not None else op.version
        return (INFINITY, op.end_ns) if seen is None else (seen + 0.5, op.end_ns)
    return (op.lsn if op.lsn is not None else op.version if op.version is not None else INFINITY, op.end_ns)


# --- keys -----------------------------------------------------------------------------------------------------


class Versions:
    """Which version stands for which value, as the answers about one key tell."""

    def __init__(self, ops):
        self.of_value, self.of_version, self.shown = {}, {}, set()
        for op in ops:
            if op.outcome == "done" and op.got is not None:
                self.shown.add(op.got)
            if op.outcome != "done" or op.version is None or op.op == "delete":
                continue
            value = op.got if op.op == "get" else op.value
            self.of_value.setdefault(value, set()).add(op.version)
            self.of_version.setdefault(op.version, set()).add(value)

    def is_at(self, state, version):
        """Whether a key in this state is at that version for certain."""
        return state in self.of_version.get(version, ())

    def may_be_at(self, state, version):
        if version in self.of_version:
            return self.is_at(state, version)
        return state is not None and state not in self.of_value


def _brings(op, versions):
    """The state that a write of unknown outcome leads to. Values that no answer ever showed are one and the same: no
    answer can tell them apart."""
    return op.value if op.value in versions.of_value or op.value in versions.shown else UNSEEN


def _set(op, versions):
    if may_be(op):
        value = _brings(op, versions)
        return lambda state: value
    created = op.status == 201
    return lambda state: op.value if (state is None) == created else NO


def _cas(op, versions):
    if may_be(op):
        value = _brings(op, versions)
        return lambda state: value if versions.may_be_at(state, op.expect) else state
    if op.outcome == "done":
        return lambda state: op.value if versions.may_be_at(state, op.expect) else NO
    return _another_version(op, versions, lambda state: not versions.is_at(state, op.expect))


def _create(op, versions):
    if may_be(op):
        value = _brings(op, versions)
        return lambda state: value if state is None else state
    if op.outcome == "done":
        return lambda state: op.value if state is None else NO
    return _another_version(op, versions, lambda state: state is not None)


def _another_version(op, versions, refuses):
    """A 412: the condition did not hold, and the answer names the version that the key has. `refuses(state)`: it may fail
    to hold."""
    if op.absent:
        return lambda state: state if state is None and refuses(state) else NO
    if op.version is None:
        return lambda state: state if refuses(state) else NO
    if op.version == op.expect:
        return lambda state: NO
    return lambda state: state if versions.may_be_at(state, op.version) and refuses(state) else NO


def _delete(op):
    if may_be(op):
        return lambda state: None
    if op.outcome == "done":
        return lambda state: None if state is not None else NO
    return lambda state: None if state is None else NO


def _get(op):
    wanted = op.got if op.outcome == "done" else None
    return lambda state: state if state == wanted else NO


def key_steps(ops):
    """(initial state, [Step ...]) of the calls on one key."""
    versions = Versions(ops)
    steps = []
    for op in ops:
        if not matters(op):
            continue
        make = {"set": lambda: _set(op, versions), "delete": lambda: _delete(op), "get": lambda: _get(op),
                "cas": lambda: _cas(op, versions), "create": lambda: _create(op, versions)}[op.op]
        hint = place(op)
        if may_be(op):
            seen = versions.of_value.get(op.value) if op.value is not None else None
            hint = (min(seen), op.start_ns) if seen else None
        pure = op.op == "get" or op.outcome == "refused"
        steps.append(Step(op, hint, pure, make()))
    return None, steps


# --- queues ---------------------------------------------------------------------------------------------------


def _enqueue(op):
    size = None if may_be(op) else op.size
    if size is None:
        return lambda state: state + (op.value,)
    return lambda state: state + (op.value,) if len(state) + 1 == size else NO


def _dequeue(op):
    if may_be(op):
        return lambda state: state[1:]
    if op.outcome == "done":
        return lambda state: state[1:] if state and state[0] == op.got else NO
    return _empty


def _peek(op):
    if op.outcome == "done":
        return lambda state: state if state and state[0] == op.got else NO
    return _empty


def _empty(state):
    return NO if state else state


def _queue_guesses(ops):
    """Hints for calls of unknown outcome: an enqueue whose item came out stands in front of the next one known; a dequeue
    whose answer was lost stands where an item went missing. {n: hint}"""
    guesses = {}
    taken = sorted((op for op in ops if op.op == "dequeue" and op.outcome == "done"), key=place)
    where = {op.value: place(op) for op in ops if op.op == "enqueue" and op.outcome == "done"}
    unsure = {op.value: op for op in ops if op.op == "enqueue" and may_be(op)}
    following = None
    for index, op in enumerate(reversed(taken)):
        if op.got in unsure:
            at = following[0] if following else place(op)[0]
            guesses[unsure[op.got].n] = (at - 0.25, -index)
        elif op.got in where:
            following = where[op.got]
    got = {op.got for op in taken}
    missing = sorted(at for value, at in where.items() if value not in got)
    exits = sorted((where[op.got], place(op)) for op in taken if op.got in where)
    lost_answers = [op for op in ops if op.op == "dequeue" and may_be(op)]
    lost_answers.sort(key=lambda op: op.start_ns)
    at = 0
    for item, op in zip(missing, lost_answers):
        while at < len(exits) and exits[at][0] < item:
            at += 1
        if at < len(exits):
            guesses[op.n] = (exits[at][1][0] - 0.25, op.start_ns)
    return guesses


def queue_steps(ops):
    """(initial state, [Step ...]) of the calls on one queue."""
    guesses = _queue_guesses(ops)
    make = {"enqueue": _enqueue, "dequeue": _dequeue, "peek": _peek}
    steps = []
    for op in ops:
        if matters(op):
            hint = guesses.get(op.n) if may_be(op) else place(op)
            steps.append(Step(op, hint, op.op == "peek" or op.outcome == "refused", make[op.op](op)))
    return (), steps
