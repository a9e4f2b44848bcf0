#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What scripts/bench makes of a run, without one: goals, tables, chart and the README's section, from made-up figures."""
import contextlib
import io
import json
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

import chart  # noqa: E402  pylint: disable=wrong-import-position
import goals  # noqa: E402  pylint: disable=wrong-import-position
import loads  # noqa: E402  pylint: disable=wrong-import-position
import peers  # noqa: E402  pylint: disable=wrong-import-position
import readme  # noqa: E402  pylint: disable=wrong-import-position
import report  # noqa: E402  pylint: disable=wrong-import-position


def spread(value):
    return {"median": value, "min": value * 0.9, "max": value * 1.1, "rounds": [value * 0.9, value, value * 1.1]}


def bench():
    """A run in which the first server of each load is twice as fast as each other one."""
    found = {"quick": False, "rounds": 3, "seconds_per_run": 2, "workers": 4, "date": "2026-11-28", "took_s": 1200,
             "command": "scripts/bench", "pinning": "pinned", "versions": {"walkv": "abc"},
             "machine": {"cores": 2, "cpu": "A & B", "virtual": True, "memory_gib": 4, "kernel": "6.1", "system": "Debian", "disk": "ext4 on NVMe",
                         "load_before": 0.1}}
    found["loads"] = [{"name": load.name, "text": load.text, "connections": load.connections, "unit": load.unit,
                       "contenders": {c.name: spread(20000 if i == 0 else 10000) for i, c in enumerate(load.contenders)}}
                      for load in loads.LOADS]
    latency = {"pace_per_s": 1, "connections": 1, "real_time_client": True, "checkpoints": [3], "writes_per_s": spread(9)}
    found["idle"] = {**latency, "contenders": {"walkv": {"p50": spread(50), "p99": spread(100)}}}
    found["latency"] = {**latency, "contenders": {n: {p: spread(v) for p in ("p50", "p99", "p999", "max")}
                                                  for n, v in (("quiet", 100), ("checkpoint", 120), ("writes", 200))}}
    starts = {"walkv_warm": 10, "walkv_cold": 20, "redis_rdb": 100, "redis_aof": 200}
    found["growth"] = {"left_out": [], "sizes": [
        {"keys": keys, "get_per_s": {"here": spread(90), "smallest": spread(100)}, "start_ms": {n: spread(v) for n, v in starts.items()},
         "memory_walkv": {"used": 80, "resident": 90}, "memory_redis": {"used": 160, "resident": 150}} for keys in (10000, 5000000, 10000000)]}
    found["instructions"] = {"get": {"httpd": 6500}}
    found["goals"] = goals.judge(found)
    return found


class Goals(unittest.TestCase):
    def test_each_is_judged(self):
        judged = {g["goal"].split(",")[0] + g["goal"][-12:]: g for g in bench()["goals"]}
        self.assertNotIn(None, [g["met"] for g in judged.values()])
        by_word = [g for g in judged.values() if "webdis + Redis" in g["goal"] and g["goal"].startswith("GET")]
        self.assertEqual([(g["found"], g["met"]) for g in by_word], [(2.0, False)])

    def test_bounds_and_what_was_not_measured(self):
        judged = {g["goal"]: g for g in bench()["goals"]}
        found = {text: (g["found"], g["met"]) for text, g in judged.items()}
        self.assertEqual(found["p99 of GET during a checkpoint, against quiet"], (1.2, True))
        self.assertEqual(found["p99 of GET under full write load, against quiet"], (2.0, False))
        self.assertEqual(found["durable sets against what the disk's fdatasync allows, 8 connections"], (0.25, False))
        self.assertEqual(found["cold start, 5 million keys: Redis RDB takes so many times as long"], (5.0, True))
        self.assertEqual({g["note"] for g in judged.values()}, {""})
        none = goals.judge({"loads": []})
        self.assertEqual({g["met"] for g in none}, {None})

    def test_fewer_keys_are_said(self):
        small = bench()
        del small["growth"]["sizes"][2]
        notes = {g["goal"]: g["note"] for g in goals.judge(small)}
        for goal in ("GET, 10 million keys against 10 thousand", "memory per entry (16 B + 32 B) against Redis: resident"):
            self.assertEqual(notes[goal], "measured with 5,000,000 keys")

    def test_a_client_that_is_the_limit_is_said(self):
        limited = bench()
        for of, us in zip(limited["loads"][0]["contenders"].values(), (6, 9, 9, 9, 9, 9)):
            of.update(client_busy=0.99, server_busy=0.8, server_us_per_request=us)
        note = goals.judge(limited)[0]["note"]
        self.assertIn("1.50", note)
        self.assertIn("20,000 (18,000-22,000)*", report.text(limited))


