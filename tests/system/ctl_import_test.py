# SPDX-License-Identifier: MIT
"""walkvctl import: every shape that it takes, told apart as documented, and every way of being wrong, refused with the
place. What came before the wrong place has been done, and is counted. ctl_test.py has the common cases."""

import json
import os
import subprocess

from walkv import EX_DATA, EX_IO, WALKVCTL, SystemTest, environment, main

EX_NOINPUT, EX_CANTCREAT = 66, 73


def started(kind, **more):
    return json.dumps({"type": kind, "status": "STARTED", **more}) + "\n"


class ImportTest(SystemTest):
    options = {"workers": 1, "walkvd": {"max_value_size": "64KiB", "connection_bytes_in_flight": "4MiB"}}

    def setUp(self):
        super().setUp()
        self.clear()

    def clear(self):
        """An empty store, for each row of a table."""
        keys, queues = self.walkv.contents()
        for key in keys:
            self.walkv.request("DELETE", f"/api/kv/{key}")
        for queue in queues:
            self.walkv.request("DELETE", f"/api/queue/{queue}?forget=true")

    def imported(self, text, status=0):
        """Imports a text as a file; returns what is said."""
        path = self.walkv.dir / "source"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = self.walkv.ctl("import", path)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def assertRefused(self, text, place, contents=None):
        """Refused in one sentence, which begins with the file and the place, and before that `contents` was done."""
        said = self.imported(text, EX_DATA)
        self.assertEqual(len(said.strip().splitlines()), 1, said)
        self.assertIn(f"{self.walkv.dir / 'source'}: {place}", said)
        self.assertRegex(said, r"; \d+ operations were done before\n\Z")
        if contents is not None:
            self.assertEqual(self.walkv.contents(), contents)


class Shapes(ImportTest):
    """A document, or lines? Told by the first line."""

    def test_told_apart(self):
        for text, wanted in (
            ('{"key":"a","value":1}\n{"key":"b","value":2}\n', ({"a": 1, "b": 2}, {})),
            ('{"key":"a","value":1}', ({"a": 1}, {})),
            ('\n \t\r\n{"key":"a","value":1}\n\n  \n{"queue":"q"}\n\n', ({"a": 1}, {"q": []})),
            ('{"queue":"q","value":[1]}\r\n', ({}, {"q": [[1]]})),
            ('{ "value" : "v" , "key" : "k" }', ({"k": "v"}, {})),
            ('{"queue":"q"}', ({}, {"q": []})),
            # The names of a line, but not its kinds of values: keys of a document.
            ('{"key":1,"value":2}', ({"key": 1, "value": 2}, {})),
            ('{"queue":[1]}', ({"queue": [1]}, {})),
            ('{"value":"v"}', ({"value": "v"}, {})),
            ('{"key":"a"}', ({"key": "a"}, {})),
            # One that goes on, or has other members as well.
            ('{\n"key":"a",\n"value":1}', ({"key": "a", "value": 1}, {})),
            ('{"key":"a","value":1,"other":2}', ({"key": "a", "value": 1, "other": 2}, {})),
            ('{"queue":"a","queues":{"q":[1]}}', ({"queue": "a"}, {"q": [1]})),
            ("{}", ({}, {})),
            ('{"queues":{}}', ({}, {})),
        ):
            with self.subTest(text):
                self.clear()
                self.imported(text)
                self.assertEqual(self.walkv.contents(), wanted)

    def test_from_a_pipe(self):
        text = "".join(f'{{"queue":"q","value":"{n:0100}"}}\n' for n in range(30000))
        done = self.walkv.ctl("--quiet", "import", "-", stdin=text)
        self.assertEqual((done.returncode, done.stderr), (0, "walkvctl: 30000 operations done\n"))
        items = self.walkv.contents()[1]["q"]
        self.assertEqual([int(item) for item in items], list(range(30000)))

    def test_what_cannot_be_read(self):
        done = self.walkv.ctl("import", self.walkv.dir / "not-there")
        self.assertEqual(done.returncode, EX_NOINPUT)
        self.assertIn("not-there: No such file", done.stderr)
        directory = os.open(self.walkv.dir, os.O_RDONLY)
        try:
            done = subprocess.run([WALKVCTL, "--socket", self.walkv.socket, "import", "-"], stdin=directory,
                                  capture_output=True, text=True, check=False, env=environment())
        finally:
            os.close(directory)
        self.assertEqual(done.returncode, EX_IO)
        self.assertIn("-: Is a directory", done.stderr)


