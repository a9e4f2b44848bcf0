/* SPDX-License-Identifier: MIT
 *
 * evaluate, store and batch on a real view with a real log: what each operation answers and leaves behind;
 * that replaying the log gives the same store; and what a batch answers when the disk fails.
 */
#include "memory_disk.h"
#include "record.h"
#include "view_kit.h"
#include "wal_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void store_suite(void);

/* `version` 0 stands for "none" in requests, LAST for that of the last successful SET. */
#define LAST 1000000u
/* In answers: not compared. */
#define ANY  UINT64_MAX
/* In answers: the LSN that this request got. */
#define OWN  (UINT64_MAX - 1)

static const struct {
    const char *what;
    enum op op;
    enum condition condition;
    uint64_t version;
    const char *name, *value;
    enum result want;
    uint64_t want_version, want_size;
    const char *want_value;
} transcript[] = {
    {"set a new key", OP_SET, CONDITION_NONE, 0, "a", "1", RESULT_CREATED, OWN, ANY, ""},
    {"set it again", OP_SET, CONDITION_NONE, 0, "a", "2", RESULT_OK, OWN, ANY, ""},
    {"if absent, it is there", OP_SET, CONDITION_ABSENT, 0, "a", "3", RESULT_PRECONDITION_FAILED, LAST, ANY,
     ""},
    {"if absent, it is not", OP_SET, CONDITION_ABSENT, 0, "b", "3", RESULT_CREATED, OWN, ANY, ""},
    {"if it exists", OP_SET, CONDITION_EXISTS, 0, "b", "4", RESULT_OK, OWN, ANY, ""},
    {"if it exists, it does not", OP_SET, CONDITION_EXISTS, 0, "c", "4", RESULT_PRECONDITION_FAILED, 0, ANY,
     ""},
    {"the version", OP_SET, CONDITION_VERSION, LAST, "b", "5", RESULT_OK, OWN, ANY, ""},
    {"another version", OP_SET, CONDITION_VERSION, 1, "b", "6", RESULT_PRECONDITION_FAILED, LAST, ANY, ""},
    {"the version of no key", OP_SET, CONDITION_VERSION, LAST, "c", "6", RESULT_PRECONDITION_FAILED, 0, ANY,
     ""},
    {"version 0 of no key", OP_SET, CONDITION_VERSION, 0, "c", "6", RESULT_PRECONDITION_FAILED, 0, ANY, ""},
    {"update", OP_SET, CONDITION_UPDATE, 0, "b", "7", RESULT_OK, OWN, ANY, ""},
    {"update of no key", OP_SET, CONDITION_UPDATE, 0, "c", "7", RESULT_NOT_FOUND, 0, ANY, ""},
    {"update of a version", OP_SET, CONDITION_UPDATE_VERSION, LAST, "b", "8", RESULT_OK, OWN, ANY, ""},
    {"update of another", OP_SET, CONDITION_UPDATE_VERSION, 1, "b", "9", RESULT_PRECONDITION_FAILED, LAST,
     ANY, ""},
    {"update, no key", OP_SET, CONDITION_UPDATE_VERSION, 0, "c", "9", RESULT_NOT_FOUND, 0, ANY, ""},
    {"delete of another version", OP_DELETE, CONDITION_VERSION, 1, "b", "", RESULT_PRECONDITION_FAILED, LAST,
     ANY, ""},
    {"delete of the version", OP_DELETE, CONDITION_VERSION, LAST, "b", "", RESULT_OK, ANY, ANY, ""},
    {"delete again", OP_DELETE, CONDITION_NONE, 0, "b", "", RESULT_NOT_FOUND, 0, ANY, ""},
    {"delete if it exists", OP_DELETE, CONDITION_EXISTS, 0, "b", "", RESULT_PRECONDITION_FAILED, 0, ANY, ""},
    {"delete if absent", OP_DELETE, CONDITION_ABSENT, 0, "b", "", RESULT_NOT_FOUND, 0, ANY, ""},
    {"dequeue from no queue", OP_DEQUEUE, CONDITION_NONE, 0, "q", "", RESULT_QUEUE_EMPTY, ANY, 0, ""},
    {"clear no queue", OP_CLEAR, CONDITION_NONE, 0, "q", "", RESULT_QUEUE_NOT_FOUND, ANY, 0, ""},
    {"forget no queue", OP_FORGET, CONDITION_NONE, 0, "q", "", RESULT_QUEUE_NOT_FOUND, ANY, 0, ""},
    {"enqueue", OP_ENQUEUE, CONDITION_NONE, 0, "q", "\"x\"", RESULT_OK, ANY, 1, ""},
    {"enqueue", OP_ENQUEUE, CONDITION_NONE, 0, "q", "\"y\"", RESULT_OK, ANY, 2, ""},
    {"another queue", OP_ENQUEUE, CONDITION_NONE, 0, "a", "\"z\"", RESULT_OK, ANY, 1, ""},
    {"first in, first out", OP_DEQUEUE, CONDITION_NONE, 0, "q", "", RESULT_OK, ANY, 1, "\"x\""},
    {"the second", OP_DEQUEUE, CONDITION_NONE, 0, "q", "", RESULT_OK, ANY, 0, "\"y\""},
    {"empty", OP_DEQUEUE, CONDITION_NONE, 0, "q", "", RESULT_QUEUE_EMPTY, ANY, 0, ""},
    {"clear an empty queue", OP_CLEAR, CONDITION_NONE, 0, "q", "", RESULT_OK, ANY, 0, ""},
    {"enqueue", OP_ENQUEUE, CONDITION_NONE, 0, "q", "1", RESULT_OK, ANY, 1, ""},
    {"enqueue", OP_ENQUEUE, CONDITION_NONE, 0, "q", "2", RESULT_OK, ANY, 2, ""},
    {"clear", OP_CLEAR, CONDITION_NONE, 0, "q", "", RESULT_OK, ANY, 0, ""},
    {"empty", OP_DEQUEUE, CONDITION_NONE, 0, "q", "", RESULT_QUEUE_EMPTY, ANY, 0, ""},
    {"enqueue after it", OP_ENQUEUE, CONDITION_NONE, 0, "q", "3", RESULT_OK, ANY, 1, ""},
    {"forget", OP_FORGET, CONDITION_NONE, 0, "q", "", RESULT_OK, ANY, 0, ""},
    {"forgotten", OP_CLEAR, CONDITION_NONE, 0, "q", "", RESULT_QUEUE_NOT_FOUND, ANY, 0, ""},
    {"a new queue of that name", OP_ENQUEUE, CONDITION_NONE, 0, "q", "4", RESULT_OK, ANY, 1, ""},
    {"has only new items", OP_DEQUEUE, CONDITION_NONE, 0, "q", "", RESULT_OK, ANY, 0, "4"},
    {"other queues are untouched", OP_DEQUEUE, CONDITION_NONE, 0, "a", "", RESULT_OK, ANY, 0, "\"z\""},
    {"other keys are untouched", OP_SET, CONDITION_EXISTS, 0, "a", "1", RESULT_OK, OWN, ANY, ""},
};

