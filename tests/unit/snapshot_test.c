/* SPDX-License-Identifier: MIT
 *
 * snapshot: written from a real view and read back; never valid when a bit, a length or an order is wrong.
 * What is damaged is a copy on the disk in memory.
 */
#include "snapshot.h"

#include "bytes.h"
#include "memory_disk.h"
#include "view_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

void snapshot_suite(void);

#define PATH "/m/snapshots/a.snap"

struct written {
    struct stand stand;
    struct view_reader *reader;
    struct memory_disk *disk; /* has the snapshot at PATH */
    struct snapshot_header header;
    char path[KIT_PATH_BYTES + 32]; /* the same on the system's disk */
};

/* A store with `keys` keys and some queues, `bytes` in each value that cannot be compressed; and its
 * snapshot. */
static void write_one(struct written *w, unsigned keys, size_t bytes)
{
    char name[20], *value = malloc(bytes + 1);
    uint64_t random = 9;

    *w = (struct written){.disk = memory_disk_new()};
    stand_open(&w->stand, disk_system());
    for (unsigned i = 0; i < keys; i++) {
        for (size_t j = 0; j < bytes; j++)
            value[j] = (char)(1 + kit_below(&random, 255));
        value[bytes] = '\0';
        snprintf(name, sizeof(name), "key-%u", i);
        stand_do(&w->stand, OP_SET, CONDITION_NONE, 0, name, value);
        stand_do(&w->stand, OP_ENQUEUE, CONDITION_NONE, 0, i % 2 ? "odd" : "even", "[1,2]");
        if (i % 3 == 2) {
            stand_do(&w->stand, OP_DELETE, CONDITION_NONE, 0, name, "");
            stand_do(&w->stand, OP_DEQUEUE, CONDITION_NONE, 0, "odd", "");
        }
    }
    free(value);
    w->reader = view_reader_new(w->stand.view_path, NULL, UINT64_MAX);
    snprintf(w->path, sizeof(w->path), "%s/snapshots/one", w->stand.dir);
    CU_ASSERT_EQUAL_FATAL(view_hold(w->stand.view), 0);
    CU_ASSERT_EQUAL_FATAL(snapshot_write(disk_system(), w->reader, w->path, &w->header), 0);
    view_unhold(w->stand.view);

    static char file[16 * 1024 * 1024];
    ssize_t count = disk_slurp(disk_system(), w->path, file, sizeof(file));
    CU_ASSERT_FATAL(count > 0);
    memory_disk_put(w->disk, PATH, file, (size_t)count);
}

static void forget(struct written *w)
{
    view_reader_free(&w->reader);
    memory_disk_free(&w->disk);
    stand_close(&w->stand);
}

static int take(const void *data, size_t bytes, uint64_t offset, void *arg)
{
    struct buffer *pages = arg;

    if (data == NULL) {
        CU_ASSERT(pages->bytes == 0 && offset == 0);
        return buffer_reserve(pages, bytes);
    }
    CU_ASSERT_EQUAL(offset, pages->bytes);
    buffer_append(pages, data, bytes);
    return 0;
}

static int verdict_of(struct written *w)
{
    struct snapshot_header header;
    struct snapshot_finding finding;
    int verdict = snapshot_read(&w->disk->disk, PATH, w->stand.control.uuid, NULL, NULL, &header, &finding);

    if (verdict == SNAPSHOT_VALID)
        CU_ASSERT_EQUAL(header.checksum, w->header.checksum);
    CHECK(verdict == (int)finding.verdict && (verdict == SNAPSHOT_VALID || finding.sentence[0] != '\0'), "%d",
          verdict);
    return verdict;
}

