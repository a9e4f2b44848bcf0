# SPDX-License-Identifier: MIT
"""The HTTP contract, row by row. First the user's own specification, byte for byte; then everything else of
keys, queues and service; then every way to be refused."""

import re

from walkv import SystemTest, main, quote


class Specification(SystemTest):
    """The rows of the contract that are the user's own words: members, names and order exactly so."""

    def setUp(self):
        super().setUp()
        self.walkv = self.instance(workers=1).start()

    def test_keys(self):
        self.transcript("""
            > GET /api/kv
            < 200 {"success":true,"data":{}}
            > GET /api/kv/myKey
            < 404 {"success":false,"error":"Key not found","code":"not_found"}
            > POST /api/kv/myKey {"value":"newValue"}
            < 201 {"success":true,"key":"myKey","value":"newValue"}
            - Content-Type: application/json
            - Walkv-Lsn: *
            > GET /api/kv/myKey
            < 200 {"success":true,"key":"myKey","value":"newValue"}
            - Content-Type: application/json
            > POST /api/kv/myKey {"value":"myValue"}
            < 200 {"success":true,"key":"myKey","value":"myValue"}
            > GET /api/kv/myKey
            < 200 {"success":true,"key":"myKey","value":"myValue"}
            > DELETE /api/kv/myKey
            < 200 {"success":true,"key":"myKey"}
            - Walkv-Lsn: *
            > DELETE /api/kv/myKey
            < 404 {"success":false,"error":"Key not found","code":"not_found"}
            > GET /api/kv/myKey
            < 404 {"success":false,"error":"Key not found","code":"not_found"}
        """)

    def test_all_keys_come_in_byte_order(self):
        self.transcript("""
            > POST /api/kv/key2 {"value":"value2"}
            < 201
            > POST /api/kv/key1 {"value":"value1"}
            < 201
            > GET /api/kv
            < 200 {"success":true,"data":{"key1":"value1","key2":"value2"}}
            > POST /api/kv/%C3%A9 {"value":3}
            < 201 {"success":true,"key":"é","value":3}
            > POST /api/kv/Z {"value":4}
            < 201
            > GET /api/kv
            < 200 {"success":true,"data":{"Z":4,"key1":"value1","key2":"value2","é":3}}
        """)

    def test_value_is_required(self):
        self.transcript("""
            > POST /api/kv/myKey {}
            < 400 {"success":false,"error":"Value is required","code":"value_required"}
            > POST /api/queue/myQueue/enqueue {}
            < 400 {"success":false,"error":"Value is required","code":"value_required"}
            > GET /api/queue
            < 200 {"success":true,"queues":[],"count":0}
        """)

    def test_queues(self):
        self.transcript("""
            > GET /api/queue
            < 200 {"success":true,"queues":[],"count":0}
            > GET /api/queue/myQueue/size
            < 200 {"success":true,"queue":"myQueue","size":0}
            > POST /api/queue/myQueue/dequeue
            < 404 {"success":false,"error":"Queue is empty or does not exist","code":"queue_empty"}
            > GET /api/queue/myQueue/peek
            < 404 {"success":false,"error":"Queue is empty or does not exist","code":"queue_empty"}
            > DELETE /api/queue/myQueue
            < 404 {"success":false,"error":"Queue does not exist","code":"queue_not_found"}
            > POST /api/queue/myQueue/enqueue {"value":"item1"}
            < 200 {"success":true,"queue":"myQueue","value":"item1","size":1}
            - Walkv-Lsn: *
            > POST /api/queue/myQueue/enqueue {"value":"item2"}
            < 200 {"success":true,"queue":"myQueue","value":"item2","size":2}
            > GET /api/queue/myQueue/peek
            < 200 {"success":true,"queue":"myQueue","value":"item1"}
            > GET /api/queue/myQueue/size
            < 200 {"success":true,"queue":"myQueue","size":2}
            > POST /api/queue/myQueue/dequeue
            < 200 {"success":true,"queue":"myQueue","value":"item1"}
            - Walkv-Lsn: *
            > POST /api/queue/myQueue/dequeue
            < 200 {"success":true,"queue":"myQueue","value":"item2"}
            > POST /api/queue/myQueue/dequeue
            < 404 {"success":false,"error":"Queue is empty or does not exist","code":"queue_empty"}
            > GET /api/queue/myQueue/size
            < 200 {"success":true,"queue":"myQueue","size":0}
        """)

    def test_clearing_a_queue_keeps_its_name(self):
        self.transcript("""
            > POST /api/queue/queue2/enqueue {"value":1}
            < 200
            > POST /api/queue/queue1/enqueue {"value":2}
            < 200
            > GET /api/queue
            < 200 {"success":true,"queues":["queue1","queue2"],"count":2}
            > DELETE /api/queue/queue1
            < 200 {"success":true,"queue":"queue1"}
            - Walkv-Lsn: *
            > GET /api/queue
            < 200 {"success":true,"queues":["queue1","queue2"],"count":2}
            > GET /api/queue/queue1/size
            < 200 {"success":true,"queue":"queue1","size":0}
            > GET /api/queue/queue1/peek
            < 404 queue_empty
            > POST /api/queue/queue1/enqueue {"value":3}
            < 200 {"success":true,"queue":"queue1","value":3,"size":1}
        """)