class Report(unittest.TestCase):
    def test_tables(self):
        text = report.text(bench())
        for word in ("Loads", "Idle latency", "Latency of reads", "Growth and starts", "Memory per entry", "Goals", "not met"):
            self.assertIn(word, text)
        for table in report.tables(bench()):
            self.assertEqual({len(row) for row in table[3]}, {len(table[2])}, table[0])

    def test_the_chart_is_xml(self):
        root = ET.fromstring(chart.svg(bench()))
        self.assertTrue(root.tag.endswith("svg"))
        self.assertGreater(len(root.findall("{*}rect")), 15)

    def test_every_load_has_a_name_of_its_own(self):
        names = [load.name for load in loads.LOADS]
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual(set(chart.SHOWN) - set(names), set())
        known = set(goals.figures(bench()))
        for goal in json.loads(goals.GOALS.read_text(encoding="utf-8")):
            self.assertLessEqual({goal["of"], goal.get("to", goal["of"])}, known)


class Failures(unittest.TestCase):
    def run_one(self, name):
        """Runs one load of two contenders, the second time without `name`, which fails."""
        of = [mock.Mock(prepared=[]), mock.Mock(prepared=[])]
        of[0].name, of[1].name = "walkv", "peer"
        load = mock.Mock(text="a load", connections=1, unit="", contenders=of)

        def run_once(_stand, _client, _load, contender, _seconds):
            if contender.name == name:
                raise peers.BenchError("broken")
            return {"rate": 1}
        with mock.patch.object(loads, "run_once", run_once):
            results, failures = peers.run_loads(mock.Mock(), None, [load], 2, 1, lambda text: None)
        return list(results[0]["contenders"]), failures

    def test_a_peer_is_left_out_and_walkv_is_not(self):
        self.assertEqual(self.run_one("peer"), (["walkv"], ["a load, peer: broken"]))
        self.assertEqual(self.run_one(""), (["walkv", "peer"], []))
        with self.assertRaisesRegex(peers.BenchError, "a load, walkv: broken"):
            self.run_one("walkv")


class Section(unittest.TestCase):
    def write(self, run):
        """Returns (status, what it says, the README or None)."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "bench.json")
            path.write_text(json.dumps(run), encoding="utf-8")
            Path(directory, "README.md").write_text("before\n%s\nold\n%s\nafter\n" % (readme.BEGIN, readme.END), encoding="utf-8")
            said = io.StringIO()
            with mock.patch.object(readme, "ROOT", Path(directory)), mock.patch.object(sys, "argv", ["readme", str(path)]), \
                    contextlib.redirect_stderr(said):
                status = readme.main()
            self.assertEqual(Path(directory, readme.CHART).exists(), status == 0)
            return status, said.getvalue(), Path(directory, "README.md").read_text(encoding="utf-8")

    def test_a_full_run_is_written(self):
        status, _, text = self.write(bench())
        self.assertEqual(status, 0)
        self.assertTrue(text.startswith("before\n" + readme.BEGIN) and text.endswith(readme.END + "\nafter\n"))
        self.assertNotIn("old", text.replace("cold", ""))
        self.assertNotIn("Where a peer is faster", text)

    def test_where_a_peer_is_faster_is_said(self):
        run = bench()
        run["loads"][0]["contenders"]["nginx"] = spread(30000)
        self.assertIn("- GET, one key, 1 worker: nginx, 1.50 times walkv", self.write(run)[2])

    def test_a_peer_that_failed_is_said(self):
        run = {**bench(), "failures": ["a list, webdis+redis: bad answers:\n{}"]}
        self.assertIn("\n- Left out, for it failed: a list, webdis+redis: bad answers: {}\n", self.write(run)[2])
        self.assertIn("Left out, for it failed: a list", report.text(run))

    def test_other_runs_are_refused(self):
        for change in ({"quick": True}, {"rounds": 1}, {"versions": {"walkv": "abc-dirty"}}, {"loads": bench()["loads"][1:]}):
            with self.subTest(change=list(change)):
                status, said, text = self.write({**bench(), **change})
                self.assertEqual(status, 1)
                self.assertIn("is no run for the README", said)
                self.assertIn("\nold\n", text)


if __name__ == "__main__":
    unittest.main()
