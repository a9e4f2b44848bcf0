# SPDX-License-Identifier: MIT
"""Values are kept as the text they came as: the JSON conformance files, through the real API.

The wanted text is made here, by a tokenizer of its own that knows nothing of walkv: whitespace outside strings
goes, everything else stays. The files are test data beside the project and are not part of it."""

import os
import unittest
from pathlib import Path

from walkv import ROOT, SystemTest, main

FILES = Path(os.environ.get("WALKV_JSON_FILES", ROOT.parent / "shared" / "data" / "json" / "test_parsing"))


def minified(text):
    """The bytes of a JSON text without the whitespace between its tokens."""
    out = bytearray()
    in_string = escaped = False
    for byte in text:
        if in_string:
            out.append(byte)
            if escaped:
                escaped = False
            elif byte == ord("\\"):
                escaped = True
            elif byte == ord('"'):
                in_string = False
        elif byte not in b" \t\r\n":
            out.append(byte)
            in_string = byte == ord('"')
    return bytes(out)


class Minified(unittest.TestCase):
    def test_the_tokenizer_of_this_test(self):
        for text, wanted in ((b" [ 1 , 2 ] ", b"[1,2]"), (b'"a b"', b'"a b"'), (b'{"\\" " : 1}', b'{"\\" ":1}'),
                             (b'"\\\\" , " "', b'"\\\\"," "'), (b"\t\r\n1.0\n", b"1.0")):
            self.assertEqual(minified(text), wanted)


@unittest.skipUnless(FILES.is_dir(), f"the JSON conformance files are not at {FILES}")
class Conformance(SystemTest):
    def each(self, kind):
        names = sorted(p for p in FILES.iterdir() if p.name.startswith(kind))
        self.assertGreater(len(names), 20)
        for path in names:
            with self.subTest(file=path.name):
                yield path.name, path.read_bytes()

    def store(self, text):
        """Stores the text as a key's value and as a queue's item; returns the two responses."""
        body = b'{"value":' + text + b"}"
        with self.walkv.connect() as c:
            return c.request("PUT", "/api/kv/json", body), c.request("POST", "/api/queue/json/enqueue", body)

    def assert_stored(self, text):
        wanted = b'{"success":true,"key":"json","value":' + minified(text) + b"}"
        self.assertEqual(self.walkv.get("/api/kv/json").body, wanted)
        self.assertEqual(self.walkv.get("/api/kv?prefix=json").body,
                         b'{"success":true,"data":{"json":' + minified(text) + b"}}")
        item = b'{"success":true,"queue":"json","value":' + minified(text) + b"}"
        self.assertEqual(self.walkv.get("/api/queue/json/peek").body, item)
        self.assertEqual(self.walkv.request("POST", "/api/queue/json/dequeue").body, item)

    def test_valid_files_come_back_as_they_were(self):
        for _, text in self.each("y_"):
            key, item = self.store(text)
            self.assertIn(key.status, (200, 201), key)
            self.assertEqual(key.body, b'{"success":true,"key":"json","value":' + minified(text) + b"}")
            self.assertEqual(item.status, 200, item)
            self.assert_stored(text)

    def test_invalid_files_are_refused(self):
        self.walkv.set("json", '"untouched"')
        for _, text in self.each("n_"):
            for answer in self.store(text):
                self.assertEqual(answer.status, 400, answer)
                self.assertIn(answer.code, ("invalid_json", "value_required"))
                self.assertError(answer)
            self.assertEqual(self.walkv.get("/api/kv/json").json()["value"], "untouched")
            self.assertEqual(self.walkv.get("/api/queue/json/size").json()["size"], 0)

    def test_files_that_may_go_either_way_do_no_harm(self):
        for name, text in self.each("i_"):
            key, item = self.store(text)
            self.assertEqual(key.status in (200, 201), item.status == 200, f"{name}: {key} {item}")
            if item.status == 200:
                self.assert_stored(text)
            else:
                self.assertError(key, 400)
                self.assertError(item, 400)
            self.walkv.set("after", '"well"')
            self.assertEqual(self.walkv.get("/api/kv/after").json()["value"], "well")

    def test_they_survive_a_restart(self):
        kept = {}
        for name, text in self.each("y_"):
            body = b'{"value":' + text + b"}"
            self.assertEqual(self.walkv.request("PUT", "/api/kv/" + name, body).status, 201)
            kept[name] = text
        for cold in (None, True):
            self.walkv.restart_walkvd(cold_start=cold)
            for name, text in kept.items():
                wanted = b'{"success":true,"key":"' + name.encode() + b'","value":' + minified(text) + b"}"
                self.assertEqual(self.walkv.get("/api/kv/" + name).body, wanted)


if __name__ == "__main__":
    main()
