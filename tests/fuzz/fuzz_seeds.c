/* SPDX-License-Identifier: MIT
 *
 * Writes seeds, one file each, to DIR/TARGET/: inputs from which a fuzzer gets everywhere sooner than from
 * nothing. What is binary comes from the product's own encoders, so that seeds follow a format that changes;
 * the layouts of the inputs stand at the head of each target. The corpus was grown from these (tests/fuzz/run
 * --merge).
 *
 *     fuzz_seeds DIR
 */
#include "fuzz.h"

#include "bytes.h"
#include "control.h"
#include "frame.h"
#include "http_parser.h"
#include "httpd_settings.h"
#include "record.h"
#include "snapshot_format.h"
#include "status.h"
#include "wal_format.h"
#include "walkvd_settings.h"

#include <errno.h>
#include <lz4.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <xxhash.h>

#define TEXT(literal) ((struct span){literal, sizeof(literal) - 1})

static const char *dir;

/* Writes a seed and empties the buffer. */
static void save(const char *target, struct buffer *seed)
{
    static unsigned number;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, target);
    if (mkdir(path, 0777) && errno != EEXIST)
        fatal(EX_CANTCREAT, "%s: %m", path);
    snprintf(path, sizeof path, "%s/%s/%03u", dir, target, number++);
    FILE *file = fopen(path, "we");
    if (!file || fwrite(seed->data, 1, seed->bytes, file) != seed->bytes || fclose(file))
        fatal(EX_CANTCREAT, "%s: %m", path);
    seed->bytes = 0;
}

static void save_text(const char *target, uint8_t first, struct span text)
{
    struct buffer seed = {0};
    buffer_append(&seed, &first, 1);
    buffer_append(&seed, text.at, text.bytes);
    save(target, &seed);
    buffer_free(&seed);
}

static void next(struct buffer *seed)
{
    buffer_append_text(seed, FUZZ_NEXT);
}

/* --- the log --- */

struct log_seed {
    struct buffer seed;
    struct wal_link link;
    struct wal_segment_header header;
    uint64_t next_lsn, durable_lsn;
    size_t segments;
};

static void log_begin(struct log_seed *l, uint8_t flags, uint8_t fail_read, uint64_t from_lsn,
                      uint64_t durable_lsn, uint64_t newest_segment)
{
    *l = (struct log_seed){.next_lsn = 1};
    char *at = buffer_extend(&l->seed, 26);
    at[0] = (char)flags;
    at[1] = (char)fail_read;
    put_u64(at + 2, from_lsn);
    put_u64(at + 10, durable_lsn);
    put_u64(at + 18, newest_segment);
}

static void log_segment(struct log_seed *l, const char *uuid, uint32_t version)
{
    char block[512];
    l->header = (struct wal_segment_header){.version = version,
                                            .block_bytes = sizeof block,
                                            .salt = 0x5a17 + l->segments,
                                            .first_lsn = l->next_lsn,
                                            .segment_bytes = 8192,
                                            .previous = l->link,
                                            .created_ns = 77};
    memcpy(l->header.uuid, uuid, UUID_BYTES);
    wal_segment_header_encode(block, &l->header);
    if (l->segments++)
        buffer_append_text(&l->seed, FUZZ_NEXT FUZZ_NEXT);
    buffer_append(&l->seed, "", 1);
    buffer_append(&l->seed, block, sizeof block);
    l->link = (struct wal_link){l->next_lsn, l->next_lsn - 1, l->header.checksum};
}

/* Appends a batch, of which the zeros that pad it are left out. */
static void log_batch(struct log_seed *l, uint32_t flags, struct span payload, uint32_t count)
{
    struct buffer batch = {0};
    struct wal_batch_header h = {.flags = flags,
                                 .first_lsn = l->next_lsn,
                                 .count = count,
                                 .durable_lsn = l->durable_lsn,
                                 .time_ns = 1000 * l->next_lsn,
                                 .chain = l->link.checksum};
    wal_batch_encode(&batch, &h, payload, l->header.salt, l->header.block_bytes);
    next(&l->seed);
    buffer_append(&l->seed, batch.data, WAL_BATCH_HEADER_BYTES + h.payload_bytes);
    buffer_free(&batch);
    l->next_lsn += count;
    l->durable_lsn = l->next_lsn - 1;
    l->link.last_lsn = l->next_lsn - 1;
    l->link.checksum = h.checksum;
}

static void log_noop(struct log_seed *l, uint32_t flags)
{
    struct buffer payload = {0};
    record_encode(&payload, &(struct record){.op = OP_NOOP});
    log_batch(l, flags, buffer_span(&payload), 1);
    buffer_free(&payload);
}

