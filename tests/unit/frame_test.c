/* SPDX-License-Identifier: MIT
 *
 * frame and status: what is encoded is decoded; what is cut short, too long or changed is refused or another
 * frame within its bounds, and never read beyond its end (each input lies in a heap block of exactly its
 * size).
 */
#include "frame.h"

#include "bytes.h"
#include "kit.h"
#include "status.h"
#include "tokens.h"

#include <errno.h>
#include <stdlib.h>

void frame_suite(void);

enum kind { HELLO, GREETING, WRITE, RESULT, CHECKPOINT_REPLY, STATUS_REPLY, KINDS };

static const struct hello hello = {FRAME_PROTOCOL, FRAME_ROLE_WORKER, 77, 4711, 12, 34};
static const struct greeting greeting = {
    FRAME_PROTOCOL, 1, {1, 2, 3}, 55, 250000000, 1 << 20, true, {"/dev/shm/walkv", 14}, {"0.1.0", 5}};
static const struct write_request request = {
    OP_SET,        CONDITION_VERSION, 99, {"key", 3}, {"{\"a\":1}", 7}, {0, 18, 17, {"a-key", 5}, {9, 8, 7}},
    {"wkv_a-b", 7}};
static const struct write_result result = {RESULT_PRECONDITION_FAILED, true, 12, 13, 14, {"[null]", 6}};
static const struct checkpoint_reply reply = {RESULT_UNAVAILABLE, 1000, {"one is running", 14}};

static void make_status(struct status *s)
{
    uint64_t next = 1;

    memset(s, 0, sizeof(*s));
#define X(name) s->name = next << 40 | next, next++;
    STATUS_NUMBERS(X)
#undef X
#define X(name) memcpy(s->name, #name, sizeof(#name));
    STATUS_TEXTS(X)
#undef X
}

static void encode(struct buffer *out, enum kind kind, uint32_t id)
{
    struct buffer body = {0};
    struct status status;

    switch (kind) {
    case HELLO:
        frame_encode_hello(out, id, &hello);
        break;
    case GREETING:
        frame_encode_greeting(out, id, &greeting);
        break;
    case WRITE:
        frame_encode_write(out, id, &request);
        break;
    case RESULT:
        frame_encode_result(out, id, &result);
        break;
    case CHECKPOINT_REPLY:
        frame_encode_checkpoint_reply(out, id, &reply);
        break;
    default:
        make_status(&status);
        status_encode(&body, &status);
        frame_begin(out, FRAME_STATUS_REPLY, id, body.bytes);
        buffer_append(out, body.data, body.bytes);
        buffer_free(&body);
    }
}

static const uint16_t types[KINDS] = {FRAME_HELLO,  FRAME_GREETING,         FRAME_WRITE,
                                      FRAME_RESULT, FRAME_CHECKPOINT_REPLY, FRAME_STATUS_REPLY};

