#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Load from inside the container: clients that write and read, each request on a connection of its own, until standard input
ends and one more write of each has been acknowledged. Then every acknowledged write is read back. Prints a line when the first
write was acknowledged, and at the end what happened as JSON: `went_on` is how many clients had that one more write.

A write without an answer is not acknowledged, so it may be there or not; a key is written once."""
import http.client
import json
import math
import socket
import sys
import threading
import time

CLIENTS, PORT, PATIENCE_S = 4, 4000, 60


class Client(threading.Thread):
    def __init__(self, number, stop):
        super().__init__(daemon=True)
        self.number, self.stop = number, stop
        self.counts = {"acknowledged": 0, "refused": 0, "unavailable": 0, "broken": 0, "reads": 0, "wrong": 0, "went_on": 0,
                       "longest_s": 0.0}
        self.known, self.longest = [], None

    def ask(self, method, path, body=None):
        """Returns (status, body), or None."""
        began, found = time.monotonic(), None
        try:
            conn = http.client.HTTPConnection("127.0.0.1", PORT, timeout=PATIENCE_S)
            conn.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = conn.getresponse()
            found = answer.status, answer.read()
            conn.close()
            if found[0] >= 500:
                self.counts["unavailable"] += 1
            return found
        except ConnectionRefusedError:
            self.counts["refused"] += 1
        except (OSError, http.client.HTTPException, socket.timeout):
            self.counts["broken"] += 1
        finally:
            took = round(time.monotonic() - began, 3)
            if took > self.counts["longest_s"]:
                self.counts["longest_s"], self.longest = took, (method, path, found)
        return None

    def run(self):
        i, deadline = 0, math.inf
        while not self.counts["went_on"] and time.monotonic() < deadline:
            i += 1
            last = self.stop.is_set()
            if last:
                deadline = min(deadline, time.monotonic() + PATIENCE_S)
            key = "load-%s-%d-%d" % (sys.argv[1], self.number, i)
            found = self.ask("PUT", "/api/kv/" + key, json.dumps({"value": key}))
            if found and found[0] == 201:
                self.counts["acknowledged"] += 1
                self.counts["went_on"] += last
                self.known.append(key)
            if self.known:
                self.read(self.known[(i * 7919) % len(self.known)])
            time.sleep(0.002)

    def read(self, key):
        found = self.ask("GET", "/api/kv/" + key)
        if found and found[0] == 200:
            self.counts["reads"] += 1
            self.counts["wrong"] += json.loads(found[1])["value"] != key
        elif found and found[0] == 404:
            self.counts["wrong"] += 1


def main():
    stop = threading.Event()
    clients = [Client(i, stop) for i in range(CLIENTS)]
    for client in clients:
        client.start()
    while not any(client.known for client in clients):
        time.sleep(0.01)
    print("going on", flush=True)
    sys.stdin.read()
    stop.set()
    for client in clients:
        client.join()
    total = {name: sum(c.counts[name] for c in clients) for name in clients[0].counts}
    total["longest_s"] = max(c.counts["longest_s"] for c in clients)
    lost = 0
    for client in clients:
        for key in client.known:
            for _ in range(100):
                found = client.ask("GET", "/api/kv/" + key)
                if found and found[0] in (200, 404):
                    break
                time.sleep(0.1)
            lost += not found or found[0] != 200
    total["longest"] = repr(max(clients, key=lambda c: c.counts["longest_s"]).longest)
    print(json.dumps({**total, "lost": lost}))


if __name__ == "__main__":
    main()
