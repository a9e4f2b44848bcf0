/* SPDX-License-Identifier: MIT
 * Seeds of the socket's two ends, HTTP and what stands around it, JSON and the settings; see fuzz_seeds.c. */
#include "fuzz_seeds.h"

#include "bytes.h"
#include "frame.h"
#include "http_parser.h"
#include "httpd_settings.h"
#include "record.h"
#include "status.h"
#include "tokens.h"
#include "walkvd_settings.h"

/* --- the socket --- */

static void frames_begin(struct buffer *seed, bool seal, struct span sizes)
{
    buffer_append(seed, seal ? "\1" : "", 1);
    buffer_append(seed, sizes.at, sizes.bytes);
    seed_next(seed);
}

#define HELLO(...)                                                                                           \
    (struct hello)                                                                                           \
    {                                                                                                        \
        .protocol = FRAME_PROTOCOL, .role = FRAME_ROLE_WORKER, .pid = 7, __VA_ARGS__                         \
    }

static void write_seed(bool seal, const struct write_request *w)
{
    const struct hello hello = HELLO(.session = w->identity.sequence != 0);
    struct buffer seed = {0};
    frames_begin(&seed, seal, TEXT("\x0f"));
    frame_encode_hello(&seed, 0, &hello);
    seed_next(&seed);
    frame_encode_write(&seed, 1, w);
    seed_save("frame_server", &seed);
    buffer_free(&seed);
}

/* Every operation and condition, the longest name, and of each the first that is refused. */
static void write_seeds(bool seal)
{
    static char name[NAME_BYTES_MAX + 1];
    struct write_request w = {.value = TEXT("{\"a\":1}"), .version = 12};
    for (unsigned op = OP_SET; op <= OP_LIMIT; op++) {
        w.op = (enum op)op;
        w.name = TEXT("n\xc3\xa4me");
        w.value.bytes = op == OP_SET || op == OP_ENQUEUE ? 7 : 0;
        write_seed(seal, &w);
    }
    w.op = OP_DELETE;
    for (unsigned condition = CONDITION_NONE; condition <= CONDITION_LIMIT; condition++) {
        w.condition = (enum condition)condition;
        write_seed(seal, &w);
    }
    w.condition = CONDITION_NONE;
    memset(name, 'n', sizeof name);
    for (size_t bytes = NAME_BYTES_MAX; bytes <= NAME_BYTES_MAX + 1; bytes++) {
        w.name = (struct span){name, bytes};
        write_seed(seal, &w);
    }
    w.name = TEXT("n");
    for (size_t bytes = TOKEN_TEXT_MAX; bytes <= TOKEN_TEXT_MAX + 1; bytes++) {
        w.token = (struct span){name, bytes};
        write_seed(seal, &w);
    }
}

/* Places in a session and idempotency keys, the longest and the first that is too long, and bad ones. */
static void identity_seeds(bool seal)
{
    static char longest[IDEMPOTENCY_KEY_MAX + 1];
    static const struct span keys[] = {TEXT("k"), TEXT("!~"), TEXT("a b"), TEXT("\xc3\xa4"), TEXT("a\0b")};
    struct write_request w = {.op = OP_ENQUEUE, .name = TEXT("q"), .value = TEXT("1")};
    for (uint64_t confirmed = 0; confirmed <= 3; confirmed++) { /* and the first that is none */
        w.identity = (struct identity){.sequence = 3, .confirmed = confirmed};
        write_seed(seal, &w);
    }
    memset(w.identity.fingerprint, 'f', FINGERPRINT_BYTES);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        w.identity.sequence = i % 2 ? 0 : 9;
        w.identity.confirmed = i % 2 ? 0 : 8;
        w.identity.key = keys[i];
        write_seed(seal, &w);
    }
    memset(longest, 'k', sizeof longest);
    for (size_t bytes = IDEMPOTENCY_KEY_MAX; bytes <= sizeof longest; bytes++) {
        w.identity.key = (struct span){longest, bytes};
        write_seed(seal, &w);
    }
}

/* Sessions: none, new, resumed, with the largest number and the first that is too large; another protocol. */
static void hello_seeds(bool seal)
{
    const struct hello hellos[] = {
        HELLO(.session = 1),
        HELLO(.session = UINT32_MAX, .sent_sequence = 12, .oldest_sent_ns = 77),
        HELLO(.session = UINT64_C(1) << 32),
        HELLO(.sent_sequence = 1),
        {.protocol = FRAME_PROTOCOL + 1, .role = 99, .session = UINT64_MAX},
    };
    struct buffer seed = {0};
    for (size_t i = 0; i < sizeof hellos / sizeof *hellos; i++) {
        frames_begin(&seed, seal, TEXT(""));
        frame_encode_hello(&seed, 0, &hellos[i]);
        seed_save("frame_server", &seed);
    }
    buffer_free(&seed);
}