/* The pages are those of the view, the free ones zero; a view made of them holds the same. */
static void test_write_and_read(void)
{
    static const struct {
        unsigned keys;
        size_t bytes;
    } sizes[] = {{0, 0}, {30, 100}, {60, 70000}};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct written w;
        struct stand other;
        struct buffer pages = {0}, dump_a = {0}, dump_b = {0};
        struct snapshot_header header;
        struct snapshot_finding finding;

        write_one(&w, sizes[i].keys, sizes[i].bytes);
        const struct view_state *state = &w.stand.store.published;
        CU_ASSERT_EQUAL_FATAL(
            snapshot_read(disk_system(), w.path, w.stand.control.uuid, take, &pages, &header, &finding),
            SNAPSHOT_VALID);
        CU_ASSERT(header.lsn == state->applied_lsn && header.batch_checksum == state->applied_checksum &&
                  header.keys == state->keys && header.queues == state->queues &&
                  header.items == state->items && memcmp(header.uuid, w.stand.control.uuid, UUID_BYTES) == 0);
        CU_ASSERT_EQUAL_FATAL(pages.bytes, header.pages * header.page_bytes);
        CHECK(i < 2 || pages.bytes > SNAPSHOT_BLOCK_BYTES, "one block only: %zu bytes", pages.bytes);
        FILE *view = fopen(w.stand.view_path, "re");
        char *page = malloc(header.page_bytes), *zeros = calloc(1, header.page_bytes);
        unsigned used = 0;
        for (uint64_t p = 0; p < header.pages; p++) {
            const char *copy = pages.data + p * header.page_bytes;

            CU_ASSERT_EQUAL(fread(page, header.page_bytes, 1, view), 1);
            bool equal = memcmp(page, copy, header.page_bytes) == 0;
            CHECK(equal || memcmp(copy, zeros, header.page_bytes) == 0, "page %ju", (uintmax_t)p);
            CHECK(equal || p >= 2, "meta page %ju", (uintmax_t)p);
            used += equal;
        }
        CHECK(used > 3, "%u", used);
        fclose(view);
        free(page);
        free(zeros);

        stand_open_beside(&other, &w.stand, &pages);
        stand_dump(&w.stand, &dump_a);
        stand_dump(&other, &dump_b);
        CU_ASSERT(span_equal(buffer_span(&dump_a), buffer_span(&dump_b)));
        stand_close(&other);
        buffer_free(&pages);
        buffer_free(&dump_a);
        buffer_free(&dump_b);
        forget(&w);
    }
}

static void test_every_bit(void)
{
    struct written w;
    uint64_t *bytes;
    int verdict = SNAPSHOT_DAMAGED;

    write_one(&w, 4, 20);
    char *data = memory_disk_data(w.disk, PATH, &bytes);
    CU_ASSERT_EQUAL(verdict_of(&w), SNAPSHOT_VALID);
    for (uint64_t bit = 0; bit < 8 * *bytes && verdict == SNAPSHOT_DAMAGED; bit++) {
        bool data_only = bit / 8 >= SNAPSHOT_HEADER_BYTES + SNAPSHOT_BLOCK_HEADER_BYTES &&
                         bit / 8 + SNAPSHOT_FOOTER_BYTES < *bytes;
        if (data_only && !KIT_FAST && bit % 8 != bit / 8 % 8)
            continue;
        data[bit / 8] ^= (char)(1 << bit % 8);
        verdict = verdict_of(&w);
        CHECK(verdict == SNAPSHOT_DAMAGED, "bit %ju of %ju: %d", (uintmax_t)bit, (uintmax_t)*bytes * 8,
              verdict);
        data[bit / 8] ^= (char)(1 << bit % 8);
    }
    forget(&w);
}

static void test_every_length(void)
{
    struct written w;
    uint64_t *bytes;

    write_one(&w, 4, 20);
    memory_disk_data(w.disk, PATH, &bytes);
    const uint64_t whole = *bytes;
    for (uint64_t length = 0; length < whole; length++) {
        *bytes = length;
        int verdict = verdict_of(&w);
        if (!CHECK(verdict == SNAPSHOT_DAMAGED, "%ju of %ju bytes: %d", (uintmax_t)length, (uintmax_t)whole,
                   verdict))
            break;
    }
    *bytes = whole;
    for (unsigned more = 1; more < 700;
         more += 1 + more / 4) { /* bytes that follow, zeros and a second footer */
        char *longer = calloc(1, whole + more);

        memcpy(longer, memory_disk_data(w.disk, PATH, &bytes), whole);
        memory_disk_put(w.disk, "/m/longer", longer, whole + more);
        struct memory_name *name = memory_disk_name(w.disk, PATH),
                           *other = memory_disk_name(w.disk, "/m/longer");
        int inode = name->now;
        name->now = other->now;
        CHECK(verdict_of(&w) == SNAPSHOT_DAMAGED, "%u zeros more", more);
        uint64_t *unused;
        char *at = memory_disk_data(w.disk, PATH, &unused);
        if (more >= SNAPSHOT_FOOTER_BYTES)
            memcpy(at + whole + more - SNAPSHOT_FOOTER_BYTES, at + whole - SNAPSHOT_FOOTER_BYTES,
                   SNAPSHOT_FOOTER_BYTES);
        CHECK(verdict_of(&w) == SNAPSHOT_DAMAGED, "%u bytes more", more);
        name->now = inode;
        free(longer);
    }
    forget(&w);
}