static bool check_answer(size_t row, const struct write_result *r, uint64_t before_lsn, uint64_t last_version)
{
    const uint64_t wanted =
        transcript[row].want_version == LAST ? last_version : transcript[row].want_version;
    bool done = transcript[row].want == RESULT_OK || transcript[row].want == RESULT_CREATED;

    return CHECK(r->result == transcript[row].want, "%s: %s", transcript[row].what, result_text(r->result)) &&
           CHECK(done ? r->lsn > before_lsn : r->lsn >= before_lsn, "%s: LSN %ju after %ju",
                 transcript[row].what, (uintmax_t)r->lsn, (uintmax_t)before_lsn) &&
           CHECK(wanted == ANY || r->version == (wanted == OWN ? r->lsn : wanted), "%s: version %ju",
                 transcript[row].what, (uintmax_t)r->version) &&
           CHECK(transcript[row].want_size == ANY || r->size == transcript[row].want_size, "%s: size %ju",
                 transcript[row].what, (uintmax_t)r->size) &&
           CHECK(span_equal(r->value,
                            (struct span){transcript[row].want_value, strlen(transcript[row].want_value)}),
                 "%s: value %.*s", transcript[row].what, (int)r->value.bytes, r->value.at);
}

/* The transcript with a batch per request. */
static void test_transcript(void)
{
    struct stand s;
    uint64_t last_version = 0, last_lsn = 0;
    struct buffer dump = {0};

    stand_open(&s, disk_system());
    for (size_t i = 0; i < COUNT(transcript); i++) {
        uint64_t version = transcript[i].version == LAST ? last_version : transcript[i].version;
        struct write_result r = stand_do(&s, transcript[i].op, transcript[i].condition, version,
                                         transcript[i].name, transcript[i].value);

        check_answer(i, &r, last_lsn, last_version);
        last_lsn = r.lsn;
        if (transcript[i].want_version == OWN)
            last_version = r.version;
    }
    CU_ASSERT_EQUAL(s.store.published.keys, 1);
    CU_ASSERT_EQUAL(s.store.published.queues, 2);
    CU_ASSERT_EQUAL(s.store.published.items, 0);
    CU_ASSERT_EQUAL(s.store.published.applied_lsn, wal_next_lsn(s.wal) - 1);
    stand_dump(&s, &dump);
    buffer_free(&dump);
    stand_close(&s);
}