class Refusals(ImportTest):
    names = (('""', "no name"), ('"' + "x" * 501 + '"', "a long name"), ('"a\\u0000b"', "NUL"),
             ('"\\ud800"', "half a character"))

    def test_documents(self):
        large = '"' + "x" * 65536 + '"'
        for text, place, contents in (
            ('{"a":1,\n "b":2,', "line 2, column 8: the text ends", ({"a": 1, "b": 2}, {})),
            ('{"a":1,\n "b":x}', "line 2, column 6: expected a value", ({"a": 1}, {})),
            ("[1]", "line 1, column 1: not an object", ({}, {})),
            ("", "line 1, column 1: ", ({}, {})),
            ('{"a":1}{"b":2}', "line 1, column 8: expected nothing", None),
            ('{"a":1,"large":' + large + "}", 'at "large": a value is larger', ({"a": 1}, {})),
            ('{"queues":{"q":[1,' + large + "]}}", 'at "q": a value is larger', ({}, {"q": [1]})),
            ('{"queues":[1]}', 'at "queues": must be an object of arrays', ({}, {})),
            ('{"queues":1}', 'at "queues": must be an object of arrays', ({}, {})),
            ('{"queues":{"q":[1],"r":{}}}', 'at "r": a queue must be an array', ({}, {"q": [1]})),
        ):
            with self.subTest(text[:60]):
                self.clear()
                self.assertRefused(text, place, contents)

    def test_nesting_ends_at_512(self):
        """In every shape, so that what is exported can be imported again."""
        deep, deeper = ("[" * depth + "1" + "]" * depth for depth in (512, 513))
        for shape, place in (('{"k":%s}', 'at "k": a value is nested too deeply'),
                             ('{"queues":{"q":[%s]}}', "line 1, column 529: nested too deeply"),
                             ('{"key":"k","value":%s}\n{"key":"b","value":1}', None),
                             ('{"queue":"q","value":%s}', None)):
            with self.subTest(shape):
                self.clear()
                self.imported(shape % deep)
                if place:
                    self.assertRefused(shape % deeper, place)
        self.assertRefused('{"key":"b","value":1}\n{"key":"k","value":%s}' % deeper, "line 2, column 532: nested too")
        self.assertRefused('{"key":"b","value":1}\n{"queue":"k","value":%s}' % deeper, "line 2, column 534: nested too")

    def test_what_came_before_is_done_and_counted(self):
        for count in (1, 511, 512, 513, 1500):
            with self.subTest(count=count):
                self.clear()
                lines = "".join(f'{{"key":"k{n}","value":{n}}}\n' for n in range(count))
                said = self.imported(lines + '{"key":1,"value":1}\n{"key":"behind","value":1}\n', EX_DATA)
                self.assertIn(f"line {count + 1}: ", said)
                self.assertIn(f"; {count} operations were done before\n", said)
                self.assertEqual(self.walkv.contents(), ({f"k{n}": n for n in range(count)}, {}))

    def test_names(self):
        for name, what in self.names:
            shown = name if len(name) < 80 else name[:80]
            with self.subTest(what):
                self.clear()
                self.assertRefused('{"a":1,' + name + ":2}", f"at {shown}: a name must be", ({"a": 1}, {}))
                self.assertRefused('{"queues":{' + name + ":[1]}}", f"at {shown}: a name must be", ({"a": 1}, {}))
                self.assertRefused('{"key":"b","value":1}\n{"key":' + name + ',"value":1}', "line 2: a name must be")
                self.assertRefused('{"key":"c","value":1}\n{"queue":' + name + "}", "line 2: a name must be",
                                   ({"a": 1, "b": 1, "c": 1}, {}))

    def test_lines(self):
        wrong = 'a line has "key" and "value", or "queue" and perhaps "value", no more'
        large = '"' + "x" * 65536 + '"'
        for line, why in (
            ('{"key":"b"', "column 11: the text ends too early"),
            ("[1]", "column 1: not an object"),
            ("{}", wrong),
            ('{"key":"b"}', wrong),
            ('{"value":1}', wrong),
            ('{"key":1,"value":1}', wrong),
            ('{"queue":1,"value":1}', wrong),
            ('{"queue":{}}', wrong),
            ('{"key":"b","queue":"q","value":1}', wrong),
            ('{"key":1,"queue":"q"}', wrong),
            ('{"key":"b","value":1,"other":1}', wrong),
            ('{"queue":"q","values":[1,2]}', wrong),
            ('{"Key":"b","value":1}', wrong),
            ('{"key":"b","value":' + large + "}", "a value is larger than max_value_size"),
            ('{"queue":"q","value":' + large + "}", "a value is larger than max_value_size"),
        ):
            with self.subTest(line[:60]):
                self.clear()
                self.assertRefused('{"key":"a","value":1}\n\n' + line + '\n{"key":"c","value":1}\n',
                                   f"line 3: {why}" if why[:6] != "column" else f"line 3, {why}", ({"a": 1}, {}))


