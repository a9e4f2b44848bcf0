/* SPDX-License-Identifier: MIT
 * Who may still ask; see sessions.h. */
#include "sessions.h"

#include "memory.h"

#include <errno.h>
#include <stdlib.h>

static struct session *find(const struct sessions *all, uint64_t id)
{
    struct session *s = all->first;
    while (s && s->id != id)
        s = s->next;
    return s;
}

static struct session *add(struct sessions *all, uint64_t id, uint64_t now_ns)
{
    struct session *s = memory_new(1, sizeof *s, "a session");
    *s = (struct session){.next = all->first, .id = id, .away_since_ns = now_ns};
    all->first = s;
    return s;
}

void sessions_add(struct sessions *all, uint64_t id, uint64_t now_ns)
{
    if (!find(all, id))
        add(all, id, now_ns);
}

static size_t count_of_process(const struct sessions *all, uint64_t id)
{
    size_t count = 0;
    for (const struct session *s = all->first; s; s = s->next)
        count += s->id >> 32 == id >> 32;
    return count;
}

int sessions_join(struct sessions *all, uint64_t id, const struct hello *hello, struct peer *peer,
                  uint64_t now_ns, struct peer **stale)
{
    struct session *s = find(all, id);
    *stale = NULL;
    if (!s) {
        if (count_of_process(all, id) >= SESSIONS_PER_PROCESS)
            return -EMFILE;
        s = add(all, id, now_ns);
        s->complete_ns = now_ns < SESSION_AWAY_NS ? 0 : now_ns - SESSION_AWAY_NS + 1;
    }
    *stale = s->peer;
    s->peer = peer;
    /* The worker may not get to know what is answered here, and ask again: then the answer must be the same.
     */
    uint64_t sent_ns = hello->oldest_sent_ns;
    return hello->sent_sequence == 0 || (sent_ns <= now_ns && sent_ns >= s->complete_ns);
}

void sessions_leave(struct sessions *all, const struct peer *peer, uint64_t now_ns)
{
    for (struct session *s = all->first; s; s = s->next) {
        if (s->peer == peer) {
            s->peer = NULL;
            s->away_since_ns = now_ns;
        }
    }
}

size_t sessions_departed(struct sessions *all, uint64_t now_ns)
{
    size_t count = 0;
    for (const struct session *s = all->first; s && count < SESSIONS_DEPARTED_MAX; s = s->next) {
        if (!s->peer && now_ns - s->away_since_ns >= SESSION_AWAY_NS)
            all->departed[count++] = s->id;
    }
    return count;
}

void sessions_forget_departed(struct sessions *all, size_t count)
{
    for (struct session **at = &all->first; *at;) {
        struct session *s = *at;
        size_t i = 0;
        while (i < count && all->departed[i] != s->id)
            i++;
        if (i == count || s->peer) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        free(s);
    }
}

void sessions_free(struct sessions *all)
{
    while (all->first) {
        struct session *next = all->first->next;
        free(all->first);
        all->first = next;
    }
}