/* Records in frames of no known type: every operation, with each kind of identity and without. */
static void record_seeds(bool seal)
{
    static const struct identity identities[] = {
        {.session = UINT64_C(7) << 32 | 5, .sequence = 3, .confirmed = 2},
        {.key = TEXT("key"), .fingerprint = "fingerprint 1234"},
        {.session = 9, .sequence = 1, .key = TEXT("both"), .fingerprint = "fingerprint 1234"},
        {0},
    };
    struct buffer seed = {0}, body = {0};
    for (size_t i = 0; i < sizeof identities / sizeof *identities; i++) {
        for (unsigned op = OP_NOOP; op < OP_LIMIT; op++) {
            struct record r = {.op = (enum op)op, .queue_id = 3, .sequence = 6, .identity = identities[i]};
            bool named = op != OP_NOOP && op != OP_EXPIRE && op != OP_DEPART;
            if (named)
                r.name = TEXT("q");
            if (op == OP_SET || op == OP_ENQUEUE)
                r.value = TEXT("null");
            r.result = op == OP_REFUSE ? RESULT_QUEUE_EMPTY : RESULT_OK;
            body.bytes = 0;
            record_encode(&body, &r); /* those that no write becomes and that have an identity are none */
            record_encode(&body, &(struct record){.op = OP_NOOP});
            frames_begin(&seed, seal, TEXT(""));
            frame_begin(&seed, (enum frame_type)99, 3, body.bytes);
            buffer_append(&seed, body.data, body.bytes);
            seed_save("frame_server", &seed);
        }
    }
    buffer_free(&seed);
    buffer_free(&body);
}

static void server_seeds(void)
{
    struct buffer seed = {0};
    const struct hello hello = HELLO(.session = 0);
    for (int seal = 0; seal < 2; seal++) {
        frames_begin(&seed, seal, TEXT("\x00\x05\x20"));
        frame_encode_hello(&seed, 0, &hello);
        seed_next(&seed);
        frame_encode_empty(&seed, FRAME_STATUS, 1);
        seed_next(&seed);
        frame_encode_empty(&seed, FRAME_CHECKPOINT, 2);
        seed_next(&seed);
        frame_encode_lsn(&seed, FRAME_WATCH, 3, 17);
        seed_save("frame_server", &seed);
        write_seeds(seal);
        identity_seeds(seal);
        hello_seeds(seal);
        record_seeds(seal);
    }
    frames_begin(&seed, false, TEXT("\x07"));
    buffer_append_text(&seed, "GET / HTTP/1.1\r\n\r\n");
    seed_save("frame_server", &seed);
    buffer_free(&seed);
}

static void client_seeds(void)
{
    struct buffer seed = {0}, body = {0};
    struct greeting greeting = {.protocol = FRAME_PROTOCOL,
                                .generation = 2,
                                .view_grace_ns = 250000000,
                                .max_value_bytes = 1 << 20,
                                .view_path = TEXT("/dev/shm/walkv"),
                                .version = TEXT("0.1.0")};
    struct status status = {
        .pid = 1, .applied_lsn = 5, .version = "0.1.0", .wal_sync = "sync", .storage = "ok"};
    memcpy(greeting.uuid, FUZZ_UUID, UUID_BYTES);
    status_encode(&body, &status);
    for (int seal = 0; seal < 2; seal++) {
        frames_begin(&seed, seal, TEXT("\x00\x0f\x30"));
        frame_encode_greeting(&seed, 0, &greeting);
        seed_next(&seed);
        frame_begin(&seed, FRAME_STATUS_REPLY, 1, body.bytes);
        buffer_append(&seed, body.data, body.bytes);
        seed_next(&seed);
        struct checkpoint_reply reply = {RESULT_UNAVAILABLE, 9, TEXT("no room")};
        frame_encode_checkpoint_reply(&seed, 2, &reply);
        seed_next(&seed);
        frame_encode_lsn(&seed, FRAME_CHANGED, 3, 18);
        seed_save("frame_client", &seed);
        for (uint32_t other = 0; other < 2; other++) { /* the session in force, and another protocol */
            struct greeting changed = greeting;
            changed.protocol += other;
            changed.session_in_force = true;
            frames_begin(&seed, seal, TEXT(""));
            frame_encode_greeting(&seed, 0, &changed);
            seed_save("frame_client", &seed);
        }
        for (unsigned result = RESULT_OK; result <= RESULT_LIMIT; result++) { /* and the first that is none */
            struct write_result w = {.result = (enum result)result, .lsn = 7, .version = 7, .size = 3};
            w.replayed = result % 2;
            if (result == RESULT_OK)
                w.value = TEXT("\"item\"");
            frames_begin(&seed, seal, TEXT(""));
            frame_encode_result(&seed, result, &w);
            seed_next(&seed);
            reply.result = w.result;
            frame_encode_checkpoint_reply(&seed, result, &reply);
            seed_save("frame_client", &seed);
        }
        /* A text of the status as long as it may be, and longer by one. */
        for (uint16_t bytes = STATUS_TEXT_BYTES - 1; bytes <= STATUS_TEXT_BYTES; bytes++) {
            size_t last = body.bytes - (2 + strlen(status.storage));
            frames_begin(&seed, seal, TEXT(""));
            frame_begin(&seed, FRAME_STATUS_REPLY, 1, last + 2 + bytes);
            buffer_append(&seed, body.data, last);
            put_u16(buffer_extend(&seed, 2), bytes);
            memset(buffer_extend(&seed, bytes), 's', bytes);
            seed_save("frame_client", &seed);
        }
    }
    buffer_free(&seed);
    buffer_free(&body);
}

