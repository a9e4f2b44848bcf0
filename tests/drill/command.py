# SPDX-License-Identifier: MIT
"""command: the command line of scripts/drill, and the order of a run.

Exit status: 0 nothing is wrong; 1 something is, or could not be decided; 64 wrong usage; 65 the file for --check is no
history; 69 the instance cannot be used: not reachable, not walkv, its processes cannot be killed.
"""

import argparse
import asyncio
import os
import random
import re
import secrets
import signal
import sys
import tempfile
import time

from . import audit, checker, client, history, kills, readback, report
from .call import Caller, Clock
from .process import NotOurs, status_of
from .workload import Workload

EX_USAGE, EX_DATA, EX_UNAVAILABLE = 64, 65, 69
BEFORE_MAX_S = 5.0
TERMINAL_PROGRESS_S, PROGRESS_S = 1.0, 5.0
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Refused(Exception):
    """The run cannot begin; a sentence."""


def duration(text):
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time like 200ms, 5s or 1m")
    return float(found[1]) * UNITS[found[2]]


def count(text):
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"drill: {message}; see scripts/drill --help", file=sys.stderr)
        sys.exit(EX_USAGE)


def parse(arguments):
    parser = Parser(
        prog="scripts/drill", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Puts load on a live walkv, kills its processes meanwhile, and checks every answer: nothing acknowledged\n"
                    "may be lost, done twice, or out of order. It uses keys and queues of its own, and removes them in the end.",
        epilog="Exit status: 0 nothing is wrong; 1 something is, or could not be decided; 64 wrong usage; 65 not a history;\n"
               "69 the instance cannot be used. What the report means: README.md, \"Recovery drill\".")
    parser.add_argument("--url", default="http://127.0.0.1:4000", help="the instance (default %(default)s)")
    parser.add_argument("--clients", type=count, default=32, metavar="N", help="how many ask at once (default %(default)s)")
    parser.add_argument("--duration", type=duration, default=60.0, metavar="TIME",
                        help="how long to put load on it, like 60s or 5m (default 60s)")
    parser.add_argument("--kill", choices=kills.KINDS, default="both", help="what to kill (default %(default)s)")
    parser.add_argument("--every", type=duration, default=0.2, metavar="TIME",
                        help="mean time between kills, which come at random moments (default 200ms)")
    parser.add_argument("--before", type=duration, default=None, metavar="TIME",
                        help="how much of that passes before the first kill, for comparison (default 5s, at most a quarter)")
    parser.add_argument("--rate", type=count, default=None, metavar="N",
                        help="no more calls a second than this (default: as fast as it goes)")
    parser.add_argument("--kills", type=count, default=None, metavar="N", help="stop after so many kills")
    parser.add_argument("--in-recovery", action="store_true",
                        help="kill walkvd while it starts, too; the start after that is a cold one, which takes long with "
                             "much data")
    parser.add_argument("--kill-command", metavar="COMMAND",
                        help="run by sh for each kill, with the word worker or walkvd as $1 (default: SIGKILL to the "
                             "processes of the instance, found through its status and /proc)")
    parser.add_argument("--patience", type=duration, default=30.0, metavar="TIME",
                        help="how long a call is tried again before its outcome is unknown (default 30s)")
    parser.add_argument("--without-keys", action="store_true",
                        help="send no Idempotency-Key; then a write whose answer is lost is not sent again")
    parser.add_argument("--keep", action="store_true", help="leave the keys and queues of the run in the store")
    parser.add_argument("--history", metavar="FILE",
                        help="where to write every call (default: a temporary file, kept when something is wrong)")
    parser.add_argument("--check", metavar="FILE", help="check a history that was written before, and do nothing else")
    parser.add_argument("--all-findings", action="store_true", help="show every finding, not only the first ones")
    parser.add_argument("--seed", type=int, default=None, help="what the mix and the kill moments follow (default: random)")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options = parser.parse_args(arguments)
    if options.check and options.history:
        parser.error("--check and --history do not go together")
    return options


class Progress:
    """One line now and then; on a terminal the same line again."""

    def __init__(self, quiet):
        self.quiet, self.terminal, self.drawn = quiet, sys.stderr.isatty(), False
        self.period_s = TERMINAL_PROGRESS_S if self.terminal else PROGRESS_S
        self.next_at = 0.0

    def say(self, line):
        if self.quiet:
            return
        self.end()
        print(f"drill: {line}", file=sys.stderr, flush=True)

    def now_and_then(self, make_line):
        if self.quiet or time.monotonic() < self.next_at:
            return
        self.next_at = time.monotonic() + self.period_s
        if self.terminal:
            print(f"\r\033[Kdrill: {make_line()}", end="", file=sys.stderr, flush=True)
            self.drawn = True
        else:
            print(f"drill: {make_line()}", file=sys.stderr, flush=True)

    def end(self):
        if self.drawn:
            print(file=sys.stderr, flush=True)
        self.drawn = False