/* A batch with every operation, and one that is worth compressing. */
static void log_batches(struct log_seed *l)
{
    static char large[5000];
    struct buffer payload = {0};
    for (unsigned op = OP_NOOP; op < OP_LIMIT; op++) {
        struct record r = {
            .op = (enum op)op, .queue_id = op >= OP_ENQUEUE ? 3 : 0, .sequence = op == OP_ENQUEUE};
        if (op != OP_NOOP)
            r.name = TEXT("n\xc3\xa4me");
        if (op == OP_SET || op == OP_ENQUEUE)
            r.value = TEXT("[1,2]");
        record_encode(&payload, &r);
    }
    log_batch(l, 0, buffer_span(&payload), OP_LIMIT);
    payload.bytes = 0;
    memset(large, '7', sizeof large);
    record_encode(&payload,
                  &(struct record){.op = OP_SET, .name = TEXT("k"), .value = {large, sizeof large}});
    log_batch(l, 0, buffer_span(&payload), 1);
    buffer_free(&payload);
}

static void log_save(struct log_seed *l)
{
    size_t bytes = l->seed.bytes;
    save("wal", &l->seed);
    l->seed.bytes = bytes;
    save("salvage", &l->seed);
    buffer_free(&l->seed);
}

/* Batches of one no-op each in `segments` segments, the last with or without a seal. */
static void log_row(struct log_seed *l, unsigned segments, bool sealed)
{
    for (unsigned i = 0; i < segments; i++) {
        log_segment(l, FUZZ_UUID, WAL_VERSION);
        log_noop(l, 0);
        log_noop(l, i + 1 < segments || sealed ? WAL_FLAG_SEAL : 0);
    }
}

static void log_seeds(void)
{
    enum { FORGED = 1 | 2 | 4, GROW = 32, DIRECT_NOT = 128 };
    static const uint8_t flags[] = {GROW, GROW | FORGED, GROW | FORGED | 8 | 16,
                                    GROW | FORGED | 64 | DIRECT_NOT};
    struct log_seed l;
    for (size_t i = 0; i < sizeof flags; i++) {
        log_begin(&l, flags[i], 0, 3, 7, 1);
        log_segment(&l, FUZZ_UUID, WAL_VERSION);
        log_batches(&l);
        log_save(&l);
        log_begin(&l, flags[i], (uint8_t)i, 5, 6, 5);
        log_row(&l, 3, i % 2);
        log_save(&l);
    }
    /* A batch that says it unpacks to more than it does. */
    static char value[5000];
    struct buffer payload = {0};
    record_encode(&payload,
                  &(struct record){.op = OP_SET, .name = TEXT("k"), .value = {value, sizeof value}});
    log_begin(&l, GROW | FORGED, 0, 0, 0, 0);
    log_segment(&l, FUZZ_UUID, WAL_VERSION);
    size_t batch = l.seed.bytes + strlen(FUZZ_NEXT);
    log_batch(&l, 0, (struct span){payload.data, payload.bytes - 300}, 1);
    put_u32(l.seed.data + batch + 24, (uint32_t)payload.bytes);
    log_save(&l);
    buffer_free(&payload);
    /* A segment that is not there, one of another store, a newer one. */
    for (unsigned kind = 0; kind < 3; kind++) {
        log_begin(&l, GROW, 0, 0, 0, 0);
        log_segment(&l, kind == 1 ? "another store..." : FUZZ_UUID, WAL_VERSION + (kind == 2));
        if (kind == 0) {
            log_noop(&l, WAL_FLAG_SEAL);
            l.link.first_lsn = l.next_lsn++;
            log_segment(&l, FUZZ_UUID, WAL_VERSION);
        }
        log_noop(&l, 0);
        log_save(&l);
    }
    /* The last batch but one is damaged, and the last says that it was durable; the last is torn. */
    for (unsigned kind = 0; kind < 2; kind++) {
        log_begin(&l, GROW, 0, 0, 2, 1);
        log_row(&l, 1, false);
        log_noop(&l, 0);
        size_t damage = l.seed.bytes - 1;
        if (kind == 0)
            log_noop(&l, 0);
        l.seed.data[damage] ^= 1;
        log_save(&l);
    }
}

/* --- the snapshot and the control file --- */

