/* SPDX-License-Identifier: MIT
 *
 * sessions: who may still ask. A worker that comes back is in force exactly as long as nothing of what it has
 * sent can have been dropped.
 */
#include "sessions.h"

#include "kit.h"

#include <errno.h>

#include <stdlib.h>

void sessions_suite(void);

/* They are only compared. */
static struct peer *peer(uintptr_t number)
{
    return (struct peer *)(number * 64); // NOLINT: no object
}

#define NOW (1000 * NS_PER_S)

static bool join(struct sessions *all, uint64_t id, uint64_t sent_sequence, uint64_t oldest_sent_ns,
                 uintptr_t who, uint64_t now_ns, uintptr_t stale_wanted)
{
    const struct hello hello = {
        .session = id, .sent_sequence = sent_sequence, .oldest_sent_ns = oldest_sent_ns};
    struct peer *stale = peer(99);
    bool in_force = sessions_join(all, id, &hello, peer(who), now_ns, &stale) == 1;

    CHECK(stale == (stale_wanted ? peer(stale_wanted) : NULL), "session %ju", (uintmax_t)id);
    return in_force;
}

static bool departs(struct sessions *all, uint64_t id, uint64_t now_ns)
{
    size_t count = sessions_departed(all, now_ns);

    for (size_t i = 0; i < count; i++) {
        if (all->departed[i] == id)
            return true;
    }
    return false;
}

/* Of a session that is not known: whether what it has sent can have been dropped. */
static void test_unknown(void)
{
    static const struct {
        const char *what;
        uint64_t sent_sequence, sent_ns;
        bool want;
    } rows[] = {
        {"nothing was sent", 0, 0, true},
        {"sent now", 5, NOW, true},
        {"sent a moment ago", 5, NOW - 1, true},
        {"sent just not too long ago", 5, NOW - SESSION_AWAY_NS + 1, true},
        {"sent too long ago", 5, NOW - SESSION_AWAY_NS, false},
        {"sent before the boot", 5, 0, false},
        {"sent in the future", 5, NOW + 1, false},
        {"sent in the far future", 5, UINT64_MAX, false},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sessions all = {0};

        CHECK(join(&all, 7, rows[i].sent_sequence, rows[i].sent_ns, 1, NOW, 0) == rows[i].want, "%s",
              rows[i].what);
        sessions_free(&all);
    }
    /* Right after the boot, when differences of times are small, too. */
    struct sessions all = {0};
    CU_ASSERT_FALSE(join(&all, 7, 5, UINT64_MAX, 1, NS_PER_S, 0));
    sessions_free(&all);
}

/* One that is known has lost nothing, however old what it asks about is. */
static void test_known(void)
{
    struct sessions all = {0};

    sessions_add(&all, 7, NOW);
    CU_ASSERT(join(&all, 7, 5, 0, 1, NOW + 3 * SESSION_AWAY_NS, 0));
    sessions_leave(&all, peer(1), NOW + 3 * SESSION_AWAY_NS);
    CU_ASSERT(join(&all, 7, 5, 1, 2, NOW + 9 * SESSION_AWAY_NS, 0));
    /* Adding it again changes nothing: it is not away. */
    sessions_add(&all, 7, NOW);
    CU_ASSERT_FALSE(departs(&all, 7, NOW + 99 * SESSION_AWAY_NS));
    sessions_free(&all);
}

/* A worker that is told that its session is not in force, and does not hear it, asks again. */
static void test_refused_again(void)
{
    struct sessions all = {0};
    const uint64_t sent = NOW - SESSION_AWAY_NS;

    CU_ASSERT_FALSE(join(&all, 7, 5, sent, 1, NOW, 0));
    CU_ASSERT_FALSE(join(&all, 7, 5, sent, 2, NOW + 1, 1));
    sessions_leave(&all, peer(2), NOW + 2);
    CU_ASSERT_FALSE(join(&all, 7, 5, sent, 3, NOW + 3, 0));
    CU_ASSERT_FALSE(join(&all, 7, 5, UINT64_MAX, 4, NOW + 4, 3));
    /* What it sends after it has heard it is kept as ever. */
    CU_ASSERT(join(&all, 7, 0, 0, 5, NOW + 5, 4));
    CU_ASSERT(join(&all, 7, 6, NOW + 6, 6, NOW + 7, 5));
    CU_ASSERT(join(&all, 7, 6, NOW + 6, 7, NOW + 6 + 2 * SESSION_AWAY_NS, 6));
    CU_ASSERT_FALSE(join(&all, 7, 5, sent, 8, NOW + 6 + 2 * SESSION_AWAY_NS, 7));
    sessions_free(&all);
}

/* No process may fill the list; others are not kept from it. */
static void test_too_many(void)
{
    struct sessions all = {0};
    struct peer *stale;
    const struct hello hello = {.session = 1};

    for (uint64_t i = 0; i < SESSIONS_PER_PROCESS; i++)
        CU_ASSERT(join(&all, session_id(5, 100 + i), 0, 0, 1 + i, NOW, 0));
    CU_ASSERT_EQUAL(sessions_join(&all, session_id(5, 1), &hello, peer(7), NOW, &stale), -EMFILE);
    CU_ASSERT(join(&all, session_id(6, 1), 0, 0, 1, NOW, 0));
    CU_ASSERT(join(&all, session_id(5, 100), 0, 0, 2, NOW, 1)); /* one that it has */
    sessions_free(&all);
}

