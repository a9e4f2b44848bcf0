# SPDX-License-Identifier: MIT
"""call: one logical call, however many requests it takes, and how its answer is read.

A request without an answer is sent again with the same Idempotency-Key until there is one, or until `patience_s` is over.
Without keys (--without-keys) a write that may have been done is not sent again: its outcome is unknown.

Must never: send a write again under another key; take for an answer what does not name the right key or queue.
"""

import asyncio
import collections
import json
import time

from . import client, values
from .history import Op

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.002, 0.1
REQUEST_PATIENCE_S = 12.0  # longer than write_timeout, in which the worker answers by itself

# How each call is asked, and which status means what.
#              method  path                     headers           done        refused: {status: code}
KINDS = {
    "set":     ("PUT", "/api/kv/%s", None, (200, 201), {}),
    "create":  ("PUT", "/api/kv/%s", ("If-None-Match", "*"), (201,), {412: "precondition_failed"}),
    "cas":     ("PUT", "/api/kv/%s", ("If-Match", '"%d"'), (200,), {412: "precondition_failed"}),
    "delete":  ("DELETE", "/api/kv/%s", None, (200,), {404: "not_found"}),
    "get":     ("GET", "/api/kv/%s", None, (200,), {404: "not_found"}),
    "enqueue": ("POST", "/api/queue/%s/enqueue", None, (200, 201), {}),
    "dequeue": ("POST", "/api/queue/%s/dequeue", None, (200,), {404: "queue_empty"}),
    "peek":    ("GET", "/api/queue/%s/peek", None, (200,), {404: "queue_empty"}),
}
READS = ("get", "peek")
QUEUE_KINDS = ("enqueue", "dequeue", "peek")

# What is sent again, by status and code; the flag tells whether the request may have been done.
AGAIN = {
    (503, "unavailable"): ("unavailable", False),
    (503, "outcome_unknown"): ("outcome_unknown", True),
    (507, "storage_full"): ("storage_full", False),
}
PROXY_FAILURES = {502: "proxy 502", 503: "proxy 503", 504: "proxy 504"}  # of a proxy in front: nothing is known


class Clock:
    """Nanoseconds since the run began."""

    def __init__(self):
        self.zero = time.monotonic_ns()

    def now(self):
        return time.monotonic_ns() - self.zero


class Caller:
    """One client: a connection that it keeps, and the calls that it makes one after the other."""

    def __init__(self, number, target, clock, run, keys=True, patience_s=30.0):
        self.number, self.target, self.clock, self.run = number, target, clock, run
        self.keys, self.patience_s = keys, patience_s
        self.connection = None
        self.serial = 0
        self.failures = collections.Counter()

    def close(self):
        if self.connection:
            self.connection.close()

    async def send(self, method, path, body=None, headers=None, patience_s=REQUEST_PATIENCE_S):
        """One request; connects first if need be. Raises client.Failed, client.Malformed."""
        if self.connection is None or not self.connection.open:
            self.connection = await client.Connection.connect(self.target)
        return await self.connection.request(method, path, body, headers, patience_s)

    async def call(self, kind, name, phase, expect=None):
        """Makes the call, with the retries that it takes. Returns the Op."""
        self.serial += 1
        op = Op(client=self.number, op=kind, name=name, phase=phase, expect=expect, tries=0)
        method, path, header, done, refused = KINDS[kind]
        body, headers = None, {}
        if kind in ("set", "create", "cas", "enqueue"):
            op.value = f"{self.number}-{self.serial}"
            body = json.dumps({"value": values.full(op.value)}).encode()
        if header:
            headers[header[0]] = header[1] % expect if kind == "cas" else header[1]
        if self.keys and kind not in READS:
            headers["Idempotency-Key"] = f"{self.run}-{self.number}-{self.serial}"
        op.start_ns = self.clock.now()
        deadline = op.start_ns + int(self.patience_s * 1e9)
        pause, may_have_happened, failures = FIRST_PAUSE_S, False, []
        while True:
            op.tries += 1
            if kind in READS and failures:
                op.asked_ns = op.waited_since_ns
                op.start_ns = self.clock.now()
            try:
                answer = await self.send(method, path % client.quote(name), body, headers)
                failure = self.failure_of(answer)
            except client.Failed as error:
                failure = (error.kind, error.sent)
            except client.Malformed as error:
                op.detail, failure = f"malformed answer: {error}", None
            op.end_ns = self.clock.now()
            if failure is None:
                break
            failures.append(failure[0])
            self.failures[failure[0]] += 1
            may_have_happened = may_have_happened or failure[1]
            if op.end_ns > deadline or (may_have_happened and kind not in READS and not self.keys):
                op.outcome = "unknown" if may_have_happened and kind not in READS else "never"
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        op.failures = failures or None
        if op.outcome is None:
            if op.detail:
                op.outcome = "odd"
            else:
                self.read(op, answer, done, refused)
        return op

    @staticmethod
    def failure_of(answer):
        """(word, may it have been done) when the answer is none; else None."""
        if answer.status < 500:
            return None
        again = AGAIN.get((answer.status, answer.json().get("code")))
        if again is None and answer.status in PROXY_FAILURES and "success" not in answer.json():
            again = (PROXY_FAILURES[answer.status], True)
        return again

    def read(self, op, answer, done, refused):
        """Fills in what the answer says."""
        body = answer.json()
        op.status, op.code = answer.status, body.get("code")
        op.lsn, op.version = answer.number("walkv-lsn"), answer.number("etag")
        op.replayed = answer.headers.get("idempotency-replayed") == "true" or None
        if answer.status in refused and op.code == refused[answer.status] and body.get("success") is False:
            op.outcome = "refused"
            if answer.status == 412:
                op.version, op.absent = body.get("version"), ("version" in body and body["version"] is None) or None
            return
        subject = "queue" if op.op in QUEUE_KINDS else "key"
        if answer.status not in done or body.get("success") is not True or body.get(subject) != op.name:
            self.odd(op, answer, "an answer that does not belong")
            return
        op.outcome = "done"
        if op.op in ("get", "dequeue", "peek"):
            op.got = values.short(body.get("value"))
        elif op.value is not None and values.short(body.get("value")) != op.value:
            self.odd(op, answer, "the answer names another value")
        if op.op == "enqueue":
            op.size = body.get("size")
        if op.op not in READS and op.lsn is None:
            self.odd(op, answer, "no Walkv-Lsn in the answer to a write")
        if op.op in ("set", "create", "cas", "get") and op.version is None:
            self.odd(op, answer, "no ETag")

    @staticmethod
    def odd(op, answer, why):
        op.outcome = "odd"
        op.detail = f"{why}: {answer.status} {answer.body[:200].decode('utf-8', 'replace')}"
