# SPDX-License-Identifier: MIT
"""A run as tables: for the terminal, and as Markdown for the README. Both come from the same rows.

A table is (title, notes, header, rows); in a row the first cell is text and the others are numbers that are formatted
already. Ratios are always walkv to the peer, so that more than 1 is in walkv's favour, but where it is said otherwise."""

from goals import client_was_the_limit

NOTES_OF_LOADS = (
    "Medians of the rounds; in brackets the least and the most. The ratio is walkv's median to the peer's.",
    "A figure with * is a limit of the client: it had no processor time left and the server had; there, compare the processor time per request.",
    "redis, memcached and beanstalkd are spoken to in their own protocols where it says so, without HTTP; memcached keeps "
    "nothing, it is there for orientation.",
)


def number(value):
    if value is None:
        return "-"
    if value >= 1000:
        return "{:,.0f}".format(value)
    return "{:.0f}".format(value) if value >= 100 else "{:.1f}".format(value) if value >= 10 else "{:.2f}".format(value)


def with_spread(spread):
    if len(spread["rounds"]) < 2:
        return number(spread["median"])
    return "%s (%s-%s)" % (number(spread["median"]), number(spread["min"]), number(spread["max"]))


def ratio(a, b):
    return "%.2f" % (a / b) if a is not None and b else "-"


def load_tables(bench):
    rows = []
    for load in bench.get("loads", []):
        first = next(iter(load["contenders"].values()))
        for i, (name, of) in enumerate(load["contenders"].items()):
            rows.append([load["text"] if i == 0 else "", name, with_spread(of) + ("*" if client_was_the_limit(of) else ""),
                         "" if i == 0 else ratio(first["median"], of["median"]),
                         number(of.get("p50_us")), number(of.get("p99_us")), number(of.get("server_us_per_request"))])
    if rows:
        yield ("Loads", NOTES_OF_LOADS, ["load", "server", "requests/s", "walkv is ... times", "p50 us", "p99 us",
                                         "processor us/request"], rows)


def commit_tables(bench):
    rows = []
    by_name = {load["name"]: load for load in bench.get("loads", [])}
    disk = [load["contenders"]["the disk's fdatasync"]["median"] for load in by_name.values()
            if "the disk's fdatasync" in load["contenders"]]
    for load in by_name.values():
        of = load["contenders"].get("walkv", {})
        if "syncs_per_s" in of:
            own = load["contenders"].get("the disk's fdatasync")
            rate = own["median"] if own else disk[0] if disk else None
            allowed = rate * load["connections"] if rate else None
            rows.append([load["text"], number(of["median"]), number(of["syncs_per_s"]), number(of["writes_per_sync"]),
                         number(rate), number(allowed) if own else "-", ratio(of["median"], allowed) if own else "-",
                         ratio(of["syncs_per_s"], rate)])
    if rows:
        yield ("Group commit", (
            "The disk's rate: one block of 512 bytes written behind the last one in a file that is there already, then "
            "fdatasync, again and again, in the same run, directory and processor. What it allows to c connections: a client "
            "sends its next write when the last one is answered, so no sync can carry more than c writes, and no more than c "
            "times the rate of syncs can be acknowledged. To reach that, all c clients would have to have sent again before "
            "each sync begins. A server that begins a sync as soon as one write is there, and the next with what has come "
            "meanwhile, carries c / 2 on average when its disk is slow.",),
            ["load", "writes/s", "syncs/s", "writes per sync", "disk's syncs/s", "it allows writes/s", "writes to allowed",
             "syncs to disk's"], rows)


def latency_tables(bench):
    for part, title, note in (
            ("idle", "Idle latency", "One connection, {pace_per_s} requests a second, each at its time. Microseconds."),
            ("latency", "Latency of reads", "{connections} connections, together {pace_per_s} GETs of random keys a second, one "
                                           "worker; times are counted from when a request was due. Microseconds.")):
        if part in bench:
            of = bench[part]
            names = list(next(iter(of["contenders"].values())))
            base = next(iter(of["contenders"].values()))
            rows = [[name, *(with_spread(c[p]) for p in names), ratio(c["p99"]["median"], base["p99"]["median"])]
                    for name, c in of["contenders"].items()]
            notes = [note.format(**of)]
            if part == "latency":
                notes.append("quiet: nothing else; checkpoint: one after another (%s in a round); writes: %s durable sets a second "
                             "over 64 other connections, to the same worker or from workers of their own."
                             % (" and ".join(str(n) for n in sorted(set(of["checkpoints"]))), number(of["writes_per_s"]["median"])))
                if not of["real_time_client"]:
                    notes.append("The client had no real-time priority: its own waits for a processor are in these figures.")
            yield (title, notes, ["server" if part == "idle" else "while", *names,
                                  "p99 to walkv's" if part == "idle" else "p99 to quiet"], rows)