/* Decodes a body; `*same` says whether it is that of encode(). */
static bool decode(struct span body, enum kind kind, bool *same)
{
    struct status status, want;
    union {
        struct hello hello;
        struct greeting greeting;
        struct write_request request;
        struct write_result result;
        struct checkpoint_reply reply;
    } u;
    bool good;

    memset(&u, 0xee, sizeof(u));
    switch (kind) {
    case HELLO:
        good = frame_decode_hello(body, &u.hello);
        *same = good && memcmp(&u.hello, &hello, sizeof(hello)) == 0;
        return good;
    case GREETING:
        good = frame_decode_greeting(body, &u.greeting);
        *same = good && u.greeting.protocol == greeting.protocol &&
                u.greeting.wal_sync_async == greeting.wal_sync_async &&
                memcmp(u.greeting.uuid, greeting.uuid, UUID_BYTES) == 0 &&
                u.greeting.generation == greeting.generation &&
                u.greeting.view_grace_ns == greeting.view_grace_ns &&
                u.greeting.max_value_bytes == greeting.max_value_bytes &&
                u.greeting.session_in_force == greeting.session_in_force &&
                span_equal(u.greeting.view_path, greeting.view_path) &&
                span_equal(u.greeting.version, greeting.version);
        return good;
    case WRITE:
        good = frame_decode_write(body, &u.request);
        *same =
            good && u.request.op == request.op && u.request.condition == request.condition &&
            u.request.version == request.version && span_equal(u.request.name, request.name) &&
            span_equal(u.request.value, request.value) && u.request.identity.session == 0 &&
            u.request.identity.sequence == request.identity.sequence &&
            u.request.identity.confirmed == request.identity.confirmed &&
            span_equal(u.request.identity.key, request.identity.key) &&
            memcmp(u.request.identity.fingerprint, request.identity.fingerprint, FINGERPRINT_BYTES) == 0 &&
            span_equal(u.request.token, request.token);
        return good;
    case RESULT:
        good = frame_decode_result(body, &u.result);
        *same = good && u.result.result == result.result && u.result.lsn == result.lsn &&
                u.result.version == result.version && u.result.replayed == result.replayed &&
                u.result.size == result.size && span_equal(u.result.value, result.value);
        return good;
    case CHECKPOINT_REPLY:
        good = frame_decode_checkpoint_reply(body, &u.reply);
        *same = good && u.reply.result == reply.result && u.reply.lsn == reply.lsn &&
                span_equal(u.reply.sentence, reply.sentence);
        return good;
    default:
        memset(&status, 0, sizeof(status));
        make_status(&want);
        good = status_decode(body, &status);
        *same = good;
#define X(name) *same = *same && status.name == want.name;
        STATUS_NUMBERS(X)
#undef X
#define X(name) *same = *same && strcmp(status.name, want.name) == 0;
        STATUS_TEXTS(X)
#undef X
        return good;
    }
}

static void test_round_trip(void)
{
    struct buffer all = {0};

    for (int kind = 0; kind < KINDS; kind++)
        encode(&all, (enum kind)kind, 100 + (uint32_t)kind);
    frame_encode_empty(&all, FRAME_STATUS, 7);
    char *box = kit_boxed(all.data, all.bytes);
    struct span rest = {box, all.bytes};
    for (int kind = 0; kind < KINDS; kind++) {
        struct frame frame;
        bool same = false;
        long size = frame_decode(rest, &frame);

        if (!CHECK(size == (long)(FRAME_HEADER_BYTES + frame.body.bytes), "kind %d", kind))
            break;
        CHECK(frame.type == types[kind] && frame.id == 100 + (uint32_t)kind, "kind %d", kind);
        CHECK(decode(frame.body, (enum kind)kind, &same) && same, "kind %d", kind);
        rest = (struct span){rest.at + size, rest.bytes - (size_t)size};
    }
    struct frame last;
    CU_ASSERT_EQUAL(frame_decode(rest, &last), FRAME_HEADER_BYTES);
    CU_ASSERT(last.type == FRAME_STATUS && last.id == 7 && last.body.bytes == 0);
    free(box);
    buffer_free(&all);
}

/* Every prefix of a frame asks for more; every other length of a body is refused. */
static void test_lengths(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct buffer out = {0};
        struct frame frame;
        bool same;

        encode(&out, (enum kind)kind, 1);
        for (size_t bytes = 0; bytes < out.bytes; bytes++) {
            char *box = kit_boxed(out.data, bytes);
            CHECK(frame_decode((struct span){box, bytes}, &frame) == 0, "kind %d, %zu bytes", kind, bytes);
            free(box);
        }
        size_t body = out.bytes - FRAME_HEADER_BYTES;
        for (size_t bytes = 0; bytes < body + 40; bytes++) {
            char *box = malloc(bytes + 1);

            box = realloc(box, bytes > 0 ? bytes : 1);
            memset(box, 0, bytes);
            memcpy(box, out.data + FRAME_HEADER_BYTES, bytes < body ? bytes : body);
            CHECK(decode((struct span){box, bytes}, (enum kind)kind, &same) == (bytes == body),
                  "kind %d, %zu of %zu", kind, bytes, body);
            free(box);
        }
        buffer_free(&out);
    }
}

/* Every byte set to every value: the decoders stay within the block, and nothing that is changed looks the
 * same. */