# --- before the load ------------------------------------------------------------------------------------------


async def meet(target):
    """Refused unless a walkv with a running walkvd is there."""
    try:
        status = await status_of(target)
    except client.Failed as error:
        raise Refused(f"{target.url} is not reachable ({error.kind})") from None
    except client.Malformed:
        raise Refused(f"{target.url} does not answer as walkv does") from None
    if status.get("success") is not True or "store_id" not in status:
        raise Refused(f"{target.url} does not answer as walkv does")
    if status.get("walkvd") != "running":
        raise Refused(f"{target.url} answers, and its walkvd is {status.get('walkvd')}")
    return status


async def try_keys(target, run, with_keys):
    """Whether ETag and Walkv-Lsn come through, and whether a repeat is answered and not done."""
    caller = Caller(0, target, Clock(), run)
    queue, body = f"{run}-probe", b'{"value":"probe"}'
    try:
        headers = {"Idempotency-Key": f"{run}-probe"} if with_keys else {}
        first = await caller.send("POST", f"/api/queue/{queue}/enqueue", body, headers)
        again = await caller.send("POST", f"/api/queue/{queue}/enqueue", body, headers)
        await caller.send("DELETE", f"/api/queue/{queue}?forget=true")
    except (client.Failed, client.Malformed) as error:
        raise Refused(f"{target.url} does not take writes: {error}") from None
    finally:
        caller.close()
    if first.status not in (200, 201):
        raise Refused(f"{target.url} does not take writes: {first.status} {first.body[:200].decode('utf-8', 'replace')}")
    if first.number("walkv-lsn") is None:
        raise Refused("the answers have no Walkv-Lsn header; if a proxy takes it away, run the drill behind it")
    if with_keys and again.headers.get("idempotency-replayed") != "true":
        raise Refused("this server does a repeat again although it has the same Idempotency-Key, so retries would not be "
                      "safe; --without-keys tries what can be tried without")


# --- the run --------------------------------------------------------------------------------------------------


async def drive(options, target, run, seed, book, progress):
    """Load, kills, readback, cleaning. Returns the Killer and the failures by kind."""
    loop, clock = asyncio.get_running_loop(), Clock()
    workload = Workload(book, run, seed, options.rate)
    chance = random.Random(f"{seed} kills")
    killer = kills.Killer(options.kill, options.every, target, chance, options.kill_command, options.kills,
                          options.in_recovery)
    await killer.prepare()
    callers = [Caller(n + 1, target, clock, run, not options.without_keys, options.patience) for n in range(options.clients)]
    interrupts = 0

    def interrupted():
        nonlocal interrupts
        interrupts += 1
        workload.stop.set()
        if interrupts > 1:
            os._exit(130)
        progress.say("stopping; the queues are emptied and everything is checked (Ctrl-C again: not even that)")

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted)

    def line():
        failed = sum(sum(c.failures.values()) for c in callers)
        return (f"{clock.now() / 1e9:5.1f} s, {len(book.ops)} calls, {killer.counts['worker']} kills of workers, "
                f"{killer.counts['walkvd'] + killer.counts['in recovery']} of walkvd, {failed} requests without an answer")

    async def watch():
        while True:
            await asyncio.sleep(0.1)
            progress.now_and_then(line)

    before_s = options.before if options.before is not None else min(BEFORE_MAX_S, options.duration / 4)
    before_s = 0.0 if options.kill == "none" else before_s
    progress.say(f"run {run}, seed {seed}: {options.clients} clients at {target.url} for {options.duration:g} s, kills: "
                 f"{options.kill}" + (f", each {options.every:g} s, after {before_s:g} s without" if before_s else ""))
    watcher = asyncio.create_task(watch())
    clients = [asyncio.create_task(workload.client(caller)) for caller in callers]
    kill_task = None
    try:
        timer = loop.call_later(options.duration, workload.stop.set)
        if options.kill != "none":
            await workload.pause(before_s)
            workload.phase = "during"
            kill_task = asyncio.create_task(killer.run(workload, book, clock))
        await workload.stop.wait()
        timer.cancel()
        if kill_task:
            await kill_task
        await asyncio.gather(*clients)
        progress.now_and_then(line)
        progress.end()
        try:
            await readback.read_back(workload, callers,
                                     lambda done, every: progress.now_and_then(lambda: f"read back {done} of {every}"))
            book.event("end")
        except readback.Incomplete as error:
            progress.say(str(error))
        progress.end()
        if options.keep:
            progress.say(f"the keys and queues that begin with {run}- are left in the store")
        else:
            left = await readback.clean_up(workload, callers)
            if left:
                progress.say(f"{len(left)} keys and queues that begin with {run}- could not be removed")
    finally:
        watcher.cancel()
        for task in clients + ([kill_task] if kill_task else []):
            task.cancel()
        await asyncio.gather(watcher, *clients, *([kill_task] if kill_task else []), return_exceptions=True)
        for caller in callers:
            caller.close()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    failures = {}
    for caller in callers:
        for kind, number in caller.failures.items():
            failures[kind] = failures.get(kind, 0) + number
    return killer, failures