static void snapshot_seed(unsigned flags, uint8_t fail_sink, uint8_t fail_read, const char *uuid,
                          uint32_t page_bytes, uint64_t pages, bool compress)
{
    static char raw[SNAPSHOT_BLOCK_BYTES + 65536], stored[SNAPSHOT_BLOCK_BYTES], out[SNAPSHOT_HEADER_BYTES];
    struct snapshot_header h = {.page_bytes = page_bytes,
                                .lsn = 1,
                                .batch_checksum = 2,
                                .started_ns = 3,
                                .pages = pages,
                                .keys = 4,
                                .random = 5};
    struct snapshot_footer footer = {.raw_bytes = pages * page_bytes, .lsn = 1};
    struct buffer seed = {0};
    XXH3_state_t *total = XXH3_createState();
    must(total && pages * page_bytes <= sizeof raw);
    memcpy(h.uuid, uuid, UUID_BYTES);
    memcpy(raw, "page", 4);
    put_u16(buffer_extend(&seed, 2), (uint16_t)flags);
    buffer_append(&seed, &fail_sink, 1);
    buffer_append(&seed, &fail_read, 1);
    snapshot_header_encode(out, &h);
    buffer_append(&seed, out, SNAPSHOT_HEADER_BYTES);
    XXH3_64bits_reset_withSeed(total, h.checksum);
    for (uint64_t at = 0; at < footer.raw_bytes; footer.blocks++) {
        uint64_t left = footer.raw_bytes - at,
                 bytes = left < SNAPSHOT_BLOCK_BYTES ? left : SNAPSHOT_BLOCK_BYTES;
        struct snapshot_block b = {
            .raw_bytes = (uint32_t)bytes, .stored_bytes = (uint32_t)bytes, .number = footer.blocks};
        const char *data = raw + at;
        if (compress) {
            b.compressed = true;
            b.stored_bytes = (uint32_t)LZ4_compress_default(raw + at, stored, (int)bytes, (int)bytes);
            data = stored;
        }
        b.data_checksum = XXH3_64bits(data, b.stored_bytes);
        snapshot_block_encode(out, &b, h.checksum);
        XXH3_64bits_update(total, out, SNAPSHOT_BLOCK_HEADER_BYTES);
        next(&seed);
        buffer_append(&seed, out, SNAPSHOT_BLOCK_HEADER_BYTES);
        buffer_append(&seed, data, b.stored_bytes);
        at += bytes;
    }
    footer.total_checksum = XXH3_64bits_digest(total);
    XXH3_freeState(total);
    snapshot_footer_encode(out, &footer, h.checksum);
    next(&seed);
    buffer_append(&seed, out, SNAPSHOT_FOOTER_BYTES);
    save("snapshot", &seed);
    buffer_free(&seed);
}

static void snapshot_seeds(void)
{
    enum { FORGED = 1 | 2 | 4 | 8, FIT = 16, ANY = 32, PAD = 64, DIRECT_NOT = 128 };
    snapshot_seed(0, 2, 0, FUZZ_UUID, 512, 2, false);
    snapshot_seed(ANY, 0, 1, "another store...", 512, 1, true);
    snapshot_seed(0, 0, 0, "another store...", 512, 1, true);
    snapshot_seed(FORGED | FIT | PAD, 0, 0, FUZZ_UUID, 512, 1, false);
    snapshot_seed(FORGED | PAD | DIRECT_NOT, 0, 0, FUZZ_UUID, 4096, 4, true);
    snapshot_seed(FORGED | FIT, 0, 2, FUZZ_UUID, 4096, 257, true);
    snapshot_seed(0, 3, 0, FUZZ_UUID, 65536, 17, true);
    struct buffer newer = {0};
    char header[SNAPSHOT_HEADER_BYTES];
    snapshot_header_encode(header, &(struct snapshot_header){.page_bytes = 512, .pages = 1});
    put_u32(header + 8, SNAPSHOT_VERSION + 1);
    buffer_append(&newer, (char[]){FORGED | PAD, 0, 0, 0}, 4);
    buffer_append(&newer, header, 96);
    save("snapshot", &newer);
    buffer_free(&newer);
}

static void control_seeds(void)
{
    for (unsigned clean = 0; clean < 2; clean++) {
        struct control c = {
            .clean = clean, .segment_lsn = 4, .last_lsn = 9, .snapshot_lsn = 5, .older_snapshot_lsn = 3};
        char out[CONTROL_BYTES];
        memcpy(c.uuid, FUZZ_UUID, UUID_BYTES);
        control_encode(out, &c);
        save_text("control", 0, (struct span){out, sizeof out});
        save_text("control", 1, (struct span){out, 80});
        put_u32(out + 8, CONTROL_VERSION + 1);
        save_text("control", 1, (struct span){out, 80});
    }
}

/* --- the socket --- */

static void frames_begin(struct buffer *seed, bool seal, struct span sizes)
{
    buffer_append(seed, seal ? "\1" : "", 1);
    buffer_append(seed, sizes.at, sizes.bytes);
    next(seed);
}