static void test_every_byte(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct buffer out = {0};

        encode(&out, (enum kind)kind, 1);
        char *box = kit_boxed(out.data, out.bytes);
        for (size_t at = 0; at < out.bytes; at++) {
            for (int value = 0; value < 256; value++) {
                struct frame frame;
                bool same = false;

                if ((char)value == out.data[at])
                    continue;
                box[at] = (char)value;
                long size = frame_decode((struct span){box, out.bytes}, &frame);
                CHECK(size <= (long)out.bytes && (size >= 0 || size == -EPROTO), "kind %d, byte %zu", kind,
                      at);
                if (at < 4 || at == 10 || at == 11)
                    CHECK(size == -EPROTO, "kind %d, byte %zu", kind, at);
                if (size > 0 && frame.type == types[kind] && frame.id == 1)
                    CHECK(!decode(frame.body, (enum kind)kind, &same) || !same, "kind %d, byte %zu", kind,
                          at);
            }
            box[at] = out.data[at];
        }
        free(box);
        buffer_free(&out);
    }
}

static void test_header(void)
{
    char bytes[FRAME_HEADER_BYTES] = {0};
    struct frame frame;

    put_u32(bytes, FRAME_MAGIC);
    CU_ASSERT_EQUAL(memcmp(bytes, "WKV1", 4), 0);
    put_u32(bytes + 4, FRAME_BODY_MAX);
    CU_ASSERT_EQUAL(frame_decode((struct span){bytes, sizeof(bytes)}, &frame), 0);
    put_u32(bytes + 4, FRAME_BODY_MAX + 1);
    CU_ASSERT_EQUAL(frame_decode((struct span){bytes, sizeof(bytes)}, &frame), -EPROTO);
    put_u32(bytes + 4, UINT32_MAX);
    CU_ASSERT_EQUAL(frame_decode((struct span){bytes, sizeof(bytes)}, &frame), -EPROTO);
    CU_ASSERT_EQUAL(frame_decode(SPAN("GET / HTTP/1.1\r\n"), &frame), -EPROTO);
    CU_ASSERT_EQUAL(frame_decode(SPAN("GET "), &frame), -EPROTO);
}