/* A process has one connection: the older one is over, and its end later changes nothing. */
static void test_stale(void)
{
    struct sessions all = {0};

    CU_ASSERT(join(&all, 7, 0, 0, 1, NOW, 0));
    CU_ASSERT(join(&all, 8, 0, 0, 2, NOW, 0));
    CU_ASSERT(join(&all, 7, 3, NOW, 3, NOW, 1));
    sessions_leave(&all, peer(1), NOW);
    CU_ASSERT_FALSE(departs(&all, 7, NOW + SESSION_AWAY_NS));
    sessions_leave(&all, peer(3), NOW);
    CU_ASSERT(departs(&all, 7, NOW + SESSION_AWAY_NS));
    CU_ASSERT_FALSE(departs(&all, 8, NOW + SESSION_AWAY_NS));
    sessions_free(&all);
}

static void test_departed(void)
{
    struct sessions all = {0};

    CU_ASSERT_EQUAL(sessions_departed(&all, NOW), 0);
    sessions_forget_departed(&all, 0);
    sessions_add(&all, 1, NOW);
    sessions_add(&all, 2, NOW + 1);
    CU_ASSERT(join(&all, 3, 0, 0, 1, NOW, 0));
    CU_ASSERT_EQUAL(sessions_departed(&all, NOW + SESSION_AWAY_NS - 1), 0);
    CU_ASSERT_EQUAL(sessions_departed(&all, NOW + SESSION_AWAY_NS), 1);
    CU_ASSERT_EQUAL(all.departed[0], 1);
    sessions_forget_departed(&all, 1);
    CU_ASSERT_EQUAL(sessions_departed(&all, NOW + SESSION_AWAY_NS), 0);
    /* It is not known any more, and what it had sent before it was away is lost. */
    CU_ASSERT_FALSE(join(&all, 1, 9, NOW, 2, NOW + SESSION_AWAY_NS, 0));
    CU_ASSERT(departs(&all, 2, NOW + 1 + SESSION_AWAY_NS));
    sessions_free(&all);
}

/* One that comes back before it is forgotten stays. */
static void test_came_back(void)
{
    struct sessions all = {0};

    for (uint64_t id = 1; id <= 3; id++)
        sessions_add(&all, id, NOW);
    CU_ASSERT_EQUAL(sessions_departed(&all, NOW + SESSION_AWAY_NS), 3);
    CU_ASSERT(join(&all, 2, 5, NOW - 1, 1, NOW + SESSION_AWAY_NS, 0));
    sessions_forget_departed(&all, 3);
    CU_ASSERT(join(&all, 2, 5, 0, 2, NOW + SESSION_AWAY_NS, 1)); /* still known */
    CU_ASSERT_FALSE(join(&all, 1, 5, 0, 3, NOW + SESSION_AWAY_NS, 0));
    CU_ASSERT_FALSE(join(&all, 3, 5, 0, 4, NOW + SESSION_AWAY_NS, 0));
    sessions_free(&all);
}

/* No more at a time than there is room for, and all of them in the end. */
static void test_many(void)
{
    enum { SESSIONS = 2 * SESSIONS_DEPARTED_MAX + 5 };
    struct sessions all = {0};
    bool seen[SESSIONS + 1] = {false};
    unsigned rounds = 0;
    size_t count, sum = 0;

    for (uint64_t id = 1; id <= SESSIONS; id++)
        sessions_add(&all, id, NOW);
    while ((count = sessions_departed(&all, NOW + SESSION_AWAY_NS)) > 0 && rounds++ < SESSIONS) {
        CHECK(count <= SESSIONS_DEPARTED_MAX, "%zu", count);
        for (size_t i = 0; i < count; i++) {
            uint64_t id = all.departed[i];
            if (CHECK(id >= 1 && id <= SESSIONS && !seen[id], "%ju", (uintmax_t)id))
                seen[id] = true;
        }
        sum += count;
        sessions_forget_departed(&all, count);
    }
    CU_ASSERT_EQUAL(rounds, 3);
    CU_ASSERT_EQUAL(sum, SESSIONS);
    CU_ASSERT_PTR_NULL(all.first);
    sessions_free(&all);
}

/* The id joins what the kernel says and what the worker chose. */
static void test_ids(void)
{
    CU_ASSERT_EQUAL(session_id(1, 2), UINT64_C(0x100000002));
    CU_ASSERT_EQUAL(session_id(4194304, UINT32_MAX), UINT64_C(0x400000ffffffff));
    CU_ASSERT_NOT_EQUAL(session_id(1, 2), session_id(2, 1));
}

void sessions_suite(void)
{
    CU_pSuite suite = CU_add_suite("sessions", NULL, NULL);

    CU_add_test(suite, "too many of one process", test_too_many);
    CU_add_test(suite, "a session that is not known", test_unknown);
    CU_add_test(suite, "one that is known", test_known);
    CU_add_test(suite, "one that was refused asks again", test_refused_again);
    CU_add_test(suite, "a stale connection", test_stale);
    CU_add_test(suite, "away for too long", test_departed);
    CU_add_test(suite, "back in time", test_came_back);
    CU_add_test(suite, "many at once", test_many);
    CU_add_test(suite, "ids", test_ids);
}
