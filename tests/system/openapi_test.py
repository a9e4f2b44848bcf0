# SPDX-License-Identifier: MIT
"""The description of the API, walkv-httpd/openapi.json: a sound OpenAPI 3.1 document, the same routes, parameters,
statuses and codes as the code has, served as it is in the file; and the validator that holds the responses of all
system tests to it can tell right from wrong."""

import copy
import json
import re
import unittest

from openapi import ANNOTATIONS, DOCUMENT, METHODS, Contract, Schemas, Violation, contract
from walkv import ROOT, SystemTest, main, wait_until

HTTPD_SOURCES = ROOT / "walkv-httpd"
# (path, method, status): what the bodies are that are not JSON.
OTHER_KINDS = {
    ("/api/events", "get", "200"): ["text/event-stream"],
    ("/", "get", "200"): ["text/html"],
    ("/index.html", "get", "200"): ["text/html"],
    ("/assets/{file}", "get", "200"): ["text/javascript", "text/css", "image/svg+xml"],
}


def routes():
    """{(path of OpenAPI, method): (body, [parameters])} from the table of router.c."""
    text = (HTTPD_SOURCES / "router.c").read_text()
    table = re.search(r"static const struct route routes\[\] = \{\n(.*?)\n\};", text, re.DOTALL)[1]
    found = {}
    for pattern, method, body, parameters in re.findall(
        r'\{"([^"]+)", HTTP_(\w+), \w+, BODY_(\w+), \{([^}]*)\}\s*[},]', table
    ):
        kind = "{key}" if pattern.startswith("/api/kv/") else "{file}" if pattern.startswith("/assets/") else "{queue}"
        found[pattern.replace(":", kind), method.lower()] = (body, re.findall(r'"(\w+)"', parameters))
    if len(found) != table.count("HTTP_"):
        raise AssertionError("the table of routes is written in a way that is not understood here")
    return found


def failures():
    """{(status, code)} from the table of response.h."""
    text = (HTTPD_SOURCES / "response.h").read_text()
    return {(status, word) for status, word in re.findall(r'X\(\w+, (\d+), "(\w+)",', text)}