/* Requests that no worker should send. */
static void test_write_refused(void)
{
    static char name[NAME_BYTES_MAX + 1];
    const struct {
        const char *what;
        struct write_request request;
        bool good;
    } rows[] = {
        {"set", {OP_SET, CONDITION_NONE, 0, {"k", 1}, {"1", 1}, {0}, {0}}, true},
        {"set if absent", {OP_SET, CONDITION_ABSENT, 0, {"k", 1}, {"1", 1}, {0}, {0}}, true},
        {"set of nothing", {OP_SET, CONDITION_NONE, 0, {"k", 1}, {"", 0}, {0}, {0}}, false},
        {"set without a name", {OP_SET, CONDITION_NONE, 0, {"", 0}, {"1", 1}, {0}, {0}}, false},
        {"longest name", {OP_SET, CONDITION_NONE, 0, {name, NAME_BYTES_MAX}, {"1", 1}, {0}, {0}}, true},
        {"name too long", {OP_SET, CONDITION_NONE, 0, {name, NAME_BYTES_MAX + 1}, {"1", 1}, {0}, {0}}, false},
        {"NUL in the name", {OP_SET, CONDITION_NONE, 0, {"a\0b", 3}, {"1", 1}, {0}, {0}}, false},
        {"name is not UTF-8", {OP_SET, CONDITION_NONE, 0, {"\xff", 1}, {"1", 1}, {0}, {0}}, false},
        {"delete", {OP_DELETE, CONDITION_VERSION, 5, {"k", 1}, {"", 0}, {0}, {0}}, true},
        {"delete with a value", {OP_DELETE, CONDITION_NONE, 0, {"k", 1}, {"1", 1}, {0}, {0}}, false},
        {"enqueue", {OP_ENQUEUE, CONDITION_NONE, 0, {"q", 1}, {"1", 1}, {0}, {0}}, true},
        {"enqueue of nothing", {OP_ENQUEUE, CONDITION_NONE, 0, {"q", 1}, {"", 0}, {0}, {0}}, false},
        {"enqueue on a condition", {OP_ENQUEUE, CONDITION_EXISTS, 0, {"q", 1}, {"1", 1}, {0}, {0}}, false},
        {"dequeue", {OP_DEQUEUE, CONDITION_NONE, 0, {"q", 1}, {"", 0}, {0}, {0}}, true},
        {"clear", {OP_CLEAR, CONDITION_NONE, 0, {"q", 1}, {"", 0}, {0}, {0}}, true},
        {"forget with a value", {OP_FORGET, CONDITION_NONE, 0, {"q", 1}, {"1", 1}, {0}, {0}}, false},
        {"no-op", {OP_NOOP, CONDITION_NONE, 0, {"k", 1}, {"", 0}, {0}, {0}}, false},
        {"unknown operation", {OP_LIMIT, CONDITION_NONE, 0, {"k", 1}, {"", 0}, {0}, {0}}, false},
        {"a place in a session",
         {OP_DELETE, CONDITION_NONE, 0, {"k", 1}, {"", 0}, {.sequence = 7}, {0}},
         true},
        {"confirms",
         {OP_DELETE, CONDITION_NONE, 0, {"k", 1}, {"", 0}, {.sequence = 7, .confirmed = 6}, {0}},
         true},
        {"confirms itself",
         {OP_DELETE, CONDITION_NONE, 0, {"k", 1}, {"", 0}, {.sequence = 7, .confirmed = 7}, {0}},
         false},
        {"the log's own operation", {OP_EXPIRE, CONDITION_NONE, 0, {"k", 1}, {"", 0}, {0}, {0}}, false},
        {"unknown condition", {OP_SET, CONDITION_LIMIT, 0, {"k", 1}, {"1", 1}, {0}, {0}}, false},
    };

    memset(name, 'n', sizeof(name));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buffer out = {0};
        struct write_request back;
        struct frame frame;

        frame_encode_write(&out, 1, &rows[i].request);
        CHECK(frame_decode(buffer_span(&out), &frame) == (long)out.bytes, "%s", rows[i].what);
        CHECK(frame_decode_write(frame.body, &back) == rows[i].good, "%s", rows[i].what);
        for (size_t at = 8; at < 16; at++) { /* no key and no token behind these */
            char *body = out.data + FRAME_HEADER_BYTES;
            body[at] = 1;
            CHECK(!frame_decode_write(frame.body, &back), "%s, byte %zu", rows[i].what, at);
            body[at] = 0;
        }
        buffer_free(&out);
    }
}

static void test_keys(void)
{
    static char longest[IDEMPOTENCY_KEY_MAX + 1];
    const struct {
        struct span key;
        bool good;
    } rows[] = {
        {{"a", 1}, true},
        {{"!~", 2}, true},
        {{longest, IDEMPOTENCY_KEY_MAX}, true},
        {{longest, sizeof(longest)}, false},
        {{"a b", 3}, false},
        {{"a\tb", 3}, false},
        {{"\x7f", 1}, false},
        {{"\xc3\xa4", 2}, false},
        {{"a\0", 2}, false},
    };

    memset(longest, 'k', sizeof(longest));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct write_request with_key = request, back;
        struct buffer out = {0};

        with_key.identity.key = rows[i].key;
        frame_encode_write(&out, 1, &with_key);
        CHECK(frame_decode_write((struct span){out.data + 16, out.bytes - 16}, &back) == rows[i].good,
              "row %zu", i);
        frame_set_confirmed(out.data, 3);
        CHECK(!frame_decode_write((struct span){out.data + 16, out.bytes - 16}, &back) ||
                  back.identity.confirmed == 3,
              "row %zu", i);
        buffer_free(&out);
    }
}