class Keys(SystemTest):
    def test_put_creates_or_replaces(self):
        self.transcript("""
            > PUT /api/kv/put {"value":1}
            < 201 {"success":true,"key":"put","value":1}
            > PUT /api/kv/put {"value":2}
            < 200 {"success":true,"key":"put","value":2}
        """)

    def test_patch_needs_the_key(self):
        self.transcript("""
            > PATCH /api/kv/patch {"value":1}
            < 404 not_found
            > GET /api/kv/patch
            < 404 not_found
            > PUT /api/kv/patch {"value":1}
            < 201
            > PATCH /api/kv/patch {"value":2}
            < 200 {"success":true,"key":"patch","value":2}
        """)

    def test_key_in_the_body(self):
        self.transcript("""
            > POST /api/kv {"key":"in/body","value":[1]}
            < 201 {"success":true,"key":"in/body","value":[1]}
            > GET /api/kv/in%2Fbody
            < 200 {"success":true,"key":"in/body","value":[1]}
            > POST /api/kv {"value":[1,{}],"key":"in/body"}
            < 200 {"success":true,"key":"in/body","value":[1,{}]}
            > POST /api/kv {"key":"\\u00e9\\n","value":1}
            < 201 {"success":true,"key":"é\\n","value":1}
            > GET /api/kv/%C3%A9%0A
            < 200 {"success":true,"key":"é\\n","value":1}
            > POST /api/kv {"key":"","value":1}
            < 400 invalid_key
            > POST /api/kv {"key":"a\\u0000b","value":1}
            < 400 invalid_key
            > POST /api/kv {"key":7,"value":1}
            < 400 invalid_key
            > POST /api/kv {"value":1}
            < 400
            > POST /api/kv {"key":"k"}
            < 400 value_required
        """)

    def test_any_json_value_is_a_value(self):
        for value in ["null", "true", "false", "0", "-0", "1.0", "1e400", "12345678901234567890", '""',
                      r'"\u0000"', r'"\ud834\udd1e"', '"\u00e9\U0001f600"', "[]", "{}", '{"b":1,"a":[{"c":null}]}',
                      '{"a":1,"a":2}', r'"\/\b\f\n\r\t"']:
            with self.subTest(value=value):
                wanted = '{"success":true,"key":"any","value":' + value + "}"
                answer = self.walkv.request("POST", "/api/kv/any", '{"value":' + value + "}")
                self.assertIn(answer.status, (200, 201))
                self.assertEqual(answer.text, wanted)
                self.assertEqual(self.walkv.get("/api/kv/any").text, wanted)

    def test_whitespace_goes_and_nothing_else(self):
        self.transcript("""
            > PUT /api/kv/white  { "other" : [ 1 ] , "value" : { "a b" : [ 1 , 2.50 , " x " ] } , "more" : null } 
            < 201 {"success":true,"key":"white","value":{"a b":[1,2.50," x "]}}
            > GET /api/kv/white
            < 200 {"success":true,"key":"white","value":{"a b":[1,2.50," x "]}}
        """)

    def test_of_members_with_one_name_the_last_counts(self):
        self.transcript("""
            > PUT /api/kv/twice {"value":1,"value":2}
            < 201 {"success":true,"key":"twice","value":2}
            > PUT /api/kv/twice {"value":3,"v\\u0061lue":4}
            < 200 {"success":true,"key":"twice","value":4}
        """)

    def test_nesting_ends_at_512(self):
        for depth, status in ((511, 201), (512, 200), (513, 400), (5000, 400)):
            with self.subTest(depth=depth):
                value = "[" * depth + "]" * depth
                answer = self.walkv.request("PUT", "/api/kv/deep", '{"value":' + value + "}")
                self.assertEqual(answer.status, status, answer)
                if status == 400:
                    self.assertError(answer, 400, "invalid_json")
                else:
                    self.assertEqual(self.walkv.get("/api/kv/deep").text,
                                     '{"success":true,"key":"deep","value":' + value + "}")

    def test_names(self):
        good = ["a", "a/b", "/", ".", "..", "a b", "a+b", "%41", "%", "?x=1", "#", "\u00e9", "\U0001f600", "\n", "\"",
                "\\", "\x7f", "x" * 500, "\u20ac" * 166 + "ab", "__proto__", "queues"]
        for name in good:
            with self.subTest(name=name):
                path = "/api/kv/" + quote(name)
                answer = self.walkv.request("PUT", path, '{"value":1}')
                self.assertEqual(answer.status, 201, answer)
                self.assertEqual(answer.json(), {"success": True, "key": name, "value": 1})
                self.assertEqual(self.walkv.get(path).json()["key"], name)
                queue = "/api/queue/" + quote(name)
                self.assertEqual(self.walkv.request("POST", queue + "/enqueue", '{"value":1}').json()["queue"], name)
                self.assertEqual(self.walkv.get(queue + "/size").json(), {"success": True, "queue": name, "size": 1})
        listed = self.walkv.get("/api/kv").json()["data"]
        self.assertEqual(sorted(set(good) - set(listed)), [])
        self.assertEqual(list(listed), sorted(listed, key=lambda k: k.encode()))
        self.assertEqual(self.walkv.get("/api/kv/a%2fb").json()["key"], "a/b")
        self.assertEqual(self.walkv.get("/api/kv/a+b").json()["key"], "a+b")  # '+' is no blank in a path

    def test_names_that_are_none(self):
        for segment in ["%00", "a%00b", "%FF", "%C0%80", "%ED%A0%80", "x" * 501, "%E2%82%AC" * 167]:
            with self.subTest(segment=segment):
                for method, path, body in (("GET", "/api/kv/", None), ("PUT", "/api/kv/", '{"value":1}'),
                                           ("DELETE", "/api/kv/", None)):
                    self.assertError(self.walkv.request(method, path + segment, body), 400, "invalid_key")
                for method, tail, body in (("GET", "/size", None), ("GET", "/peek", None), ("GET", "/items", None),
                                           ("POST", "/enqueue", '{"value":1}'), ("POST", "/dequeue", None),
                                           ("DELETE", "", None)):
                    self.assertError(self.walkv.request(method, f"/api/queue/{segment}{tail}", body),
                                     400, "invalid_key")

    def test_versions(self):
        answer = self.transcript("""
            > PUT /api/kv/version {"value":1}
            < 201
            - ETag: *
        """)
        first = answer.header("ETag")
        self.assertEqual(first, f'"{answer.header("Walkv-Lsn")}"')
        answer = self.transcript(f"""
            > GET /api/kv/version
            < 200
            - ETag: {first}
            > GET /api/kv/version
            + If-None-Match: {first}
            < 304
            - ETag: {first}
            > GET /api/kv/version
            + If-None-Match: "0"
            < 200 {{"success":true,"key":"version","value":1}}
            > GET /api/kv/version
            + If-None-Match: "0", {first}
            < 304
            > GET /api/kv/version
            + If-None-Match: W/{first}
            < 304
            > PUT /api/kv/version {{"value":2}}
            + If-Match: {first}
            < 200
        """)
        second = answer.header("ETag")
        self.assertGreater(int(second.strip('"')), int(first.strip('"')))
        answer = self.transcript(f"""
            > PUT /api/kv/version {{"value":3}}
            + If-Match: {first}
            < 412 precondition_failed
        """)
        self.assertIn(int(second.strip('"')), answer.json().values(), "the current version is named")
        self.transcript(f"""
            > GET /api/kv/version
            < 200 {{"success":true,"key":"version","value":2}}
            - ETag: {second}
            > DELETE /api/kv/version
            + If-Match: {first}
            < 412 precondition_failed
            > PATCH /api/kv/version {{"value":4}}
            + If-Match: *
            < 200
            > PUT /api/kv/version {{"value":5}}
            + If-None-Match: *
            < 412 precondition_failed
            > DELETE /api/kv/version
            + If-Match: *
            < 200
            > PUT /api/kv/version {{"value":6}}
            + If-Match: *
            < 412 precondition_failed
            > PUT /api/kv/version {{"value":7}}
            + If-None-Match: *
            < 201 {{"success":true,"key":"version","value":7}}
        """)

    def test_a_write_is_seen_by_every_worker_once_it_is_acknowledged(self):
        connections = [self.walkv.connect() for _ in range(16)]  # spread over the workers
        try:
            for n in range(100):
                connections[n % 16].request("PUT", "/api/kv/everywhere", f'{{"value":{n}}}')
                for c in connections:
                    self.assertEqual(c.get("/api/kv/everywhere").json()["value"], n)
        finally:
            for c in connections:
                c.close()