/* The same in one batch: each request sees those before it. LAST is then the LSN it will be. */
static void test_transcript_in_one_batch(void)
{
    struct stand s;
    struct batch_item items[COUNT(transcript)];
    uint64_t lsn, last_version = 0;

    stand_open(&s, disk_system());
    lsn = wal_next_lsn(s.wal);
    const uint64_t first = lsn;
    for (size_t i = 0; i < COUNT(transcript); i++) {
        items[i] = (struct batch_item){
            .request = {transcript[i].op,
                        transcript[i].condition,
                        transcript[i].version == LAST ? last_version : transcript[i].version,
                        {transcript[i].name, strlen(transcript[i].name)},
                        {transcript[i].value, strlen(transcript[i].value)},
                        {0},
                        {0}},
        };
        if (transcript[i].want_version == OWN)
            last_version = lsn;
        lsn += transcript[i].want == RESULT_OK || transcript[i].want == RESULT_CREATED;
    }
    CU_ASSERT_EQUAL_FATAL(batch_run(&s.batch, items, COUNT(items)), 0);
    CU_ASSERT_EQUAL(wal_next_lsn(s.wal), lsn);
    CU_ASSERT_EQUAL(s.store.published.applied_lsn, lsn - 1);
    last_version = 0;
    for (size_t i = 0; i < COUNT(transcript); i++) {
        check_answer(i, &items[i].result, i > 0 ? items[i - 1].result.lsn : first - 1, last_version);
        if (transcript[i].want_version == OWN)
            last_version = items[i].result.version;
    }
    stand_close(&s);
}

static int replay(const struct wal_segment *segment, const struct wal_batch *batch, void *arg)
{
    struct stand *s = arg;
    struct span payload = batch->payload;
    struct record record;
    bool effects = false;
    int rc = store_begin(&s->store);

    (void)segment;
    for (uint32_t i = 0; i < batch->header.count && rc == 0; i++) {
        rc = record_decode(&payload, &record)
                 ? store_apply(&s->store, &record, batch->header.first_lsn + i, batch->header.time_ns)
                 : -EBADMSG;
        effects = effects || record.op != OP_NOOP;
    }
    if (rc != 0 || !effects) {
        store_abort(&s->store);
        return rc;
    }
    return store_commit(&s->store, wal_batch_last_lsn(&batch->header), batch->header.checksum, batch->offset,
                        batch->header.time_ns);
}

static void check_same(struct stand *a, struct stand *b)
{
    struct buffer dump_a = {0}, dump_b = {0};

    stand_dump(a, &dump_a);
    stand_dump(b, &dump_b);
    CHECK(span_equal(buffer_span(&dump_a), buffer_span(&dump_b)), "%zu and %zu bytes", dump_a.bytes,
          dump_b.bytes);
    buffer_free(&dump_a);
    buffer_free(&dump_b);
}

