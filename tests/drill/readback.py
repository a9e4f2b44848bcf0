# SPDX-License-Identifier: MIT
"""readback: the end of a run. Every queue is emptied, every key read, the lists read, and what the run made is
removed. All of it but the removal goes into the history like any other call.
"""

import asyncio

from . import client

PAGE = 1000


class Incomplete(Exception):
    """The end could not be read: says why. Then nothing is known about what was lost."""


async def _each(callers, names, work):
    """work(caller, name) for each name, by all callers at once. After the first failure no more is begun, and it is raised when
    all have ended: a caller does one thing at a time."""
    names, failed = iter(names), []

    async def worker(caller):
        for name in names:
            if failed:
                return
            try:
                await work(caller, name)
            except Incomplete as error:
                failed.append(error)

    await asyncio.gather(*(worker(caller) for caller in callers))
    if failed:
        raise failed[0]


async def read_back(workload, callers, progress=None):
    """Raises Incomplete when a queue or key does not answer in time."""
    done, every = 0, len(workload.queues) + len(workload.keys)

    def step():
        nonlocal done
        done += 1
        if progress:
            progress(done, every)

    async def empty(caller, name):
        while True:
            op = await caller.call("dequeue", name, "drain")
            workload.note(op, None)
            if op.outcome == "refused":
                step()
                return
            if op.outcome in ("never", "odd"):
                raise Incomplete(f"queue {name} could not be emptied: {op!r}")

    async def read(caller, name):
        op = await caller.call("get", name, "final")
        workload.note(op, None)
        if op.outcome not in ("done", "refused"):
            raise Incomplete(f"key {name} could not be read: {op!r}")
        step()

    await _each(callers, list(workload.queues), empty)
    await _each(callers, list(workload.keys), read)
    keys, queues = await lists(callers[0], workload.run)
    workload.history.event("listing", keys=keys, queues=queues)


async def lists(caller, run):
    """What the lists say of this run: ([key ...], {queue: size})."""
    keys, after = [], ""
    while True:
        path = f"/api/kv?prefix={client.quote(run)}-&keys=only&limit={PAGE}"
        if after:
            path += f"&after={client.quote(after)}"
        body = (await _get(caller, path)).json()
        keys += body.get("keys", [])
        after = body.get("next")
        if not after:
            break
    sizes = (await _get(caller, "/api/queue?sizes=true")).json().get("sizes", {})
    return keys, {name: size for name, size in sizes.items() if name.startswith(run + "-")}


async def _get(caller, path):
    for _ in range(100):
        try:
            answer = await caller.send("GET", path)
            if answer.status == 200:
                return answer
        except (client.Failed, client.Malformed):
            pass
        await asyncio.sleep(0.1)
    raise Incomplete(f"GET {path} was not answered")


async def clean_up(workload, callers):
    """Removes every key and queue of the run. Returns the names that could not be removed."""
    left = []

    async def remove(caller, path):
        for _ in range(100):
            try:
                if (await caller.send("DELETE", path)).status in (200, 404):
                    return
            except (client.Failed, client.Malformed):
                pass
            await asyncio.sleep(0.1)
        left.append(path)

    paths = [f"/api/kv/{client.quote(name)}" for name in workload.keys]
    paths += [f"/api/queue/{client.quote(name)}?forget=true" for name in workload.queues]
    await _each(callers, paths, remove)
    return left