static void server_seeds(void)
{
    struct buffer seed = {0};
    const struct hello hello = {.protocol = FRAME_PROTOCOL, .role = FRAME_ROLE_WORKER, .pid = 7};
    for (int seal = 0; seal < 2; seal++) {
        frames_begin(&seed, seal, TEXT("\x00\x05\x20"));
        frame_encode_hello(&seed, 0, &hello);
        next(&seed);
        frame_encode_empty(&seed, FRAME_STATUS, 1);
        next(&seed);
        frame_encode_empty(&seed, FRAME_CHECKPOINT, 2);
        save("frame_server", &seed);
        for (unsigned op = OP_SET; op < OP_LIMIT; op++) {
            struct write_request w = {.op = (enum op)op, .name = TEXT("n\xc3\xa4me"), .version = 12};
            if (op == OP_SET || op == OP_ENQUEUE)
                w.value = TEXT("{\"a\":1}");
            if (op == OP_SET || op == OP_DELETE)
                w.condition = CONDITION_VERSION;
            frames_begin(&seed, seal, TEXT("\x0f"));
            frame_encode_hello(&seed, 0, &hello);
            next(&seed);
            frame_encode_write(&seed, op, &w);
            save("frame_server", &seed);
        }
        /* A record in a frame of no known type. */
        struct record r = {OP_ENQUEUE, TEXT("q"), TEXT("null"), 5, 6};
        struct buffer body = {0};
        record_encode(&body, &r);
        record_encode(&body, &(struct record){.op = OP_NOOP});
        frames_begin(&seed, seal, TEXT(""));
        frame_begin(&seed, (enum frame_type)99, 3, body.bytes);
        buffer_append(&seed, body.data, body.bytes);
        save("frame_server", &seed);
        buffer_free(&body);
    }
    frames_begin(&seed, false, TEXT("\x07"));
    buffer_append_text(&seed, "GET / HTTP/1.1\r\n\r\n");
    save("frame_server", &seed);
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
        next(&seed);
        frame_begin(&seed, FRAME_STATUS_REPLY, 1, body.bytes);
        buffer_append(&seed, body.data, body.bytes);
        next(&seed);
        struct checkpoint_reply reply = {RESULT_UNAVAILABLE, 9, TEXT("no room")};
        frame_encode_checkpoint_reply(&seed, 2, &reply);
        save("frame_client", &seed);
        frames_begin(&seed, seal, TEXT(""));
        for (unsigned result = RESULT_OK; result < RESULT_LIMIT; result++) {
            struct write_result w = {.result = (enum result)result, .lsn = 7, .version = 7, .size = 3};
            if (result == RESULT_OK)
                w.value = TEXT("\"item\"");
            frame_encode_result(&seed, result, &w);
            next(&seed);
        }
        save("frame_client", &seed);
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
    save("http", &seed);
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct span parts = sizes[i % 3];
        buffer_append(&seed, &(char){(char)parts.bytes}, 1);
        buffer_append(&seed, parts.at, parts.bytes);
        buffer_append(&seed, streams[i].at, streams[i].bytes);
        save("http", &seed);
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
        save_text("json_text", i % 3 ? 255 : (uint8_t)i, texts[i]);
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
            save("settings", &seed);
        }
    }
    buffer_free(&seed);
    save_text("settings", 0,
              TEXT("[walkvd]\nview_size=8MiB ; "
                   "small\nview_path=/a\nwal_sync=async\nview_grace=10ms\nmax_connections=9\n"));
    save_text("settings", 1,
              TEXT("\xef\xbb\xbf[walkvd]\nx=1\n[walkv-httpd]\nlisten = [::1]:80\nallowed_hosts = a.b, "
                   "c\nlog_level=debug\n"));
    save_text("settings", 0, TEXT("view_size = 1\n"));
    save_text("settings", 0, TEXT("[walkd]\n"));
    save_text("settings", 0, TEXT("[walkvd]\ncold_start = yes\n"));
    save_text("settings", 1, TEXT("[walkv-httpd]\ndrain_timeout = 0\nbody_min_rate=0\n"));
    save_text("settings", 2, TEXT("--print-config=x"));
    save_text("settings", 0, TEXT("[walkvd]\nview_sise = 9MiB\n"));
    save_text("settings", 0, TEXT("[walkvd]\nview_size = 9MiB\n  view_size: 9MiB\n"));
    save_text("settings", 2,
              TEXT("--cold-start\n--no-cold-start\n--view-size\n9MiB\n--config=x\n--print-config"));
    save_text("settings", 3, TEXT("--workers=2\n--help"));
    save_text("settings", 2, TEXT("--vew-size=9MiB"));
}

int main(int argc, char **argv)
{
    log_open("fuzz_seeds", LOG_LEVEL_INFO);
    if (argc != 2)
        fatal(EX_USAGE, "usage: fuzz_seeds DIR");
    dir = argv[1];
    if (mkdir(dir, 0777) && errno != EEXIST)
        fatal(EX_CANTCREAT, "%s: %m", dir);
    log_seeds();
    snapshot_seeds();
    control_seeds();
    server_seeds();
    client_seeds();
    http_seeds();
    json_seeds();
    settings_seeds();
    return 0;
}
