/* SPDX-License-Identifier: MIT
 * What peers ask and what they are answered, frame by frame; see server_internal.h. */
#include "clock.h"
#include "log.h"
#include "server_internal.h"
#include "uuid.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TURN_BYTES_MAX = 8 * 1024 * 1024, /* of one batch, but for a single larger request */
    PEER_ITEMS_MAX = 256,             /* of one peer before the others have theirs */
    REPLY_BYTES = 4096,               /* room for any reply, but for the value in it */
};

void server_drop_peer(struct server *s, struct peer *p)
{
    if (p->previous)
        p->previous->next = p->next;
    else
        s->peers = p->next;
    if (p->next)
        p->next->previous = p->previous;
    s->peer_count--;
    s->watcher_count -= p->watches;
    s->worker_count -= p->greeted && p->role == FRAME_ROLE_WORKER;
    if (p->session)
        sessions_leave(&s->sessions, p, clock_boottime_ns());
    peer_free(&p);
}

static void fill_status(struct server *s, struct status *out)
{
    const struct recovery *r = s->recovery;
    const struct view_state *v = &r->store.published;
    const struct checkpoint *c = &s->checkpoint;
    struct view_use use;
    view_use(r->view, &use);
    /* Looking at the directories for every question would let whoever asks often keep the one thread busy. */
    uint64_t now = clock_monotonic_ns();
    if (now - s->measured_ns >= HOUSEKEEPING_MS * NS_PER_MS) {
        s->measured_ns = now;
        checkpoint_measure(&s->checkpoint);
    }
    *out = (struct status){
        .pid = (uint64_t)getpid(),
        .uptime_ms = (now - s->started_ns) / NS_PER_MS,
        .generation = v->generation,
        .applied_lsn = v->applied_lsn,
        .durable_lsn = wal_durable_lsn(r->wal),
        .checkpoint_lsn = r->control.snapshot_lsn,
        .checkpoint_age_ms = c->finished_ns ? (clock_realtime_ns() - c->finished_ns) / NS_PER_MS : 0,
        .checkpoint_running = c->pid != 0,
        .checkpoint_failures = c->failures,
        .keys = v->keys,
        .key_bytes = v->key_bytes,
        .queues = v->queues,
        .items = v->items,
        .item_bytes = v->item_bytes,
        .idempotency_entries = v->requests,
        .idempotency_evicted = v->requests_evicted,
        .wal_segments = c->wal_segments,
        .wal_bytes = c->wal_bytes,
        .wal_since_checkpoint_bytes = c->wal_since_bytes,
        .wal_since_checkpoint_ops = s->batch.operations - c->ops_at_last,
        .snapshots = c->snapshots,
        .snapshot_bytes = c->snapshot_bytes,
        .view_size_bytes = use.size_bytes,
        .view_used_bytes = use.used_bytes,
        .view_reserved_bytes = use.reserved_bytes,
        .workers = s->worker_count,
        .batches = s->batch.batches,
        .operations = s->batch.operations,
        .syncs = wal_sync_count(r->wal),
        .recovery_ms = r->took_ms,
        .recovery_replayed_ops = r->replayed_ops,
        .recovery_torn_bytes = r->torn_bytes,
    };
    snprintf(out->version, sizeof out->version, "%s", WALKV_VERSION);
    uuid_format(out->store_id, r->control.uuid);
    snprintf(out->wal_sync, sizeof out->wal_sync, "%s", s->config->wal_sync ? "async" : "sync");
    snprintf(out->start_kind, sizeof out->start_kind, "%s", r->start_kind);
    snprintf(out->storage, sizeof out->storage, "%s", s->batch.refusing ? s->batch.refusing : "ok");
}

/* Returns whether the peer's session is in force. A peer with too many is broken. */
static bool join_session(struct server *s, struct peer *p, const struct hello *hello, const struct ucred *who)
{
    struct peer *stale;
    if (!hello->session)
        return false;
    p->session = session_id((uint32_t)who->pid, hello->session);
    p->sent_sequence = hello->sent_sequence;
    int in_force = sessions_join(&s->sessions, p->session, hello, p, clock_boottime_ns(), &stale);
    if (in_force < 0)
        p->broken = true;
    if (stale)
        stale->broken = true;
    return in_force == 1;
}

/* [token] Whether this is the operator, by the user that the kernel tells: anybody can say so. */
static bool is_operator(uint32_t role, const struct ucred *who)
{
    return role == FRAME_ROLE_CONTROL && (who->uid == 0 || who->uid == geteuid());
}

