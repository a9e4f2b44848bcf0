/* SPDX-License-Identifier: MIT
 *
 * http_parser: each stream of bytes is served as a connection would, and what happened is compared with a
 * transcript.
 *
 * Every row runs whole, cut in two at every position, and byte by byte, always with the same transcript. At
 * each step the input lies in a new heap block of exactly its size, so that ASan sees a read of one byte too
 * many and a span kept across calls.
 *
 * A transcript: "METHOD path [?query] host [1.0] [close] [length=n] [chunked] [expect] [x=[value of X]]
 * [body=[...]];" per request, then "!status" for an error, "(head)" or "(body)" when the stream ends in the
 * middle of one.
 */
#include "../../walkv-httpd/http_parser.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array)     (sizeof(array) / sizeof((array)[0]))
#define BODY_BYTES_MAX   1000 /* the limit given to http_body_start() */
#define SHOWN_BYTES_MAX  100  /* what is longer is shown as its length */
#define SPLIT_EVERY_BYTE 1500 /* longer streams are cut at samples and near both ends */

void http_parser_suite(void);

struct row {
    const char *name;
    const char *head;
    size_t head_bytes;
    const char *middle; /* repeated `times` */
    unsigned times;
    const char *tail;
    const char *want;
};

#define ROW(name, bytes, want)                                                                               \
    {                                                                                                        \
        name, bytes, sizeof(bytes) - 1, "", 0, "", want                                                      \
    }