/* --- texts --- */

#define HEAD "POST /api/kv/a%2Fb?x=%41+&y HTTP/1.1\r\nHost: a.example:80\r\n"

static void http_seeds(void)
{
    static const struct span streams[] = {
        TEXT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        TEXT("GET /a?b=c&d&b=%2b HTTP/1.1\r\nHost: [::1]:4000\r\nConnection: keep-alive, close\r\n\r\n"),
        TEXT("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nHEAD http://a/b HTTP/1.1\r\nhost: A\r\n\r\n"),
        TEXT("GET / HTTP/1.0\r\n\r\n"),
        TEXT(HEAD
             "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhelloDELETE /x HTTP/1.1\r\nHost: a\r\n\r\n"),
        TEXT(HEAD "Transfer-Encoding: chunked\r\n\r\n5;a=b;c=\"d \\\" e\"\r\nhello\r\n0\r\n\r\n"),
        TEXT(HEAD "Content-Length: 1001\r\n\r\n"),
        TEXT(HEAD "Transfer-Encoding: chunked\r\n\r\n3e9\r\n"),
        TEXT(HEAD
             "Transfer-Encoding: chunked\r\n\r\n3c1\r\na\xff\x1d\r\n28\r\nb\xff\x00zzzzzzz\r\n0\r\n\r\n"),
        TEXT(HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        TEXT(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        TEXT(HEAD "Expect: tea\r\n\r\n"),
        TEXT("PUT /a\xff\xff HTTP/1.1\r\nHost: a\r\n\r\n"),
        TEXT("PATCH / HTTP/1.1\r\nHost: a\r\nX: v\xff\xffv\xff\xffv\xff\xff\r\n\r\n"),
        TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        TEXT("GET * HTTP/1.1\r\n"),
        TEXT("OPTIONS HTTPS://a:80 HTTP/1.1\r\nHost: a:80 \t\r\n\r\nGET http://a?b HTTP/1.0\r\nHost: b\r\n"),
        TEXT("GET http://u@a/ HTTP/1.1\r\n"),
        TEXT(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        TEXT(HEAD "Content-Length: 5 \r\nContent-Length: 5\r\n"),
        TEXT("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
        TEXT("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"),
    };
    static const struct span sizes[] = {TEXT(""), TEXT("\x02\x00\x00\x10"), TEXT("\x01\x28\x05\x3b\x00\x11")};
    struct buffer seed = {0};
    buffer_append_text(&seed, "\1\377GET / HTTP/1.1\r\nHost: a\r\n");
    for (unsigned i = 0; i < HTTP_HEADERS_MAX; i++) /* with Host one too many */
        buffer_append_text(&seed, "Y: v\r\n");
    seed_save("http", &seed);
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct span parts = sizes[i % 3];
        buffer_append(&seed, &(char){(char)parts.bytes}, 1);
        buffer_append(&seed, parts.at, parts.bytes);
        buffer_append(&seed, streams[i].at, streams[i].bytes);
        seed_save("http", &seed);
    }
    buffer_free(&seed);
}

static void json_seeds(void)
{
    static const struct span texts[] = {
        TEXT(" {\"key\" : \"a\\u00e4\\ud83d\\ude00\\n\" , \"value\":[1, -2.5e+10 ,0.0E-7], "
             "\"k\\u0065y\":null }\n"),
        TEXT("[true,false,null,\"\",{},[],[[]]]"),
        TEXT("12345678901234567890123"),
        TEXT("1e400"),
        TEXT("\"\\ud800\""),
        TEXT("{\"\\u0000\":1}"),
        TEXT("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 plain text of more than eight bytes\\\\ "
             "\\\"\\/\\b\\f\\r\\t\""),
        TEXT("[[[[[[[[[[1]]]]]]]]]]"),
        TEXT("{\"\\ud83d\\ude00\\/\":{},\"\\udc00\":[],\"value\":3,\"\\u0076alue\":[{}]}"),
        TEXT("\xef\xbb\xbf{}"),
        TEXT("[1,]"),
        TEXT("{\"a\":01}"),
        TEXT("\"\xed\xa0\x80\""),
        TEXT("\"\x01\""),
        TEXT("nul"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        seed_save_text("json_text", i % 3 ? 255 : (uint8_t)i, texts[i]);
}

static void settings_seeds(void)
{
    static const struct settings_table *const tables[] = {&walkvd_settings, &httpd_settings};
    struct buffer seed = {0};
    for (uint8_t t = 0; t < 2; t++) {
        for (uint8_t flags = 0; flags < 2; flags++) {
            buffer_append(&seed, &(char){(char)(t | flags << 1)}, 1);
            if (!flags)
                buffer_printf(&seed, "# comment\n[%s]\n", tables[t]->section);
            for (size_t i = 0; i < tables[t]->count; i++) {
                const struct setting *s = &tables[t]->settings[i];
                if (!flags && s->flag_only)
                    continue;
                size_t begin = seed.bytes;
                buffer_printf(&seed, "%s%s%s%s\n", flags ? "--" : "", s->name, flags ? "=" : " = ",
                              s->default_text);
                for (; flags && seed.data[begin] != '='; begin++)
                    seed.data[begin] = seed.data[begin] == '_' ? '-' : seed.data[begin];
            }
            seed_save("settings", &seed);
        }
    }
    buffer_free(&seed);
    seed_save_text("settings", 0,
                   TEXT("[walkvd]\nview_size=8MiB ; "
                        "small\nview_path=/a\nwal_sync=async\nview_grace=10ms\nmax_connections=9\n"));
    seed_save_text("settings", 1,
                   TEXT("\xef\xbb\xbf[walkvd]\nx=1\n[walkv-httpd]\nlisten = [::1]:80\nallowed_hosts = a.b, "
                        "c\nlog_level=debug\n"));
    seed_save_text("settings", 0, TEXT("view_size = 1\n"));
    seed_save_text("settings", 0, TEXT("[walkd]\n"));
    seed_save_text("settings", 0, TEXT("[walkvd]\ncold_start = yes\n"));
    seed_save_text("settings", 1, TEXT("[walkv-httpd]\ndrain_timeout = 0\nbody_min_rate=0\n"));
    seed_save_text("settings", 2, TEXT("--print-config=x"));
    seed_save_text("settings", 0, TEXT("[walkvd]\nview_sise = 9MiB\n"));
    seed_save_text("settings", 0, TEXT("[walkvd]\nview_size = 9MiB\n  view_size: 9MiB\n"));
    seed_save_text("settings", 2,
                   TEXT("--cold-start\n--no-cold-start\n--view-size\n9MiB\n--config=x\n--print-config"));
    seed_save_text("settings", 3, TEXT("--workers=2\n--help"));
    seed_save_text("settings", 2, TEXT("--vew-size=9MiB"));
}

static void edge_seeds(void)
{
    static const struct span headers[] = {
        TEXT("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"),
        TEXT("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\7\xdc\4\1\xbb"),
    };
    struct buffer seed = {0};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        static const char *const pieces[] = {"10.0.0.0/8, unix:", "192.0.2.9, 10.0.0.7", "br, gzip;q=0.5",
                                             "https://a.example", "https://a.example",   "order-17"};
        buffer_append(&seed, headers[i].at, headers[i].bytes);
        for (size_t piece = 0; piece < sizeof pieces / sizeof *pieces; piece++) {
            seed_next(&seed);
            buffer_append_text(&seed, pieces[piece]);
        }
        seed_save("edge", &seed);
    }
    buffer_free(&seed);
}

void seed_streams(void)
{
    edge_seeds();
    server_seeds();
    client_seeds();
    http_seeds();
    json_seeds();
    settings_seeds();
}