/* Blocks left out, doubled, swapped, and of another snapshot of the same store. */
static void test_blocks_in_disorder(void)
{
    struct written w;
    uint64_t *bytes;
    size_t at[20], sizes[20], count = 0;

    write_one(&w, 80, 70000);
    char *data = memory_disk_data(w.disk, PATH, &bytes);
    const uint64_t whole = *bytes;
    for (size_t next = SNAPSHOT_HEADER_BYTES; next + SNAPSHOT_FOOTER_BYTES < whole && count < COUNT(at);
         count++) {
        at[count] = next;
        sizes[count] = SNAPSHOT_BLOCK_HEADER_BYTES + get_u32(data + next + 4);
        next += sizes[count];
    }
    CHECK(count >= 3, "%zu blocks", count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct buffer file = {0};

            buffer_append(&file, data, SNAPSHOT_HEADER_BYTES);
            for (size_t k = 0; k < count;
                 k++) { /* i == j: left out; i < j: swapped; i > j: a copy in its place */
                size_t source = k == i ? j : k == j && i < j ? i : k;
                if (k != i || i != j)
                    buffer_append(&file, data + at[source], sizes[source]);
            }
            buffer_append(&file, data + whole - SNAPSHOT_FOOTER_BYTES, SNAPSHOT_FOOTER_BYTES);
            memory_disk_put(w.disk, PATH, file.data, file.bytes);
            CHECK(verdict_of(&w) == SNAPSHOT_DAMAGED, "blocks %zu and %zu", i, j);
            buffer_free(&file);
        }
    }
    /* A second snapshot of the very same state: only its random number differs, and the seeds with it. */
    struct snapshot_header header;
    char again[KIT_PATH_BYTES + 32];
    static char second[16 * 1024 * 1024];
    snprintf(again, sizeof(again), "%s/snapshots/two", w.stand.dir);
    CU_ASSERT_EQUAL_FATAL(snapshot_write(disk_system(), w.reader, again, &header), 0);
    CU_ASSERT_EQUAL_FATAL(disk_slurp(disk_system(), again, second, sizeof(second)), (ssize_t)whole);
    CU_ASSERT_EQUAL(snapshot_write(disk_system(), w.reader, again, &header), -EEXIST);
    for (size_t i = 0; i < count; i++) {
        char *copy = kit_boxed(second, whole);
        memcpy(copy + at[i], data + at[i], sizes[i]);
        memory_disk_put(w.disk, PATH, copy, whole);
        CHECK(verdict_of(&w) == SNAPSHOT_DAMAGED, "block %zu of another snapshot", i);
        free(copy);
    }
    forget(&w);
}

static void test_newer_and_foreign(void)
{
    struct written w;
    struct snapshot_header header;
    struct snapshot_finding finding;
    uint64_t *bytes;
    static const uint8_t other[UUID_BYTES] = {9};

    write_one(&w, 4, 20);
    char *data = memory_disk_data(w.disk, PATH, &bytes);
    CU_ASSERT_EQUAL(snapshot_read(&w.disk->disk, PATH, other, NULL, NULL, &header, &finding),
                    SNAPSHOT_FOREIGN);
    CU_ASSERT_EQUAL(snapshot_read(&w.disk->disk, PATH, NULL, NULL, NULL, &header, &finding), SNAPSHOT_VALID);
    put_u32(data + 8, SNAPSHOT_VERSION + 1);
    put_u64(data + 504, XXH3_64bits(data, 504));
    CU_ASSERT_EQUAL(verdict_of(&w), SNAPSHOT_NEWER);
    CU_ASSERT_EQUAL(snapshot_read(&w.disk->disk, "/m/none", NULL, NULL, NULL, &header, &finding),
                    SNAPSHOT_UNREADABLE);
    CU_ASSERT_EQUAL(finding.error, ENOENT);
    forget(&w);
}

