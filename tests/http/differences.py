# SPDX-License-Identifier: MIT
"""Where walkv and llhttp (Node, every lenient option off) read the same bytes differently, and why. Each kind says what
walkv makes of the stream where they part, what llhttp does, and what must be true of the bytes themselves, judged here
by rules of its own, so that a parser that refuses something else with the same words is not excused.

A difference is of the first kind that fits; one of no kind fails differential_test.py, and so does a kind that has none."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Callable

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
EXTENSION = rb";" + TOKEN + rb"(?:=(?:" + TOKEN + rb'|"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*"))?'


class Head:
    """The head at which the two part, cut up by hand."""

    def __init__(self, text):
        self.text = text
        head, _, self.body = text.partition(b"\r\n\r\n")
        self.line, *self.lines = head.split(b"\r\n")
        self.fields = [(name.lower(), value.strip(b" \t")) for name, colon, value in
                       (line.partition(b":") for line in self.lines) if colon]
        self.method, self.target, self.version = (self.line.split(b" ") + [b"", b"", b""])[:3]

    def values(self, name):
        return [value for n, value in self.fields if n == name]

    @property
    def authority(self):
        found = re.match(rb"(?i)https?://([^/?]*)", self.target)
        return found and found[1]

    @property
    def sizes(self):
        """The lines of chunk sizes, as far as they can be followed."""
        rest, lines = self.body, []
        while True:
            line, end, rest = rest.partition(b"\r\n")
            digits = re.match(rb"[0-9A-Fa-f]+", line)
            lines.append(line)
            if not end or not digits or int(digits[0], 16) == 0:
                return lines
            rest = rest[int(digits[0], 16) + 2:]

    @property
    def data_ends_badly(self):
        rest = self.body
        while found := re.match(rb"([0-9A-Fa-f]+)[^\r]*\r\n", rest):
            rest = rest[found.end() + int(found[1], 16):]
            if int(found[1], 16) == 0 or not rest.startswith(b"\r\n"):
                return int(found[1], 16) != 0
            rest = rest[2:]
        return False

    @property
    def behind(self):
        """What follows the request."""
        if codings(self):
            return self.body.partition(b"\r\n0\r\n\r\n")[2]
        return self.body[int(first_value(self, b"content-length") or b"0"):]

    @property
    def trailer(self):
        return self.body.rpartition(b"\r\n0\r\n")[2]


def host_is_good(text):
    found = re.fullmatch(rb"(?:\[([^\]]*)\]|[A-Za-z0-9._~-]+)(?::([0-9]{1,5}))?", text)
    if not found or (found[2] and int(found[2]) > 65535):
        return False
    try:
        return found[1] is None or bool(ipaddress.IPv6Address(found[1].decode("latin-1"))) and b"%" not in found[1]
    except ValueError:
        return False


def not_tokens(value):
    return any(not re.fullmatch(TOKEN, part.strip(b" \t")) for part in value.split(b",") if part.strip(b" \t"))


def first_value(head, name):
    return (head.values(name) or [b""])[0]


def codings(head):
    return [part.strip(b" \t").lower() for value in head.values(b"transfer-encoding") for part in value.split(b",")]


@dataclass
class Kind:
    name: str
    ours: str  # a regular expression for the end of our account
    theirs: str  # and of theirs
    holds: Callable[[Head], bool]
    why: str
    old: bool = False  # of llhttp before 8 alone, that of Node 18


GOES_ON = r"\.|more|close|upgrade|!HPE_INVALID_METHOD|!HPE_CLOSED_CONNECTION"  # it took the request that we refuse

KINDS = (
    # Host: llhttp does not look at it; Node's server does, but only at whether there is one.
    Kind("no Host", r"!400 HTTP/1.1 requires a Host field", GOES_ON, lambda h: not h.values(b"host"),
         "RFC 9112 3.2: 400. llhttp leaves it to the server."),
    Kind("Host twice", r"!400 Host is repeated", GOES_ON, lambda h: len(h.values(b"host")) > 1, "RFC 9112 3.2: 400."),
    Kind("Host is no host", r"!400 Host must be a name", GOES_ON, lambda h: not all(map(host_is_good, h.values(b"host"))),
         "RFC 9112 3.2: 400 for an invalid value. An empty one, percent escapes and sub-delims are refused as well."),
    Kind("target is no host", r"!400 The request target has no valid host", GOES_ON, lambda h: not host_is_good(h.authority),
         "The same in an absolute-form; userinfo is refused, as RFC 9110 4.2.4 wants."),
    Kind("two hosts", r"!400 Host and the host in the request target differ", GOES_ON,
         lambda h: h.authority.lower() != first_value(h, b"host").lower(),
         "RFC 9112 3.2.2 lets the target win; a program behind might take the other one, so neither does."),
    # The request line.
    Kind("method unknown here", r"!501 The method is not known", GOES_ON,
         lambda h: h.method not in (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"),
         "llhttp knows a list of methods that walkv does not have; CONNECT ends HTTP on the connection there."),
    Kind("version unknown here", r"!505 ", r"close|\.", lambda h: h.version in (b"HTTP/0.9", b"HTTP/2.0"),
         "llhttp takes 0.9 and 2.0, framed as 1.x."),
    Kind("HTTP/0.9", r"!400 (The request target must|In the request target|A method must|The request line must|A line must)", GOES_ON,
         lambda h: re.fullmatch(TOKEN + rb" +[^ ]*\r?", h.line.partition(b"\n")[0]) is not None,
         "A request line without a version is one of HTTP/0.9 to llhttp; here it is no request line."),
    Kind("other protocol", r"!400 The request line must", r"close|\.|upgrade", lambda h: re.match(rb"(ICE|RTSP)/", h.version) is not None,
         "llhttp speaks RTSP and ICE with some methods."),
    Kind("more than one space", r"!400 The request (line|target) must", GOES_ON, lambda h: re.match(TOKEN + rb"(  | [^ ]+  )", h.line) is not None,
         "RFC 9112 3 has exactly one; splitting at white space is what it permits and what proxies differ in."),
    Kind("fragment in the target", r"!400 The request target must be visible", GOES_ON, lambda h: b"#" in h.target,
         "A target has none (RFC 9112 3.2)."),
    Kind("escape without digits", r"!400 In the request target", GOES_ON, lambda h: re.search(rb"%(?![0-9A-Fa-f]{2})", h.target) is not None,
         "RFC 3986 2.1: two hex digits."),
    Kind("* for another method", r"!400 The request target \* is for OPTIONS", GOES_ON, lambda h: h.target == b"*" and h.method != b"OPTIONS",
         "RFC 9112 3.2.4: OPTIONS alone."),
    Kind("other form of target", r"!400 The request target must begin", GOES_ON,
         lambda h: not re.match(rb"(?i)/|https?://", h.target) and h.target != b"*",
         "Another scheme, an authority without CONNECT, or neither."),
    Kind("something before the request", r"!400 (A CR must be followed|A line must end in CR LF|A request must begin)", GOES_ON,
         lambda h: re.match(rb"\n|\r(?!\n)|\r\n[\r\n]", h.text) is not None,
         "llhttp skips any number of CR and LF between requests; here it is one empty line, in CR LF (RFC 9112 2.2)."),
    # Fields.
    Kind("Connection is no list of tokens", r"!400 Connection must be", GOES_ON, lambda h: any(map(not_tokens, h.values(b"connection"))),
         "RFC 9110 7.6.1; llhttp skips what it does not know, and with it perhaps `close`."),
    Kind("Content-Length padded or empty", r"!400 Content-Length must be", GOES_ON,
         lambda h: re.fullmatch(rb"0[0-9]+|", first_value(h, b"content-length")) is not None,
         "An empty one is not in the grammar, and others read leading zeros as octal."),
    Kind("Transfer-Encoding in HTTP/1.0", r"!400 Transfer-Encoding does not exist", r"close", lambda h: h.version == b"HTTP/1.0" and codings(h),
         "RFC 9112 6.1: its framing is to be taken for faulty."),
    Kind("Transfer-Encoding twice", r"!400 Transfer-Encoding is repeated", GOES_ON, lambda h: len(h.values(b"transfer-encoding")) > 1,
         "llhttp joins them; a chunked that others do not see is the oldest trick."),
    Kind("Transfer-Encoding with an empty element", r"!400 Transfer-Encoding must have chunked once", GOES_ON, lambda h: b"" in codings(h),
         "RFC 9110 5.6.1 has a recipient skip it; not where it decides the framing. Empty altogether, it is no coding to llhttp, and the body the next request."),
    Kind("chunked has a parameter or is not the last", r"!400 Transfer-Encoding must have chunked once", GOES_ON,
         lambda h: b"" not in codings(h) and any(not re.fullmatch(TOKEN, c) for c in codings(h)),
         "RFC 9112 6.1 and 7."),
    Kind("another coding before chunked", r"!501 Transfer-Encoding must be chunked", GOES_ON, lambda h: codings(h)[0] != b"chunked",
         "llhttp takes any coding as long as chunked is the last; walkv has none but chunked."),
    Kind("other expectation", r"!417 ", GOES_ON, lambda h: first_value(h, b"expect").lower() != b"100-continue", "RFC 9110 10.1.1; not a matter of llhttp."),
    # Chunks.
    Kind("chunk extension malformed", r"!400 (A chunk extension is|Control characters are not allowed in a chunk)", r"\.|more",
         lambda h: any(not re.fullmatch(rb"[0-9A-Fa-f]+(?:" + EXTENSION + rb")*", size) for size in h.sizes),
         "RFC 9112 7.1.1: an empty name, an empty value, a quote within a token."),
    Kind("chunk extensions too long", r"!400 The chunk extensions are longer", r"\.", lambda h: any(len(size) > 256 for size in h.sizes),
         "Node has a limit of its own, above llhttp."),
    Kind("chunk size too long", r"!400 A chunk size has more than 16 digits", r"\.", lambda h: any(re.match(rb"0{17}|0{16}[1-9A-Fa-f]", size) for size in h.sizes),
         "llhttp skips zeros without end."),
    Kind("chunk too large", r"!413 ", r"more", lambda h: any(int(re.match(rb"[0-9A-Fa-f]+", size)[0], 16) > 1 << 20 for size in h.sizes if size),
         "Over the limit of a value; llhttp has none and waits for it."),
    Kind("body too large", r"!413 ", r"more", lambda h: int(first_value(h, b"content-length")) > 1 << 20, "The same of a known length."),
    Kind("trailer", r"!400 Trailer fields are refused", GOES_ON, lambda h: re.match(TOKEN + b":", h.trailer) is not None,
         "RFC 9112 7.1.2 allows to drop them; here nothing is dropped that others may have taken for a field."),
    # What goes on when.
    Kind("HTTP/1.0 ends", r"close", r"\.|!HPE_INVALID_METHOD", lambda h: h.version == b"HTTP/1.0" and b"keep-alive" in first_value(h, b"connection").lower(),
         "`keep-alive` of HTTP/1.0 is not taken up, since old proxies pass it on (RFC 9112 appendix C.2.2)."),
    Kind("close beside a tab", r"close", r"\.", lambda h: re.search(rb"\r\nConnection:[^\r]*close\t", h.text) is not None,
         "White space around a list element may be a tab (RFC 9110 5.6.1); llhttp does not see the word then."),
    Kind("tab behind a length or coding", r"\.", r"!HPE_INVALID_(CONTENT_LENGTH|TRANSFER_ENCODING)",
         lambda h: re.search(rb"\r\n(?:Content-Length: ?5|Transfer-Encoding: chunked)\t\r\n", h.text) is not None,
         "White space around a field value may be a tab (RFC 9110 5.5); llhttp refuses this one."),
    Kind("Upgrade", r"\.", r"upgrade", lambda h: h.values(b"upgrade") and b"upgrade" in first_value(h, b"connection").lower(),
         "An offer that walkv does not take (RFC 9110 7.8); llhttp stops and lets its user decide."),
    # What llhttp has become stricter in since Node 18.
    Kind("any byte for LF", r"!400 A CR must be followed by LF", GOES_ON, lambda h: re.search(rb"\r[^\n]", h.text) is not None,
         "It did not look at what follows a CR.", old=True),
    Kind("bare LF", r"!400 A line must end in CR LF", GOES_ON, lambda h: re.search(rb"(?<!\r)\n", h.text) is not None,
         "It took one in some places.", old=True),
    Kind("two bytes behind chunk data", r"!400 A chunk must end in CR LF", GOES_ON, lambda h: h.data_ends_badly, "It did not look at them.", old=True),
    Kind("bytes in the target", r"!400 (The request target must be visible|Control characters)", GOES_ON,
         lambda h: re.search(rb"[\t\x0c\x80-\xff]", h.line) is not None, "It took tabs, form feeds and bytes over 127.", old=True),
    Kind("name is no token", r"!400 A header (name|field|line) must", GOES_ON, lambda h: any(not re.match(TOKEN + b":", line) for line in h.lines),
         "It took spaces within, and empty ones.", old=True),
    Kind("trailer is no field", r"!400 Trailer fields are refused", GOES_ON, lambda h: not h.trailer.startswith(b"\r\n"), "As in heads.", old=True),
    Kind("length and an empty coding", r"!400 Content-Length and Transfer-Encoding", GOES_ON, lambda h: codings(h) == [b""],
         "It took the length.", old=True),
)
