/* SPDX-License-Identifier: MIT
 *
 * walkvctl repair: what the operations did that would be lost, as far as they can still be read behind the
 * damage. Only reads. What it tells is for people: none of it goes into the new store.
 */
#include "ctl_repair.h"
#include "log.h"
#include "memory.h"
#include "record.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct repair_losses *losses;
    const struct repair_plan *plan;
    struct ctl_progress progress;
};

static int compare_names(const void *a, const void *b)
{
    const struct repair_name *x = a, *y = b;
    if (x->queue != y->queue)
        return x->queue ? 1 : -1;
    int order = memcmp(x->name, y->name, x->bytes < y->bytes ? x->bytes : y->bytes);
    return order ? order : x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static void count_operation(struct repair_losses *l, const struct record *r, uint64_t lsn)
{
    struct repair_name *n = memory_new(1, sizeof *n + r->name.bytes, "a name");
    *n = (struct repair_name){.queue = r->op != OP_SET && r->op != OP_DELETE, .bytes = r->name.bytes};
    memcpy(n->name, r->name.at, r->name.bytes);
    struct repair_name **found = memory_check(tsearch(n, &l->names, compare_names), "a name");
    if (*found == n)
        *(n->queue ? &l->queues : &l->keys) += 1;
    else
        free(n);
    n = *found;
    n->operations++;
    n->last_lsn = lsn;
    n->last_op = r->op;
    l->operations++;
    *(n->queue ? &l->queue_operations : &l->key_operations) += 1;
    l->removals += r->op == OP_DEQUEUE || r->op == OP_CLEAR || r->op == OP_FORGET;
}

static int take_batch(const struct wal_segment *segment, const struct wal_batch *batch,
                      const struct wal_link *before, void *arg)
{
    (void)segment, (void)before;
    struct reading *reading = arg;
    const struct wal_batch_header *h = &batch->header;
    if (h->first_lsn <= reading->plan->best->end_lsn)
        return 0;
    struct span payload = batch->payload;
    for (uint32_t i = 0; i < h->count; i++) {
        struct record r;
        must(record_decode(&payload, &r));
        reading->losses->read_lsns++;
        if (op_is_write(r.op))
            count_operation(reading->losses, &r, h->first_lsn + i);
    }
    ctl_progress(&reading->progress, h->first_lsn, 0, "LSN");
    return 0;
}

int repair_losses_read(struct repair_losses *l, const struct repair_plan *plan)
{
    *l = (struct repair_losses){0};
    struct reading reading = {.losses = l, .plan = plan};
    const struct wal_salvage_visitor visitor = {.batch = take_batch, .arg = &reading};
    struct wal_salvage_end end;
    ctl_progress_begin(&reading.progress, plan->ctl, "reading what lies behind the damage");
    int status = repair_read_log(plan, &visitor, &end);
    ctl_progress_end(&reading.progress);
    return status;
}

void repair_losses_free(struct repair_losses *l)
{
    tdestroy(l->names, free);
    l->names = NULL;
}

struct walk {
    void (*visit)(const struct repair_name *, void *);
    void *arg;
};

static void walk_name(const void *node, VISIT which, void *closure)
{
    const struct walk *walk = closure;
    if (which == postorder || which == leaf) /* tsearch's word for "in order" */
        walk->visit(*(struct repair_name *const *)node, walk->arg);
}

void repair_losses_names(const struct repair_losses *l, void (*visit)(const struct repair_name *, void *),
                         void *arg)
{
    struct walk walk = {visit, arg};
    twalk_r(l->names, walk_name, &walk);
}
