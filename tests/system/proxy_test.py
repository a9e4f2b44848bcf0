# SPDX-License-Identifier: MIT
"""walkv behind nginx, caddy and haproxy, each with its sample file of systemd/examples/: the contract holds through
them, lists arrive while they are made, connections to the workers are kept, and a request that may be sent twice
survives the death of its worker and of walkvd. A proxy that is not installed is skipped."""

import functools
import json
import signal
import tempfile
import threading
import time
import unittest
from pathlib import Path

import spec_test
from events import Events
from proxies import HOST, PROXIES, Proxied, Upstream, field, find
from walkv import Closed, Connection, SystemTest, free_port, main, send_signal, wait_until

MIB = 1 << 20
HEAD_OF_ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
                  b"X-Content-Type-Options: nosniff\r\n")
ALIVE = HEAD_OF_ANSWER + b'Content-Length: 33\r\n\r\n{"success":true,"status":"alive"}'


# What a proxy that is not walkv's does in its own way: caddy cannot send a body twice, so that clients have to ask again
# themselves, with the same Idempotency-Key.
REPEATS_BODIES = {"nginx": True, "caddy": False, "haproxy": True}


class Load:
    """Clients that send requests which may be sent twice, each on a connection of its own, until told to stop. Whatever
    is not as it should be is in `wrong`."""

    CLIENTS = 6

    def __init__(self, walkv):
        self.walkv = walkv
        self.done = [0] * self.CLIENTS
        self.connections = [None] * self.CLIENTS
        self.wrong = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(self.CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def run(self, me):
        try:
            self.connections[me] = self.walkv.connect()
            while not self.over.is_set() and not self.wrong:
                self.turn(me, self.done[me])
                self.done[me] += 1
        except Exception as error:  # every one: nobody else looks at this thread
            self.wrong.append(f"client {me}, turn {self.done[me]}: {error!r}")
        finally:
            if self.connections[me]:
                self.connections[me].close()

    def ask(self, me, *request):
        """As HTTP libraries do it: that a kept connection ends before an answer has begun is haproxy's way to say that
        the client should repeat what may be repeated (RFC 9112 9.3.1)."""
        try:
            return self.connections[me].request(*request)
        except Closed as end:
            if "closed after b''" not in str(end):
                raise
            self.connections[me].close()
            self.connections[me] = self.walkv.connect()
            return self.connections[me].request(*request)

    def turn(self, me, n):
        key, item = f"/api/kv/load{me}", {"Idempotency-Key": f"item-{me}-{n}"}
        for method, path, body, headers, statuses in (
            ("PUT", key, f'{{"value":{n}}}', {"Idempotency-Key": f"put-{me}-{n}"}, (200, 201)),
            ("GET", key, None, {}, (200,)),
            ("POST", f"/api/queue/load{me}/enqueue", f'{{"value":{n}}}', item, (200,)),
            ("POST", f"/api/queue/load{me}/dequeue", None, {"Idempotency-Key": f"take-{me}-{n}"}, (200,)),
            ("HEAD", key, None, {}, (200,)),
        ):
            answer = self.ask(me, method, path, body, headers)
            for _ in range(5):  # the next one may meet another connection to the worker that died
                if not body or REPEATS_BODIES[self.walkv.proxy_name] or answer.status != 503:
                    break
                answer = self.ask(me, method, path, body, headers)
            if answer.status not in statuses:
                self.wrong.append(f"{method} {path}: {answer}")
            elif (method == "GET" or path.endswith("dequeue")) and answer.json()["value"] != n:
                self.wrong.append(f"{method} {path}: {answer}, and {n} was written")

    def wait_for_more(self):
        """Every client has begun and finished a turn since now."""
        before = list(self.done)
        wait_until(lambda: self.wrong or all(now >= was + 2 for now, was in zip(self.done, before)), "more turns")


def socket_buffers_mib():
    """How much may lie in the sockets between a worker, a proxy and a client that reads nothing."""
    receive, send = (int(Path("/proc/sys/net/ipv4", name).read_text().split()[2]) for name in ("tcp_rmem", "tcp_wmem"))
    return (receive + 2 * send) // MIB + 1


class Behaviour:
    """What is looked at in each proxy, besides the contract."""

    proxy = None
    options = {"workers": 2}

    def test_large_values(self):
        value = '"' + "x" * (MIB - 2) + '"'
        self.assertIn(self.walkv.request("PUT", "/api/kv/large", '{"value":' + value + "}").status, (200, 201))
        self.assertEqual(self.walkv.get("/api/kv/large").text, '{"success":true,"key":"large","value":' + value + "}")
        self.assertEqual(self.walkv.request("POST", "/api/queue/large/enqueue", '{"value":' + value + "}").status, 200)
        self.assertEqual(self.walkv.request("POST", "/api/queue/large/dequeue").text,
                         '{"success":true,"queue":"large","value":' + value + "}")

    def test_what_is_too_large_is_refused_in_the_form_of_the_api(self):
        for size in (MIB + 1, MIB + 65000, MIB + 66000, 4 * MIB):  # the worker's limit, and that of the proxy
            with self.subTest(size=size), self.walkv.connect() as c:
                try:
                    c.put("PUT", "/api/kv/over", '{"value":"' + "x" * size + '"}')
                except ConnectionError:
                    pass  # it may answer and close before all is sent
                answer = c.response()
                self.assertError(answer, 413, "too_large")
                self.assertEqual(answer.json()["limit"], MIB)
        self.assertError(self.walkv.get("/api/kv?prefix=" + "x" * 9000), 414, "uri_too_long")
        self.assertError(self.walkv.get("/livez", headers={f"X-{n}": "y" for n in range(70)}), 431, "headers_too_large")

    def test_the_description(self):
        answer = self.walkv.get("/openapi.json")
        self.assertEqual(answer.json()["info"]["title"], "walkv")
        self.assertEqual(self.walkv.get("/openapi.json", headers={"If-None-Match": answer.header("ETag")}).status, 304)

    def test_a_large_list_arrives_while_it_is_made(self):
        values = socket_buffers_mib() + 4  # of 1 MiB: more than fits between worker and client
        lines = "".join(json.dumps({"key": f"list/{n:03d}", "value": "x" * (MIB - 2)}) + "\n" for n in range(values))
        done = self.walkv.ctl("import", "-", stdin=lines)
        self.assertEqual(done.returncode, 0, done.stderr)
        with self.walkv.connect(receive_buffer=65536) as c:
            c.put("GET", "/api/kv?prefix=list/")
            while b"list/000" not in c.pending:
                c._more()
            for n in range(100):  # a proxy that takes in as much as it can get has the whole list by then
                self.walkv.set("other", str(n))
            self.walkv.set("list/last", '"written after the beginning was read"')
            data = c.response().json()["data"]
        self.assertEqual(len(data), values + 1, "the list was made to its end before its beginning was passed on")
        self.assertEqual({len(data[f"list/{n:03d}"]) for n in range(values)}, {MIB - 2})

    def test_connections_to_the_workers_are_kept(self):
        walkv = self.instance(workers=1).start()
        before = walkv.connections_to_workers()
        for _ in range(100):
            self.assertEqual(walkv.get("/livez").status, 200)
        with walkv.connect() as c:
            for n in range(100):
                self.assertIn(c.request("PUT", "/api/kv/kept", f'{{"value":{n}}}').status, (200, 201))
        self.assertLess(walkv.connections_to_workers() - before, 10)

    def test_a_foreign_host_is_not_served(self):
        with Connection(self.walkv.proxy_port, host="evil.example", proxied=True) as c:
            c.send(c.head("GET", "/livez", {"Connection": "close"}))
            everything = c._rest()
        self.assertNotIn(b"alive", everything)
        if self.proxy != "caddy":  # which has an answer of its own to hosts that it does not know
            self.assertIn(b" 421 ", everything)

    def test_killed_workers(self):
        walkv = self.instance(workers=2).start()
        with Load(walkv) as load:
            load.wait_for_more()
            for _ in range(3):
                for pid in walkv.worker_pids():  # one after the other: there is always one that serves
                    before = walkv.worker_pids()
                    send_signal(pid, signal.SIGKILL)
                    wait_until(lambda: len(set(walkv.worker_pids()) - {pid}) == len(before), "another worker")
                    load.wait_for_more()
        self.assert_nothing_went_wrong(walkv, load)

    def test_killed_walkvd(self):
        walkv = self.instance(workers=2).start()
        with Load(walkv) as load:
            for _ in range(3):
                load.wait_for_more()
                walkv.kill_walkvd()
                walkv.start_walkvd()
            load.wait_for_more()
        self.assert_nothing_went_wrong(walkv, load)

    def assert_nothing_went_wrong(self, walkv, load):
        self.assertEqual(load.wrong, [], walkv.proxy.log)
        sizes = walkv.get("/api/queue?sizes=true").json()["sizes"]
        self.assertEqual(set(sizes.values()), {0}, "each item was added once and taken once")

    # What the workers hear, with something in their place that listens.

    def before(self, upstream):
        """A proxy before it; returns its port."""
        directory = tempfile.TemporaryDirectory(prefix="walkv-proxy-")
        self.addCleanup(directory.cleanup)
        port = free_port()
        daemon = PROXIES[self.proxy](Path(directory.name), port, upstream.port)

        def end():
            daemon.signal(signal.SIGKILL)
            daemon.wait()

        self.addCleanup(end)

        def accepts():
            try:
                Connection(port).close()
                return True
            except OSError:
                return False

        wait_until(accepts, f"{self.proxy} to listen")
        return port

    def test_what_is_passed_on(self):
        def answer(request, connection):
            connection.sendall(ALIVE)
            return True

        with Upstream(answer) as upstream:
            with Connection(self.before(upstream), host=HOST, proxied=True) as c:
                self.assertEqual(c.get("/livez", {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"}).status, 200)
            head = upstream.requests[-1][0]
        self.assertEqual(head.split("\r\n")[0], "GET /livez HTTP/1.1")
        self.assertEqual(field(head, "Host"), [HOST])
        self.assertEqual(field(head, "X-Forwarded-For"), ["127.0.0.1"])
        self.assertNotIn("close", field(head, "Connection"))

    def test_events_are_passed_on_one_by_one(self):
        with (Events(self.walkv, "/api/events?queue=events").begin() as silent,
              Events(self.walkv, "/api/events?prefix=event").begin() as events):
            began = time.monotonic()
            for n in range(20):
                lsn = self.walkv.set("event", str(n))
                self.assertEqual(events.next().id, lsn)  # before the next one is written
            # Longer than any of them waits for more to pass on with it; the silence of 15 s is events_test.py's.
            wait_until(lambda: time.monotonic() - began > 2, "a while")
            lsn = self.walkv.enqueue("events", "1")
            self.assertEqual(silent.next().id, lsn)
        with Events(self.walkv, "/api/events", last=lsn - 1).begin() as again:
            self.assertEqual(again.next().id, lsn, "Last-Event-ID is passed on")

    def test_the_end_of_events_is_passed_on(self):
        walkv = self.instance(workers=1).start()
        with Events(walkv).begin() as events:
            lsn = walkv.set("a", "1")
            self.assertEqual(events.next().id, lsn)
            walkv.httpd.signal(signal.SIGTERM)
            self.assertEqual(events.rest(), [])
            self.assertEqual(events.end, "properly")
    def test_only_what_may_be_sent_twice_is(self):
        def die_first(request, connection):
            """The worker dies with the first request of each kind, and another one answers the next; over a kept
            connection or a new one."""
            line = request[0].split("\r\n")[0]
            if sum(head.startswith(line) for head, _ in upstream.requests) == 1:
                return False
            kept = "?kept" in line
            connection.sendall(ALIVE if kept else ALIVE.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            return kept

        body, key = '{"value":"' + "x" * 1000 + '"}', {"Idempotency-Key": "once"}
        again = [("GET", None, {}), ("DELETE", None, {}), ("POST", None, {**key, "Content-Length": "0"})]
        once = [("POST", None, {"Content-Length": "0"}), ("POST", body, {}), ("PATCH", body, {})]
        with_body = again if REPEATS_BODIES[self.proxy] else once
        with_body += [("PUT", body, {}), ("POST", body, key), ("PATCH", body, key)]
        with Upstream(die_first) as upstream:
            port = self.before(upstream)
            for kind, n in [(kind, n) for kind in ("kept", "new") for n in range(len(again + once))]:
                method, content, headers = (again + once)[n]
                path = f"/livez?{kind}{n}"
                with self.subTest(path, method=method, headers=headers), Connection(port, host=HOST, proxied=True) as c:
                    fields = dict(headers)
                    if content:
                        fields.update({"Content-Type": "application/json", "Content-Length": str(len(content))})
                    c.socket.sendall(c.head(method, path, fields) + (content or "").encode())
                    c.asked.clear()  # what is asked here is nothing that the contract knows
                    answer = c.response(method)
                    came = [request for request in upstream.requests if f" {path} " in request[0]]
                    self.assertEqual([request[1] for request in came], [(content or "").encode()] * len(came))
                    if n < len(again):
                        self.assertEqual((answer.status, len(came)), (200, 2), answer)
                    else:
                        self.assertEqual(len(came), 1, came)
                        self.assertIn(answer.status, (502, 503), answer)
                        self.assertEqual(json.loads(answer.body)["code"], "outcome_unknown")


def test_names_that_are_none(self):
    """nginx refuses a NUL in a path itself."""
    for segment, code in (("%00", "bad_request"), ("%FF", "invalid_key"), ("x" * 501, "invalid_key")):
        for method, body in (("GET", None), ("PUT", '{"value":1}'), ("DELETE", None)):
            self.assertError(self.walkv.request(method, "/api/kv/" + segment, body), 400, code)


DEVIATIONS = {"NginxKeys": {"test_names_that_are_none": test_names_that_are_none}}


def make_tests():
    """A class for each proxy and each of these."""
    made = {}
    for proxy in PROXIES:
        try:
            skip = find(proxy) and None
        except unittest.SkipTest as missing:
            skip = str(missing)
        for base in (spec_test.Specification, spec_test.Keys, spec_test.KeyLists, spec_test.Queues,
                     spec_test.Service, Behaviour):
            name = f"{proxy.capitalize()}{base.__name__}"
            bases = (base,) if issubclass(base, SystemTest) else (base, SystemTest)
            own = {"proxy": proxy, "make": functools.partial(Proxied, proxy), "__module__": __name__}
            test = type(name, bases, {**own, **DEVIATIONS.get(name, {})})
            made[name] = unittest.skipIf(skip, skip)(test)
    return made


globals().update(make_tests())

if __name__ == "__main__":
    main()