/* What a queue of the model holds: numbers, which are the values. */
struct model_queue {
    bool there;
    unsigned head, tail;
    unsigned items[4000];
};

/* Thousands of operations at random in batches of random sizes, each answer compared with a model; then the
 * log is replayed into another view, which must become the same to the last byte. */
static void test_against_model_and_replay(void)
{
    enum { KEYS = 12, QUEUES = 4, BATCHES = 400, ITEMS_MAX = 20 };
    static struct model_queue queues[QUEUES];
    uint64_t versions[KEYS] = {0}, random = 42;
    unsigned number = 0;
    struct stand s, other;
    struct wal_log log;
    struct wal_log_end end;
    struct wal_finding finding;

    memset(queues, 0, sizeof(queues));
    stand_open(&s, disk_system());
    for (int b = 0; b < BATCHES; b++) {
        struct batch_item items[ITEMS_MAX];
        static char names[ITEMS_MAX][20], values[ITEMS_MAX][9000];
        unsigned numbers[ITEMS_MAX], count = 1 + kit_below(&random, ITEMS_MAX);

        for (unsigned i = 0; i < count; i++) {
            static const enum op ops[] = {OP_SET,     OP_SET,     OP_SET,     OP_DELETE,
                                          OP_ENQUEUE, OP_ENQUEUE, OP_ENQUEUE, OP_DEQUEUE,
                                          OP_DEQUEUE, OP_DEQUEUE, OP_CLEAR,   OP_FORGET};
            unsigned draw = kit_below(&random, 60);
            enum op op = ops[draw < 50 ? draw % 10 : draw - 50 < 2 ? 10 + draw % 2 : 0];
            bool key = op == OP_SET || op == OP_DELETE;
            unsigned which = kit_below(&random, key ? KEYS : QUEUES);
            size_t bytes = 0;

            numbers[i] = number++;
            snprintf(names[i], sizeof(names[i]), "%s-%u", key ? "key" : "queue", which);
            if (op == OP_SET || op == OP_ENQUEUE) {
                bytes = (size_t)snprintf(values[i], sizeof(values[i]), "%u ", numbers[i]);
                size_t more = kit_below(&random, 40) == 0 ? kit_below(&random, 8500) : kit_below(&random, 30);
                memset(values[i] + bytes, 'v', more);
                bytes += more;
            }
            items[i] = (struct batch_item){
                .request = {op,
                            key && kit_below(&random, 4) == 0 ? CONDITION_VERSION : CONDITION_NONE,
                            key ? versions[which] : 0,
                            {names[i], strlen(names[i])},
                            {values[i], bytes},
                            {0},
                            {0}}};
        }
        if (!CHECK(batch_run(&s.batch, items, count) == 0, "batch %d", b))
            break;
        for (unsigned i = 0; i < count; i++) {
            const struct write_request *q = &items[i].request;
            const struct write_result *r = &items[i].result;
            unsigned which = (unsigned)atoi(strchr(names[i], '-') + 1);
            bool key = q->op == OP_SET || q->op == OP_DELETE;
            uint64_t *version = &versions[key ? which : 0];
            struct model_queue *queue = &queues[key ? 0 : which];
            unsigned size = queue->tail - queue->head;
            enum result want = RESULT_OK;

            if (key && q->condition == CONDITION_VERSION && (*version == 0 || q->version != *version)) {
                want = RESULT_PRECONDITION_FAILED;
                CHECK(r->version == *version, "batch %d, item %u", b, i);
            } else if (q->op == OP_SET) {
                want = *version == 0 ? RESULT_CREATED : RESULT_OK;
                *version = r->lsn;
                CHECK(r->version == r->lsn, "batch %d, item %u", b, i);
            } else if (q->op == OP_DELETE) {
                want = *version == 0 ? RESULT_NOT_FOUND : RESULT_OK;
                *version = 0;
            } else if (q->op == OP_ENQUEUE) {
                queue->items[queue->tail++] = numbers[i];
                queue->there = true;
                CHECK(r->size == size + 1, "batch %d, item %u", b, i);
            } else if (q->op == OP_DEQUEUE) {
                want = size == 0 ? RESULT_QUEUE_EMPTY : RESULT_OK;
                if (size > 0)
                    CHECK(r->size == size - 1 && r->value.bytes > 0 &&
                              (unsigned)atoi(r->value.at) == queue->items[queue->head++],
                          "batch %d, item %u: %.*s", b, i, r->value.bytes < 8 ? (int)r->value.bytes : 8,
                          r->value.at);
            } else {
                want = queue->there ? RESULT_OK : RESULT_QUEUE_NOT_FOUND;
                queue->head = queue->tail;
                queue->there = queue->there && q->op == OP_CLEAR;
            }
            CHECK(r->result == want, "batch %d, item %u, %s: %s", b, i, op_text(q->op),
                  result_text(r->result));
        }
        if (b % 7 == 0)
            CHECK(batch_collect(&s.batch) == 0, "batch %d", b);
    }
    CU_ASSERT_EQUAL(wal_stop(s.wal), 0);
    stand_open_beside(&other, &s, NULL);
    const struct wal_visitor visitor = {.batch = replay, .arg = &other};
    CU_ASSERT_EQUAL_FATAL(wal_log_list(disk_system(), s.dir, &log), 0);
    CU_ASSERT(log.count > 2);
    CU_ASSERT_EQUAL(wal_log_read(disk_system(), s.dir, &log, s.control.uuid, 0, s.control.last_lsn,
                                 s.control.segment_lsn, &visitor, &end, &finding),
                    WAL_CLEAN);
    check_same(&s, &other);
    wal_log_free(&log);
    stand_close(&other);
    stand_close(&s);
}

