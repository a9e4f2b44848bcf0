# SPDX-License-Identifier: MIT
"""Holds responses to walkv-httpd/openapi.json. The client of the system tests (walkv.py) hands every response that it
reads to `contract.check`, which fails when a status, a header or a body is not as it is described there, or when
something was answered at a path that is not described.

The validator knows the part of JSON Schema that the document uses and refuses every keyword that it does not know: so
nothing can stand in the document that is not checked."""

import collections
import gzip
import json
import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "walkv-httpd" / "openapi.json"

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")

# Header fields that frame a message or say who carried it; OpenAPI describes none of them.
UNDESCRIBED_HEADERS = {"content-type", "content-length", "transfer-encoding", "connection"}
HEADERS_OF_PROXIES = {"date", "server", "via", "keep-alive", "alt-svc"}

# Deliberately undescribed, (pattern of the target, why).
UNDESCRIBED = ((r"\*", "OPTIONS * asks about the server and not about a path"),)

# JSON Schema: what says something to people only.
ANNOTATIONS = {"description", "title", "summary", "example", "examples", "default"}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}


class Violation(AssertionError):
    """Something is not as the document says."""


def same(a, b):
    """Equality of JSON: 1 is not true."""
    return type(a) is type(b) and a == b


class Schemas:
    """Compiles schemas of a document to functions (value, where) -> None or what is wrong. None stands for a schema
    that takes everything, so that large lists of stored values need not be walked."""

    def __init__(self, document):
        self.document = document
        self.by_ref = {}

    def resolve(self, thing):
        """What a Reference Object refers to, or the thing itself."""
        while isinstance(thing, dict) and "$ref" in thing:
            ref = thing["$ref"]
            if not ref.startswith("#/"):
                raise Violation(f"{ref} is not in this document")
            thing = self.document
            for part in ref[2:].split("/"):
                part = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(thing, dict) or part not in thing:
                    raise Violation(f"{ref} refers to nothing")
                thing = thing[part]
        return thing

    def compile(self, schema):
        if schema is True:
            return None
        if schema is False:
            return lambda v, where: f"{where} may not be there"
        if not isinstance(schema, dict):
            raise Violation(f"{schema!r} is no schema")
        if "$ref" in schema:
            if set(schema) - {"$ref"} - ANNOTATIONS:
                raise Violation(f"{schema}: $ref with keywords beside it")
            ref = schema["$ref"]
            if ref not in self.by_ref:
                self.by_ref[ref] = self.compile(self.resolve(schema))
            return self.by_ref[ref]
        checks = []
        for keyword, argument in schema.items():
            if keyword in ANNOTATIONS or keyword in ("required", "additionalProperties"):
                continue
            if (make := getattr(self, "on_" + keyword, None)) is None:
                raise Violation(f"the keyword {keyword} is not known to the validator")
            if check := make(argument, schema):
                checks.append(check)
        for keyword in ("required", "additionalProperties"):
            if keyword in schema and "properties" not in schema and (check := self.on_properties({}, schema)):
                checks.append(check)
                break
        if not checks:
            return None

        def all_of_them(value, where):
            for check in checks:
                if wrong := check(value, where):
                    return wrong
            return None

        return all_of_them

    # keywords

    def on_type(self, name, _):
        names = name if isinstance(name, list) else [name]
        tests = [TYPES[n] for n in names]
        return lambda v, where: None if any(t(v) for t in tests) else f"{where} is {shown(v)} and not {name}"

    def on_enum(self, values, _):
        return lambda v, where: None if any(same(v, x) for x in values) else f"{where} is {shown(v)}, not in {values}"

    def on_const(self, value, _):
        return lambda v, where: None if same(v, value) else f"{where} is {shown(v)} and not {value!r}"

    def on_pattern(self, pattern, _):
        search = re.compile(pattern.replace("$", r"\Z")).search
        return lambda v, where: (
            f"{where} is {shown(v)}, not like {pattern}" if isinstance(v, str) and not search(v) else None
        )

    def on_minLength(self, least, _):
        return lambda v, where: f"{where} is too short" if isinstance(v, str) and len(v) < least else None

    def on_maxLength(self, most, _):
        return lambda v, where: f"{where} is too long" if isinstance(v, str) and len(v) > most else None

    def on_minimum(self, least, _):
        return lambda v, where: f"{where} is {v}, below {least}" if TYPES["number"](v) and v < least else None

    def on_maximum(self, most, _):
        return lambda v, where: f"{where} is {v}, above {most}" if TYPES["number"](v) and v > most else None

    def on_items(self, items, _):
        check = self.compile(items)
        if check is None:
            return None

        def each(value, where):
            if isinstance(value, list):
                for n, item in enumerate(value):
                    if wrong := check(item, f"{where}[{n}]"):
                        return wrong
            return None

        return each

    def on_properties(self, properties, schema):
        known = {name: self.compile(s) for name, s in properties.items()}
        required = schema.get("required", [])
        other = self.compile(schema.get("additionalProperties", True))

        def members(value, where):
            if not isinstance(value, dict):
                return None
            for name in required:
                if name not in value:
                    return f"{where}.{name} is missing"
            for name, check in known.items():
                if check is not None and name in value and (wrong := check(value[name], f"{where}.{name}")):
                    return wrong
            if other is not None:
                for name in value:
                    if name not in known and (wrong := other(value[name], f"{where}.{name}")):
                        return wrong
            return None

        return members

    def on_oneOf(self, schemas, _):
        return self.some(schemas, lambda count: count == 1)

    def on_anyOf(self, schemas, _):
        return self.some(schemas, lambda count: count >= 1)

    def some(self, schemas, enough):
        checks = [self.compile(s) for s in schemas]

        def alternatives(value, where):
            wrongs = [check and check(value, where) for check in checks]
            return None if enough(wrongs.count(None)) else f"{where} fits {wrongs.count(None)} alternatives: {wrongs}"

        return alternatives