/* A GET with the fields, which must include Host; a POST that has one. */
#define GET(fields)  "GET / HTTP/1.1\r\n" fields "\r\n"
#define POST(fields) "POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define CHUNKED      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct row rows[] = {
    /* ---- well-formed heads ---- */
    ROW("plain GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / a;"),
    ROW("HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD / a;"),
    ROW("PUT without body", "PUT /k HTTP/1.1\r\nHost: a\r\n\r\n", "PUT /k a;"),
    ROW("PATCH", "PATCH /k HTTP/1.1\r\nHost: a\r\n\r\n", "PATCH /k a;"),
    ROW("DELETE", "DELETE /k HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE /k a;"),
    ROW("OPTIONS path", "OPTIONS /k HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS /k a;"),
    ROW("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * a;"),
    ROW("one empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / a;"),
    ROW("query", "GET /a?b=c&d HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a ?b=c&d a;"),
    ROW("empty query", "GET /a? HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a a;"),
    ROW("second question mark", "GET /a?b?c HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a ?b?c a;"),
    ROW("escapes stay raw", "GET /%2F%c3%A4?%3f HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%2F%c3%A4 ?%3f a;"),
    ROW("dots stay", "GET /../a//./b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /../a//./b a;"),
    ROW("all visible ASCII", "GET /!\"$&'()*+,-.09:;<=>@AZ[\\]^_`az{|}~ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /!\"$&'()*+,-.09:;<=>@AZ[\\]^_`az{|}~ a;"),
    ROW("pipelined", "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET /1 a;GET /2 b;"),
    ROW("pipelined, one empty line between",
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /1 a;GET /2 a;"),
    ROW("incomplete", "GET / HTTP/1.1\r\nHost: a\r\n", "(head)"),
    ROW("incomplete, CR", "GET / HTTP/1.1\r\nHost: a\r\n\r", "(head)"),
    ROW("nothing", "", ""),

    /* ---- request line ---- */
    ROW("two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("LF first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("CR CR LF first", "\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("space first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("NUL first", "\0GET / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("BOM first", "\xef\xbb\xbfGET / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "!400"),
    ROW("SSLv2 hello", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00", "!400"),
    ROW("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!505"),
    ROW("PROXY protocol", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("PROXY protocol 2", "\r\n\r\n\0\r\nQUIT\n", "!400"),
    ROW("lower case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "!501"),
    ROW("unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "!501"),
    ROW("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "!501"),
    ROW("method with a tail", "GETS / HTTP/1.1\r\nHost: a\r\n\r\n", "!501"),
    ROW("method cut short", "GE / HTTP/1.1\r\nHost: a\r\n\r\n", "!501"),
    ROW("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "!501"),
    ROW("method with control", "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("method with parenthesis", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("method with obs-text", "G\xc3\xa4T / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("method with colon", "GET: / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("method alone", "GET\r\n\r\n", "!400"),
    ROW("HTTP/0.9", "GET /\r\n", "!400"),
    ROW("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("two spaces before target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("two spaces behind target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("two spaces, no target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("tab before target", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("tab behind target", "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("space behind version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "!400"),
    ROW("bare LF behind request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "!400"),
    ROW("bare CR behind request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", "!400"),
    ROW("CR CR LF behind request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "!400"),
    ROW("fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("NUL in target", "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("DEL in target", "GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("raw UTF-8 in target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("CR in target", "GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("escape without digits", "GET /% HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("escape with one digit", "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("escape with a wrong digit", "GET /%4g HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("escape wrong in query", "GET /?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("query alone", "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("* for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("** for OPTIONS", "OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("*? for OPTIONS", "OPTIONS *?a HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("authority-form for GET", "GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "!400"),

    /* ---- absolute-form ---- */
    ROW("absolute", "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", "GET /b ?c a;"),
    ROW("absolute https with port", "GET HTTPS://A:80/b HTTP/1.1\r\nHost: a:80\r\n\r\n", "GET /b a:80;"),
    ROW("absolute without path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET / a;"),
    ROW("absolute, query at once", "GET http://a?b/c HTTP/1.1\r\nHost: a\r\n\r\n", "GET / ?b/c a;"),
    ROW("absolute OPTIONS without path", "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * a;"),
    ROW("absolute IPv6", "GET http://[::1]:4000/ HTTP/1.1\r\nHost: [::1]:4000\r\n\r\n", "GET / [::1]:4000;"),
    ROW("absolute in 1.0 without Host", "GET http://a/ HTTP/1.0\r\n\r\n", "GET / a 1.0 close;"),
    ROW("absolute without Host", "GET http://a/ HTTP/1.1\r\n\r\n", "!400"),
    ROW("absolute differs from Host", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "!400"),
    ROW("absolute longer than Host", "GET http://ab/ HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("absolute differs in port", "GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("absolute differs in 1.0", "GET http://a/ HTTP/1.0\r\nHost: b\r\n\r\n", "!400"),
    ROW("absolute, userinfo", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("absolute, no host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("absolute, port alone", "GET http://:80/ HTTP/1.1\r\nHost: :80\r\n\r\n", "!400"),
    ROW("absolute, backslash", "GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("absolute, one slash", "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("absolute, other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "!400"),

    /* ---- version ---- */
    ROW("1.0", "GET / HTTP/1.0\r\n\r\n", "GET / - 1.0 close;"),
    ROW("1.0 with Host", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET / a 1.0 close;"),
    ROW("1.0 keep-alive closes", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / - 1.0 close;"),
    ROW("1.0 with length", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi",
        "POST / - 1.0 close length=2 body=[hi];"),
    ROW("1.0 Expect ignored", "GET / HTTP/1.0\r\nExpect: tea\r\nExpect: tea\r\n\r\n", "GET / - 1.0 close;"),
    ROW("1.0 two Hosts", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "!400"),
    ROW("1.0 empty Host", "GET / HTTP/1.0\r\nHost:\r\n\r\n", "!400"),
    ROW("1.0 Transfer-Encoding", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!400"),
    ROW("1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "!505"),
    ROW("2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "!505"),
    ROW("0.9 named", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", "!505"),
    ROW("3.1", "GET / HTTP/3.1\r\nHost: a\r\n\r\n", "!505"),
    ROW("1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", "!400"),
    ROW("01.1", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("1", "GET / HTTP/1\r\nHost: a\r\n\r\n", "!400"),
    ROW("1,1", "GET / HTTP/1,1\r\nHost: a\r\n\r\n", "!400"),
    ROW("# as the minor version", "GET / HTTP/1.#\r\nHost: a\r\n\r\n", "!400"),
    ROW("# as the major version", "GET / HTTP/#.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("lower case http", "GET / http/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("misspelt HTTP", "GET / HTP/1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("space in version", "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", "!400"),
    ROW("HTTPS/1.1", "GET / HTTPS/1.1\r\nHost: a\r\n\r\n", "!400"),

    /* ---- header lines ---- */
    ROW("value trimmed", GET("Host: a\r\nX: \t v w\t \r\n"), "GET / a x=[v w];"),
    ROW("no white space behind colon", GET("Host:a\r\nX:v\r\n"), "GET / a x=[v];"),
    ROW("empty value", GET("Host: a\r\nX:\r\n"), "GET / a x=[];"),
    ROW("value of white space", GET("Host: a\r\nX: \t \r\n"), "GET / a x=[];"),
    ROW("tab inside a value", GET("Host: a\r\nX: a\tb 12345678\r\n"), "GET / a x=[a\tb 12345678];"),
    ROW("obs-text in a value", GET("Host: a\r\nX: \x80\xff\xc3\xa4 12345678\r\n"),
        "GET / a x=[\x80\xff\xc3\xa4 12345678];"),
    ROW("colons in a value", GET("Host: a\r\nX: a:b: c\r\n"), "GET / a x=[a:b: c];"),
    ROW("name in any case", GET("hOsT: a\r\n"), "GET / a;"),
    ROW("all of tchar in a name", GET("Host: a\r\n!#$%&'*+-.^_`|~09azAZ: v\r\n"), "GET / a;"),
    ROW("Upgrade ignored", GET("Host: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"), "GET / a;"),
    ROW("space before colon", GET("Host : a\r\n"), "!400"),
    ROW("tab before colon", GET("Host\t: a\r\n"), "!400"),
    ROW("no colon", GET("Host: a\r\nX\r\n"), "!400"),
    ROW("empty name", GET("Host: a\r\n: v\r\n"), "!400"),
    ROW("folded with space", GET("Host: a\r\nX: v\r\n w\r\n"), "!400"),
    ROW("folded with tab", GET("Host: a\r\nX: v\r\n\tw\r\n"), "!400"),
    ROW("folded empty line", GET("Host: a\r\nX: v\r\n \r\n"), "!400"),
    ROW("space before the first field", GET(" Host: a\r\n"), "!400"),
    ROW("bare LF behind a field", GET("Host: a\nX: v\r\n"), "!400"),
    ROW("bare CR in a value", GET("Host: a\r\nX: v\rw\r\n"), "!400"),
    ROW("CR CR LF behind a field", GET("Host: a\r\r\n"), "!400"),
    ROW("NUL in a value", GET("Host: a\r\nX: v\0w\r\n"), "!400"),
    ROW("NUL late in a value",
        GET("Host: a\r\nX: 12345678901234\0"
            "5678\r\n"),
        "!400"),
    ROW("control in a value", GET("Host: a\r\nX: \x1f\r\n"), "!400"),
    ROW("DEL in a value",
        GET("Host: a\r\nX: 1234567890\x7f"
            "1234567890\r\n"),
        "!400"),
    ROW("ESC early in a long value", GET("Host: a\r\nX: \x1b[2J12345678901234567890\r\n"), "!400"),
    ROW("NUL in a name", GET("Host: a\r\nX\0Y: v\r\n"), "!400"),
    ROW("obs-text in a name", GET("Host: a\r\nX\xe4: v\r\n"), "!400"),
    ROW("space in a name", GET("Host: a\r\nX Y: v\r\n"), "!400"),
    ROW("slash in a name", GET("Host: a\r\nX/Y: v\r\n"), "!400"),
    ROW("quote in a name", GET("Host: a\r\n\"X\": v\r\n"), "!400"),
    ROW("LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", "!400"),
    ROW("CR without LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\rG", "!400"),
    ROW("LF LF ends the head", "GET / HTTP/1.1\r\nHost: a\n\n", "!400"),

    /* ---- Host ---- */
    ROW("no Host", GET(""), "!400"),
    ROW("two Hosts", GET("Host: a\r\nHost: b\r\n"), "!400"),
    ROW("two equal Hosts", GET("Host: a\r\nHost: a\r\n"), "!400"),
    ROW("empty Host", GET("Host: \r\n"), "!400"),
    ROW("Host with port", GET("Host: walkv.example:4000\r\n"), "GET / walkv.example:4000;"),
    ROW("Host IPv4", GET("Host: 127.0.0.1:65535\r\n"), "GET / 127.0.0.1:65535;"),
    ROW("Host IPv6", GET("Host: [2001:db8::1]\r\n"), "GET / [2001:db8::1];"),
    ROW("Host with underscore", GET("Host: _my-host.\r\n"), "GET / _my-host.;"),
    ROW("Host, port too large", GET("Host: a:65536\r\n"), "!400"),
    ROW("Host, port of six digits", GET("Host: a:000080\r\n"), "!400"),
    ROW("Host, port empty", GET("Host: a:\r\n"), "!400"),
    ROW("Host, port alone", GET("Host: :80\r\n"), "!400"),
    ROW("Host, port not a number", GET("Host: a:8x\r\n"), "!400"),
    ROW("Host, port signed", GET("Host: a:+80\r\n"), "!400"),
    ROW("Host, two ports", GET("Host: a:80:80\r\n"), "!400"),
    ROW("Host with a space", GET("Host: a b\r\n"), "!400"),
    ROW("Host list", GET("Host: a,b\r\n"), "!400"),
    ROW("Host with a path", GET("Host: a/b\r\n"), "!400"),
    ROW("Host with userinfo", GET("Host: u@a\r\n"), "!400"),
    ROW("Host with an escape", GET("Host: %61\r\n"), "!400"),
    ROW("Host with a scheme", GET("Host: http://a\r\n"), "!400"),
    ROW("Host with obs-text", GET("Host: \xc3\xa4\r\n"), "!400"),
    ROW("Host IPv6 without brackets", GET("Host: ::1\r\n"), "!400"),
    ROW("Host IPv6 not closed", GET("Host: [::1\r\n"), "!400"),
    ROW("Host IPv6 empty", GET("Host: []\r\n"), "!400"),
    ROW("Host IPv6 malformed", GET("Host: [1::2::3]\r\n"), "!400"),
    ROW("Host IPv6 far too long", GET("Host: [00001111:22222222:33333333:44444444:55555555:66666666]\r\n"),
        "!400"),
    ROW("Host IPv6 with a zone", GET("Host: [fe80::1%25eth0]\r\n"), "!400"),
    ROW("Host IPv6 with a tail", GET("Host: [::1]a\r\n"), "!400"),
    ROW("Host IPvFuture", GET("Host: [v1.a]\r\n"), "!400"),

    /* ---- Connection, Expect ---- */
    ROW("close", GET("Host: a\r\nConnection: close\r\n"), "GET / a close;"),
    ROW("Close in a list", GET("Host: a\r\nConnection: keep-alive , Close\t,x\r\n"), "GET / a close;"),
    ROW("close in the second field", GET("Host: a\r\nConnection: x\r\nConnection: close\r\n"),
        "GET / a close;"),
    ROW("keep-alive", GET("Host: a\r\nConnection: keep-alive\r\n"), "GET / a;"),
    ROW("no token is close", GET("Host: a\r\nConnection: closed, xclose, clos\r\n"), "GET / a;"),
    ROW("empty Connection", GET("Host: a\r\nConnection: , ,\r\n"), "GET / a;"),
    ROW("Connection not tokens", GET("Host: a\r\nConnection: close;now\r\n"), "!400"),
    ROW("Connection quoted", GET("Host: a\r\nConnection: \"close\"\r\n"), "!400"),
    ROW("Connection, two words", GET("Host: a\r\nConnection: close now\r\n"), "!400"),
    ROW("expect", POST("Expect: 100-Continue\r\nContent-Length: 2\r\n") "hi",
        "POST / a length=2 expect body=[hi];"),
    ROW("expect without a body", GET("Host: a\r\nExpect: 100-continue\r\n"), "GET / a;"),
    ROW("expect with length 0", POST("Expect: 100-continue\r\nContent-Length: 0\r\n"), "POST / a length=0;"),
    ROW("expect chunked", POST("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n",
        "POST / a chunked expect body=[];"),
    ROW("other expectation", GET("Host: a\r\nExpect: tea\r\n"), "!417"),
    ROW("expectation list", GET("Host: a\r\nExpect: 100-continue, tea\r\n"), "!417"),
    ROW("expectation repeated", GET("Host: a\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n"), "!417"),
    ROW("empty expectation", GET("Host: a\r\nExpect:\r\n"), "!417"),

    /* ---- Content-Length ---- */
    ROW("length", POST("Content-Length: 5\r\n") "hello", "POST / a length=5 body=[hello];"),
    ROW("length 0", POST("Content-Length: 0\r\n"), "POST / a length=0;"),
    ROW("length on GET", GET("Host: a\r\nContent-Length: 2\r\n") "hi", "GET / a length=2 body=[hi];"),
    ROW("body cut", POST("Content-Length: 5\r\n") "hell", "POST / a length=5(body)"),
    ROW("body, then the next", POST("Content-Length: 2\r\n") "hiGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / a length=2 body=[hi];GET /2 a;"),
    ROW("body like a request", POST("Content-Length: 18\r\n") "GET / HTTP/1.1\r\n\r\n",
        "POST / a length=18 body=[GET / HTTP/1.1\r\n\r\n];"),
    ROW("unannounced body is the next request", POST("") "a=b\r\n", "POST / a;!400"),
    ROW("nothing behind an error",
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET  /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /1 a;!400"),
    ROW("length at the limit of 64 bits", POST("Content-Length: 18446744073709551615\r\n"),
        "POST / a length=18446744073709551615!413"),
    ROW("length over 64 bits", POST("Content-Length: 18446744073709551616\r\n"), "!400"),
    ROW("length far over 64 bits", POST("Content-Length: 999999999999999999999999999999\r\n"), "!400"),
    ROW("length over the limit", POST("Content-Length: 1001\r\n"), "POST / a length=1001!413"),
    ROW("length signed", POST("Content-Length: +5\r\n") "hello", "!400"),
    ROW("length negative", POST("Content-Length: -5\r\n") "hello", "!400"),
    ROW("length hex", POST("Content-Length: 0x5\r\n") "hello", "!400"),
    ROW("length padded", POST("Content-Length: 05\r\n") "hello", "!400"),
    ROW("length 00", POST("Content-Length: 00\r\n"), "!400"),
    ROW("length with a space", POST("Content-Length: 5 5\r\n") "hello", "!400"),
    ROW("length with a point", POST("Content-Length: 5.0\r\n") "hello", "!400"),
    ROW("length list", POST("Content-Length: 5, 5\r\n") "hello", "!400"),
    ROW("length empty", POST("Content-Length:\r\n"), "!400"),
    ROW("length of letters", POST("Content-Length: five\r\n"), "!400"),
    ROW("length with obs-text", POST("Content-Length: 5\xa0\r\n") "hello", "!400"),
    ROW("length repeated", POST("Content-Length: 5\r\nContent-Length: 6\r\n") "hello", "!400"),
    ROW("length repeated, equal", POST("Content-Length: 5\r\ncontent-length: 5\r\n") "hello", "!400"),
    ROW("length and chunked", POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n",
        "!400"),
    ROW("chunked and length", POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") "0\r\n\r\n",
        "!400"),
    ROW("length 0 and chunked", POST("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n",
        "!400"),

    /* ---- Transfer-Encoding ---- */
    ROW("chunked", CHUNKED "5\r\nhello\r\n0\r\n\r\n", "POST / a chunked body=[hello];"),
    ROW("Chunked", POST("Transfer-Encoding: Chunked\r\n") "0\r\n\r\n", "POST / a chunked body=[];"),
    ROW("gzip", POST("Transfer-Encoding: gzip\r\n"), "!501"),
    ROW("identity", POST("Transfer-Encoding: identity\r\n"), "!501"),
    ROW("gzip, chunked", POST("Transfer-Encoding: gzip, chunked\r\n") "0\r\n\r\n", "!501"),
    ROW("gzip;q=1, chunked", POST("Transfer-Encoding: gzip;q=1, chunked\r\n") "0\r\n\r\n", "!501"),
    ROW("xchunked", POST("Transfer-Encoding: xchunked\r\n") "0\r\n\r\n", "!501"),
    ROW("chunkedx", POST("Transfer-Encoding: chunkedx\r\n") "0\r\n\r\n", "!501"),
    ROW("chunked, gzip", POST("Transfer-Encoding: chunked, gzip\r\n") "0\r\n\r\n", "!400"),
    ROW("chunked, chunked", POST("Transfer-Encoding: chunked, chunked\r\n") "0\r\n\r\n", "!400"),
    ROW("chunked with a parameter", POST("Transfer-Encoding: chunked;a=b\r\n") "0\r\n\r\n", "!400"),
    ROW("chunked with a comma", POST("Transfer-Encoding: chunked,\r\n") "0\r\n\r\n", "!400"),
    ROW("comma, chunked", POST("Transfer-Encoding: , chunked\r\n") "0\r\n\r\n", "!400"),
    ROW("chunked quoted", POST("Transfer-Encoding: \"chunked\"\r\n") "0\r\n\r\n", "!400"),
    ROW("chunked behind a vertical tab",
        POST("Transfer-Encoding: \x0b"
             "chunked\r\n") "0\r\n\r\n",
        "!400"),
    ROW("chunked behind obs-text",
        POST("Transfer-Encoding: \xa0"
             "chunked\r\n") "0\r\n\r\n",
        "!400"),
    ROW("empty Transfer-Encoding", POST("Transfer-Encoding:\r\n"), "!400"),
    ROW("chunked repeated", POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n",
        "!400"),
    ROW("chunked, then identity",
        POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") "0\r\n\r\n", "!400"),
    ROW("space before that colon", POST("Transfer-Encoding : chunked\r\n") "0\r\n\r\n", "!400"),
    ROW("folded chunked", POST("Transfer-Encoding:\r\n chunked\r\n") "0\r\n\r\n", "!400"),

    /* ---- chunks ---- */
    ROW("several chunks", CHUNKED "1\r\na\r\n2\r\nbc\r\nA\r\n0123456789\r\n0\r\n\r\n",
        "POST / a chunked body=[abc0123456789];"),
    ROW("chunks, then the next", CHUNKED "2\r\nhi\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / a chunked body=[hi];GET /2 a;"),
    ROW("leading zeros and case",
        CHUNKED "00000000000000a\r\n0123456789\r\n0C\r\nabcdefghijkl\r\n000\r\n\r\n",
        "POST / a chunked body=[0123456789abcdefghijkl];"),
    ROW("CR LF in data", CHUNKED "4\r\n\r\n\r\n\r\n0\r\n\r\n", "POST / a chunked body=[\r\n\r\n];"),
    ROW("data like a last chunk", CHUNKED "5\r\n0\r\n\r\n\r\n0\r\n\r\n",
        "POST / a chunked body=[0\r\n\r\n];"),
    ROW("chunks cut", CHUNKED "5\r\nhello\r\n0\r\n", "POST / a chunked(body)"),
    ROW("chunks cut before the last LF", CHUNKED "5\r\nhello\r\n0\r\n\r", "POST / a chunked(body)"),
    ROW("size of 16 digits", CHUNKED "0000000000000002\r\nhi\r\n0\r\n\r\n", "POST / a chunked body=[hi];"),
    ROW("size of 17 digits", CHUNKED "00000000000000002\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("size that overflows", CHUNKED "10000000000000002\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("size of 64 bits", CHUNKED "ffffffffffffffff\r\nhi", "POST / a chunked!413"),
    ROW("total of 64 bits", CHUNKED "2\r\nhi\r\nfffffffffffffffe\r\nhi", "POST / a chunked!413"),
    ROW("size over the limit", CHUNKED "3e9\r\n", "POST / a chunked!413"),
    ROW("size at the limit", CHUNKED "3e8\r\n", "POST / a chunked(body)"),
    ROW("total over the limit", CHUNKED "1\r\na\r\n3e8\r\n", "POST / a chunked!413"),
    ROW("size empty", CHUNKED "\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("size empty, then nothing", CHUNKED "\r\n\r\n", "POST / a chunked!400"),
    ROW("extension without a size", CHUNKED ";a\r\n\r\n", "POST / a chunked!400"),
    ROW("size 0x", CHUNKED "0x2\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("size signed", CHUNKED "+2\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("size negative", CHUNKED "-2\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("size with a letter", CHUNKED "2g\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("size with an underscore", CHUNKED "1_0\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("space before size", CHUNKED " 2\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("space behind size", CHUNKED "2 \r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("tab behind size", CHUNKED "2\t\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("NUL behind size", CHUNKED "2\0\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("LF behind size", CHUNKED "2\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("CR behind size", CHUNKED "2\rhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("CR CR LF behind size", CHUNKED "2\r\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("data too long", CHUNKED "2\r\nhi!\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("data too short", CHUNKED "3\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("LF behind data", CHUNKED "2\r\nhi\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("CR behind data", CHUNKED "2\r\nhi\r0\r\n\r\n", "POST / a chunked!400"),
    ROW("nothing behind data", CHUNKED "2\r\nhi0\r\n\r\n", "POST / a chunked!400"),
    ROW("two CR LF behind data", CHUNKED "2\r\nhi\r\n\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("trailer", CHUNKED "2\r\nhi\r\n0\r\nX: v\r\n\r\n", "POST / a chunked!400"),
    ROW("trailer with a length", CHUNKED "0\r\nContent-Length: 5\r\n\r\n", "POST / a chunked!400"),
    ROW("LF behind the last chunk", CHUNKED "0\n\n", "POST / a chunked!400"),
    ROW("LF instead of the last line", CHUNKED "0\r\n\n", "POST / a chunked!400"),
    ROW("CR instead of the last line", CHUNKED "0\r\n\rG", "POST / a chunked!400"),

    /* ---- chunk extensions ---- */
    ROW("extension", CHUNKED "2;a\r\nhi\r\n0;b=c\r\n\r\n", "POST / a chunked body=[hi];"),
    ROW("extensions", CHUNKED "2;a=b;c;d=\"e f\"\r\nhi\r\n0\r\n\r\n", "POST / a chunked body=[hi];"),
    ROW("quoted value", CHUNKED "2;a=\"; \\\" \\\\ \t\xc3\xa4\";b\r\nhi\r\n0\r\n\r\n",
        "POST / a chunked body=[hi];"),
    ROW("empty quoted value", CHUNKED "2;a=\"\"\r\nhi\r\n0\r\n\r\n", "POST / a chunked body=[hi];"),
    ROW("extension without a name", CHUNKED "2;\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("extension with = alone", CHUNKED "2;=b\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("extension without a value", CHUNKED "2;a=\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("extension ; in place of a value", CHUNKED "2;a=;b\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("extension with two =", CHUNKED "2;a=b=c\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("extension with a space", CHUNKED "2; a\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("space before extension", CHUNKED "2 ;a\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("extension with NUL", CHUNKED "2;a\0\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("extension ended by LF", CHUNKED "2;a\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("extension with bare CR", CHUNKED "2;a\rb\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("LF in quotes", CHUNKED "2;a=\"\n\"\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("CR LF in quotes", CHUNKED "2;a=\"\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("control behind a backslash", CHUNKED "2;a=\"\\\x01\"\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("DEL in quotes", CHUNKED "2;a=\"\x7f\"\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("token behind quotes", CHUNKED "2;a=\"b\"c\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("quote inside a token", CHUNKED "2;a=b\"c\"\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    ROW("obs-text in a token", CHUNKED "2;a=\xe4\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),

#define LONG(name, head, middle, times, tail, want)                                                          \
    {                                                                                                        \
        name, head, sizeof(head) - 1, middle, times, tail, want                                              \
    }
    /* ---- limits: the last that is allowed, the first that is not, and the same without a line end in sight
       ---- */
    LONG("request line of 8 KiB", "GET /", "a", 8192 - 16, " HTTP/1.1\r\nHost: a\r\n\r\n", "GET <8177> a;"),
    LONG("request line of 8 KiB + 1", "GET /", "a", 8193 - 16, " HTTP/1.1\r\nHost: a\r\n\r\n", "!414"),
    LONG("request line of 8 KiB behind CR LF", "\r\nGET /", "a", 8192 - 16, " HTTP/1.1\r\nHost: a\r\n\r\n",
         "GET <8177> a;"),
    LONG("request line of 8 KiB + 1 behind CR LF", "\r\nGET /", "a", 8193 - 16,
         " HTTP/1.1\r\nHost: a\r\n\r\n", "!414"),
    LONG("endless target, still good", "GET /", "a", 8191 - 5, "", "(head)"),
    LONG("endless target", "GET /", "a", 8192 - 5, "", "!414"),
    LONG("endless escapes", "GET /", "%41", 3000, "", "!414"),
    LONG("endless method", "", "A", 8192, "", "!414"),
    LONG("error before the limit wins", "GET /#", "a", 9000, "", "!400"),
    LONG("header section of 16 KiB", "GET / HTTP/1.1\r\nHost: a\r\nX: ", "v", 16384 - 16, "\r\n\r\n",
         "GET / a x=<16368>;"),
    LONG("header section of 16 KiB + 1", "GET / HTTP/1.1\r\nHost: a\r\nX: ", "v", 16385 - 16, "\r\n\r\n",
         "!431"),
    LONG("endless value, still good", "GET / HTTP/1.1\r\nHost: a\r\nX: ", "v", 16383 - 12, "", "(head)"),
    LONG("endless value", "GET / HTTP/1.1\r\nHost: a\r\nX: ", "v", 16384 - 12, "", "!431"),
    LONG("endless white space", "GET / HTTP/1.1\r\nHost: a\r\nX:", " \t", 8192, "", "!431"),
    LONG("endless name", "GET / HTTP/1.1\r\nHost: a\r\n", "x", 16384, "", "!431"),
    LONG("64 fields", "GET / HTTP/1.1\r\nHost: a\r\n", "Y: v\r\n", 63, "\r\n", "GET / a;"),
    LONG("64 fields, the next", "GET / HTTP/1.1\r\nHost: a\r\n", "Y: v\r\n", 63,
         "\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", "GET / a;GET /2 a;"),
    LONG("65 fields", "GET / HTTP/1.1\r\nHost: a\r\n", "Y: v\r\n", 64, "\r\n", "!431"),
    LONG("65th field begun", "GET / HTTP/1.1\r\nHost: a\r\n", "Y: v\r\n", 63, "Y", "!431"),
    LONG("65 fields, no Host", "GET / HTTP/1.1\r\n", ":\r\n", 65, "\r\n", "!400"),
    LONG("256 bytes of extension", CHUNKED "2;", "a", 255, "\r\nhi\r\n0\r\n\r\n",
         "POST / a chunked body=[hi];"),
    LONG("257 bytes of extension", CHUNKED "2;", "a", 256, "\r\nhi\r\n0\r\n\r\n", "POST / a chunked!400"),
    LONG("256 bytes of extensions", CHUNKED, "1;b\r\na\r\n", 128, "0\r\n\r\n",
         "POST / a chunked body=<128>;"),
    LONG("257 bytes of extensions", CHUNKED, "1;b\r\na\r\n", 128, "0;c\r\n\r\n", "POST / a chunked!400"),
    LONG("body at the limit", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", "0123456789", 100,
         "", "POST / a length=1000 body=<1000>;"),
    LONG("chunk at the limit", CHUNKED "3E8\r\n", "0123456789", 100, "\r\n0\r\n\r\n",
         "POST / a chunked body=<1000>;"),
    LONG("chunks at the limit", CHUNKED, "a\r\n0123456789\r\n", 100, "0\r\n\r\n",
         "POST / a chunked body=<1000>;"),
    LONG("chunks over the limit", CHUNKED, "a\r\n0123456789\r\n", 100, "1\r\n", "POST / a chunked!413"),
};

/* ---- a connection ---- */

struct connection {
    struct http_parser parser;
    struct http_body body;
    struct http_request req;
    char *buffer; /* a heap block of exactly `bytes` */
    size_t bytes;
    size_t content_bytes; /* decoded, behind the head */
    bool in_body;
    bool failed;
    char transcript[2048];
    size_t used;
};

static void note(struct connection *c, const char *bytes, size_t count)
{
    if (count > sizeof c->transcript - 1 - c->used)
        count = sizeof c->transcript - 1 - c->used;
    memcpy(c->transcript + c->used, bytes, count);
    c->used += count;
    c->transcript[c->used] = '\0';
}

static void note_text(struct connection *c, const char *text)
{
    note(c, text, strlen(text));
}

static void note_span(struct connection *c, const char *before, struct span s, const char *after)
{
    char length[32];

    if (s.bytes > SHOWN_BYTES_MAX) {
        note(c, before, strcspn(before, "["));
        snprintf(length, sizeof length, "<%zu>", s.bytes);
        note_text(c, length);
        return;
    }
    note_text(c, before);
    note(c, s.at, s.bytes);
    note_text(c, after);
}

static void note_error(struct connection *c, int status, const char *sentence)
{
    char text[256];

    CU_ASSERT_PTR_NOT_NULL_FATAL(sentence);
    CU_ASSERT(strlen(sentence) > 10);
    snprintf(text, sizeof text, "!%d %s", status, sentence);
    note_text(c, text);
    c->failed = true;
}

static void note_head(struct connection *c)
{
    const struct http_request *req = &c->req;
    struct span value;
    char length[32];

    note_text(c, http_method_name(req->method));
    note_span(c, " ", req->path, "");
    if (req->query.bytes)
        note_span(c, " ?", req->query, "");
    note_span(c, " ", req->host.bytes ? req->host : (struct span){"-", 1}, "");
    note_text(c, req->version_minor == 0 ? " 1.0" : "");
    note_text(c, req->keep_alive ? "" : " close");
    snprintf(length, sizeof length, " length=%llu", (unsigned long long)req->content_length);
    note_text(c, req->has_content_length ? length : "");
    note_text(c, req->chunked ? " chunked" : "");
    note_text(c, req->expect_continue ? " expect" : "");
    if (http_request_header(req, "x", &value))
        note_span(c, " x=[", value, "]");
}

/* Drops `drop` bytes at `from` out of the buffer, which moves. */
static void buffer_cut(struct connection *c, size_t from, size_t drop)
{
    char *moved = malloc(c->bytes - drop);

    memcpy(moved, c->buffer, from);
    memcpy(moved + from, c->buffer + from + drop, c->bytes - from - drop);
    free(c->buffer);
    c->buffer = moved;
    c->bytes -= drop;
}

static void connection_begin_request(struct connection *c)
{
    http_parser_start(&c->parser);
    c->in_body = false;
    c->content_bytes = 0;
}

static void connection_serve(struct connection *c)
{
    while (!c->failed) {
        enum http_parse result = http_parser_head(&c->parser, c->buffer, c->bytes, &c->req);
        if (result == HTTP_MORE)
            return;
        if (result == HTTP_ERROR) {
            note_error(c, c->parser.status, c->parser.error);
            return;
        }
        if (!c->in_body) {
            note_head(c);
            result = http_body_start(&c->body, &c->req, BODY_BYTES_MAX);
            if (result == HTTP_ERROR)
                note_error(c, c->body.status, c->body.error);
            c->in_body = result == HTTP_MORE;
        }
        size_t at = c->req.head_bytes + c->content_bytes, consumed = 0, decoded = 0;
        if (c->in_body) {
            result = http_body_decode(&c->body, c->buffer + at, c->bytes - at, &consumed, &decoded);
            c->content_bytes += decoded;
            if (result == HTTP_ERROR)
                note_error(c, c->body.status, c->body.error);
            if (result == HTTP_MORE) {
                CU_ASSERT_EQUAL(consumed, c->bytes - at);
                buffer_cut(c, at + decoded, consumed - decoded);
                return;
            }
        }
        if (result == HTTP_ERROR)
            return;
        if (c->in_body)
            note_span(c, " body=[", (struct span){c->buffer + c->req.head_bytes, c->content_bytes}, "]");
        note_text(c, ";");
        buffer_cut(c, 0, at + consumed);
        connection_begin_request(c);
        if (c->bytes == 0)
            return;
    }
}

static void connection_open(struct connection *c)
{
    memset(c, 0, sizeof *c);
    connection_begin_request(c);
}

static void connection_feed(struct connection *c, const char *bytes, size_t count)
{
    char *grown = malloc(c->bytes + count);

    if (c->bytes)
        memcpy(grown, c->buffer, c->bytes);
    if (count)
        memcpy(grown + c->bytes, bytes, count);
    free(c->buffer);
    c->buffer = grown;
    c->bytes += count;
    connection_serve(c);
}

static void connection_end(struct connection *c)
{
    if (!c->failed && (c->in_body || c->bytes))
        note_text(c, c->in_body ? "(body)" : "(head)");
    free(c->buffer);
    c->buffer = NULL;
}

/* The transcript of the stream when it comes in pieces of `first` bytes, then `each`. */
static void run(struct connection *c, const char *stream, size_t bytes, size_t first, size_t each)
{
    size_t count = first;

    connection_open(c);
    for (size_t i = 0; i < bytes; i += count, count = each)
        connection_feed(c, stream + i, count < bytes - i ? count : bytes - i);
    connection_end(c);
}

static char *row_stream(const struct row *row, size_t *bytes)
{
    size_t middle = strlen(row->middle), tail = strlen(row->tail);
    char *stream = malloc(row->head_bytes + middle * row->times + tail + 1), *at = stream;

    memcpy(at, row->head, row->head_bytes);
    at += row->head_bytes;
    for (unsigned i = 0; i < row->times; i++, at += middle)
        memcpy(at, row->middle, middle);
    memcpy(at, row->tail, tail);
    *bytes = (size_t)(at - stream) + tail;
    return stream;
}

/* An assertion that names the row. */
static void check(bool good, const char *name, const char *what, const char *got)
{
    char text[512] = "";

    if (!good)
        snprintf(text, sizeof text, "[%s] %s: %s", name, what, got);
    CU_assertImplementation(good, __LINE__, text, __FILE__, "", CU_FALSE);
}

/* Up to the status of an error; the sentence behind it is compared between runs alone. */
static bool as_wanted(const char *got, const char *want)
{
    size_t bytes = strlen(want);

    return strncmp(got, want, bytes) == 0 &&
           (got[bytes] == '\0' || (got[bytes] == ' ' && bytes >= 4 && want[bytes - 4] == '!'));
}

static bool worth_a_cut(size_t at, size_t bytes)
{
    return bytes <= SPLIT_EVERY_BYTE || at < 40 || at + 40 > bytes || at % 331 == 0;
}

static void test_rows(void)
{
    static struct connection whole, cut;

    for (size_t r = 0; r < COUNT(rows); r++) {
        size_t bytes;
        char *stream = row_stream(&rows[r], &bytes);

        run(&whole, stream, bytes, bytes, bytes);
        check(as_wanted(whole.transcript, rows[r].want), rows[r].name, "whole", whole.transcript);
        run(&cut, stream, bytes, 1, 1);
        check(strcmp(cut.transcript, whole.transcript) == 0, rows[r].name, "byte by byte", cut.transcript);
        for (size_t at = 1; at < bytes; at++) {
            if (!worth_a_cut(at, bytes))
                continue;
            run(&cut, stream, bytes, at, bytes);
            check(strcmp(cut.transcript, whole.transcript) == 0, rows[r].name, "cut in two", cut.transcript);
        }
        free(stream);
    }
}

/* No part of a head from its beginning is a head, and what is refused was never taken before. */
static void test_prefixes(void)
{
    static struct http_request req;
    struct http_parser parser;

    for (size_t r = 0; r < COUNT(rows); r++) {
        size_t bytes, head_bytes = SIZE_MAX;
        char *stream = row_stream(&rows[r], &bytes);

        http_parser_start(&parser);
        if (http_parser_head(&parser, stream, bytes, &req) == HTTP_DONE)
            head_bytes = req.head_bytes;
        enum http_parse before = HTTP_MORE;
        for (size_t n = 0; n <= bytes; n++) {
            if (!worth_a_cut(n, bytes) && n != head_bytes)
                continue;
            char *exact = malloc(n);
            memcpy(exact, stream, n);
            http_parser_start(&parser);
            enum http_parse result = http_parser_head(&parser, exact, n, &req);
            check((result == HTTP_DONE) == (n >= head_bytes), rows[r].name, "prefix", "");
            check(before != HTTP_ERROR || result == HTTP_ERROR, rows[r].name, "error forgotten", "");
            before = result;
            free(exact);
        }
        free(stream);
    }
}

/* Every byte of a request replaced by each of the bytes that parsers stumble over: whatever comes of it, it
 * is the same whole and byte by byte. */
static void test_mutations(void)
{
    static const char base[] =
        "\r\nPOST http://a:1/b%20c?d=%41 HTTP/1.1\r\nHost: a:1\r\nX: \tvalue value value\r\n"
        "Connection: x, close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;a=b;c=\"d\\\"\"\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: [::1]\r\n\r\n";
    static const char bytes[] = "\0\1\t\n\r \x1f\"#%*,-./0:;=?@\\[]azAZ\x7f\x80\xff";
    static struct connection whole, cut;
    char stream[sizeof base];
    unsigned done = 0;

    for (size_t at = 0; at < sizeof base - 1; at++) {
        for (size_t b = 0; b < sizeof bytes - 1; b++) {
            memcpy(stream, base, sizeof base);
            stream[at] = bytes[b];
            run(&whole, stream, sizeof base - 1, sizeof base, 1);
            run(&cut, stream, sizeof base - 1, 1, 1);
            check(strcmp(cut.transcript, whole.transcript) == 0, "mutation", whole.transcript,
                  cut.transcript);
            done += !whole.failed;
        }
    }
    CU_ASSERT(done > 100);
}

/* ---- the rest of the interface ---- */

static struct http_request parse(const char *head)
{
    static struct http_request req;
    struct http_parser parser;

    http_parser_start(&parser);
    CU_ASSERT_EQUAL_FATAL(http_parser_head(&parser, head, strlen(head), &req), HTTP_DONE);
    CU_ASSERT_EQUAL(req.head_bytes, strlen(head));
    return req;
}

static void test_request(void)
{
    struct http_request req =
        parse("PUT http://[::1]:80/a?b HTTP/1.1\r\nHost: [::1]:80\r\nIf-Match: \"1\"\r\n"
              "IF-MATCH: \"2\"\r\nX:\r\n\r\n");
    struct span value = {"untouched", 9};

    CU_ASSERT(span_is_text(req.target, "http://[::1]:80/a?b"));
    CU_ASSERT(span_is_text(req.path, "/a"));
    CU_ASSERT(span_is_text(req.query, "b"));
    CU_ASSERT(span_is_text(req.host, "[::1]:80"));
    CU_ASSERT(span_is_text(req.host_name, "[::1]"));
    CU_ASSERT_EQUAL(req.header_count, 4);
    CU_ASSERT(span_is_text(req.headers[2].name, "IF-MATCH"));
    CU_ASSERT_EQUAL(http_request_header(&req, "if-none-match", &value), 0);
    CU_ASSERT(span_is_text(value, "untouched"));
    CU_ASSERT_EQUAL(http_request_header(&req, "if-match", &value), 2);
    CU_ASSERT(span_is_text(value, "\"1\""));
    CU_ASSERT_EQUAL(http_request_header(&req, "x", &value), 1);
    CU_ASSERT_EQUAL(value.bytes, 0);

    req = parse("GET http://a HTTP/1.0\r\n\r\n");
    CU_ASSERT(span_is_text(req.host_name, "a"));
    req = parse("GET / HTTP/1.0\r\n\r\n");
    CU_ASSERT_EQUAL(req.host.bytes, 0);
    CU_ASSERT_EQUAL(req.host_name.bytes, 0);
    CU_ASSERT_STRING_EQUAL(http_method_name(HTTP_OPTIONS), "OPTIONS");
}

/* After HTTP_DONE the spans follow the buffer; after HTTP_ERROR nothing helps but a new connection. */
static void test_finality(void)
{
    static const char head[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST",
                      bad[] = "GET /a HTTP/1.1\r\nHost : a\r\n\r\n";
    static struct http_request req;
    struct http_parser parser;
    char *first = strdup(head), *second = strdup(head);

    http_parser_start(&parser);
    CU_ASSERT_EQUAL(http_parser_head(&parser, first, strlen(first), &req), HTTP_DONE);
    CU_ASSERT_PTR_EQUAL(req.path.at, first + 4);
    free(first);
    CU_ASSERT_EQUAL(http_parser_head(&parser, second, strlen(second), &req), HTTP_DONE);
    CU_ASSERT_PTR_EQUAL(req.path.at, second + 4);
    CU_ASSERT_PTR_EQUAL(req.headers[0].value.at, second + 23);
    CU_ASSERT_EQUAL(req.head_bytes, strlen(head) - 4);
    free(second);

    http_parser_start(&parser);
    CU_ASSERT_EQUAL(http_parser_head(&parser, bad, sizeof bad - 1, &req), HTTP_ERROR);
    CU_ASSERT_EQUAL(http_parser_head(&parser, head, sizeof head - 1, &req), HTTP_ERROR);
    CU_ASSERT_EQUAL(parser.status, 400);

    struct http_body body;
    size_t consumed = 9, decoded = 9;
    char chunks[] = "0\r\n\r\nGET", garbage[] = "x";
    req = parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    CU_ASSERT_EQUAL(http_body_start(&body, &req, 10), HTTP_MORE);
    CU_ASSERT_EQUAL(http_body_decode(&body, chunks, 8, &consumed, &decoded), HTTP_DONE);
    CU_ASSERT_EQUAL(consumed, 5);
    CU_ASSERT_EQUAL(decoded, 0);
    CU_ASSERT_EQUAL(http_body_decode(&body, chunks + 5, 3, &consumed, &decoded), HTTP_DONE);
    CU_ASSERT_EQUAL(consumed, 0);
    CU_ASSERT_EQUAL(http_body_start(&body, &req, 10), HTTP_MORE);
    CU_ASSERT_EQUAL(http_body_decode(&body, garbage, 1, &consumed, &decoded), HTTP_ERROR);
    CU_ASSERT_EQUAL(http_body_decode(&body, chunks, 8, &consumed, &decoded), HTTP_ERROR);
    CU_ASSERT_EQUAL(body.status, 400);
}

static void test_sentences(void)
{
    static struct http_request req;
    struct http_parser parser;

    http_parser_start(&parser);
    CU_ASSERT_EQUAL(http_parser_head(&parser, "\x16\x03", 2, &req), HTTP_ERROR);
    CU_ASSERT_PTR_NOT_NULL(strstr(parser.error, "TLS"));
    http_parser_start(&parser);
    CU_ASSERT_EQUAL(http_parser_head(&parser, "GET / HTTP/1.1\n", 15, &req), HTTP_ERROR);
    CU_ASSERT_PTR_NOT_NULL(strstr(parser.error, "bare LF"));
}

static void test_percent_decode(void)
{
    static const struct {
        const char *raw, *want; /* NULL: refused */
        size_t want_bytes;
    } table[] = {
        {"", "", 0},       {"abc", "abc", 3}, {"a%2Fb", "a/b", 3}, {"%252F", "%2F", 3},
        {"a+b", "a+b", 3}, {"%00", "\0", 1},  {"%c3%A4", "ä", 2},  {"%fF", "\xff", 1},
        {"%", NULL, 0},    {"%4", NULL, 0},   {"%4g", NULL, 0},    {"%g4", NULL, 0},
        {"a%", NULL, 0},   {"%%41", NULL, 0}, {"%+1", NULL, 0},    {"%41%42", "AB", 2},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        size_t raw_bytes = strlen(table[i].raw), bytes = 99;
        char *raw = malloc(raw_bytes), *out = malloc(raw_bytes);
        memcpy(raw, table[i].raw, raw_bytes);
        int result = http_percent_decode(out, (struct span){raw, raw_bytes}, &bytes);
        if (!table[i].want)
            check(result == -EINVAL, table[i].raw, "percent", "not refused");
        else
            check(result == 0 && bytes == table[i].want_bytes && memcmp(out, table[i].want, bytes) == 0,
                  table[i].raw, "percent", "decoded otherwise");
        if (table[i].want) { /* in place */
            result = http_percent_decode(raw, (struct span){raw, raw_bytes}, &bytes);
            check(result == 0 && memcmp(raw, out, bytes) == 0, table[i].raw, "percent", "in place");
        }
        free(raw);
        free(out);
    }
}

static void test_query_get(void)
{
    static const struct {
        const char *query, *name;
        int want;
        const char *value;
    } table[] = {
        {"", "a", 0, ""},
        {"a=b", "a", 1, "b"},
        {"a", "a", 1, ""},
        {"a=", "a", 1, ""},
        {"=b", "a", 0, ""},
        {"=b", "", 1, "b"},
        {"a=b=c", "a", 1, "b=c"},
        {"b=1&a=2&c=3", "a", 1, "2"},
        {"&&a=2&&", "a", 1, "2"},
        {"aa=1&A=2", "a", 0, ""},
        {"%61=1", "a", 1, "1"},
        {"a=b+c%2Bd%20e", "a", 1, "b c+d e"},
        {"a+b=c", "a b", 1, "c"},
        {"a=%26%3D", "a", 1, "&="},
        {"a=1;b=2", "a", 1, "1;b=2"},
        {"a=1&a=1", "a", -EEXIST, ""},
        {"a=1&%61=2", "a", -EEXIST, ""},
        {"a&a", "a", -EEXIST, ""},
        {"a=12345678", "a", 1, "12345678"},
        {"a=123456789", "a", -ENOSPC, ""},
        {"a=%41%41%41%41%41%41%41%41", "a", 1, "AAAAAAAA"},
        {"a=%4", "a", -EINVAL, ""},
        {"%zz=1", "a", 0, ""},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char *raw = malloc(strlen(table[i].query)), *out = malloc(8);
        size_t bytes = 0;
        memcpy(raw, table[i].query, strlen(table[i].query));
        int result =
            http_query_get((struct span){raw, strlen(table[i].query)}, table[i].name, out, 8, &bytes);
        check(result == table[i].want, table[i].query, "query", "result");
        if (result == 1)
            check(span_is_text((struct span){out, bytes}, table[i].value), table[i].query, "query", "value");
        free(raw);
        free(out);
    }
}

static void test_query_next(void)
{
    struct span query = {"a=1&&b&=&c=%20=", 15}, name, value;

    CU_ASSERT(http_query_next(&query, &name, &value) && span_is_text(name, "a") && span_is_text(value, "1"));
    CU_ASSERT(http_query_name_is(name, "a") && !http_query_name_is(name, "ab") &&
              !http_query_name_is(name, ""));
    CU_ASSERT(http_query_next(&query, &name, &value) && span_is_text(name, "b") && value.bytes == 0);
    CU_ASSERT(http_query_next(&query, &name, &value) && name.bytes == 0 && value.bytes == 0);
    CU_ASSERT(http_query_next(&query, &name, &value) && span_is_text(name, "c") &&
              span_is_text(value, "%20="));
    CU_ASSERT_FALSE(http_query_next(&query, &name, &value));
    CU_ASSERT_FALSE(http_query_next(&query, &name, &value));
}

void http_parser_suite(void)
{
    CU_pSuite suite = CU_add_suite("http_parser", NULL, NULL);

    CU_add_test(suite, "rows: whole, cut in two, byte by byte", test_rows);
    CU_add_test(suite, "no prefix of a head is a head", test_prefixes);
    CU_add_test(suite, "mutations", test_mutations);
    CU_add_test(suite, "request", test_request);
    CU_add_test(suite, "finality", test_finality);
    CU_add_test(suite, "sentences", test_sentences);
    CU_add_test(suite, "percent decoding", test_percent_decode);
    CU_add_test(suite, "query parameters", test_query_get);
    CU_add_test(suite, "query iterator", test_query_next);
}
