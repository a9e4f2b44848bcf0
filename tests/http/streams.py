# SPDX-License-Identifier: MIT
"""Streams of bytes that programs which frame HTTP have been played off against each other with: good requests, changed
in every systematic way, and pieces put together. The same ones in every run; behind each of them comes a request for
/canary, so that whoever takes the end of a body for a request, or a request for a body, shows it.

streams() yields (group, bytes); where a stream comes from in several ways it is there once."""

CANARY = b"GET /canary HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

# Good requests, to be changed.
GOOD = {
    "get": b"GET /p?q=%41 HTTP/1.1\r\nHost: a:80\r\nX: v w\r\n\r\n",
    "length": b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": CHUNKED + b'5;e=v;q="s\\"t"\r\nhello\r\na\r\n0123456789\r\n0\r\n\r\n',
    "absolute": b"GET http://a:80/p HTTP/1.1\r\nHost: a:80\r\n\r\n",
    "close": b"GET /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "old": b"GET /p HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
}

# What parsers stumble over: controls, white space, delimiters, neighbours of digits and letters, obs-text.
AWKWARD = b"\0\x01\x07\x08\t\n\x0b\x0c\r\x1b\x1f \"#%'()*+,-./09:;<=>?@AFGZ[\\]_`afgxz{|}~\x7f\x80\x85\xa0\xff"
ALL = bytes(range(256))

LINE_ENDS = (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\n\n", b"", b" \r\n", b"\t\r\n", b"\r \n", b"\r\n ", b"\r\n\t",
             b"\0\r\n", b"\x0b\r\n", b"\x0c\r\n", b"\x85", b"\xe2\x80\xa8", b"%0d%0a", b"\\r\\n")

LENGTHS = (b"5", b"0", b"", b"05", b"005", b"00", b"+5", b"-5", b"-0", b"0x5", b"5x", b"x5", b"5.0", b"5e0", b"5,5", b"5, 5",
           b"5,6", b"5;5", b"5 5", b"5\t5", b"5\0", b"\x005", b"\"5\"", b"'5'", b"5 ", b" 5", b"\t5", b"5\t", b"\xa05", b"5\xa0",
           b"\x0b5", b"5\x0b", b"1_0", b"4\r\n", b"\xd9\xa5", b"five", b"5,", b",5", b"2147483648", b"4294967296",
           b"9223372036854775807", b"9223372036854775808", b"18446744073709551615", b"18446744073709551616",
           b"18446744073709551621", b"99999999999999999999999999999999", b"5" + b" " * 100, b"0" * 100 + b"5", b"(5)", b"5(x)")

CODINGS = (b"chunked", b"Chunked", b"CHUNKED", b"chunked ", b"\tchunked", b"chunked\t", b"chunked,", b",chunked", b" ,chunked",
           b"chunked, chunked", b"chunked,identity", b"identity, chunked", b"identity", b"gzip", b"gzip, chunked",
           b"gzip,chunked", b"chunked, gzip", b"deflate", b"x-chunked", b"xchunked", b"chunkedx", b"chunked x", b"x chunked",
           b"chunked;q=1", b"chunked; a=b", b"\"chunked\"", b"'chunked'", b"chunke", b"hunked", b"chunk", b"", b" ", b",",
           b"\x0bchunked", b"\x0cchunked", b"\xa0chunked", b"chunked\x0b", b"chunked\0", b"\0chunked", b"chunked\xff",
           b"chu nked", b"chu\0nked", b"ch\xc3\xbcnked", b"chunked\r\n ", b"\r\n chunked", b"\r\n\tchunked", b"chun\r\n ked",
           b"trailers", b"chunked, trailers", b"compress, chunked", b"chunked\n", b"gzip\tchunked", b"tchunked, chunked")

NAMES = (b"%s ", b"%s\t", b" %s", b"\t%s", b"%s\0", b"\0%s", b"%s\x0b", b"\x0b%s", b"%s\r", b"%s\n", b"\n%s", b"\xa0%s", b"%s\xa0",
         b"%s:", b":%s", b"%s/", b"%s,", b"\"%s\"", b"(%s)", b"X-%s", b"%s-X", b"%s\\", b"%s=", b"%s;", b"%s@", b"%s[")