static void test_tokens(void)
{
    static char longest[TOKEN_TEXT_MAX + 1];
    const struct {
        struct span token;
        bool good;
    } rows[] = {
        {{"", 0}, true},
        {{"a", 1}, true},
        {{"wkv_Az09-._~+/=", 15}, true},
        {{longest, TOKEN_TEXT_MAX}, true},
        {{longest, sizeof(longest)}, false},
        {{"a b", 3}, false},
        {{"a\n", 2}, false},
        {{"a\0", 2}, false},
        {{"a,b", 3}, false},
        {{"\xc3\xa4", 2}, false},
    };

    memset(longest, 't', sizeof(longest));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct write_request with_token = request, back;
        struct buffer out = {0};

        with_token.token = rows[i].token;
        frame_encode_write(&out, 1, &with_token);
        CHECK(frame_decode_write((struct span){out.data + 16, out.bytes - 16}, &back) == rows[i].good,
              "row %zu", i);
        CHECK(!rows[i].good || span_equal(back.token, rows[i].token), "row %zu", i);
        buffer_free(&out);
    }
}

/* Of another protocol nothing but the number is read, so that each side can say what is wrong. */
static void test_other_protocol(void)
{
    const char old[] = "\x01\0\0\0and whatever it had";
    struct hello h;
    struct greeting g;

    CU_ASSERT(frame_decode_hello(SPAN(old), &h) && h.protocol == 1);
    CU_ASSERT(frame_decode_greeting(SPAN(old), &g) && g.protocol == 1);
    CU_ASSERT_FALSE(frame_decode_hello(SPAN("\x01\0"), &h));
    CU_ASSERT_FALSE(frame_decode_greeting(SPAN("\x01\0"), &g));
}

static void test_other_refused(void)
{
    struct buffer out = {0};
    struct hello bad = hello, back;
    struct status status;

    bad.role = 3;
    frame_encode_hello(&out, 1, &bad);
    CU_ASSERT_FALSE(frame_decode_hello((struct span){out.data + 16, out.bytes - 16}, &back));
    out.bytes = 0;
    bad = hello;
    bad.session = UINT64_C(1) << 32; /* the place of the process id */
    frame_encode_hello(&out, 1, &bad);
    CU_ASSERT_FALSE(frame_decode_hello((struct span){out.data + 16, out.bytes - 16}, &back));
    out.bytes = 0;
    bad.session = 0; /* and yet something was sent in it */
    frame_encode_hello(&out, 1, &bad);
    CU_ASSERT_FALSE(frame_decode_hello((struct span){out.data + 16, out.bytes - 16}, &back));
    out.bytes = 0;
    make_status(&status);
    memset(status.version, 'v', sizeof(status.version)); /* no NUL: encoded as far as there is room */
    status_encode(&out, &status);
    CU_ASSERT(status_decode(buffer_span(&out), &status));
    CU_ASSERT_EQUAL(strlen(status.version), STATUS_TEXT_BYTES - 1);
    buffer_free(&out);
}

static void test_random_bytes(void)
{
    uint64_t random = 11;

    for (int i = 0; i < 20000; i++) {
        size_t bytes = kit_below(&random, 200);
        char *box = malloc(bytes + 1);
        bool same;
        struct frame frame;

        box = realloc(box, bytes > 0 ? bytes : 1);
        for (size_t j = 0; j < bytes; j++)
            box[j] = (char)(kit_below(&random, 3) == 0 ? kit_random(&random) >> 20 : kit_below(&random, 4));
        for (int kind = 0; kind < KINDS; kind++)
            decode((struct span){box, bytes}, (enum kind)kind, &same);
        frame_decode((struct span){box, bytes}, &frame);
        free(box);
    }
}

void frame_suite(void)
{
    CU_pSuite suite = CU_add_suite("frame", NULL, NULL);

    CU_add_test(suite, "every frame comes back", test_round_trip);
    CU_add_test(suite, "every length", test_lengths);
    CU_add_test(suite, "every byte, every value", test_every_byte);
    CU_add_test(suite, "header", test_header);
    CU_add_test(suite, "requests that are refused", test_write_refused);
    CU_add_test(suite, "idempotency keys", test_keys);
    CU_add_test(suite, "access tokens", test_tokens);
    CU_add_test(suite, "another protocol", test_other_protocol);
    CU_add_test(suite, "other frames that are refused", test_other_refused);
    CU_add_test(suite, "random bytes", test_random_bytes);
}