def growth_tables(bench):
    sizes = bench.get("growth", {}).get("sizes", [])
    if not sizes:
        return
    rows = []
    for size in sizes:
        gets, starts = size["get_per_s"], size["start_ms"]
        here = gets["here"]["median"]
        rows.append(["{:,}".format(size["keys"]), number(here), ratio(here, gets.get("smallest", gets["here"])["median"]),
                     *(with_spread(starts[k]) for k in ("walkv_warm", "walkv_cold", "redis_rdb", "redis_aof")),
                     ratio(starts["redis_rdb"]["median"], starts["walkv_cold"]["median"])])
    yield ("Growth and starts", ("GETs of random keys, to those with the fewest keys, in turn. Starts in milliseconds until ready.",),
           ["keys", "GET/s", "to the fewest", "walkv warm", "walkv cold", "Redis RDB", "Redis AOF", "RDB to cold"], rows)
    rows = []
    for size in sizes:
        if size["keys"] >= 100000:
            w, r = size["memory_walkv"], size["memory_redis"]
            rows.append(["{:,}".format(size["keys"]), number(w["used"]), number(r["used"]), ratio(w["used"], r["used"]),
                         number(w["resident"]), number(r["resident"]), ratio(w["resident"], r["resident"])])
    if rows:
        yield ("Memory per entry", ("Bytes for a key of 16 and a value of 32, more than an empty store; less than 1 is in walkv's favour.",),
               ["keys", "walkv used", "Redis used_memory", "ratio", "walkv resident", "Redis resident", "ratio"], rows)


def goal_tables(bench):
    words = {True: "met", False: "not met", None: "not measured"}
    rows = [[g["goal"], g["wanted"], "-" if g["found"] is None else "{:,.0f}".format(g["found"]) if g["found"] > 1000 else "%.2f" % g["found"],
             words[g["met"]] + (" (%s)" % g["note"] if g["note"] else "")] for g in bench["goals"]]
    yield ("Goals", (), ["goal", "wanted", "found", ""], rows)


def tables(bench):
    for part in (load_tables, commit_tables, latency_tables, growth_tables, goal_tables):
        yield from part(bench)


def machine_lines(bench):
    m, v = bench["machine"], bench["versions"]
    yield "%d cores%s, %s, %s GiB, Linux %s, %s, %s" % (
        m["cores"], " of a virtual machine" if m["virtual"] else "", m["cpu"], number(m["memory_gib"]), m["kernel"], m["system"], m["disk"])
    yield bench["pinning"] + "; %d round%s of %d s for each" % (
        bench["rounds"], "" if bench["rounds"] == 1 else "s", bench["seconds_per_run"])
    yield ", ".join("%s %s" % pair for pair in v.items())


def failure_lines(bench):
    return ["Left out, for it failed: %s" % " ".join(failure.split()) for failure in bench.get("failures", [])]


def text(bench):
    out = ["", *machine_lines(bench), "load average before the run: %s" % bench["machine"]["load_before"]]
    for title, notes, header, rows in tables(bench):
        widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
        out += ["", title, "=" * len(title)]
        for row in [header, ["-" * w for w in widths], *rows]:
            cells = [cell.ljust(w) if i == 0 or (title, i) in LEFT else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
            out.append("  ".join(cells).rstrip())
        out += notes
    return "\n".join(out + ([""] if bench.get("failures") else []) + failure_lines(bench))


LEFT = {("Loads", 1), ("Goals", 3)}


def markdown(bench):
    out = []
    for title, notes, header, rows in tables(bench):
        out += ["", "%s:" % title, "", "| " + " | ".join(header) + " |",
                "|" + "|".join(" --- " if i == 0 or (title, i) in LEFT else " ---: " for i in range(len(header))) + "|"]
        out += ["| " + " | ".join(row) + " |" for row in rows]
        out += ["", *notes] if notes else []
    return "\n".join(out).strip()
