# SPDX-License-Identifier: MIT
"""The loads that are run against walkv and its peers in turn, as a table: what is asked, of whom, over how many connections,
and how to see afterwards that it was answered rightly.

wrk makes the HTTP load, load.c what wrk cannot do. Keys have 16 bytes and values, where nothing else is said, 32; which keys
are asked for is drawn beforehand, with a fixed seed. Peers get the same keys and values, in the form that costs them the
least."""
import json
import os
import random
import re
import subprocess
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

from servers import (BenchError, Beanstalkd, Etcd, Memcached, Nginx, Redis, Walkv, ask, command, raw_answer)

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = 1000000
DRAWN = 200000  # different requests for the load of random keys
LISTED = 100000  # keys in the list that is streamed: those whose number has seven zeros in front
QUEUE_PER_S = 200000
JSON_HEAD = "Content-Type: application/json\r\n"


def key(i):
    return b"key-%012d" % i


def value(i):
    return b"value-%026d" % i


def http(method, path, body=b"", head=""):
    head += "Content-Length: %d\r\n" % len(body) if body else ""
    return ("%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (method, path, head)).encode() + body


def get(path):
    return http("GET", path)


def walkv_set(k, v):
    return http("POST", "/api/kv/" + k.decode(), b'{"value":"%s"}' % v, JSON_HEAD)


def webdis_set(k, v):
    return http("PUT", "/SET/" + k.decode(), v)


def etcd_put(k, v):
    return http("POST", "/v3/kv/put", b'{"key":"%s","value":"%s"}' % (Etcd.text(k).encode(), Etcd.text(v).encode()), JSON_HEAD)


def etcd_range(k, **more):
    return http("POST", "/v3/kv/range", json.dumps({"key": Etcd.text(k), **more}).encode(), JSON_HEAD)


def drawn(make, count, below, seed=1):
    source = random.Random(seed)
    return [make(source.randrange(below)) for _ in range(count)]


# --- the clients ----------------------------------------------------------------------------------------------


class Client:
    """Runs one client and says what it has measured, and what it cost both sides."""

    def __init__(self, session):
        self.session, self.files = session, {}

    def requests_file(self, requests):
        if id(requests) not in self.files:
            path = self.session.new_path("requests")
            with open(path, "wb") as f:
                f.write(b"".join(b"%d\n%s" % (len(r), r) for r in requests))
            self.files[id(requests)] = path, requests  # kept, so that the id stays its own
        return self.files[id(requests)][0]

    def run(self, argv, servers, seconds, env=None):
        before = sum(s.processor_time_s() for s in servers)
        began, ours = time.monotonic(), os.times()
        done = subprocess.run(self.session.client(*argv), capture_output=True, text=True, env={**os.environ, **(env or {})},
                              timeout=seconds + 120, check=False)
        took, now = time.monotonic() - began, os.times()
        if done.returncode != 0:
            raise BenchError("%s: %s" % (os.path.basename(str(argv[0])), (done.stderr or done.stdout).strip()[-500:]))
        used = sum(s.processor_time_s() for s in servers) - before
        client = now.children_user + now.children_system - ours.children_user - ours.children_system
        return done.stdout, {"server_busy": round(used / took / len(self.session.servers), 3),
                             "client_busy": round(client / took, 3), "server_s": used}

    def wrk(self, port, requests, connections, seconds, servers, bad_status=False):
        out, cost = self.run(["wrk", "-t", 1, "-c", connections, "-d", "%ds" % max(1, round(seconds)), "--timeout", "10s",
                              "-s", os.path.join(HERE, "requests.lua"), "http://127.0.0.1:%d/" % port],
                             servers, seconds, {"BENCH_REQUESTS": self.requests_file(requests)})
        found = re.search(r"^BENCH (\{.*\})$", out, re.MULTILINE)
        if not found:
            raise BenchError("wrk said nothing:\n" + out)
        r = json.loads(found.group(1))
        wanted = r["requests"] if bad_status else 0
        if r["requests"] == 0 or r["socket_errors"] or r["timeouts"] or r["bad_status"] != wanted:
            raise BenchError("errors in the answers: %s" % found.group(1))
        r["rate"] = r["requests"] / r["seconds"]
        r["server_us_per_request"] = round(cost.pop("server_s") * 1e6 / r["requests"], 2)
        return {**r, **cost}

    def load(self, port, requests, connections, seconds, servers, protocol="http", expect="HTTP/1.1 200 ", pace=0):
        out, cost = self.run([self.session.build / "tests" / "bench" / "load", "--port", port, "--requests",
                              self.requests_file(requests), "--connections", connections, "--seconds", seconds, "--pace", pace,
                              "--protocol", protocol, "--expect", expect], servers, seconds)
        r = json.loads(out)
        if r["requests"] == 0 or r["unexpected"]:
            raise BenchError("%d of %d answers were not as expected: %s" % (r["unexpected"], r["requests"], r["first_unexpected"]))
        r["server_us_per_request"] = round(cost.pop("server_s") * 1e6 / r["requests"], 2)
        return {**r, **cost}

    def disk(self, seconds):
        argv = ["taskset", "-c", self.session.server_cpus, self.session.build / "tests" / "bench" / "sync_rate",
                self.session.directory, seconds]
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError("sync_rate: " + done.stderr)
        return json.loads(done.stdout)


# --- the servers ----------------------------------------------------------------------------------------------


class Stand:
    """The servers of the loads, each started and filled when it is first needed."""

    def __init__(self, session, workers, say):
        self.session, self.workers, self.say = session, workers, say
        self.made = {}

    def get(self, name):
        if name not in self.made:
            self.say("starting %s" % name)
            self.made[name] = getattr(self, name)()
        return self.made[name]

    def forget(self, name):
        """Ends a server that can no longer be trusted; the next one who needs it gets another."""
        server = self.made.pop(name, None)
        if hasattr(server, "stop"):
            server.stop()
        elif server:
            for process in server.servers():
                process.stop()

    def walkv(self):
        w = Walkv(self.session, worker_counts=(1, self.workers)).start()
        w.fill(lines(KEYS))
        for name, size in SIZES.items():
            body = json.dumps({"value": "v" * size}).encode()
            if ask(w.port, "/api/kv/" + name, body)[0] != 201:
                raise BenchError("a value was not stored")
        w.ctl("checkpoint")
        return w

    def walkv_async(self):
        return Walkv(self.session, "walkv-async", flags=["--wal-sync", "async"]).start()

    def redis(self):
        r = Redis(self.session).start()
        r.fill(sets(KEYS))
        for name, size in SIZES.items():
            r.call("SET", name, "v" * size)
        for i in range(100):
            r.call("RPUSH", "page", value(i))
        for at in range(0, LISTED, 1000):
            r.call("HSET", "hash", *(w for i in range(at, at + 1000) for w in (key(i), value(i))))
        return r

    def redis_everysec(self):
        return Redis(self.session, "redis-everysec", fsync="everysec").start()

    def etcd(self):
        e = Etcd(self.session).start()
        e.fill([(key(i), value(i)) for i in range(1000)])
        return e

    def beanstalkd(self):
        return Beanstalkd(self.session).start()

    def memcached(self):
        m = Memcached(self.session).start()
        import socket
        with socket.create_connection(("127.0.0.1", m.port)) as s:
            s.sendall(b"set %s 0 0 32\r\n%s\r\n" % (key(1), value(1)))
            if s.recv(100) != b"STORED\r\n":
                raise BenchError("memcached did not store")
        return m

    def nginx(self):
        """The same bodies as walkv's, and heads of the same length, taken from its own answers."""
        walkv, answers = self.get("walkv"), {}
        for path in NGINX_PATHS:
            head, body = raw_answer(walkv.port, get(path.replace("/n/", "/api/kv/").replace("/page", "/api/kv?limit=100")))
            answers[path] = (int(head.split()[1]), body, len(head))
        listed = ask(walkv.port, LIST_PATH)[2]
        return Nginx(self.session, answers, files=[("list.json", listed)]).start()

    def close(self):
        for server in self.made.values():
            if hasattr(server, "stop"):
                server.stop()


def lines(count, start=0, step=20000):
    for at in range(start, count, step):
        yield b"".join(b'{"key":"key-%012d","value":"value-%026d"}\n' % (i, i) for i in range(at, min(count, at + step)))


def sets(count, step=5000):
    for at in range(0, count, step):
        end = min(count, at + step)
        yield b"".join(b"*3\r\n$3\r\nSET\r\n$16\r\nkey-%012d\r\n$32\r\nvalue-%026d\r\n" % (i, i) for i in range(at, end)), end - at


SIZES = {"one-kib": 1024, "sixty-four-kib": 65536}
LIST_PATH = "/api/kv?prefix=key-0000000"
NGINX_PATHS = ["/n/" + key(1).decode(), "/n/one-kib", "/n/missing", "/page"]


# --- the table ------------------------------------------------------------------------------------------------


@dataclass
class Contender:
    """Who answers a load, and how it is asked."""

    name: str
    server: str  # a method of Stand; disk is the disk
    requests: Optional[Callable] = None  # () -> list of requests; called once
    port: Callable = lambda s: s.port
    servers: Callable = lambda s: s.servers()
    before: Optional[Callable] = None  # (server, seconds) before each run
    check: Optional[Callable] = None  # (server) after each run; raises
    bad_status: bool = False
    protocol: Optional[str] = None  # of load.c; wrk when there is none
    expect: str = "HTTP/1.1 200 "
    prepared: list = field(default_factory=list)


@dataclass
class Load:
    name: str
    text: str
    contenders: list
    connections: int = 64
    durable: bool = False  # walkv's syncs are counted
    unit: str = "requests/s"
    depth: int = 1  # requests in one write
    orientation: bool = False


def web(server):
    return server.web_port


def comes_back(path, wanted):
    """A check: this is what a GET of the path says."""
    def check(server):
        port = server.web_port if isinstance(server, Redis) else server.port
        # webdis sometimes gives the next client what one that has gone did not wait for.
        for _ in range(5 if isinstance(server, Redis) else 1):
            status, _, body = ask(port, path)
            if status == 200 and wanted in body:
                break
            time.sleep(0.2)
        if status != 200 or wanted not in body:
            raise BenchError("%s answered %d %r, and not %r" % (path, status, body[:200], wanted[:200]))
    return check


def etcd_has(k, wanted):
    def check(server):
        body = json.loads(ask(server.port, "/v3/kv/range", json.dumps({"key": Etcd.text(k)}).encode())[2])
        if body["kvs"][0]["value"] != Etcd.text(wanted):
            raise BenchError("etcd answered %r" % body)
    return check


W, N, R, E = "walkv", "nginx", "webdis+redis", "etcd"
K1 = key(1).decode()


def walkv(requests, server="walkv", **more):
    return Contender(W, server, requests, **more)


def workers(requests):
    return Contender("walkv, N workers", "walkv", requests, port=lambda s: s.ports[max(s.ports)], servers=lambda s: s.servers(max(s.ports)))


def nginx(path, **more):
    return Contender(N, "nginx", lambda: [get(path)], **more)


def webdis(requests, server="redis", **more):
    return Contender(R, server, requests, port=web, **more)


def etcd(requests, **more):
    return Contender(E, "etcd", requests, **more)


def set_load(connections, *more):
    return Load("set_%d" % connections, "durable set, %d connection%s" % (connections, "" if connections == 1 else "s"), [
        walkv(lambda: drawn(lambda i: walkv_set(key(i), value(i)), 50000, KEYS), check=comes_back("/api/kv/" + K1, value(1))),
        webdis(lambda: drawn(lambda i: webdis_set(key(i), value(i)), 50000, KEYS), check=comes_back("/GET/" + K1, value(1))),
        *more], connections=connections, durable=True)


def etcd_set():
    return etcd(lambda: drawn(lambda i: etcd_put(key(i), value(i)), 50000, 1000), check=etcd_has(key(1), value(1)))


def sized_get(name, text, *more):
    wanted = b"v" * SIZES[name]
    return [walkv(lambda: [get("/api/kv/" + name)], check=comes_back("/api/kv/" + name, wanted)), *more,
            webdis(lambda: [get("/GET/" + name)], check=comes_back("/GET/" + name, wanted))]


def sized_set(size):
    def make(of):
        return lambda: drawn(lambda i: of(b"big-%03d" % i, b"v" * size), 200, 100)
    return [walkv(make(walkv_set), check=comes_back("/api/kv/big-001", b"v" * size)),
            webdis(make(webdis_set), check=comes_back("/GET/big-001", b"v" * size))]


def mixed(get_one, set_one):
    source = random.Random(7)
    return [(set_one(key(i), value(i)) if source.random() < 0.1 else get_one(key(i)))
            for i in (source.randrange(KEYS) for _ in range(DRAWN))]


def queue_size(server):
    return json.loads(ask(server.port, "/api/queue/jobs/size")[2])["size"]


def fill_walkv_queue(server, seconds):
    missing = int(QUEUE_PER_S * seconds) - queue_size(server)
    if missing > 0:
        one = b'{"queue":"jobs","value":"%s"}\n' % value(7)
        server.fill(one * min(20000, missing - at) for at in range(0, missing, 20000))


def fill_redis_queue(server, seconds):
    missing = int(QUEUE_PER_S * seconds) - server.call("LLEN", "jobs")
    one = command("LPUSH", "jobs", value(7))
    server.fill((one * min(5000, missing - at), min(5000, missing - at)) for at in range(0, max(0, missing), 5000))


def fill_beanstalk_queue(server, seconds):
    server.fill(max(0, int(QUEUE_PER_S // 4 * seconds) - server.ready_jobs()), value(7))


def not_empty(size):
    def check(server):
        if size(server) <= 0:
            raise BenchError("the queue was emptied before the time was over")
    return check


def redis_length(server):
    return server.call("LLEN", "jobs")


def fresh_walkv_queue(server, _):
    ask(server.port, "/api/queue/jobs", method="DELETE")


LOADS = [
    Load("get", "GET, one key, 1 worker", [
        walkv(lambda: [get("/api/kv/" + K1)], check=comes_back("/api/kv/" + K1, value(1))), nginx("/n/" + K1),
        webdis(lambda: [get("/GET/" + K1)], check=comes_back("/GET/" + K1, value(1))),
        etcd(lambda: [etcd_range(key(1))], check=etcd_has(key(1), value(1))),
        Contender("redis, its own protocol", "redis", lambda: [command("GET", key(1))], protocol="resp", expect="$32\r\n"),
        Contender("memcached, its own protocol", "memcached", lambda: [b"get %s\r\n" % key(1)], protocol="memcached",
                  expect="VALUE %s 0 32" % K1)]),
    Load("get_workers", "GET, one key, N workers", [workers(lambda: [get("/api/kv/" + K1)]), nginx("/n/" + K1)]),
    Load("get_random", "GET, 1,000,000 random keys, 1 worker", [
        walkv(lambda: drawn(lambda i: get("/api/kv/" + key(i).decode()), DRAWN, KEYS)), nginx("/n/" + K1),
        webdis(lambda: drawn(lambda i: get("/GET/" + key(i).decode()), DRAWN, KEYS))]),
    Load("get_random_workers", "GET, 1,000,000 random keys, N workers", [
        workers(lambda: drawn(lambda i: get("/api/kv/" + key(i).decode()), DRAWN, KEYS)), nginx("/n/" + K1)]),
    Load("get_pipelined", "GET, one key, 16 in a pipeline", [
        walkv(lambda: [get("/api/kv/" + K1) * 16] * 2), Contender(N, "nginx", lambda: [get("/n/" + K1) * 16] * 2)], depth=16),
    Load("get_404", "GET of a key that is not there", [
        walkv(lambda: [get("/api/kv/missing")], bad_status=True), nginx("/n/missing", bad_status=True)]),
    Load("get_1k", "GET, a value of 1 KiB", sized_get("one-kib", "1 KiB", nginx("/n/one-kib"))),
    Load("get_64k", "GET, a value of 64 KiB", sized_get("sixty-four-kib", "64 KiB")),
    Load("list_page", "a list, a page of 100", [
        walkv(lambda: [get("/api/kv?limit=100")], check=comes_back("/api/kv?limit=100", b'"next":')), nginx("/page"),
        webdis(lambda: [get("/LRANGE/page/0/99")], check=comes_back("/LRANGE/page/0/99", value(99))),
        etcd(lambda: [etcd_range(key(0), range_end=Etcd.text(b"l"), limit=100)])]),
    Load("list_stream", "a list of %d keys, streamed, 4 connections" % LISTED, [
        walkv(lambda: [get(LIST_PATH)], check=comes_back(LIST_PATH, value(LISTED - 1))),
        # webdis breaks connections off now and then in the middle of a list of this length.
        nginx("/list.json", check=comes_back("/list.json", value(LISTED - 1)))], connections=4),
    set_load(1, etcd_set(), Contender("the disk's fdatasync", "disk")),
    set_load(8, Contender("the disk's fdatasync", "disk")),
    set_load(64, etcd_set()),
    set_load(512),
    Load("set_async", "set, synced once a second, 64 connections", [
        walkv(lambda: drawn(lambda i: walkv_set(key(i), value(i)), 50000, KEYS), "walkv_async"),
        webdis(lambda: drawn(lambda i: webdis_set(key(i), value(i)), 50000, KEYS), "redis_everysec")]),
    Load("set_1k", "durable set, a value of 1 KiB", sized_set(1024), durable=True),
    Load("set_64k", "durable set, a value of 64 KiB", sized_set(65536), durable=True),
    Load("enqueue", "durable enqueue", [
        walkv(lambda: [http("POST", "/api/queue/jobs/enqueue", b'{"value":"%s"}' % value(7), JSON_HEAD)],
              before=fresh_walkv_queue, check=comes_back("/api/queue/jobs/peek", value(7))),
        webdis(lambda: [http("PUT", "/LPUSH/jobs", value(7))], before=lambda s, _: s.call("DEL", "jobs"),
               check=comes_back("/LRANGE/jobs/-1/-1", value(7))),
        Contender("beanstalkd, its own protocol", "beanstalkd", lambda: [b"put 0 0 60 32\r\n%s\r\n" % value(7)],
                  protocol="beanstalk", expect="INSERTED ", check=not_empty(Beanstalkd.ready_jobs))], durable=True),
    Load("dequeue", "durable dequeue", [
        walkv(lambda: [http("POST", "/api/queue/jobs/dequeue")], before=fill_walkv_queue, check=not_empty(queue_size)),
        webdis(lambda: [get("/RPOP/jobs")], before=fill_redis_queue, check=not_empty(redis_length)),
        Contender("beanstalkd, its own protocol", "beanstalkd", lambda: [b"reserve\r\n"], protocol="beanstalk", expect="DELETED",
                  before=fill_beanstalk_queue, check=not_empty(Beanstalkd.ready_jobs))], durable=True),
    Load("mixed", "90 % GET, 10 % durable set, random keys", [
        walkv(lambda: mixed(lambda k: get("/api/kv/" + k.decode()), walkv_set), check=comes_back("/api/kv/" + K1, value(1))),
        webdis(lambda: mixed(lambda k: get("/GET/" + k.decode()), webdis_set), check=comes_back("/GET/" + K1, value(1)))],
         durable=True),
]


def run_once(stand, client, load, contender, seconds):
    """One run of one contender: what was measured."""
    if contender.server == "disk":
        return client.disk(seconds)
    server = stand.get(contender.server)
    if not contender.prepared:
        contender.prepared.extend(contender.requests())
    if contender.before:
        contender.before(server, seconds)
    count_syncs = load.durable and isinstance(server, Walkv)
    before = server.status() if count_syncs else None
    arguments = (contender.port(server), contender.prepared, load.connections, seconds, contender.servers(server))
    if contender.protocol:
        result = client.load(*arguments, protocol=contender.protocol, expect=contender.expect)
    else:
        result = client.wrk(*arguments, bad_status=contender.bad_status)
        if load.depth > 1:  # wrk counts from the last of them
            del result["p50_us"], result["p99_us"]
    if count_syncs:
        after = server.status()
        took = result["requests"] / result["rate"]
        syncs, writes = after["syncs"] - before["syncs"], after["operations"] - before["operations"]
        if syncs <= 0 or writes <= 0 or syncs * load.connections < writes:
            raise BenchError("%d writes with %d syncs over %d connections: not durable" % (writes, syncs, load.connections))
        result.update(syncs_per_s=round(syncs / took, 1), writes_per_sync=round(writes / syncs, 2))
    if contender.check:
        contender.check(server)
    return result