def operations(document):
    """(path, method, path item, operation), of all."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item, item[method]


def everything(thing):
    """Every object inside."""
    if isinstance(thing, dict):
        yield thing
        for each in thing.values():
            yield from everything(each)
    elif isinstance(thing, list):
        for each in thing:
            yield from everything(each)


class Document(unittest.TestCase):
    def setUp(self):
        self.document = contract.document
        self.resolve = contract.schemas.resolve

    def test_what_openapi_requires_is_there(self):
        d = self.document
        self.assertRegex(d["openapi"], r"\A3\.1\.\d+\Z")
        self.assertLessEqual({"title", "version"}, set(d["info"]))
        self.assertLessEqual({n for n in d if not n.startswith("x-")},
                             {"openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components",
                              "security", "tags", "externalDocs"})
        version = re.search(r"project\(walkv VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
        self.assertEqual(d["info"]["version"], version)
        for server in d["servers"]:
            self.assertIn("url", server)
        tags = {tag["name"] for tag in d["tags"]}
        for path, method, item, operation in operations(d):
            with self.subTest(path=path, method=method):
                self.assertTrue(path.startswith("/"))
                self.assertLessEqual(set(item), {*METHODS, "parameters", "summary", "description"})
                self.assertTrue(operation["summary"])
                self.assertLessEqual(set(operation["tags"]), tags)
                parameters = [self.resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
                for p in parameters:
                    self.assertIn(p["in"], ("path", "query", "header"))
                    self.assertTrue(p["name"] and p["description"] and "schema" in p)
                    self.assertTrue(p["in"] != "path" or p["required"] is True)
                places = [(p["in"], p["name"]) for p in parameters]
                self.assertEqual(len(places), len(set(places)), "a parameter is there twice")
                self.assertEqual([n for where, n in places if where == "path"], re.findall(r"\{(\w+)\}", path))
                if "requestBody" in operation:
                    self.assertTrue(self.resolve(operation["requestBody"])["content"])
                self.assertTrue(operation["responses"])
                for status, response in operation["responses"].items():
                    self.assertRegex(status, r"\A[2-5]\d\d\Z")
                    response = self.resolve(response)
                    self.assertTrue(response["description"])
                    kinds = OTHER_KINDS.get((path, method, status), ["application/json"])
                    self.assertEqual(list(response.get("content", kinds)), kinds)
                    for name, header in response.get("headers", {}).items():
                        header = self.resolve(header)
                        self.assertNotIn("name", header)
                        self.assertNotEqual(name.lower(), "content-type", "OpenAPI wants it left out")
                        self.assertIn("schema", header)

    def test_operation_ids_are_unique(self):
        ids = [operation["operationId"] for *_, operation in operations(self.document)]
        self.assertEqual(sorted(ids), sorted(set(ids)))

    def test_every_reference_resolves_and_every_component_is_used(self):
        used = set()
        for thing in everything(self.document):
            if "$ref" in thing:
                self.assertTrue(self.resolve(thing))
                used.add(thing["$ref"])
        there = {f"#/components/{kind}/{name}" for kind, each in self.document["components"].items() for name in each
                 if kind != "securitySchemes"}  # these are referred to by name
        self.assertEqual(there - used, set())

    def test_every_schema_is_understood_and_every_example_fits_its_schema(self):
        count = 0
        for thing in everything(self.document):
            if "schema" not in thing or "$ref" in thing:
                continue
            check = contract.schemas.compile(thing["schema"])
            examples = [e["value"] for e in thing.get("examples", {}).values()] + [thing[n] for n in ("example",) if n in thing]
            for example in examples:
                count += 1
                self.assertIsNone(check and check(example, "the example"), thing)
        self.assertGreater(count, 40)
        for path, method, _, operation in operations(self.document):
            for status, response in operation["responses"].items():
                for media in self.resolve(response).get("content", {}).values():
                    if status != "200" or path != "/openapi.json":
                        self.assertTrue("example" in media or media.get("examples"), f"{method} {path} {status}")

    def test_no_text_is_empty_and_all_are_ascii(self):
        DOCUMENT.read_bytes().decode("ascii")
        for thing in everything(self.document):
            for name in ANNOTATIONS - {"default", "example", "examples"}:
                if isinstance(thing.get(name), str):
                    self.assertTrue(thing[name].strip(), thing)


class Code(unittest.TestCase):
    """The document and the tables of the code, in both directions."""

    def setUp(self):
        self.described = {(path, method): (item, operation)
                          for path, method, item, operation in operations(contract.document)}

    def test_every_route_is_described_and_nothing_else(self):
        found = set(routes())
        found |= {(path, "head") for path, method in found if method == "get"}
        found |= {(path, "options") for path, _ in found}
        self.assertEqual(found - set(self.described), set(), "routes that are not described")
        self.assertEqual(set(self.described) - found, set(), "described, and no route")

    def test_parameters_and_bodies(self):
        resolve = contract.schemas.resolve
        for (path, method), (body, parameters) in routes().items():
            for described in [method] + (["head"] if method == "get" else []):
                with self.subTest(path=path, method=described):
                    operation = self.described[path, described][1]
                    named = [resolve(p) for p in operation.get("parameters", [])]
                    self.assertEqual({p["name"] for p in named if p["in"] == "query"}, set(parameters))
                    if body != "JSON":
                        self.assertNotIn("requestBody", operation)
                    writes = method != "get"
                    self.assertEqual("Idempotency-Key" in {p["name"] for p in named}, writes)
                    self.assertEqual("415" in operation["responses"], body == "JSON")
                    self.assertEqual("422" in operation["responses"], writes)

    def test_every_failure_is_described_and_nothing_else(self):
        resolve = contract.schemas.resolve
        described = set()
        groups = [operation for _, operation in self.described.values()] + [contract.other_requests]
        for status, response in (pair for group in groups for pair in group["responses"].items()):
            if status >= "400":
                schema = resolve(resolve(response)["content"]["application/json"]["schema"])
                described |= {(status, code) for code in schema["properties"]["code"]["enum"]}
        self.assertEqual(failures() - described, set(), "failures that are not described")
        self.assertEqual(described - failures(), set(), "described, and never answered")

    def test_what_every_operation_has(self):
        """Any request may be refused before it is looked at; under /api a token may be missing as well."""
        early = {"400", "408", "413", "414", "417", "421", "431", "500", "501", "505"}
        for (path, method), (_, operation) in self.described.items():
            with self.subTest(path=path, method=method):
                wanted = early | ({"401", "403"} if path.startswith("/api/") else set())
                self.assertLessEqual(wanted, set(operation["responses"]))


class Served(SystemTest):
    options = {"workers": 1}

    def test_it_is_the_file(self):
        answer = self.walkv.get("/openapi.json")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.header("Content-Type"), "application/json")
        self.assertEqual(answer.body, DOCUMENT.read_bytes())
        self.assertEqual(answer.header("Content-Length"), str(len(answer.body)))

    def test_a_body_is_asked_for_where_the_description_says_so(self):
        for path, method, _, operation in operations(contract.document):
            if method in ("get", "head", "options"):
                continue
            with self.subTest(path=path, method=method):
                required = contract.schemas.resolve(operation.get("requestBody", {})).get("required", False)
                answer = self.walkv.request(method.upper(), path.replace("{key}", "none").replace("{queue}", "none"))
                self.assertEqual(answer.code in ("value_required", "invalid_json"), required, answer)

    def test_it_is_asked_for_again(self):
        tag = self.walkv.get("/openapi.json").header("ETag")
        self.transcript(f"""
            > HEAD /openapi.json
            < 200
            - ETag: {tag}
            - Content-Length: {DOCUMENT.stat().st_size}
            - Cache-Control: no-cache
            > GET /openapi.json
            + If-None-Match: {tag}
            < 304
            - ETag: {tag}
            > GET /openapi.json
            + If-None-Match: "1", W/{tag} ,"2"
            < 304
            > HEAD /openapi.json
            + If-None-Match: *
            < 304
            > GET /openapi.json
            + If-None-Match: "1", {tag[:-2]}"
            < 200
            > GET /openapi.json
            + If-None-Match: {tag[1:-1]}
            < 200
            > GET /openapi.json?pretty=true
            < 400 invalid_parameter
            > POST /openapi.json
            < 405 method_not_allowed
            - Allow: GET, HEAD, OPTIONS
        """)

    def test_a_repeated_write_is_as_described(self):
        self.transcript("""
            > POST /api/queue/repeat/enqueue {"value":1}
            + Idempotency-Key: one
            < 200 {"success":true,"queue":"repeat","value":1,"size":1}
            > POST /api/queue/repeat/enqueue {"value":1}
            + Idempotency-Key: one
            < 200 {"success":true,"queue":"repeat","value":1,"size":1}
            - Idempotency-Replayed: true
            > POST /api/queue/repeat/enqueue {"value":2}
            + Idempotency-Key: one
            < 422 idempotency_mismatch
            > DELETE /api/kv/nothing
            + Idempotency-Key: two
            < 404 not_found
            > DELETE /api/kv/nothing
            + Idempotency-Key: two
            < 404 not_found
            - Idempotency-Replayed: true
        """)
        for operation, status in (("enqueue", 200), ("enqueue", 422), ("deleteKey", 404)):
            self.assertIn((operation, status), contract.checked)

    def test_everything_that_a_status_has_is_described_and_the_other_way_round(self):
        described = contract.document["components"]["schemas"]["Status"]["properties"]
        self.assertEqual(set(self.walkv.status()), set(described))
        self.walkv.stop_walkvd()
        wait_until(lambda: self.walkv.status()["walkvd"] == "unreachable", "the worker to notice")
        self.walkv.start_walkvd()
        self.walkv.wait_ready()


class Validator(unittest.TestCase):
    def check(self, schema, value):
        check = Schemas({"here": {"type": "integer"}}).compile(schema)
        return check(value, "it") if check else None

    def test_each_keyword(self):
        for schema, good, bad in (
            ({"type": "integer"}, [0, -7, 10**30], [1.5, True, "1", None]),
            ({"type": ["string", "null"]}, ["", None], [0, []]),
            ({"type": "boolean"}, [True], [1, "true"]),
            ({"type": "number"}, [1, 1.5], [False, "1"]),
            ({"type": "array", "items": {"type": "string"}}, [[], ["a"]], [{}, ["a", 1]]),
            ({"items": True}, [[1, "a"]], []),
            ({"type": "object"}, [{}], [[], None]),
            ({"enum": ["a", 1, None]}, ["a", 1, None], ["b", True, 1.5, "1"]),
            ({"const": True}, [True], [1, "true", False]),
            ({"pattern": "^[a-z]+$"}, ["abc", 7], ["Abc", "abc\n", ""]),
            ({"minLength": 1, "maxLength": 2}, ["a", "\u20ac\u20ac"], ["", "abc"]),
            ({"minimum": 1, "maximum": 3}, [1, 3, "0"], [0, 4]),
            ({"required": ["a"]}, [{"a": None}, 3], [{"b": 1}]),
            ({"properties": {"a": {"type": "integer"}}}, [{}, {"a": 1, "b": "x"}], [{"a": "1"}]),
            ({"properties": {"a": True}, "additionalProperties": False}, [{"a": "x"}, {}], [{"b": 1}]),
            ({"additionalProperties": {"type": "integer"}}, [{"a": 1}], [{"a": 1, "b": "2"}]),
            ({"oneOf": [{"type": "integer"}, {"minimum": 5}]}, [1, 7.5, "x"], [7]),
            ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, [1, None], ["1"]),
            ({"$ref": "#/here"}, [1], ["1"]),
            (True, [1], []),
            (False, [], [1]),
            ({"description": "anything"}, [1, {"a": []}], []),
        ):
            for value in good:
                self.assertIsNone(self.check(schema, value), f"{value!r} fits {schema}")
            for value in bad:
                self.assertIsNotNone(self.check(schema, value), f"{value!r} does not fit {schema}")

    def test_what_is_not_known_is_refused(self):
        for schema in ({"typ": "integer"}, {"uniqueItems": True}, {"$ref": "#/nowhere"}, {"$ref": "other.json"}, 7):
            with self.assertRaises(Violation):
                self.check(schema, 1)

    def test_wrong_responses_are_found(self):
        always = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("X-Request-Id", "a-1"),
                  ("Content-Type", "application/json")]
        good = ("GET", "/api/kv/a%2Fb?x=1", 200, [*always, ("ETag", '"7"')], b'{"success":true,"key":"a/b","value":[1e400]}')
        gone = ("GET", "/api/kv/a", 404, always, b'{"success":false,"error":"Key not found","code":"not_found"}')
        nothing = ("GET", "/none", 404, always, b'{"success":false,"error":"x","code":"no_route"}')
        page = b'{"success":true,"data":{"a":1},"next":"a"}'
        told = 'retry: 1000\nid: 1\n\nid: 2\nevent: set\ndata: {"key":"\u2028\\n"}\n\n: still here\nid: 3\n\n'.encode()
        events = ("GET", "/api/events", 200, [*always[:3], ("Content-Type", "text/event-stream")], told)
        policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"
        ui = [("Content-Security-Policy", policy), ("Cross-Origin-Opener-Policy", "same-origin"), ("Referrer-Policy", "no-referrer"),
              ("Cross-Origin-Resource-Policy", "same-origin"), ("ETag", f'"{"0a" * 8}-gzip"'), *always[1:3]]
        html = ("GET", "/", 200, [*ui, ("Cache-Control", "no-cache"), ("Content-Type", "text/html; charset=utf-8")],
                b"<!doctype html>")
        for_ever = ("Cache-Control", "public, max-age=31536000, immutable")
        asset = ("GET", "/assets/a.svg", 200, [*ui, for_ever, ("Content-Type", "image/svg+xml")], b"<svg/>")

        def but(case, **changes):
            names = ("method", "target", "status", "headers", "body")
            return tuple({**dict(zip(names, case)), **changes}.values())

        fresh = Contract(copy.deepcopy(contract.document))
        for case in (good, gone, nothing, but(good, method="HEAD", body=b""), but(good, target="http://h/api/kv/a"),
                     but(nothing, target="/api/kv/a/b"), but(good, target="/api/kv", headers=always, body=page), events,
                     html, but(html, target="/index.html"), asset, but(asset, method="HEAD", body=b""),
                     but(asset, status=304, body=b""), but(nothing, target="/"), but(nothing, target="/assets/none.js"),
                     but(events, body=b""), but(events, body=events[4].partition(b"\n\n")[2]),
                     but(good, target="*", body=b"anything")):
            fresh.check(*case)
        self.assertEqual(fresh.checked["getKey", 200], 2)
        self.assertEqual(fresh.violations, [])
        bad = (
            but(good, status=206),
            but(good, status=404),
            but(good, headers=always),
            but(good, headers=[*always, ("ETag", "7")]),
            but(good, headers=[*always, ("ETag", '"7"'), ("ETag", '"7"')]),
            but(good, headers=[*always, ("ETag", '"7"'), ("X-Powered-By", "walkv")]),
            but(good, headers=[*always, ("ETag", '"7"'), ("Date", "today")]),
            but(good, headers=[*always[1:], ("ETag", '"7"')]),
            but(good, body=b'{"success":true,"key":"a/b"}'),
            but(good, body=b'{"success":1,"key":"a/b","value":1}'),
            but(good, body=b'{"success":true,"key":"a/b","value":1,"more":1}'),
            but(good, body=b'{"success":true,"key":"","value":1}'),
            but(good, body=b'{"success":true,'),
            but(good, body=b""),
            but(good, target="/somewhere"),
            but(gone, body=b'{"success":false,"error":"","code":"not_found"}'),
            but(gone, body=b'{"success":false,"error":"x","code":"no_route"}'),
            but(gone, target="/none"),
            but(nothing, target="/api/kv/a"),
            but(nothing, method="POST", target="/livez", status=405),
            but(good, target="/api/kv", headers=always, body=page.replace(b'"a"}', b"7}")),
            but(good, headers=[*always[:3], ("ETag", '"7"'), ("Content-Type", "text/plain")]),
            but(good, headers=[*always[:3], ("ETag", '"7"')]),
            but(html, body=b"{}"),
            but(html, body=b"<!doctype html>\xff"),
            but(html, headers=[h for h in html[3] if h[0] != "Content-Security-Policy"]),
            but(html, headers=[h for h in html[3] if h[0] != "Cache-Control"] + [for_ever]),
            but(html, headers=[h for h in html[3] if h[0] != "Content-Type"] + [("Content-Type", "image/svg+xml")]),
            but(html, headers=[(name, value.replace("'self'", "'unsafe-inline'")) for name, value in html[3]]),
            but(asset, headers=[h for h in asset[3] if h[0] != "Cache-Control"] + [("Cache-Control", "no-cache")]),
            but(asset, headers=[h for h in asset[3] if h[0] != "Content-Type"] + [("Content-Type", "image/png")]),
            but(asset, status=304),
            but(events, headers=always),
            but(events, body=b'{"success":true}'),
            but(events, body=told[:-1]),
            but(events, body=told.replace(b"set", b"put")),
            but(events, body=told.replace(b"\\n", b"\n")),
            but(events, body=told.replace(b'"key"', b'"queue"')),
            but(events, body=told + told),
        )
        for case in bad:
            with self.subTest(case=case), self.assertRaises(Violation):
                fresh.check(*case)
        self.assertEqual(len(fresh.violations), len(bad))
        fresh.check(*but(good, headers=[*always, ("ETag", '"7"'), ("Date", "today"), ("Via", "1.1 x")]), proxied=True)


if __name__ == "__main__":
    main()