class Full(SystemTest):
    options = None

    def test_a_full_store(self):
        walkv = self.instance(workers=1, walkvd={"view_size": "8MiB"}).start()
        source = walkv.dir / "source"
        source.write_text("".join(f'{{"key":"k{n}","value":"{"x" * 100000}"}}\n' for n in range(300)))
        done = walkv.ctl("import", source)
        self.assertEqual(done.returncode, EX_CANTCREAT, done.stderr)
        self.assertRegex(done.stderr, r"walkvd refused an operation: storage_full; about \d+ operations were done before")
        self.assertLessEqual({f"k{n}" for n in range(10)}, set(walkv.contents()[0]))


class Original(ImportTest):
    """An original data directory: db.json and then what its wal.log had begun."""

    def original(self, document, log, status=0):
        directory = self.walkv.dir / "original"
        directory.mkdir(exist_ok=True)
        for name, text in (("db.json", document), ("wal.log", log)):
            (directory / name).unlink(missing_ok=True)
            if text is not None:
                (directory / name).write_text(text)
        done = self.walkv.ctl("import", directory)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def test_clear(self):
        """Of all keys that came from there, and not of those that are set after it."""
        self.walkv.set("stranger", "1")
        self.walkv.set("queues", "1")
        self.original('{"a":1,"queues":{"q":[1]}}',
                      started("SET", id=1, key="b", value=1) + started("QUEUE_ENQUEUE", id=2, queue="q", value=2)
                      + started("CLEAR", id=3) + started("SET", id=4, key="c", value=1))
        self.assertEqual(self.walkv.contents(), ({"stranger": 1, "queues": 1, "c": 1}, {"q": [1, 2]}))

    def test_clear_looks_only_at_what_set_a_key(self):
        self.original("{}", started("SET", id=1, key="a", value=1) + '{"type":"SET","key":1}\n{"type":"SET"}\nnothing\n'
                      + started("DELETE", id=2, key="b") + started("SET", key="") + started("CLEAR", id=3), EX_DATA)
        self.assertEqual(self.walkv.contents(), ({}, {}))

    def test_ids(self):
        """A COMMIT is for the entry with the same id, whatever that looks like."""
        ids = ["1", "12", "21", "123456789012345678901", 1, 12, None]
        log = "".join(started("SET", id=id, key=f"k{n}", value=n) for n, id in enumerate(ids))
        log += started("SET", key="without", value=1)
        for committed in ([], [0], [1, 3], [4], [5, 6], [0, 1, 2, 3, 4, 5, 6]):
            with self.subTest(committed=committed):
                self.clear()
                commits = "".join(json.dumps({"type": "COMMIT", "id": ids[n]}) + "\n" for n in committed)
                self.original(None, log + commits + '{"type":"COMMIT"}\n{"type":5,"id":"1"}\n')
                wanted = {f"k{n}": n for n in range(len(ids)) if n not in committed}
                self.assertEqual(self.walkv.contents(), ({**wanted, "without": 1}, {}))

    def test_entries_that_are_left_out(self):
        good = started("SET", id=1, key="a", value=1), started("SET", id=2, key="b", value=2)
        for name, line, why in (("no name", started("SET", value=1), "the entry has no name"),
                                ("a name of another kind", started("SET", key=1, value=1), "the entry has no name"),
                                ("an empty name", started("SET", key="", value=1), "a name must be"),
                                ("no queue", started("QUEUE_ENQUEUE", key="k", value=1), "the entry has no name"),
                                ("an unknown type", started("RENAME", key="k"), "the type of the entry is not known"),
                                ("an unknown type of queue", started("QUEUE_PEEK", queue="q"), "type of the entry"),
                                ("no type", '{"status":"STARTED","key":"k"}\n', "the type of the entry is not known"),
                                ("a large value", started("SET", key="k", value="x" * 70000), "a value is larger"),
                                ("a large item", started("QUEUE_ENQUEUE", queue="q", value="x" * 70000), "is larger"),
                                ("no JSON", "{\n", "not a JSON object"), ("no object", "[1]\n", "not a JSON object")):
            with self.subTest(name):
                self.clear()
                said = self.original("{}", good[0] + line + good[1], EX_DATA)
                self.assertRegex(said, rf"walkvctl: wal\.log: line 2 is left out: .*{why}")
                self.assertIn("wal.log: 2 uncommitted entries done again", said)
                self.assertEqual(self.walkv.contents(), ({"a": 1, "b": 2}, {}))

    def test_entries_that_were_never_begun(self):
        said = self.original("{}", '{"type":"SET","key":"a","value":1}\n{"type":"SET","status":"DONE","key":"b"}\n'
                             '{"type":"SET","status":1,"key":"c","value":1}\n')
        self.assertIn("0 uncommitted entries done again", said)
        self.assertEqual(self.walkv.contents(), ({}, {}))

    def test_an_undefined_value_is_null(self):
        self.original(None, started("SET", id=1, key="a") + started("QUEUE_ENQUEUE", id=2, queue="q"))
        self.assertEqual(self.walkv.contents(), ({"a": None}, {"q": [None]}))

    def test_a_document_that_is_none(self):
        said = self.original('{"a":1,', started("SET", id=1, key="b", value=1), EX_DATA)
        self.assertIn("db.json: line 1, column 8", said)
        self.assertEqual(self.walkv.contents(), ({"a": 1}, {}), "the log was not looked at")

    def test_files_that_cannot_be_opened(self):
        directory = self.walkv.dir / "loop"
        directory.mkdir()
        for name, other in (("db.json", "wal.log"), ("wal.log", "db.json")):
            (directory / other).write_text("{}")
            (directory / name).symlink_to(name)
            done = self.walkv.ctl("import", directory)
            self.assertEqual(done.returncode, EX_NOINPUT, done.stderr)
            self.assertIn(f"{name}: Too many levels of symbolic links", done.stderr)
            (directory / name).unlink()
            (directory / other).unlink()
        done = self.walkv.ctl("import", directory)
        self.assertEqual(done.returncode, EX_NOINPUT, done.stderr)
        self.assertIn("holds neither db.json nor wal.log", done.stderr)


if __name__ == "__main__":
    main()
