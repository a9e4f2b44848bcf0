# SPDX-License-Identifier: MIT
"""Latencies at a steady pace, far below what the servers can do, by a client that counts each time from when the request
was due (load.c). Idle: one connection. And GETs from walkv with nothing else going on, while checkpoints follow each other,
and under as many durable sets as 64 connections can make, at the same worker and at others: the same client, pace and
connections in all of them."""
import statistics
import subprocess
import threading

from loads import DRAWN, KEYS, K1, JSON_HEAD, R, W, E, N, drawn, etcd_range, get, http, key, value, walkv_set
from servers import BenchError

IDLE_PACE, READ_PACE, READ_CONNECTIONS = 500, 2000, 8


def idle(stand, client, rounds, seconds, say):
    contenders = {
        W: ("walkv", lambda s: s.port, [get("/api/kv/" + K1)]), N: ("nginx", lambda s: s.port, [get("/n/" + K1)]),
        R: ("redis", lambda s: s.web_port, [get("/GET/" + K1)]), E: ("etcd", lambda s: s.port, [etcd_range(key(1))])}
    runs = {name: [] for name in contenders}
    for i in range(rounds):
        for name, (server_name, port, requests) in contenders.items():
            say("idle latency, %s, round %d of %d" % (name, i + 1, rounds))
            server = stand.get(server_name)
            runs[name].append(client.load(port(server), requests, 1, seconds, server.servers(), pace=IDLE_PACE))
    return {"pace_per_s": IDLE_PACE, "connections": 1, "contenders": {
        name: {p: spread([r[p + "_us"] for r in of]) for p in ("p50", "p99")} for name, of in runs.items()}}


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": values}


class Beside:
    """Something that goes on in a thread beside the client, until it is left; it must not fail."""

    def __init__(self, work):
        self.work, self.stop, self.error, self.count = work, threading.Event(), None, 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            while not self.stop.is_set():
                self.work()
                self.count += 1
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        if self.error:
            raise BenchError("beside the reads: %s" % self.error)


def under_load(stand, client, rounds, seconds, say):
    server = stand.get("walkv")
    reads = drawn(lambda i: get("/api/kv/" + key(i).decode()), DRAWN, KEYS, seed=2)
    writes = drawn(lambda i: walkv_set(key(i), value(i)), 50000, KEYS, seed=3)
    one = [b'{"key":"key-%012d","value":"value-%026d"}\n' % (1, 1)]
    runs = {"quiet": [], "checkpoint": [], "writes": [], "writes, other workers": []}
    writes_per_s, checkpoints = [], []

    def measure(port):
        return client.load(port, reads, READ_CONNECTIONS, seconds, server.servers(), pace=READ_PACE)

    def checkpoint():
        server.fill(one)
        server.ctl("checkpoint")

    def write_load():
        found = client.wrk(server.port, writes, 64, seconds + 1, server.servers())
        writes_per_s.append(found["rate"])

    for i in range(rounds):
        say("latency of reads, round %d of %d" % (i + 1, rounds))
        runs["quiet"].append(measure(server.port))
        with Beside(checkpoint) as beside:
            runs["checkpoint"].append(measure(server.port))
        checkpoints.append(beside.count)
        # wrk takes a moment to read its requests; reads that come before it has begun are few.
        for name, port in (("writes", server.port), ("writes, other workers", server.ports[max(server.ports)])):
            with Beside(write_load) as beside:
                beside.stop.set()
                runs[name].append(measure(port))
    return {"pace_per_s": READ_PACE, "connections": READ_CONNECTIONS, "real_time_client": runs["quiet"][0]["real_time"],
            "checkpoints": checkpoints, "writes_per_s": spread(writes_per_s), "contenders": {
                name: {p: spread([r[p + "_us"] for r in of]) for p in ("p50", "p99", "p999", "max")}
                for name, of in runs.items()}}