HOSTS = (b"a", b"A", b"b", b"", b" ", b"a ", b"a:80", b"a:", b"a:0", b"a:65535", b"a:65536", b"a:8080808080", b"a:-1", b"a:+80",
         b"a:0x50", b"a:80:80", b":80", b"a:b", b"a b", b"a\tb", b"a,b", b"a, b", b"a;b", b"a/b", b"a/", b"/a", b"a?b", b"a#b", b"a@b",
         b"u:p@a", b"@a", b"http://a", b"//a", b"[::1]", b"[::1]:80", b"[::1", b"::1", b"[]", b"[1::2::3]", b"[::1]x", b"[v1.a]",
         b"[fe80::1%25lo]", b"127.0.0.1", b"127.1", b"a.", b".a", b"a..b", b"-a", b"_a", b"a_b", b"%61", b"a%00", b"a\\b", b"a\"b",
         b"<a>", b"a^b", b"a|b", b"a`b", b"{a}", b"a\x7f", b"\xc3\xa4", b"xn--4ca", b"a\0b", b"a\x0bb", b"*", b"a*", b"~a", b"a!b",
         b"a$b", b"a&b", b"a'b", b"(a)", b"a=b", b"a+b")

VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/3.0", b"HTTP/9.9",
            b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/11", b"HTTP/1.1.1", b"HTTP/1.10", b"HTTP/10.1", b"HTTP/01.1", b"HTTP/1.01",
            b"HTTP/1,1", b"HTTP/1 1", b"HTTP/ 1.1", b"HTTP /1.1", b"HTTP/1.1 ", b"HTTP/1.1\t", b" HTTP/1.1", b"\tHTTP/1.1",
            b"HTTP\\1.1", b"HTTP-1.1", b"http/1.1", b"Http/1.1", b"HTP/1.1", b"HTTPS/1.1", b"HTTP/1.1x", b"XHTTP/1.1", b"ICE/1.0",
            b"RTSP/1.0", b"SIP/2.0", b"HTTP/-1.1", b"HTTP/1.-1", b"HTTP/+1.1", b"HTTP/a.b", b"HTTP/1.1\0", b"", b"HTTP", b"HTTP/",
            b"HTTP/1.1 HTTP/1.1", b"HTTP/1.1\r", b"HTTP/\xb9.1")

METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PRI", b"get", b"Get", b"GETS", b"GE",
           b"G", b"GET:", b"GET,", b"G ET", b"GET\0", b"\0GET", b" GET", b"\tGET", b"GET\t", b"", b"M-SEARCH", b"SOURCE", b"PROPFIND", b"QUERY",
           b"BREW", b"A" * 40, b"G\xc3\x84T", b"(GET)", b"GET/", b"GET\x0b", b"\xef\xbb\xbfGET", b"HTTP/1.1", b"DESCRIBE", b"PURGE",
           b"\r\nGET", b"\r\n\r\nGET", b"\r\n\r\n\r\nGET", b"\nGET", b"\n\nGET", b"\rGET", b"\r\rGET", b"\r\n GET", b"0GET", b"!GET")

TARGETS = (b"/", b"/p", b"*", b"**", b"/*", b"", b"p", b"?q", b"#f", b"/p#f", b"/p?q#f", b"//p", b"///p", b"/../p", b"/./p", b"/p//", b"/%",
           b"/%4", b"/%4g", b"/%zz", b"/%00", b"/%2f", b"/%2F", b"/p%20q", b"/p q", b"/p\tq", b"/p\0q", b"/p\x0bq", b"/p\x7f", b"/p\x80",
           b"/\xc3\xa4", b"/p\\q", b"/\"p\"", b"/<p>", b"/^", b"/`", b"/{p}", b"/|", b"/[p]", b"a:80", b"a", b"http://a/p", b"http://A/p",
           b"http://a", b"http://a?q", b"http://a#f", b"http://b/p", b"http://a:80/p", b"http://a:/p", b"http://a:x/p", b"http://u@a/p",
           b"http://u:p@a/p", b"http://@a/p", b"http:///p", b"http://", b"http:/a/p", b"http:a", b"http:", b"HTTP://a/p", b"https://a/p",
           b"ftp://a/p", b"ws://a/p", b"x://a/p", b"://a/p", b"http://a\\b/p", b"http://a b/p", b"http://[::1]/p", b"http://[::1/p",
           b"http://a/p http://a/q", b"http://a%00/p", b"/p HTTP/1.0", b"/" + b"p" * 4000)