/* Clearing costs the same at any length; the items go later, and never those of another queue. */
static void test_collect(void)
{
    struct stand s;
    struct buffer dump = {0};
    enum {
        ITEMS = 300,
        VIEW_BYTES = 64 * 1024 * 1024
    }; /* also for a disk so fast that all is in one grace */

    stand_open_sized(&s, disk_system(), VIEW_BYTES);
    for (int i = 0; i < ITEMS; i++) {
        stand_do(&s, OP_ENQUEUE, CONDITION_NONE, 0, "gone", "0");
        stand_do(&s, OP_ENQUEUE, CONDITION_NONE, 0, "stays", "1");
    }
    stand_do(&s, OP_CLEAR, CONDITION_NONE, 0, "gone", "");
    CU_ASSERT_EQUAL(s.store.published.items, ITEMS);
    for (int i = 0; s.store.trash && i < 100; i++)
        CU_ASSERT_EQUAL(batch_collect(&s.batch), 0);
    CU_ASSERT_FALSE(s.store.trash);
    stand_dump(&s, &dump);
    buffer_free(&dump);
    for (int i = 0; i < ITEMS; i++)
        CU_ASSERT(stand_do(&s, OP_DEQUEUE, CONDITION_NONE, 0, "stays", "").result == RESULT_OK);
    stand_close(&s);
}

