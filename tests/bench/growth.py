# SPDX-License-Identifier: MIT
"""What becomes of walkv as it grows, beside Redis: GETs, starts and memory with as many keys as are asked for, of
16 bytes with values of 32.

walkv's starts: warm is after SIGKILL, the view still there; cold is from the snapshot (a checkpoint was taken). Redis's:
from an RDB file, and from an append-only file that holds each set and was not rewritten. A start takes from the start of
the process until the server logs that it is ready. Memory: what each says that it uses, and what it takes from the machine
(walkv: the pages of the view and walkvd's own; Redis: resident), both less what an empty one takes."""
import os
import re
import signal
import statistics
from pathlib import Path

from latency import spread
from loads import DRAWN, drawn, get, key, lines, sets
from servers import BenchError, Redis, Walkv, ask

BYTES_PER_KEY = 120  # of the view, generously


def memory_available():
    return int(re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1)) * 1024


def own_bytes(pid):
    """What a process has for itself, without the view that it maps."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path("/proc/%d/status" % pid).read_text()).group(1)) * 1024


def walkv_memory(w):
    status = w.status()
    return {"used": status["view_used_bytes"], "resident": os.stat(w.view).st_blocks * 512 + own_bytes(w.walkvd.pid)}


def redis_memory(r):
    info = r.info("memory")
    return {"used": int(info["used_memory"]), "resident": int(info["used_memory_rss"])}


def per_entry(full, empty, keys):
    return {name: round((full[name] - empty[name]) / keys, 1) for name in full}


def walkv_starts(w, keys, rounds, say):
    found = {"walkv_warm": [], "walkv_cold": []}
    for i in range(rounds):
        for kind, flags in (("walkv_warm", ()), ("walkv_cold", ("--cold-start",))):
            say("%d keys: %s start, %d of %d" % (keys, kind, i + 1, rounds))
            w.walkvd.stop(signal.SIGKILL)
            found[kind].append(round(w.start_walkvd(*flags), 1))
            status = w.status()
            wanted = "cold" if flags else "warm"
            if status["keys"] != keys or status["start_kind"] != wanted:
                raise BenchError("after a %s start: %s, %d keys of %d" % (wanted, status["start_kind"], status["keys"], keys))
    return {kind: spread(times) for kind, times in found.items()}


def redis_starts(r, keys, rounds, say):
    found = {}
    for kind, flags in (("redis_aof", ("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0")),
                        ("redis_rdb", ("--appendonly", "no"))):
        times = []
        if kind == "redis_rdb":
            r.call("SAVE")
        for i in range(rounds):
            say("%d keys: %s start, %d of %d" % (keys, kind, i + 1, rounds))
            # While it syncs its log it writes nothing to it, and what it has acknowledged meanwhile would be lost.
            r.redis.wait_for(lambda: int(r.info("persistence").get("aof_buffer_length", 0)) == 0, "Redis to write its log")
            r.redis.stop(signal.SIGKILL)
            times.append(round(r.start_redis(*flags), 1))
            if r.call("DBSIZE") != keys:
                raise BenchError("Redis has lost keys")
        found[kind] = spread(times)
    return found


def one_size(session, client, keys, small, rounds, seconds, say):
    """`small`: a walkv with few keys, to compare GETs with, or None for the smallest itself."""
    say("%d keys: filling walkv" % keys)
    size = max(1 << 30, keys * BYTES_PER_KEY * 2)
    w = Walkv(session, "walkv-%d" % keys, view_size="%dMiB" % (size >> 20)).start()
    empty = walkv_memory(w)
    w.fill(lines(keys))
    result = {"keys": keys}
    full = walkv_memory(w)
    w.ctl("checkpoint")
    result["memory_walkv"] = per_entry(full, empty, keys)
    if ask(w.port, "/api/kv/" + key(keys - 1).decode())[0] != 200:
        raise BenchError("the last key is not there")
    gets = {}
    for i in range(rounds):
        for name, store, count in (("here", w, keys), *((("smallest", small[0], small[1]),) if small else ())):
            say("%d keys: GET, %s, %d of %d" % (keys, name, i + 1, rounds))
            requests = small[2] if name == "smallest" else result.setdefault("requests", drawn(
                lambda i: get("/api/kv/" + key(i).decode()), DRAWN, keys))
            gets.setdefault(name, []).append(client.wrk(store.port, requests, 64, seconds, store.servers())["rate"])
    requests = result.pop("requests")
    result["get_per_s"] = {name: spread(rates) for name, rates in gets.items()}
    result["start_ms"] = walkv_starts(w, keys, max(3, rounds), say)

    say("%d keys: filling Redis" % keys)
    r = Redis(session, "redis-%d" % keys, fsync="everysec", webdis=False, flags=["--auto-aof-rewrite-percentage", "0"]).start()
    empty = redis_memory(r)
    r.fill(sets(keys))
    result["memory_redis"] = per_entry(redis_memory(r), empty, keys)
    result["start_ms"].update(redis_starts(r, keys, 3 if rounds > 1 else 1, say))
    r.stop()
    return result, w, requests


def measure(session, client, sizes, rounds, seconds, say):
    results, small, skipped = [], None, []
    for keys in sizes:
        if memory_available() < keys * 600 + (1 << 30):
            skipped.append(keys)
            say("%d keys: left out, not enough memory" % keys)
            continue
        result, w, requests = one_size(session, client, keys, small, rounds, seconds, say)
        results.append(result)
        if small is None:
            small = (w, keys, requests)
        else:
            w.stop()
    if small:
        small[0].stop()
    return {"sizes": results, "left_out": skipped}


def median(spread_of):
    return statistics.median(spread_of["rounds"])
