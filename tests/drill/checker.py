# SPDX-License-Identifier: MIT
"""checker: is there one order of the calls on an object that explains every answer? (Linearizability.)

The order must put a call before another one when it had ended before the other began, and the object must answer as
model.py says. A call of unknown outcome may stand anywhere after its beginning, or nowhere. Objects are checked one by
one, which is enough (Herlihy and Wing 1990: linearizability is local). The search is that of Wing and Gong (1993) with
Lowe's memory of what has been tried (2017):

    a configuration is what has been placed so far and the state it leads to; the next to be placed is one of those
    that began before the first unplaced end; a configuration that was seen before is not tried again.

Two things make right histories nearly linear. Candidates are tried in the order of their hints (LSNs), which may be wrong
and then cost time only. And a call that changes nothing and fits is placed at once: in any order that places it later it may
as well stand here. Calls of unknown outcome without a hint are tried last, and of those that have the same effect
only the oldest.

Must never: take a hint for a proof. Returns: a Verdict; undecided when the search was longer than `budget` steps.
"""

from .model import INFINITY, NO, key_steps, queue_steps

BUDGET = 500_000  # configurations for one object
LAST = (INFINITY, INFINITY)


class Verdict:
    """ok: True, False, or None for undecided. `order`: the calls in an order that explains them. `stuck`: calls none of
    which could come next, where the search got farthest."""

    def __init__(self, ok, order=(), stuck=(), steps=0):
        self.ok, self.order, self.stuck, self.steps = ok, list(order), list(stuck), steps


class _Search:
    def __init__(self, state, steps):
        self.initial = state
        self.known = sorted((s for s in steps if s.end != INFINITY), key=lambda s: (s.start, s.end))
        self.unsure = sorted((s for s in steps if s.end == INFINITY), key=lambda s: s.start)

    def window(self, first, placed):
        """The unplaced calls that may come next, as indices, and the first unplaced end. `placed` is a bit set that
        begins at `first`, which is not in it."""
        known, indices, horizon = self.known, [], INFINITY
        index = first
        while index < len(known):
            if not placed >> (index - first) & 1:
                step = known[index]
                if step.start > horizon:
                    break
                indices.append(index)
                horizon = min(horizon, step.end)
            index += 1
        return indices, horizon

    def place(self, first, placed, index):
        placed |= 1 << (index - first)
        while placed & 1:
            placed >>= 1
            first += 1
        return first, placed

    def candidates(self, config):
        """(configuration, step) for each way to go on, best first; or one, when something fits that changes nothing."""
        first, placed, used, state = config
        indices, horizon = self.window(first, placed)
        choices = []
        for index in indices:
            step = self.known[index]
            after = step.apply(state)
            if after is NO:
                continue
            follow = (*self.place(first, placed, index), used, after)
            if step.pure:
                return [(follow, step)], indices
            choices.append((1, step.hint, len(choices), follow, step))
        # If the one whose turn it seems to be does not fit, first of all whatever makes it fit.
        turn = min((self.known[index] for index in indices), key=lambda s: s.hint)
        waits = turn.apply(state) is NO
        tried = set()
        for index, step in enumerate(self.unsure):
            if step.start > horizon:
                break
            if used >> index & 1:
                continue
            after = step.apply(state)
            twin = (step.op.op, step.op.expect, after)  # calls that agree in this do the same, now and later
            if after == state or (step.hint is None and twin in tried):
                continue  # without an effect, or with that of an older one
            if step.hint is None:
                tried.add(twin)
            rank = 0 if waits and turn.apply(after) is not NO else 1 if step.hint else 2
            follow = (first, placed, used | 1 << index, after)
            choices.append((rank, step.hint or LAST, len(choices), follow, step))
        choices.sort(key=lambda c: c[:3])
        return [(follow, step) for _, _, _, follow, step in choices], indices

    def run(self, budget):
        start = (0, 0, 0, self.initial)
        if not self.known:
            return Verdict(True)
        seen, order, steps = {start}, [], 0
        choices, indices = self.candidates(start)
        stack = [iter(choices)]
        best, stuck = 0, [self.known[i].op for i in indices]
        while stack:
            for follow, step in stack[-1]:
                if follow in seen:
                    continue
                seen.add(follow)
                order.append(step.op)
                break
            else:
                stack.pop()
                if order:
                    order.pop()
                continue
            steps += 1
            if follow[0] == len(self.known):
                return Verdict(True, order, steps=steps)
            if steps >= budget:
                return Verdict(None, steps=steps, stuck=stuck)
            choices, indices = self.candidates(follow)
            stack.append(iter(choices))
            if len(order) > best or (len(order) == best and not choices):
                best, stuck = len(order), [self.known[i].op for i in indices]
        return Verdict(False, steps=steps, stuck=stuck)


def check(kind, ops, budget=BUDGET):
    """The verdict on the calls on one object; kind is "key" or "queue"."""
    state, steps = (key_steps if kind == "key" else queue_steps)(ops)
    return _Search(state, steps).run(budget)