/* Records that do not fit the state: log and state disagree, which is never ignored. */
static void test_apply_refuses(void)
{
    static const struct {
        const char *what;
        struct record record;
    } rows[] = {
        {"delete of no key",
         {.op = OP_DELETE, .name = {"nokey", 5}, .value = {"", 0}, .queue_id = 0, .sequence = 0}},
        {"dequeue from no queue",
         {.op = OP_DEQUEUE, .name = {"none", 4}, .value = {"", 0}, .queue_id = 1, .sequence = 1}},
        {"clear of no queue",
         {.op = OP_CLEAR, .name = {"none", 4}, .value = {"", 0}, .queue_id = 1, .sequence = 0}},
        {"forget of no queue",
         {.op = OP_FORGET, .name = {"none", 4}, .value = {"", 0}, .queue_id = 1, .sequence = 0}},
        {"new queue, wrong id",
         {.op = OP_ENQUEUE, .name = {"none", 4}, .value = {"1", 1}, .queue_id = 9, .sequence = 1}},
        {"new queue, wrong sequence",
         {.op = OP_ENQUEUE, .name = {"none", 4}, .value = {"1", 1}, .queue_id = 2, .sequence = 2}},
        {"wrong id", {.op = OP_ENQUEUE, .name = {"q", 1}, .value = {"1", 1}, .queue_id = 2, .sequence = 2}},
        {"sequence again",
         {.op = OP_ENQUEUE, .name = {"q", 1}, .value = {"1", 1}, .queue_id = 1, .sequence = 1}},
        {"sequence left out",
         {.op = OP_ENQUEUE, .name = {"q", 1}, .value = {"1", 1}, .queue_id = 1, .sequence = 3}},
        {"dequeue, wrong id",
         {.op = OP_DEQUEUE, .name = {"q", 1}, .value = {"", 0}, .queue_id = 2, .sequence = 1}},
        {"dequeue, no such item",
         {.op = OP_DEQUEUE, .name = {"q", 1}, .value = {"", 0}, .queue_id = 1, .sequence = 2}},
        {"clear, wrong id",
         {.op = OP_CLEAR, .name = {"q", 1}, .value = {"", 0}, .queue_id = 2, .sequence = 0}},
        {"no operation", {.op = OP_LIMIT, .name = {"q", 1}, .value = {"", 0}, .queue_id = 1, .sequence = 0}},
    };
    struct stand s;
    struct buffer before = {0}, after = {0};

    stand_open(&s, disk_system());
    stand_do(&s, OP_ENQUEUE, CONDITION_NONE, 0, "q", "1");
    stand_do(&s, OP_SET, CONDITION_NONE, 0, "k", "1");
    stand_dump(&s, &before);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CU_ASSERT_EQUAL_FATAL(store_begin(&s.store), 0);
        CHECK(store_apply(&s.store, &rows[i].record, 50, 1) == -EBADMSG, "%s", rows[i].what);
        store_abort(&s.store);
    }
    stand_dump(&s, &after);
    CU_ASSERT(span_equal(buffer_span(&before), buffer_span(&after)));
    buffer_free(&before);
    buffer_free(&after);
    stand_close(&s);
}

/* What was answered survives a power cut in this moment. */
static void check_durable(const struct memory_disk *disk, const uint8_t *uuid, uint64_t lsn)
{
    struct memory_disk *after = memory_disk_clone(disk);
    struct wal_log log;
    struct wal_log_end end;
    struct wal_finding finding;
    uint64_t random = 1;

    memory_disk_cut(after, MEMORY_LOSE_ALL, &random);
    wal_log_list(&after->disk, "/m", &log);
    CHECK(wal_log_read(&after->disk, "/m", &log, uuid, 0, 0, 0, NULL, &end, &finding) <= WAL_TORN, "%s",
          finding.sentence);
    CHECK(end.link.last_lsn >= lsn, "the log ends at LSN %ju, but LSN %ju was answered",
          (uintmax_t)end.link.last_lsn, (uintmax_t)lsn);
    wal_log_free(&log);
    memory_disk_free(&after);
}

/* The disk fails at the k-th call of a batch: what is answered is kept, and what is not kept is not answered.
 */
static void test_batch_on_failing_disk(void)
{
    bool through = false;

    for (uint64_t k = 1; !through && k < 100; k++) {
        struct memory_disk *disk = memory_disk_new();
        struct stand s;

        stand_open(&s, &disk->disk);
        CU_ASSERT_EQUAL(stand_do(&s, OP_SET, CONDITION_NONE, 0, "k", "1").result, RESULT_CREATED);
        uint64_t lsn = s.store.published.applied_lsn;
        disk->fail_at = disk->calls + k;
        disk->for_ever = k % 2 == 0;
        struct batch_item items[] = {
            {.request = {OP_SET, CONDITION_NONE, 0, {"k", 1}, {"2", 1}, {0}, {0}}},
            {.request = {OP_DELETE, CONDITION_NONE, 0, {"nothing", 7}, {"", 0}, {0}, {0}}},
        };
        int rc = batch_run(&s.batch, items, COUNT(items));
        through = disk->failed_call == NULL;
        if (rc == 0) {
            CHECK(items[0].result.result == RESULT_OK && s.store.published.applied_lsn == items[0].result.lsn,
                  "%ju", (uintmax_t)k);
            CHECK(!disk->sync_failed, "%ju", (uintmax_t)k);
            check_durable(disk, s.control.uuid, items[0].result.lsn);
        } else {
            for (size_t i = 0; i < COUNT(items); i++)
                CHECK(items[i].result.result == RESULT_OUTCOME_UNKNOWN ||
                          items[i].result.result == RESULT_UNAVAILABLE,
                      "%s, call %ju: %s", disk->failed_call, (uintmax_t)k,
                      result_text(items[i].result.result));
            CHECK(s.store.published.applied_lsn == lsn, "%ju", (uintmax_t)k);
            CHECK(wal_failure(s.wal) != 0 || items[0].result.result == RESULT_UNAVAILABLE, "%ju",
                  (uintmax_t)k);
            if (wal_failure(s.wal) != 0)
                CHECK(batch_run(&s.batch, items, COUNT(items)) == -EIO &&
                          items[0].result.result == RESULT_UNAVAILABLE,
                      "after call %ju", (uintmax_t)k);
        }
        stand_close(&s);
        memory_disk_free(&disk);
    }
    CU_ASSERT(through);
}