static int refuse(const void *data, size_t bytes, uint64_t offset, void *arg)
{
    (void)data;
    (void)bytes;
    (void)offset;
    return --*(int *)arg < 0 ? -ENOSPC : 0;
}

static void test_failures(void)
{
    struct written w;
    struct snapshot_header header;
    struct snapshot_finding finding;

    write_one(&w, 60, 70000);
    for (int taken = 0; taken < 3; taken++) {
        int left = taken;
        CU_ASSERT_EQUAL(snapshot_read(&w.disk->disk, PATH, NULL, refuse, &left, &header, &finding), -1);
        CU_ASSERT_EQUAL(finding.error, ENOSPC);
    }
    for (uint64_t k = 1;; k++) {
        w.disk->fail_at = w.disk->calls + k;
        w.disk->failed_call = NULL;
        int verdict = snapshot_read(&w.disk->disk, PATH, NULL, NULL, NULL, &header, &finding);
        if (w.disk->failed_call == NULL) {
            CU_ASSERT_EQUAL(verdict, SNAPSHOT_VALID);
            break;
        }
        CHECK(verdict == SNAPSHOT_UNREADABLE && finding.error == EIO, "call %ju, %s: %d", (uintmax_t)k,
              w.disk->failed_call, verdict);
    }
    w.disk->fail_at = 0;
    forget(&w);
}

static void test_names_and_list(void)
{
    static const char *const bad[] = {"1.snap", "00000000000000G0.snap", "0000000000000001.snap.tmp",
                                      "0000000000000001.tmp", "0000000000000001.snap "};
    char name[SNAPSHOT_NAME_BYTES + 1], dir[KIT_PATH_BYTES], path[KIT_PATH_BYTES + 64];
    struct snapshot_list list;
    uint64_t lsn;

    for (uint64_t n = 0; n < 3; n++) {
        snapshot_name(name, n * 0x123456789a);
        CU_ASSERT(snapshot_name_parse(name, &lsn) && lsn == n * 0x123456789a);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(!snapshot_name_parse(bad[i], &lsn), "%s", bad[i]);
    kit_temp_dir(dir);
    CU_ASSERT_EQUAL(snapshot_list(disk_system(), dir, &list), 0);
    CU_ASSERT_EQUAL(list.count, 0);
    snapshot_list_free(&list);
    for (uint64_t n = 300; n >= 100; n -= 100) {
        CU_ASSERT(snapshot_path(path, sizeof(path), dir, n));
        FILE *file = fopen(path, "we");
        fclose(file);
    }
    snprintf(path, sizeof(path), "%s/snapshots/0000000000000001.tmp", dir);
    fclose(fopen(path, "we"));
    CU_ASSERT_EQUAL(snapshot_list(disk_system(), dir, &list), 0);
    CU_ASSERT(list.count == 3 && list.lsns[0] == 100 && list.lsns[1] == 200 && list.lsns[2] == 300);
    snapshot_list_free(&list);
    kit_remove_dir(dir);
    CU_ASSERT_EQUAL(snapshot_list(disk_system(), dir, &list), -ENOENT);
}

void snapshot_suite(void)
{
    CU_pSuite suite = CU_add_suite("snapshot", NULL, NULL);

    CU_add_test(suite, "what is written is read", test_write_and_read);
    CU_add_test(suite, "every bit flipped", test_every_bit);
    CU_add_test(suite, "every length", test_every_length);
    CU_add_test(suite, "blocks in disorder", test_blocks_in_disorder);
    CU_add_test(suite, "newer and foreign", test_newer_and_foreign);
    CU_add_test(suite, "a sink and a disk that fail", test_failures);
    CU_add_test(suite, "names and the list", test_names_and_list);
}