def failures_in(book):
    """The same from a history."""
    failures = {}
    for op in book.ops:
        for kind in op.failures or ():
            failures[kind] = failures.get(kind, 0) + 1
    return failures


def kills_in(book):
    counts = {}
    for event in book.events:
        if event["event"] == "kill":
            counts[event["what"]] = counts.get(event["what"], 0) + 1
    return counts


def judge(book, counts, failures, options, progress):
    """Checks the history and prints the report. True when all is well."""
    result = audit.audit(book, checker.BUDGET,
                         lambda done, every: progress.now_and_then(lambda: f"checked {done} of {every} keys and queues"))
    progress.end()
    figures = report.figures(book, result, counts, failures)
    if options.json:
        print(json_text(figures))
    else:
        for line in report.text(figures, result, 1 << 30 if options.all_findings else 12):
            print(line)
    return result


def json_text(figures):
    return history.json.dumps(figures, ensure_ascii=False)


def verdict_line(result, figures_done, killer=None):
    """What to conclude, in one sentence; None when all is well."""
    if result.findings or result.linearizable is False:
        return "something is wrong"
    if result.undecided:
        return "undecided: the search was too long for some keys or queues, so this run proves nothing about them"
    if not result.complete:
        return "incomplete: the end could not be read back, so nothing is known about what was lost"
    if not figures_done:
        return "nothing was acknowledged, so nothing was shown"
    if killer and killer.failed:
        return f"the kills ended early: {killer.failed}"
    if killer and killer.wants and not killer.total:
        return "nothing was killed, so nothing was shown"
    return None


def check_file(options, progress):
    try:
        with open(options.check, encoding="utf-8") as file:
            book = history.read(file)
    except (OSError, UnicodeDecodeError, history.BadHistory) as error:
        print(f"drill: {options.check}: {error}", file=sys.stderr)
        return EX_DATA
    result = judge(book, kills_in(book), failures_in(book), options, progress)
    why = verdict_line(result, any(op.outcome == "done" for op in book.ops))
    print(f"drill: {why or 'nothing is wrong'}", file=sys.stderr)
    return 1 if why else 0


def run_drill(options, progress):
    try:
        target = client.Target(options.url)
    except ValueError as error:
        print(f"drill: {error}", file=sys.stderr)
        return EX_USAGE
    run = f"drill-{secrets.token_hex(4)}"
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 32)
    path = options.history
    if path:
        file = open(path, "w", encoding="utf-8")
    else:
        descriptor, path = tempfile.mkstemp(prefix=f"{run}-", suffix=".jsonl")
        file = os.fdopen(descriptor, "w", encoding="utf-8")
    keep = True
    try:
        with file:
            header = {"run": run, "url": target.url, "seed": seed, "clients": options.clients, "kill": options.kill,
                      "every_s": options.every, "keys": not options.without_keys}

            async def everything():
                status = await meet(target)
                await try_keys(target, run, not options.without_keys)
                book = history.History({**header, "store_id": status["store_id"], "version": status.get("version"),
                                        "wal_sync": status.get("wal_sync")}, file)
                killer, failures = await drive(options, target, run, seed, book, progress)
                return book, killer, failures

            book, killer, failures = asyncio.run(everything())
        result = judge(book, killer.counts, failures, options, progress)
        why = verdict_line(result, any(op.outcome == "done" for op in book.ops), killer)
        keep = bool(options.history) or why is not None
        if why:
            print(f"drill: {why}", file=sys.stderr)
        if keep:
            print(f"drill: every call is in {path}; scripts/drill --check {path} checks it again", file=sys.stderr)
        return EX_UNAVAILABLE if killer.failed and not result.findings else 1 if why else 0
    except (Refused, NotOurs) as error:
        keep = bool(options.history)
        progress.end()
        print(f"drill: {error}", file=sys.stderr)
        return EX_UNAVAILABLE
    finally:
        if not keep:
            os.unlink(path)


def main(arguments=None):
    options = parse(arguments)
    progress = Progress(options.quiet)
    if options.check:
        return check_file(options, progress)
    return run_drill(options, progress)