static void greet(struct server *s, struct peer *p, const struct frame *frame)
{
    struct hello hello;
    struct ucred who;
    socklen_t who_bytes = sizeof who;
    if (p->greeted || frame->type != FRAME_HELLO || !frame_decode_hello(frame->body, &hello) ||
        getsockopt(p->fd, SOL_SOCKET, SO_PEERCRED, &who, &who_bytes)) {
        p->broken = true;
        return;
    }
    if (!peer_reserve(p, REPLY_BYTES))
        return;
    bool same = hello.protocol == FRAME_PROTOCOL;
    bool in_force = same && join_session(s, p, &hello, &who);
    if (p->broken)
        return;
    struct greeting greeting = {
        .protocol = FRAME_PROTOCOL,
        .wal_sync_async = s->config->wal_sync == WAL_SYNC_MODE_ASYNC,
        .generation = s->recovery->store.published.generation,
        .view_grace_ns = s->config->view_grace_ns,
        .max_value_bytes = s->config->max_value_size,
        .session_in_force = in_force,
        .view_path = {s->config->view_path, strlen(s->config->view_path)},
        .version = {WALKV_VERSION, strlen(WALKV_VERSION)},
    };
    memcpy(greeting.uuid, s->recovery->control.uuid, UUID_BYTES);
    frame_encode_greeting(&p->out, frame->id, &greeting);
    /* Another protocol gets the greeting, which says which one is spoken here, and then the end. */
    p->closing = !same;
    p->greeted = true;
    p->role = hello.role;
    p->is_operator = is_operator(hello.role, &who);
    s->worker_count += p->role == FRAME_ROLE_WORKER;
}

void server_reply_checkpoint(struct peer *p, enum result result, uint64_t lsn, const char *sentence)
{
    struct checkpoint_reply reply = {result, lsn, {sentence, strlen(sentence)}};
    if (peer_reserve(p, REPLY_BYTES))
        frame_encode_checkpoint_reply(&p->out, p->checkpoint_id, &reply);
    p->waits_for_checkpoint = false;
}

/* [token] Whether the client behind this write may ask for it. */
static bool is_allowed(const struct server *s, const struct peer *p, const struct write_request *w)
{
    if (!s->tokens->tokens || p->is_operator)
        return true;
    if (!w->token.bytes)
        return false;
    uint8_t hash[TOKEN_HASH_BYTES];
    token_hash(w->token, hash);
    const struct token *token = tokens_find(s->tokens->tokens, hash);
    enum token_about about = w->op == OP_SET || w->op == OP_DELETE ? TOKEN_KEY : TOKEN_QUEUE;
    return token && token->scope >= TOKEN_WRITE && token_reaches(token, about, w->name);
}

/* Notes a frame that goes into this turn. What it asks for happens when it is answered, behind the batch, so
 * that a frame which is given back has done nothing. */
static struct reply *owe(struct server *s, struct peer *p, const struct frame *frame)
{
    struct reply *r = &s->replies[s->reply_count++];
    *r = (struct reply){
        .peer = p,
        .id = frame->id,
        .asked = (enum frame_type)frame->type,
        .consumed = p->consumed - (FRAME_HEADER_BYTES + frame->body.bytes),
        .last_sequence = p->last_sequence,
        .confirmed = p->confirmed,
    };
    return r;
}

/* Takes a write into the batch. False when it is none that this peer may send. */
static bool take_write(struct server *s, struct peer *p, const struct frame *frame)
{
    struct batch_item *item = &s->items[s->item_count];
    struct identity *i = &item->request.identity;
    if (!frame_decode_write(frame->body, &item->request) ||
        item->request.value.bytes > s->config->max_value_size)
        return false;
    owe(s, p, frame)->item = item;
    item->was_sent = false;
    if (i->sequence) {
        if (!p->session || i->sequence <= p->last_sequence)
            return false;
        if (i->confirmed > p->confirmed)
            p->confirmed = i->confirmed;
        if (i->sequence - p->confirmed > SESSION_UNCONFIRMED_MAX)
            return false;
        i->session = p->session;
        p->last_sequence = i->sequence;
        item->was_sent = i->sequence <= p->sent_sequence;
    }
    item->refusal = is_allowed(s, p, &item->request) ? RESULT_OK : RESULT_FORBIDDEN;
    if (item->refusal)
        i->key.bytes = 0; /* what is kept under it is nothing for this client */
    s->item_bytes += frame->body.bytes;
    s->item_count++;
    return true;
}

