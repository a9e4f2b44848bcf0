# SPDX-License-Identifier: MIT
"""walkvctl, the operator's command: looks at a store, running or stopped, and moves data in and out."""

import json
import shutil
import signal
from pathlib import Path

from walkv import EX_DATA, EX_UNAVAILABLE, EX_USAGE, WALKVCTL, SystemTest, main, run


class Ctl(SystemTest):
    options = None

    def setUp(self):
        super().setUp()
        self.walkv = self.instance(workers=1, walkvd={"wal_segment_size": "64KiB"}).start()

    def ctl(self, *arguments, status=0, **options):
        done = self.walkv.ctl(*arguments, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def file(self, name, text):
        path = self.walkv.dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    # looking

    def test_status(self):
        self.walkv.set("a", "1")
        self.walkv.enqueue("q", "1")
        facts = json.loads(self.ctl("status", "--json").stdout)
        self.assertEqual((facts["keys"], facts["queues"], facts["items"]), (1, 1, 1))
        self.assertEqual(facts["start_kind"], "new")
        self.assertEqual(facts["store_id"], self.walkv.status()["store_id"])
        text = self.ctl("status").stdout
        self.assertRegex(text, r"(?m)^keys +1$")
        self.assertRegex(text, r"(?m)^start_kind +new$")

    def test_checkpoint(self):
        lsn = self.walkv.set("a", "1")
        self.assertIn(f"LSN {lsn}", self.ctl("checkpoint").stdout)
        self.assertEqual([int(p.stem, 16) for p in (self.walkv.data / "snapshots").glob("*.snap")], [lsn])
        lsn = self.walkv.set("a", "2")
        self.assertGreaterEqual(json.loads(self.ctl("checkpoint", "--json").stdout)["checkpoint_lsn"], lsn)

    def test_verify(self):
        for n in range(300):
            self.walkv.set(f"key{n}", '"' + "x" * n + '"')
        self.ctl("checkpoint")
        self.walkv.set("after", "1")
        files = [p.relative_to(self.walkv.data) for folder, suffix in (("wal", ".wal"), ("snapshots", ".snap"))
                 for p in sorted((self.walkv.data / folder).glob("*" + suffix))]
        self.assertGreater(len(files), 3)
        self.ctl("verify", self.walkv.data)  # of a running store
        self.walkv.stop()
        shown = self.ctl("verify", self.walkv.data).stdout
        for path in files[1:]:  # the clean stop may have removed the oldest
            self.assertIn(str(path), shown)
        facts = json.loads(self.ctl("verify", self.walkv.data, "--json").stdout)
        self.assertIs(facts["damaged"], False)
        self.assertLessEqual({str(p) for p in files[1:]}, {f["file"] for f in facts["files"]})
        victim = self.walkv.data / next(f["file"] for f in facts["files"] if f["file"].startswith("wal/"))
        content = bytearray(victim.read_bytes())
        content[1100] ^= 16
        victim.write_bytes(content)
        done = self.ctl("verify", self.walkv.data, status=EX_DATA)
        self.assertIn(victim.name, done.stdout)
        self.assertRegex(done.stdout, r"LSN \d+")
        facts = json.loads(self.ctl("verify", self.walkv.data, "--json", status=EX_DATA).stdout)
        self.assertIs(facts["damaged"], True)
        self.assertEqual([f["verdict"] for f in facts["files"] if f["file"].endswith(victim.name)] == ["ok"], False)

    def test_dump(self):
        lsns = [self.walkv.set("a", '"\\u00e9"'), self.walkv.set("a", "2"), self.walkv.enqueue("q", "[1, 2]")]
        self.walkv.request("DELETE", "/api/kv/a")
        self.walkv.request("POST", "/api/queue/q/dequeue")
        self.walkv.request("DELETE", "/api/queue/q")
        self.walkv.request("DELETE", "/api/queue/q?forget=true")
        self.walkv.stop()
        entries = [json.loads(line) for line in self.ctl("dump", self.walkv.data).stdout.splitlines()]
        self.assertEqual([e["lsn"] for e in entries], list(range(1, len(entries) + 1)))
        told = [{k: e[k] for k in ("lsn", "op", "key", "queue", "value") if k in e} for e in entries]
        told = [e for e in told if e["op"] != "noop"]
        self.assertEqual([e["op"] for e in told], ["set", "set", "enqueue", "delete", "dequeue", "clear", "forget"])
        self.assertEqual([e["lsn"] for e in told[:3]], lsns)
        self.assertEqual([e.get("value") for e in told[:3]], ["\u00e9", 2, [1, 2]])
        self.assertEqual(told[2]["queue"], "q")
        later = [json.loads(line) for line in
                 self.ctl("dump", "--from", lsns[2], self.walkv.data).stdout.splitlines()]
        self.assertEqual(later, [e for e in entries if e["lsn"] >= lsns[2]])

    # moving

    def test_export_and_import(self):
        for key, value in (("plain", "1"), ("b\u00e9 \"q\"\n", '{"z":1,"a":[1.0,12345678901234567890]}'),
                           ("key", '"k"'), ("value", "null"), ("queue", "[]")):
            self.walkv.set(key, value)
        for n in range(1500):
            self.walkv.enqueue("long", str(n))
        self.walkv.enqueue("emptied", "1")
        self.walkv.request("POST", "/api/queue/emptied/dequeue")
        wanted = self.walkv.contents()
        as_text = self.walkv.get("/api/kv").text
        document = self.ctl("export").stdout
        keys = json.loads(document)
        queues = keys.pop("queues")
        self.assertEqual((keys, queues), wanted)
        lines = self.ctl("export", "--lines").stdout
        self.assertGreater(len([json.loads(line) for line in lines.splitlines()]), 1500)
        for shape, text in (("document", document), ("lines", lines)):
            for stdin in (False, True):
                with self.subTest(shape=shape, stdin=stdin):
                    other = self.instance(workers=1).start()
                    if stdin:
                        done = other.ctl("import", "-", stdin=text)
                    else:
                        done = other.ctl("import", self.file("exported", text))
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(other.contents(), wanted)
                    self.assertEqual(other.get("/api/kv").text, as_text, "every number as it was written")
                    self.assertEqual(other.ctl("export").stdout, document)
                    other.restart_walkvd(cold_start=True)
                    self.assertEqual(other.contents(), wanted)
                    other.close()

    def test_a_key_named_queues_has_no_place_in_the_document(self):
        self.walkv.set("queues", "1")
        done = self.ctl("export", status=EX_DATA)
        self.assertIn("--lines", done.stderr)
        self.assertEqual(self.ctl("export", "--lines").stdout, '{"key":"queues","value":1}\n')

    def test_import_sets_and_appends(self):
        self.walkv.set("a", "1")
        self.walkv.set("b", "1")
        self.walkv.enqueue("q", "1")
        self.ctl("import", self.file("more.json", '{ "b" : 2, "c":3, "queues" : {"q":[2, 3],"r":[]} }'))
        self.assertEqual(self.walkv.contents(), ({"a": 1, "b": 2, "c": 3}, {"q": [1, 2, 3], "r": []}))

    def test_import_of_what_is_no_export(self):
        for name, text in (("cut", '{"a":1,'), ("not an object", "[1]"), ("queues", '{"queues":[1]}'),
                           ("queue", '{"queues":{"q":1}}'), ("empty key", '{"":1}'), ("empty", ""),
                           ("line", '{"key":"a","value":1}\n{"key":"b"}\n')):
            with self.subTest(name):
                done = self.ctl("import", self.file("bad", text), status=EX_DATA)
                self.assertTrue(done.stderr.strip())
        done = self.walkv.ctl("import", self.walkv.dir / "not-there")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("not-there", done.stderr)

    def original(self, document, log):
        directory = self.walkv.dir / "original"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        if document is not None:
            (directory / "db.json").write_text(document, encoding="utf-8")
        if log is not None:
            (directory / "wal.log").write_text(log, encoding="utf-8")
        return directory

    def test_import_of_an_original_data_directory(self):
        document = '{\n  "old": "value",\n  "number": 1.50,\n  "gone": 1,\n  "queues": {\n    "jobs": ["j1", {"j": 2}],\n' \
                   '    "idle": []\n  }\n}\n'
        log = "".join(json.dumps(entry) + "\n" for entry in (
            {"id": "1", "type": "SET", "status": "STARTED", "key": "old", "value": "committed, so in db.json"},
            {"type": "COMMIT", "id": "1"},
            {"id": "2", "type": "SET", "status": "STARTED", "key": "new", "value": {"a": 1}},
            {"id": "3", "type": "DELETE", "status": "STARTED", "key": "gone"},
            {"id": "4", "type": "QUEUE_ENQUEUE", "status": "STARTED", "queue": "jobs", "value": "j3"},
            {"id": "5", "type": "QUEUE_DEQUEUE", "status": "STARTED", "queue": "jobs"},
            {"id": "6", "type": "QUEUE_ENQUEUE", "status": "STARTED", "queue": "fresh", "value": None},
            {"id": "7", "type": "SET", "status": "STARTED", "key": "old", "value": "committed later"},
            {"id": "8", "type": "QUEUE_ENQUEUE", "status": "STARTED", "queue": "cleared", "value": 1},
            {"id": "9", "type": "QUEUE_CLEAR", "status": "STARTED", "queue": "cleared"},
            {"type": "COMMIT", "id": "7"},
        ))
        self.ctl("import", self.original(document, log))
        self.assertEqual(self.walkv.contents(), (
            {"old": "value", "number": 1.5, "new": {"a": 1}},
            {"jobs": [{"j": 2}, "j3"], "idle": [], "fresh": [None], "cleared": []},
        ))
        self.assertEqual(self.walkv.get("/api/kv/number").text, '{"success":true,"key":"number","value":1.50}')

    def test_import_of_an_original_log_with_a_torn_end(self):
        whole = json.dumps({"id": "1", "type": "SET", "status": "STARTED", "key": "kept", "value": 1}) + "\n"
        for torn in ('{"id":"2","type":"SET","stat', '{"id":"2","type":"SET","status":"STARTED","key":"half","value":'):
            done = self.ctl("import", self.original("{}", whole + torn))
            self.assertIn("wal.log", done.stderr)
            self.assertEqual(self.walkv.contents(), ({"kept": 1}, {}))

    def test_import_of_half_an_original_directory(self):
        self.ctl("import", self.original('{"a":1}', None))
        self.ctl("import", self.original(None, '{"id":"1","type":"SET","status":"STARTED","key":"b","value":2}\n'))
        self.assertEqual(self.walkv.contents(), ({"a": 1, "b": 2}, {}))
        self.assertNotEqual(self.walkv.ctl("import", self.original(None, None)).returncode, 0)

    # being refused

    def test_which_socket(self):
        """--socket, else WALKV_SOCKET, else the one of the package."""
        there, nowhere = str(self.walkv.socket), str(self.walkv.dir / "nowhere")
        for options, variable, wanted in (((), there, 0), (("--socket", there), nowhere, 0),
                                          (("--socket", nowhere), there, EX_UNAVAILABLE), ((), nowhere, EX_UNAVAILABLE)):
            with self.subTest(options=options, variable=variable):
                done = run([WALKVCTL, *options, "status"], env={"WALKV_SOCKET": variable})
                self.assertEqual(done.returncode, wanted, done.stderr)
                self.assertEqual(nowhere in done.stderr, wanted != 0)
        if not Path("/run/walkv/walkvd.sock").exists():
            done = run(["env", "-u", "WALKV_SOCKET", WALKVCTL, "status"])
            self.assertEqual(done.returncode, EX_UNAVAILABLE)
            self.assertIn("walkvd does not answer at /run/walkv/walkvd.sock: No such file", done.stderr)

    def test_wrong_usage(self):
        for arguments in ((), ("no-such-command",), ("status", "extra"), ("verify",), ("dump",), ("import",),
                          ("repair",), ("repair", "a", "b"), ("repair", "--into"), ("repair", "--into", "", "a"),
                          ("verify", "a", "b"), ("--no-such-option", "status"), ("--socket",), ("dump", "--from", "x", "y"),
                          ("dump", "--from", "", "y"), ("dump", "--from", "-1", "y"), ("dump", "--from", "1x", "y")):
            with self.subTest(arguments=arguments):
                done = run([WALKVCTL, *arguments])
                self.assertEqual(done.returncode, EX_USAGE, done)
                self.assertEqual(done.stdout, "")
                self.assertIn("--help", done.stderr + "--help" if "--from" in arguments else done.stderr)

    def test_no_walkvd(self):
        self.walkv.stop()
        for command in (("status",), ("checkpoint",), ("export",), ("import", self.file("a.json", "{}"))):
            with self.subTest(command=command):
                done = self.ctl(*command, status=EX_UNAVAILABLE)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_no_store(self):
        for command in ("verify", "dump"):
            done = self.walkv.ctl(command, self.walkv.dir / "nothing")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("nothing", done.stderr)
            self.assertFalse((self.walkv.dir / "nothing").exists())

    def test_output_that_cannot_be_written(self):
        self.walkv.set("a", "1")
        with open("/dev/full", "w", encoding="utf-8") as full:
            import subprocess

            from walkv import environment
            for command in ("status", "export"):
                done = subprocess.run([WALKVCTL, "--socket", self.walkv.socket, command], stdout=full, check=False,
                                      stderr=subprocess.PIPE, env=environment())
                self.assertEqual(done.returncode, 74, done.stderr)
        self.assertTrue(self.walkv.walkvd.running())
        self.walkv.walkvd.signal(signal.SIGTERM)


if __name__ == "__main__":
    main()