def shown(value):
    text = json.dumps(value)
    return text if len(text) < 100 else text[:100] + "..."


def loads(text):
    """JSON as Python has it; integers that Python finds too long become floats."""
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text, parse_int=float)


def header_value(text, schema):
    """A header field's text as the type that its schema asks for."""
    return int(text) if schema.get("type") == "integer" and re.fullmatch(r"[0-9]{1,19}", text) else text


class Contract:
    """The document, ready to hold responses to it."""

    def __init__(self, document):
        self.document = document
        self.schemas = Schemas(document)
        self.checked = collections.Counter()  # (operationId, status): responses that were held to it
        self.unattributed = 0  # responses to bytes that a test sent by hand, whose request is not known
        self.violations = []  # kept as well as raised: a thread of a test may be the one that sees it
        self.templates = [
            (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]*", re.escape(path)) + r"\Z"), item)
            for path, item in document["paths"].items()
        ]
        self.everywhere = document["x-every-response"]["headers"]
        self.other_requests = document["x-other-requests"]
        self.compiled = {}

    def operation(self, method, target):
        """The operation that a request is, or what other requests are answered with."""
        path = re.sub(r"\A[a-z]+://[^/?]*", "", target).partition("?")[0]
        for template, item in self.templates:
            if template.match(path):
                return item.get(method.lower(), self.other_requests)
        return self.other_requests

    def check(self, method, target, status, headers, body, proxied=False):
        """Raises Violation when a response is not as described. `headers` is a list of (name, value). What a proxy adds
        to every response is let through with `proxied`."""
        if any(re.fullmatch(pattern, target) for pattern, _ in UNDESCRIBED):
            return
        operation = self.operation(method, target)
        try:
            self.check_response(operation, method, status, headers, body, proxied)
        except Violation as violation:
            text = f"{method} {target[:200]} -> {status} {headers} {bytes(body[:300])!r}\nis not as described: {violation}"
            self.violations.append(text)
            raise Violation(text) from None
        self.checked[operation.get("operationId", "other requests"), status] += 1

    def check_response(self, operation, method, status, headers, body, proxied):
        key = id(operation), status
        if key not in self.compiled:
            self.compiled[key] = self.compile_response(operation, status)
        fields, content = self.compiled[key]
        found = {}
        for name, value in headers:
            name = name.lower()
            if name in found:
                raise Violation(f"the header {name} came twice")
            found[name] = value
        by_proxy = proxied and "x-request-id" not in found  # a response of its own, which has no request id
        for name, (schema, check, required) in fields.items():
            if name not in found:
                if required and not (by_proxy and name == "x-request-id"):
                    raise Violation(f"the header {name} is missing")
            elif check and (wrong := check(header_value(found[name], schema), f"the header {name}")):
                raise Violation(wrong)
        unknown = set(found) - set(fields) - UNDESCRIBED_HEADERS - (HEADERS_OF_PROXIES if proxied else set())
        if unknown:
            raise Violation(f"the headers {sorted(unknown)} are not described")
        if method == "HEAD":
            return
        if content is None:
            if body:
                raise Violation("no body is described")
            return
        kind = found.get("content-type", "").partition(";")[0]
        if kind not in content:
            raise Violation(f"the type {kind!r} is not described, but {sorted(content)}")
        try:
            if found.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            value = loads(bytes(body)) if kind == "application/json" else bytes(body).decode()
        except ValueError as error:
            raise Violation(f"the body is not {kind}: {error}") from None
        if by_proxy and status >= 500 and isinstance(value, dict):
            value.setdefault("request_id", "none")
        if wrong := content[kind] and content[kind](value, "body"):
            raise Violation(wrong)

    def compile_response(self, operation, status):
        """({header: (schema, check, required)}, None or {media type: check of the body})."""
        responses = operation["responses"]
        if str(status) not in responses:
            raise Violation(f"the status {status} is not described for {operation.get('operationId', 'other requests')}")
        response = self.schemas.resolve(responses[str(status)])
        fields = {}
        for name, header in {**self.everywhere, **response.get("headers", {})}.items():
            header = self.schemas.resolve(header)
            schema = self.schemas.resolve(header["schema"])
            fields[name.lower()] = (schema, self.schemas.compile(schema), header.get("required", False))
        media = response.get("content")
        return fields, {kind: self.schemas.compile(each["schema"]) for kind, each in media.items()} if media else None

    def report(self):
        """One line for whoever runs the tests."""
        return (f"{sum(self.checked.values())} responses held to openapi.json, of {len(self.checked)} kinds; "
                f"{self.unattributed} to bytes by hand were not")


contract = Contract(json.loads(DOCUMENT.read_text(encoding="utf-8")))