class KeyLists(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for key in ("b", "a", "user:1", "user:2", "user:3", "z", "user;", "a&b=c d"):
            cls.walkv.set(key, f'"{key}"')

    def test_parameters(self):
        self.transcript("""
            > GET /api/kv?prefix=user:
            < 200 {"success":true,"data":{"user:1":"user:1","user:2":"user:2","user:3":"user:3"}}
            > GET /api/kv?prefix=nobody
            < 200 {"success":true,"data":{}}
            > GET /api/kv?prefix=user:&limit=2
            < 200 {"success":true,"data":{"user:1":"user:1","user:2":"user:2"},"next":"user:2"}
            > GET /api/kv?prefix=user:&limit=2&after=user:2
            < 200 {"success":true,"data":{"user:3":"user:3"}}
            > GET /api/kv?prefix=user:&limit=3
            < 200 {"success":true,"data":{"user:1":"user:1","user:2":"user:2","user:3":"user:3"}}
            > GET /api/kv?after=user:3
            < 200 {"success":true,"data":{"user;":"user;","z":"z"}}
            > GET /api/kv?after=user:2x&limit=1
            < 200 {"success":true,"data":{"user:3":"user:3"},"next":"user:3"}
            > GET /api/kv?keys=only
            < 200 {"success":true,"keys":["a","a&b=c d","b","user:1","user:2","user:3","user;","z"]}
            > GET /api/kv?keys=only&limit=1
            < 200 {"success":true,"keys":["a"],"next":"a"}
            > GET /api/kv?prefix=a%26b%3Dc+d
            < 200 {"success":true,"data":{"a&b=c d":"a&b=c d"}}
            > GET /api/kv?after=zz
            < 200 {"success":true,"data":{}}
        """)

    def test_wrong_parameters(self):
        for query in ("limit=0", "limit=10001", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=1&limit=2",
                      "keys=all", "limit=99999999999999999999"):
            with self.subTest(query=query):
                self.assertError(self.walkv.get("/api/kv?" + query), 400, "invalid_parameter")
        for query in ("prefix=%zz", "prefix=%FF", "prefix=%"):
            with self.subTest(query=query):
                answer = self.walkv.get("/api/kv?" + query)
                self.assertError(answer, 400)
                self.assertIn(answer.code, ("invalid_parameter", "bad_request", "invalid_key"))

    def test_head(self):
        with self.walkv.connect() as c:
            for path in ("/api/kv/a", "/api/kv", "/api/kv?limit=2"):
                got, head = c.get(path), c.request("HEAD", path)
                self.assertEqual(head.status, 200)
                self.assertEqual(head.body, b"")
                for name in ("Content-Type", "Content-Length", "ETag"):
                    if head.header(name) is not None:
                        self.assertEqual(head.header(name), got.header(name), name)
            self.assertEqual(c.request("HEAD", "/api/kv/a").header("ETag"), c.get("/api/kv/a").header("ETag"))
            self.assertEqual(c.request("HEAD", "/api/kv/nothing").status, 404)


class Queues(SystemTest):
    def test_any_json_value_is_an_item(self):
        self.transcript("""
            > POST /api/queue/any/enqueue {"value":null}
            < 200 {"success":true,"queue":"any","value":null,"size":1}
            > POST /api/queue/any/enqueue {"value": 1.0 }
            < 200 {"success":true,"queue":"any","value":1.0,"size":2}
            > POST /api/queue/any/enqueue {"value":{"b": [ 12345678901234567890 ]}}
            < 200 {"success":true,"queue":"any","value":{"b":[12345678901234567890]},"size":3}
            > GET /api/queue/any/peek
            < 200 {"success":true,"queue":"any","value":null}
            > POST /api/queue/any/dequeue
            < 200 {"success":true,"queue":"any","value":null}
            > POST /api/queue/any/dequeue {}
            < 200 {"success":true,"queue":"any","value":1.0}
            > POST /api/queue/any/dequeue
            < 200 {"success":true,"queue":"any","value":{"b":[12345678901234567890]}}
        """)

    def test_forget(self):
        self.transcript("""
            > POST /api/queue/forget/enqueue {"value":1}
            < 200
            > DELETE /api/queue/forget?forget=true
            < 200 {"success":true,"queue":"forget"}
            > DELETE /api/queue/forget?forget=true
            < 404 queue_not_found
            > DELETE /api/queue/forget
            < 404 queue_not_found
            > POST /api/queue/forget/enqueue {"value":2}
            < 200 {"success":true,"queue":"forget","value":2,"size":1}
            > DELETE /api/queue/forget
            < 200
            > DELETE /api/queue/forget
            < 200
            > DELETE /api/queue/forget?forget=maybe
            < 400 invalid_parameter
            > DELETE /api/queue/forget?forget=true
            < 200
        """)
        self.assertNotIn("forget", self.walkv.get("/api/queue").json()["queues"])

    def test_sizes(self):
        walkv = self.instance(workers=1).start()
        self.transcript("""
            > POST /api/queue/queue1/enqueue {"value":1}
            < 200
            > POST /api/queue/queue2/enqueue {"value":1}
            < 200
            > POST /api/queue/queue2/dequeue
            < 200
            > GET /api/queue?sizes=true
            < 200 {"success":true,"queues":["queue1","queue2"],"count":2,"sizes":{"queue1":1,"queue2":0}}
            > GET /api/queue?sizes=maybe
            < 400 invalid_parameter
        """, walkv)

    def test_items(self):
        for n in range(250):
            self.walkv.enqueue("items", f'{{"n":{n}}}')
        with self.walkv.connect() as c:
            first = c.get("/api/queue/items/items")
            self.assertRegex(first.text, r'\A\{"success":true,"queue":"items","items":\[\{"id":\d+,"value":\{"n":0\}\},')
            page = first.json()
            self.assertEqual(len(page["items"]), 100)
            self.assertEqual(page["next"], page["items"][-1]["id"])
            self.assertTrue(first.text.endswith(f'],"next":{page["next"]}}}'))
            self.assertEqual([i["value"]["n"] for i in c.items("items")], list(range(250)))
            self.assertNotIn("next", c.get("/api/queue/items/items?limit=250").json())
            middle = page["items"][41]["id"]
            after = c.get(f"/api/queue/items/items?after={middle}&limit=1").json()
            self.assertEqual([i["value"]["n"] for i in after["items"]], [42])
            ids = [i["id"] for i in c.items("items")]
            c.post("/api/queue/items/dequeue")
            self.assertEqual([i["id"] for i in c.items("items")], ids[1:], "an id stays with its item")
        self.transcript("""
            > GET /api/queue/noitems/items
            < 404 queue_not_found
            > GET /api/queue/items/items?limit=0
            < 400 invalid_parameter
            > GET /api/queue/items/items?limit=1001
            < 400 invalid_parameter
            > GET /api/queue/items/items?after=x
            < 400 invalid_parameter
        """)

    def test_fifo_over_several_connections(self):
        connections = [self.walkv.connect() for _ in range(8)]
        try:
            for n in range(200):
                connections[n % 8].post("/api/queue/fifo/enqueue", f'{{"value":{n}}}')
            got = [connections[(n * 5) % 8].post("/api/queue/fifo/dequeue").json()["value"] for n in range(200)]
        finally:
            for c in connections:
                c.close()
        self.assertEqual(got, list(range(200)))


class Service(SystemTest):
    def test_health(self):
        for path in ("/livez", "/readyz", "/healthz"):
            answer = self.walkv.get(path)
            self.assertEqual(answer.status, 200, answer)
            self.assertIs(answer.json()["success"], True)

    def test_status(self):
        self.walkv.set("counted", '"123"')
        self.walkv.enqueue("counted", "1")
        before = self.walkv.status()
        self.walkv.set("counted2", '"123"')
        self.walkv.enqueue("counted", "2")
        text = self.walkv.get("/api/status").text
        after = self.walkv.status()

        def find(tree, name):
            if isinstance(tree, dict):
                if name in tree and not isinstance(tree[name], dict):
                    return tree[name]
                for each in tree.values():
                    found = find(each, name)
                    if found is not None:
                        return found
            return None

        self.assertTrue(text.startswith('{"success":true,'), text)
        for name in ("version", "store_id", "applied_lsn", "durable_lsn", "checkpoint_lsn", "keys", "queues", "items",
                     "start_kind", "recovery_ms", "workers"):
            self.assertIsNotNone(find(after, name), f"{name} in {text}")
        self.assertEqual(find(after, "keys"), find(before, "keys") + 1)
        self.assertEqual(find(after, "items"), find(before, "items") + 1)
        witness = 1  # what walkvd writes behind the last batch when it has been idle for a moment
        self.assertIn(find(after, "applied_lsn") - find(before, "applied_lsn"), (2, 2 + witness))
        self.assertGreaterEqual(find(after, "durable_lsn"), find(before, "applied_lsn"))
        self.assertRegex(str(find(after, "store_id")), r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
        self.assertEqual(find(after, "start_kind"), "new")


class Conditions(SystemTest):
    """Bytes by hand, which proxies change."""

    def test_if_none_match_may_name_many(self):
        self.walkv.set("many", "1")
        for path in ("/api/kv/many", "/openapi.json"):
            tag = self.walkv.get(path).header("ETag")
            none = '"0"'
            for status, *lines in (
                (304, tag), (304, "W/" + tag), (304, "*"), (304, f"{none},{tag}"), (304, f" ,, {none} ,\tW/{tag},"),
                (304, none, tag), (304, tag, none), (304, f"{none}, W/{none}", "", f"{none}, {tag}"), (304, none, "*"),
                (304, f'"a,b", {tag}'), (304, f'"\\", {tag}'), (304, "unreadable", tag),
                (200, none), (200, ""), (200, none, none), (200, f'"{tag[1:-1]}, {none}'), (200, tag[1:-1]), (200, tag[:-1]),
                (200, f'"a,{tag[1:-1]},b"'), (200, "w/" + tag), (200, f"{none[:-1]},{tag}"), (200, f"W/ {tag}"),
                (200, '"0' + tag[1:]), (200, f"{none}{tag}"), (200, "**"),
            ):
                with self.subTest(path=path, lines=lines), self.walkv.connect() as c:
                    fields = "".join(f"If-None-Match: {line}\r\n" for line in lines)
                    c.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
                    answer = c.response()
                    self.assertEqual(answer.status, status)
                    self.assertEqual(answer.header("ETag"), tag)


class Refusals(SystemTest):
    def raw(self, data):
        with self.walkv.connect() as c:
            c.send(data)
            return c.response()

    def test_invalid_json_says_where(self):
        for body, line, column in (('{"value":01}', 1, 11), ('{\n  "value": [1,\n 2,,]}', 3, 4), ("", 1, 1),
                                   ("{", 1, 2), ('{"value":"\u00e9" x}', 1, 14), ("nul", 1, 4)):
            with self.subTest(body=body):
                answer = self.walkv.request("POST", "/api/kv/bad", body)
                self.assertError(answer, 400, "invalid_json")
                self.assertEqual((answer.json()["line"], answer.json()["column"]), (line, column), answer)
        self.assertEqual(self.walkv.get("/api/kv/bad").status, 404)

    def test_a_body_that_is_no_object(self):
        for body in ("[]", "1", '"value"', "null"):
            with self.subTest(body=body):
                answer = self.walkv.request("POST", "/api/kv/bad", body)
                self.assertEqual(answer.status, 400)
                self.assertIn(answer.code, ("invalid_json", "value_required", "bad_request"))
                self.assertError(answer)

    def test_no_route(self):
        for path in ("/nothing", "/api", "/api/", "/api/kvs", "/api/kv/a/b", "/api/queue/q/other", "/api/queue/q",
                     "/api/queue/q/size/x", "//api/kv", "/API/KV", "/api/../api/kv"):
            with self.subTest(path=path):
                answer = self.walkv.get(path)
                self.assertIn(answer.status, (404, 405), answer)
                if answer.status == 405:  # /api/queue/q can be deleted, and so be known
                    self.assertEqual(path, "/api/queue/q")
                else:
                    self.assertError(answer, 404, "no_route")
        self.assertError(self.walkv.request("BREW", "/api/kv"), 501, "not_implemented")

    def test_method_not_allowed(self):
        for method, path, allowed in (
            ("DELETE", "/api/kv", {"GET", "HEAD", "POST", "OPTIONS"}),
            ("PUT", "/api/queue", {"GET", "HEAD", "OPTIONS"}),
            ("GET", "/api/queue/q/enqueue", {"POST", "OPTIONS"}),
            ("GET", "/api/queue/q/dequeue", {"POST", "OPTIONS"}),
            ("POST", "/api/queue/q/peek", {"GET", "HEAD", "OPTIONS"}),
            ("POST", "/api/queue/q", {"DELETE", "OPTIONS"}),
            ("POST", "/livez", {"GET", "HEAD", "OPTIONS"}),
        ):
            with self.subTest(method=method, path=path):
                answer = self.walkv.request(method, path, "{}" if method in ("PUT", "POST") else None)
                self.assertError(answer, 405, "method_not_allowed")
                named = set(re.split(r"\s*,\s*", answer.header("Allow")))
                self.assertEqual(named - {"HEAD", "OPTIONS"}, allowed - {"HEAD", "OPTIONS"})

    def test_media_type(self):
        for kind in (None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
            with self.subTest(kind=kind):
                headers = {"Content-Type": kind}
                answer = self.walkv.request("POST", "/api/kv/type", '{"value":1}', headers)
                self.assertError(answer, 415, "unsupported_media_type")
        for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"):
            with self.subTest(kind=kind):
                answer = self.walkv.request("PUT", "/api/kv/type", '{"value":1}', {"Content-Type": kind})
                self.assertIn(answer.status, (200, 201), answer)

    def test_one_failure_is_reported_in_the_order_of_checks(self):
        wrong_type = {"Content-Type": "text/plain"}
        big = '{"value":"' + "x" * (2 << 20) + '"}'
        for name, method, path, body, headers, status in (
            ("path before method", "BREW".replace("BREW", "DELETE"), "/api/none", None, {}, 404),
            ("path before type", "POST", "/api/none", "{}", wrong_type, 404),
            ("key before type", "POST", "/api/kv/%00", "{}", wrong_type, 400),
            ("method before type", "PUT", "/api/queue/q/enqueue", "{}", wrong_type, 405),
            ("type before size", "PUT", "/api/kv/order", big, wrong_type, 415),
            ("size before JSON", "PUT", "/api/kv/order", big[:-2], {}, 413),
            ("type before JSON", "PUT", "/api/kv/order", "{", wrong_type, 415),
            ("JSON before semantics", "PATCH", "/api/kv/order", "{", {"If-Match": '"7"'}, 400),
        ):
            with self.subTest(name):
                with self.walkv.connect() as c:
                    try:
                        c.put(method, path, body, headers)
                    except ConnectionError:
                        pass  # it may answer and close before all of the body is sent
                    answer = c.response()
                self.assertError(answer, status)

    def test_host(self):
        port = self.walkv.port
        for host in ("localhost", f"localhost:{port}", "127.0.0.1", f"127.0.0.1:{port}", "[::1]", f"LOCALHOST:{port}"):
            with self.subTest(host=host):
                self.assertEqual(self.walkv.get("/livez", headers={"Host": host}).status, 200)
        for host in ("evil.example", "localhost.evil.example", "10.0.0.1", f"evil.example:{port}"):
            with self.subTest(host=host):
                self.assertError(self.walkv.get("/api/kv", headers={"Host": host}), 421, "wrong_host")
        self.assertError(self.raw("GET /livez HTTP/1.1\r\n\r\n"), 400, "bad_request")
        self.assertError(self.raw("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
                         400, "bad_request")

    def test_allowed_hosts(self):
        walkv = self.instance(workers=1, httpd={"allowed_hosts": "api.example,other.example"})
        walkv.start_walkvd()
        walkv.start_httpd(wait=False)

        def answer(host):
            try:
                return walkv.get("/livez", headers={"Host": host}).status
            except ConnectionError:
                return None

        from walkv import wait_until
        self.assertEqual(wait_until(lambda: answer("api.example"), "an answer"), 200)
        self.assertEqual(answer("other.example:80"), 200)
        self.assertEqual(answer("evil.example"), 421)

    def test_framing(self):
        host = "Host: localhost\r\n"
        for name, data, status in (
            ("no request", "nonsense\r\n\r\n", 400),
            ("blank in the target", f"GET /api/ kv HTTP/1.1\r\n{host}\r\n", 400),
            ("bare LF", "GET /livez HTTP/1.1\nHost: localhost\n\n", 400),
            ("folded header", f"GET /livez HTTP/1.1\r\n{host}A: b\r\n c\r\n\r\n", 400),
            ("blank before the colon", f"GET /livez HTTP/1.1\r\n{host}A : b\r\n\r\n", 400),
            ("NUL in a header", f"GET /livez HTTP/1.1\r\n{host}A: b\0c\r\n\r\n", 400),
            ("two lengths", f"POST /api/kv/a HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            ("length and chunked", f"POST /api/kv/a HTTP/1.1\r\n{host}Content-Length: 3\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("signed length", f"POST /api/kv/a HTTP/1.1\r\n{host}Content-Length: +1\r\n\r\n", 400),
            ("bad escape", f"GET /api/kv/%zz HTTP/1.1\r\n{host}\r\n", 400),
            ("cut escape", f"GET /api/kv/%4 HTTP/1.1\r\n{host}\r\n", 400),
            ("bad chunk size", f"POST /api/kv/a HTTP/1.1\r\n{host}Content-Type: application/json\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400),
            ("chunk without end", f"POST /api/kv/a HTTP/1.1\r\n{host}Content-Type: application/json\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n", 400),
            ("other coding", f"POST /api/kv/a HTTP/1.1\r\n{host}Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
            ("HTTP/2.0", f"GET /livez HTTP/2.0\r\n{host}\r\n", 505),
            ("HTTP/1.2", f"GET /livez HTTP/1.2\r\n{host}\r\n", 505),
            ("expectation", f"POST /api/kv/a HTTP/1.1\r\n{host}Content-Type: application/json\r\n"
                            "Content-Length: 11\r\nExpect: tea\r\n\r\n", 417),
        ):
            with self.subTest(name):
                codes = {400: ("bad_request", "invalid_key"), 501: ("not_implemented",),
                         505: ("version_not_supported",), 417: ("expectation_failed",)}
                with self.walkv.connect() as c:
                    c.send(data)
                    answer = c.response()
                    self.assertError(answer, status)
                    self.assertIn(answer.code, codes[status])
                    if name != "bad escape" and name != "cut escape":
                        self.assertTrue(answer.closes, "what is ambiguous is never read on")
                        self.assertTrue(c.at_end())


if __name__ == "__main__":
    main()