SIZES = (b"5", b"0", b"00", b"a", b"A", b"0a", b"0A", b"00005", b"0000000000000005", b"00000000000000005", b"", b"+5", b"-5", b"0x5", b"0X5",
         b"5x", b"g", b"5g", b" 5", b"5 ", b"\t5", b"5\t", b"5  ", b"5.0", b"5,5", b"5;", b"5 ;a", b"5; a", b"5;a ", b"5;a=b", b"5;a=", b"5;=b",
         b"5;a=b;c", b"5;;a", b"5;a;", b'5;a="b"', b'5;a="b', b'5;a="b"c', b'5;a="\\""', b'5;a="\x01"', b"5;a\0", b"5;a=b c", b"5;a:b", b"5;a/b",
         b"5;a=\xff", b"5;\xff", b"5 a", b"5\x0b", b"5\0", b"\x005", b"5\xa0", b"fffffff", b"7fffffff", b"80000000", b"ffffffff", b"100000005",
         b"ffffffffffffffff", b"fffffffffffffffff", b"10000000000000005", b"1_0", b"5h", b"0;a", b"0 ", b"5\r", b"5;" + b"x" * 300, b"5;a\nb",
         b"5;a\rb", b"5;\n", b"(5)", b"\"5\"", b"5;a=\"b;c\"", b"5;a=b=c")

TRAILERS = (b"", b"X: y\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"X : y\r\n", b"X\r\n", b" X: y\r\n",
            b"X: y\r\n z\r\n", b"X: y\n", b":\r\n", b"\0\r\n", b"X: \0\r\n", b"Connection: close\r\n", b"GET /q HTTP/1.1\r\nHost: a\r\n", b"\n", b"\r")

CONNECTIONS = (b"close", b"Close", b"keep-alive", b"close, keep-alive", b"keep-alive, close", b"x, close", b"close, x", b",close", b"close,", b",",
               b"", b" close ", b"closed", b"xclose", b"clos", b"close x", b"x close", b"close;x", b"\"close\"", b"close\0", b"close\x0b", b"Upgrade",
               b"upgrade, close", b"Transfer-Encoding", b"Content-Length, Host", b"te, trailers", b"cl\xc3\xb6se", b"close\t,\tx")

EXPECTS = (b"100-continue", b"100-Continue", b"100-continue, x", b"x", b"", b"100", b"100-continue;a=b")

