# SPDX-License-Identifier: MIT
"""fake: a server that speaks walkv's contract as far as the drill asks for it, in memory, with a fault of your choice.
It shows that the drill can fail.

    lose          now and then a write is acknowledged and not done
    stale         now and then a read shows the value before the last
    twice         now and then an enqueue is done twice
    again         now and then a dequeue leaves the item where it is
    swap          now and then a dequeue takes the second item
    cas           now and then If-Match is taken not to be there
    empty         now and then a dequeue says that there is nothing
    resurrect     now and then a delete is acknowledged and not done
    odd           now and then a 500
    no_keys       Idempotency-Key is not looked at
    no_lsn        answers to writes have no Walkv-Lsn
    not_walkv     every answer is a page
    innocent      the status names the process `pid` as walkvd and as worker
"""

import asyncio
import json
import threading
from urllib.parse import parse_qs, unquote, urlsplit

EVERY = {"cas": 1, "resurrect": 2, "stale": 5}  # "now and then": of the occasions, and of those of the others each tenth


class Fake:
    """with Fake("lose") as server: ... server.url"""

    def __init__(self, fault=None, pid=1):
        self.fault, self.pid = fault, pid
        self.keys, self.previous, self.queues, self.kept = {}, {}, {}, {}
        self.lsn = self.turn = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self.serve, "127.0.0.1", 0), self.loop).result(10)
        self.server, self.url = server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def now_and_then(self, fault):
        if self.fault != fault:
            return False
        self.turn += 1
        return self.turn % EVERY.get(fault, 10) == 0

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                status, answer, more = self.answer(method, target, headers, json.loads(body) if body else {})
                text = b"<html></html>" if self.fault == "not_walkv" else json.dumps(answer).encode()
                lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(text)}", *(f"{n}: {v}" for n, v in more.items())]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, method, target, headers, body):
        name = headers.get("idempotency-key")
        if name and self.fault != "no_keys" and name in self.kept:
            status, answer, more = self.kept[name]
            return status, answer, {**more, "Idempotency-Replayed": "true"}
        result = self.do(method, urlsplit(target), headers, body)
        if name:
            self.kept[name] = result
        return result

    def do(self, method, url, headers, body):
        parts = [unquote(p) for p in url.path.split("/")[1:]]
        if self.now_and_then("odd"):
            return 500, {"success": False, "code": "internal"}, {}
        if parts == ["api", "status"]:
            return 200, {"success": True, "store_id": "s", "walkvd": "running", "pid": self.pid, "uptime_ms": 1,
                         "worker": {"pid": self.pid, "uptime_ms": 1}}, {}
        if parts == ["api", "kv"]:
            prefix = parse_qs(url.query)["prefix"][0]
            return 200, {"success": True, "keys": sorted(k for k in self.keys if k.startswith(prefix))}, {}
        if parts == ["api", "queue"]:
            return 200, {"success": True, "sizes": {q: len(items) for q, items in self.queues.items()}}, {}
        if parts[1] == "kv":
            return self.key(method, parts[2], headers, body)
        return self.queue(method, parts[2], (parts[3:] or [""])[0], body)

    def stamped(self, status, answer, version=None):
        more = {} if self.fault == "no_lsn" else {"Walkv-Lsn": self.lsn}
        if version is not None:
            more["ETag"] = f'"{version}"'
        return status, {"success": status < 300, **answer}, more

    def key(self, method, name, headers, body):
        value, version = self.keys.get(name, (None, None))
        if method == "GET":
            if self.now_and_then("stale") and name in self.previous:
                value, version = self.previous[name]
            if version is None:
                return 404, {"success": False, "code": "not_found"}, {}
            return 200, {"success": True, "key": name, "value": value}, {"ETag": f'"{version}"'}
        if method == "DELETE":
            if version is None:
                return self.stamped(404, {"code": "not_found"})
            self.lsn += 1
            if not self.now_and_then("resurrect"):
                del self.keys[name]
                self.previous.pop(name, None)
            return self.stamped(200, {"key": name})
        match = headers.get("if-match", "").strip('"')
        if (match and str(version) != match and not self.now_and_then("cas")) or ("if-none-match" in headers and version):
            return self.stamped(412, {"code": "precondition_failed", "version": version})
        self.lsn += 1
        if not self.now_and_then("lose"):
            if version is not None:
                self.previous[name] = (value, version)
            self.keys[name] = (body["value"], self.lsn)
        return self.stamped(201 if version is None else 200, {"key": name, "value": body["value"]}, self.lsn)

    def queue(self, method, name, what, body):
        items = self.queues.setdefault(name, [])
        if method == "DELETE":
            self.queues.pop(name)
            return self.stamped(200, {"queue": name})
        if what == "enqueue":
            self.lsn += 1
            if not self.now_and_then("lose"):
                items += [body["value"]] * (2 if self.now_and_then("twice") else 1)
            return self.stamped(200, {"queue": name, "value": body["value"]})
        if not items or self.now_and_then("empty"):
            return self.stamped(404, {"code": "queue_empty"})
        if what == "peek":
            return 200, {"success": True, "queue": name, "value": items[0]}, {}
        self.lsn += 1
        value = items[0]
        if self.now_and_then("swap") and len(items) > 1:
            value = items.pop(1)
        elif not self.now_and_then("again"):
            items.pop(0)
        return self.stamped(200, {"queue": name, "value": value})