/* The view is full: data is refused, deletes go on until it is empty, and then there is room again. */
static void test_full_view(void)
{
    struct stand s;
    static char value[100000];
    char name[20];
    unsigned keys = 0, deleted;
    struct write_result r;

    stand_open(&s, disk_system());
    memset(value, '1', sizeof(value) - 1);
    for (; keys < 1000; keys++) {
        snprintf(name, sizeof(name), "key-%u", keys);
        r = stand_do(&s, OP_SET, CONDITION_NONE, 0, name, value);
        if (r.result != RESULT_CREATED)
            break;
    }
    CHECK(r.result == RESULT_STORAGE_FULL && keys > 40 && keys < 90, "%s after %u keys",
          result_text(r.result), keys);
    CU_ASSERT_EQUAL(s.store.published.keys, keys);
    CU_ASSERT_PTR_NOT_NULL(s.batch.refusing);
    /* A refusal hands nothing out, whatever its item was used for before. */
    struct batch_item items[] = {
        {.request = {OP_SET, CONDITION_NONE, 0, {"more", 4}, {value, strlen(value)}, {0}, {0}},
         .value_bytes = 5},
        {.request = {OP_DELETE, CONDITION_NONE, 0, {"key-0", 5}, {"", 0}, {0}, {0}}},
    };
    CU_ASSERT_EQUAL(batch_run(&s.batch, items, COUNT(items)), 0);
    CU_ASSERT_EQUAL(items[0].result.result, RESULT_STORAGE_FULL);
    CU_ASSERT_EQUAL(items[0].result.value.bytes, 0);
    CU_ASSERT_EQUAL(items[1].result.result, RESULT_OK);
    for (deleted = 1; deleted < keys; deleted++) {
        snprintf(name, sizeof(name), "key-%u", deleted);
        r = stand_do(&s, OP_DELETE, CONDITION_NONE, 0, name, "");
        if (!CHECK(r.result == RESULT_OK, "delete %u: %s", deleted, result_text(r.result)))
            break;
    }
    /* A page is free again a grace (1 ms here) after the commit that freed it. */
    for (unsigned i = 0; i < 1000 && (i == 0 || r.result == RESULT_STORAGE_FULL); i++)
        r = stand_do(&s, OP_SET, CONDITION_NONE, 0, "again", value);
    CHECK(r.result == RESULT_CREATED, "%s", result_text(r.result));
    CU_ASSERT_EQUAL(s.store.published.keys, 1);
    stand_close(&s);
}

void store_suite(void)
{
    CU_pSuite suite = CU_add_suite("store", NULL, NULL);

    CU_add_test(suite, "operations, one by one", test_transcript);
    CU_add_test(suite, "operations, in one batch", test_transcript_in_one_batch);
    CU_add_test(suite, "against a model, and replayed", test_against_model_and_replay);
    CU_add_test(suite, "cleared items are collected", test_collect);
    CU_add_test(suite, "records that do not fit", test_apply_refuses);
    CU_add_test(suite, "a batch on a failing disk", test_batch_on_failing_disk);
    CU_add_test(suite, "a full view", test_full_view);
}
