# SPDX-License-Identifier: MIT
"""kills: when what is killed.

At random moments, on average one each `every_s`. A walkvd is not killed again before a write has gone through since the
last time: otherwise a short `every_s` would show only that a server which never gets up does not answer. With
`in_recovery`, one time in two the new walkvd is killed while it starts, which it has to bear as well; the next start is
a cold one then, and takes its time with a large store.
"""

import asyncio
import time

from .process import Local, NotOurs

KINDS = ("none", "worker", "walkvd", "both")
IN_RECOVERY = 1 / 2
RECOVERY_DELAY_S = 0.1     # at most, from the start of the process to its end
START_PATIENCE_S = 1.0
RETURN_MAX_S = 60.0        # a walkvd that has not come back by then never will
COMMAND_MAX_S = 30.0


class Command:
    """--kill-command: whoever can kill runs it. $1 is worker or walkvd."""

    def __init__(self, command):
        self.command = command

    async def prepare(self, wants):
        pass

    async def kill(self, what):
        process = await asyncio.create_subprocess_exec("sh", "-c", self.command, "kill-command", what,
                                                       stdin=asyncio.subprocess.DEVNULL)
        try:
            status = await asyncio.wait_for(process.wait(), COMMAND_MAX_S)
        except TimeoutError:
            process.kill()
            raise NotOurs(f"the kill command has not ended in {COMMAND_MAX_S:.0f} s") from None
        if status:
            raise NotOurs(f"the kill command ended with status {status}")
        return 0

    def starting_walkvd(self):
        return None


class Killer:
    """Runs beside the clients. `counts` is what the report shows; `failed` says why it had to stop."""

    def __init__(self, kind, every_s, target, random, command=None, limit=None, in_recovery=False):
        self.kind, self.every_s, self.random, self.limit = kind, every_s, random, limit
        self.means = Command(command) if command else Local(target, random)
        self.wants = {"none": (), "worker": ("worker",), "walkvd": ("walkvd",), "both": ("worker", "walkvd")}[kind]
        self.counts = {"worker": 0, "walkvd": 0, "in recovery": 0}
        self.in_recovery, self.failed = in_recovery, None

    @property
    def total(self):
        return sum(self.counts.values())

    async def prepare(self):
        if self.wants:
            await self.means.prepare(self.wants)

    async def run(self, workload, history, clock):
        """Until workload.stop is set, or the limit reached, which sets it."""
        try:
            down_since_ns = -1  # of the last kill of walkvd
            due_at = time.monotonic()
            while self.wants and not workload.stop.is_set():
                due_at = max(due_at, time.monotonic() - self.every_s) + self.random.uniform(0, 2 * self.every_s)
                if await workload.pause(due_at - time.monotonic()):
                    break
                what = self.random.choice(self.wants)
                if what == "walkvd" and workload.last_write_start_ns <= down_since_ns:
                    if "worker" in self.wants:
                        what = "worker"
                    elif (await self._wait_return(workload, down_since_ns)
                          or await workload.pause(self.random.uniform(0, 2 * self.every_s))):
                        break
                pid = await self.means.kill(what)
                if pid is None:
                    continue
                self._note(history, what, pid, clock.now())
                if what == "walkvd":
                    down_since_ns = clock.now()
                    if self.in_recovery and self.random.random() < IN_RECOVERY and not self._enough(workload):
                        await self._kill_starting(workload, history, clock)
                        down_since_ns = clock.now()
                self._enough(workload)
        except NotOurs as error:
            self.failed = str(error)
            workload.stop.set()

    async def _kill_starting(self, workload, history, clock):
        """Waits for the walkvd that is started now, and kills it some moments later."""
        deadline = time.monotonic() + START_PATIENCE_S
        while (process := self.means.starting_walkvd()) is None:
            if time.monotonic() > deadline or await workload.pause(0.002):
                return
        with process:
            await workload.pause(self.random.uniform(0, RECOVERY_DELAY_S))
            if process.kill():
                self._note(history, "walkvd", process.pid, clock.now(), counted_as="in recovery")

    def _enough(self, workload):
        if self.limit is not None and self.total >= self.limit:
            workload.stop.set()
        return workload.stop.is_set()

    def _note(self, history, what, pid, at_ns, counted_as=None):
        self.counts[counted_as or what] += 1
        history.event("kill", what=what, pid=pid, at_ns=at_ns)

    async def _wait_return(self, workload, since_ns):
        deadline = time.monotonic() + RETURN_MAX_S
        while workload.last_write_start_ns <= since_ns:
            if time.monotonic() > deadline:
                raise NotOurs(f"walkvd was killed and no write has gone through in {RETURN_MAX_S:.0f} s: what starts it "
                              "again?")
            if await workload.pause(0.005):
                return True
        return False