LEADING = (b"", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"\0", b"\xef\xbb\xbf", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
           b"\x80\x2e\x01\0\x02\0\x15\0\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
           b"\r\n\r\n\0\r\nQUIT\n", b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\n\r\n", b"GET /\r\n", b"x", b"SSH-2.0-x\r\n", b"*1\r\n", b"{}", b"\x03\0\0\x13")


def request(fields=b"Host: a\r\n", body=b"", method=b"POST", target=b"/p", version=b"HTTP/1.1"):
    return b"%s %s %s\r\n%s\r\n%s" % (method, target, version, fields, body)


def changed(good, values):
    """Each byte replaced by, and preceded by, each of the values; left out; doubled; swapped with the next; the last."""
    for at in range(len(good) + 1):
        before, here, behind = good[:at], good[at:at + 1], good[at + 1:]
        for value in values:
            byte = bytes([value])
            if here:
                yield before + byte + behind + CANARY
            yield before + byte + here + behind + CANARY
        yield before + behind + CANARY
        yield before + here + here + behind + CANARY
        yield before + behind[:1] + here + behind[1:] + CANARY
        yield before


def line_ends(good):
    parts = good.split(b"\r\n")
    for at in range(1, len(parts)):
        for end in LINE_ENDS:
            yield b"\r\n".join(parts[:at]) + end + b"\r\n".join(parts[at:]) + CANARY
    for end in LINE_ENDS:
        yield good.replace(b"\r\n", end) + CANARY


def lengths():
    for value in LENGTHS:
        yield request(b"Host: a\r\nContent-Length: %s\r\n" % value, b"hello")
        yield request(b"Host: a\r\nContent-Length:%s\r\n" % value, b"hello", b"GET")
        for other in (b"5", b"6", b"0", b"05", b""):
            for name in (b"Content-Length", b"content-length", b"CONTENT-LENGTH"):
                yield request(b"Content-Length: %s\r\nHost: a\r\n%s: %s\r\n" % (value, name, other), b"hello")
    for name in NAMES:
        yield request(b"Host: a\r\n%s: 5\r\n" % (name % b"Content-Length"), b"hello")
        yield request(b"Host: a\r\nContent-Length: 0\r\n%s: 5\r\n" % (name % b"Content-Length"), b"hello")


def codings():
    chunks = b"5\r\nhello\r\n0\r\n\r\n"
    for value in CODINGS:
        coding = b"Transfer-Encoding: %s\r\n" % value
        for version in (b"HTTP/1.1", b"HTTP/1.0"):
            yield request(b"Host: a\r\n" + coding, chunks, version=version)
        for length in (b"5", b"0", b"15", b"x", b""):
            yield request(b"Host: a\r\n" + coding + b"Content-Length: %s\r\n" % length, chunks)
            yield request(b"Host: a\r\nContent-Length: %s\r\n" % length + coding, chunks)
        for other in (b"chunked", b"identity", b"gzip", b""):
            yield request(b"Host: a\r\n" + coding + b"Transfer-Encoding: %s\r\n" % other, chunks)
            yield request(b"Host: a\r\nTransfer-Encoding: %s\r\n" % other + coding, chunks)
        yield request(b"Host: a\r\n" + coding, chunks, b"GET")
    for name in NAMES:
        yield request(b"Host: a\r\n%s: chunked\r\n" % (name % b"Transfer-Encoding"), chunks)
        yield request(b"Host: a\r\nContent-Length: 15\r\n%s: chunked\r\n" % (name % b"Transfer-Encoding"), chunks)
        yield request(b"Host: a\r\n%s: chunked\r\nContent-Length: 15\r\n" % (name % b"Transfer-Encoding"), chunks)


def heads():
    for version in VERSIONS:
        yield request(version=version)
        yield request(version=version, method=b"GET", target=b"http://a/p")
    for method in METHODS:
        for target in (b"/p", b"*", b"a:80", b"http://a/p"):
            yield request(method=method, target=target)
    for target in TARGETS:
        for method in (b"GET", b"OPTIONS", b"CONNECT"):
            yield request(method=method, target=target)
    for host in HOSTS:
        yield request(b"Host: %s\r\n" % host)
        yield request(b"Host: %s\r\n" % host, version=b"HTTP/1.0")
        yield request(b"Host: %s\r\n" % host, target=b"http://a/p")
        yield request(b"Host: a\r\n", target=b"http://%s/p" % host)
        yield request(b"Host: %s\r\n" % host, target=b"http://%s/p" % host)
        yield request(b"Host: a\r\nHost: %s\r\n" % host)
        yield request(b"Host: %s\r\nhost: a\r\n" % host)
    yield request(b"")
    yield request(b"", version=b"HTTP/1.0")
    for name in NAMES:
        yield request(b"%s: a\r\n" % (name % b"Host"))
        yield request(b"Host: a\r\n%s: b\r\n" % (name % b"Host"))
        yield request(b"Host: a\r\n%s: b\r\n" % (name % b"X"))
    for value in CONNECTIONS:
        yield request(b"Host: a\r\nConnection: %s\r\n" % value)
        yield request(b"Host: a\r\nConnection: %s\r\nConnection: close\r\n" % value)
        yield request(b"Host: a\r\nConnection: %s\r\nUpgrade: h2c\r\n" % value)
        yield request(b"Connection: %s\r\n" % value, version=b"HTTP/1.0")
    for value in EXPECTS:
        yield request(b"Host: a\r\nExpect: %s\r\n" % value)
        yield request(b"Host: a\r\nExpect: %s\r\nContent-Length: 5\r\n" % value, b"hello")
    for before in LEADING:
        yield before + request()
        yield request(b"Host: a\r\nContent-Length: 5\r\n", b"hello" + before)
        yield before
        yield CHUNKED + before


def chunks():
    for size in SIZES:
        yield CHUNKED + size + b"\r\nhello\r\n0\r\n\r\n"
        yield CHUNKED + b"5\r\nhello\r\n" + size + b"\r\n\r\n"
        yield CHUNKED + size + b"\nhello\n0\n\n"
    for trailer in TRAILERS:
        yield CHUNKED + b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n"
    for end in LINE_ENDS:
        for more in (b"", b"x"):
            yield CHUNKED + b"5\r\nhello" + more + end + b"0\r\n\r\n"
            yield CHUNKED + b"5" + end + more + b"hello\r\n0\r\n\r\n"
            yield CHUNKED + b"5\r\nhello\r\n0" + end + more + b"\r\n"
            yield CHUNKED + b"5\r\nhello\r\n0\r\n" + more + end
            yield CHUNKED + b"5;a" + end + more + b"hello\r\n0\r\n\r\n"
            yield CHUNKED + b"5;a=" + end + more + b"hello\r\n0\r\n\r\n"


def streams(every_byte=False):
    """`every_byte`: each place of each good request gets each of the 256 values, instead of the awkward ones."""
    seen = set()

    def fresh(group, found):
        for stream in found:
            if stream not in seen:
                seen.add(stream)
                yield group, stream

    for name, good in GOOD.items():
        yield from fresh("bytes of " + name, changed(good, ALL if every_byte else AWKWARD))
        yield from fresh("line ends of " + name, line_ends(good))
    # Where one byte decides what the rest is, all 256 of them in any case.
    for before, behind in ((b"POST /p HTTP/1.1", b"Host: a\r\n\r\n"), (b"POST /p HTTP/1.1\r", b"Host: a\r\n\r\n"),
                           (b"POST /p HTTP/1.1\r\nHost", b": a\r\n\r\n"), (b"POST /p HTTP/1.1\r\nHost:", b"a\r\n\r\n"),
                           (b"POST /p HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n\r\n"), (b"POST /p HTTP/1.1\r\nHost: a", b"\n\r\n"),
                           (b"POST /p HTTP/1.1\r\nHost: a\r\nX: y", b"z\r\n\r\n"), (b"POST /p HTTP/1.1\r\nHost: a\r\n\r", b""),
                           (b"POST", b"/p HTTP/1.1\r\nHost: a\r\n\r\n"), (b"POST /p", b"HTTP/1.1\r\nHost: a\r\n\r\n"),
                           (b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5", b"\r\n\r\nhello"),
                           (b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: ", b"5\r\n\r\nhello"),
                           (b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ", b"chunked\r\n\r\n0\r\n\r\n"),
                           (b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked", b"\r\n\r\n0\r\n\r\n"),
                           (CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"), (CHUNKED + b"5", b"\r\nhello\r\n0\r\n\r\n"), (CHUNKED + b"5\r", b"hello\r\n0\r\n\r\n"),
                           (CHUNKED + b"5;", b"a\r\nhello\r\n0\r\n\r\n"), (CHUNKED + b"5;a", b"\r\nhello\r\n0\r\n\r\n"),
                           (CHUNKED + b"5;a=", b"\r\nhello\r\n0\r\n\r\n"), (CHUNKED + b'5;a="', b'"\r\nhello\r\n0\r\n\r\n'),
                           (CHUNKED + b'5;a="\\', b'"\r\nhello\r\n0\r\n\r\n'), (CHUNKED + b"5\r\nhello", b"\n0\r\n\r\n"),
                           (CHUNKED + b"5\r\nhello\r", b"0\r\n\r\n"), (CHUNKED + b"5\r\nhello\r\n0\r\n", b"\n"), (CHUNKED + b"0\r\n\r", b"")):
        yield from fresh("every byte", (before + bytes([value]) + behind + CANARY for value in ALL))
    for group, made in (("lengths", lengths()), ("codings", codings()), ("heads", heads()), ("chunks", chunks())):
        yield from fresh(group, (stream + CANARY for stream in made))