/* Takes the frames of one peer that go into this turn. Returns false when the batch is full. */
static bool collect_peer(struct server *s, struct peer *p)
{
    struct frame frame;
    for (unsigned taken = 0; !p->broken && !p->closing; taken++) {
        if (s->reply_count == TURN_ITEMS_MAX || s->item_bytes >= TURN_BYTES_MAX || taken == PEER_ITEMS_MAX) {
            s->more = true;
            return taken == PEER_ITEMS_MAX;
        }
        if (p->out.bytes - p->sent > in_limit(s))
            return true; /* it does not read its answers */
        if (peer_next(p, in_limit(s), &frame) != 1)
            return true;
        if (!p->greeted) {
            greet(s, p, &frame);
            continue;
        }
        switch (frame.type) {
        case FRAME_WRITE:
            if (!take_write(s, p, &frame))
                p->broken = true;
            break;
        case FRAME_STATUS:
        case FRAME_CHECKPOINT:
            if (frame.body.bytes)
                p->broken = true;
            else
                owe(s, p, &frame);
            break;
        case FRAME_WATCH:
            if (!frame_decode_lsn(frame.body, &owe(s, p, &frame)->watch_lsn))
                p->broken = true;
            break;
        default:
            p->broken = true;
        }
    }
    return true;
}

/* Lets `first` and those behind it begin the next turn, so that a full batch starves nobody. */
static void begin_with(struct server *s, struct peer *first)
{
    struct peer *tail = first;
    if (first == s->peers)
        return;
    while (tail->next)
        tail = tail->next;
    first->previous->next = NULL;
    first->previous = NULL;
    tail->next = s->peers;
    s->peers->previous = tail;
    s->peers = first;
}

void server_collect(struct server *s)
{
    s->item_count = s->item_bytes = s->reply_count = 0;
    struct peer *last;
    bool full = false;
    do { /* as large a batch as can be, but in turns, so that none starves the others */
        s->more = false;
        last = NULL;
        for (struct peer *p = s->peers; p && !full; p = p->next) {
            full = p->in.bytes && !collect_peer(s, p);
            if (!full)
                last = p;
        }
    } while (s->more && !full);
    if (s->more && last && last->next)
        begin_with(s, last->next);
}

void server_give_back(struct server *s, size_t taken)
{
    size_t first = 0;
    while (s->replies[first].item != &s->items[taken])
        first++;
    for (size_t i = s->reply_count; i-- > first;) {
        const struct reply *r = &s->replies[i];
        r->peer->consumed = r->consumed;
        r->peer->last_sequence = r->last_sequence;
        r->peer->confirmed = r->confirmed;
    }
    begin_with(s, s->replies[first].peer);
    s->reply_count = first;
    s->item_count = taken;
    s->more = true;
}

static void reply_status(struct server *s, struct peer *p, uint32_t id)
{
    struct status status;
    struct buffer body = {0};
    if (buffer_reserve(&body, REPLY_BYTES)) {
        p->broken = true;
        return;
    }
    fill_status(s, &status);
    status_encode(&body, &status);
    frame_begin(&p->out, FRAME_STATUS_REPLY, id, body.bytes);
    buffer_append(&p->out, body.data, body.bytes);
    buffer_free(&body);
}

/* Takes a WATCH, in the place of one before it. */
static void begin_watch(struct server *s, const struct reply *r)
{
    s->watcher_count += !r->peer->watches;
    r->peer->watches = true;
    r->peer->watch_id = r->id;
    r->peer->watch_lsn = r->watch_lsn;
}

void server_reply(struct server *s)
{
    for (size_t i = 0; i < s->reply_count; i++) {
        const struct reply *r = &s->replies[i];
        size_t value_bytes = r->item ? r->item->result.value.bytes : 0;
        if (r->peer->broken || !peer_reserve(r->peer, REPLY_BYTES + value_bytes))
            continue;
        if (r->asked == FRAME_WRITE) {
            frame_encode_result(&r->peer->out, r->id, &r->item->result);
        } else if (r->asked == FRAME_STATUS) {
            reply_status(s, r->peer, r->id);
        } else if (r->asked == FRAME_WATCH) {
            begin_watch(s, r);
        } else { /* a checkpoint, which begins behind this batch and so holds it */
            r->peer->checkpoint_id = r->id;
            r->peer->wants_checkpoint = true;
        }
    }
}

void server_tell_watchers(struct server *s)
{
    uint64_t lsn = s->recovery->store.published.applied_lsn;
    for (struct peer *p = s->peers; p && s->watcher_count; p = p->next) {
        if (!p->watches || p->watch_lsn >= lsn || p->broken || !peer_reserve(p, REPLY_BYTES))
            continue;
        frame_encode_lsn(&p->out, FRAME_CHANGED, p->watch_id, lsn);
        p->watches = false; /* it asks again, when it is ready for more */
        s->watcher_count--;
    }
}

void server_finish_peers(struct server *s)
{
    for (struct peer *p = s->peers, *next; p; p = next) {
        next = p->next;
        peer_finish(p, in_limit(s));
        if (p->broken)
            server_drop_peer(s, p);
    }
}
