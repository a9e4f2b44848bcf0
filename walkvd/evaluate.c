/* SPDX-License-Identifier: MIT
 * Deciding requests; see evaluate.h. */
#include "evaluate.h"

#include <errno.h>

/* Whether the key may be written under the request's condition; if not, the answer. */
static enum result check_condition(const struct write_request *request, bool exists, uint64_t version)
{
    switch (request->condition) {
    case CONDITION_NONE:
        return RESULT_OK;
    case CONDITION_EXISTS:
        return exists ? RESULT_OK : RESULT_PRECONDITION_FAILED;
    case CONDITION_ABSENT:
        return exists ? RESULT_PRECONDITION_FAILED : RESULT_OK;
    case CONDITION_VERSION:
        return exists && version == request->version ? RESULT_OK : RESULT_PRECONDITION_FAILED;
    case CONDITION_UPDATE:
        return exists ? RESULT_OK : RESULT_NOT_FOUND;
    case CONDITION_UPDATE_VERSION:
        return !exists                       ? RESULT_NOT_FOUND
               : version == request->version ? RESULT_OK
                                             : RESULT_PRECONDITION_FAILED;
    case CONDITION_LIMIT:
        break;
    }
    return RESULT_INVALID;
}

static int evaluate_key(struct store *store, const struct write_request *request, uint64_t lsn,
                        struct write_result *result)
{
    uint64_t version;
    int rc = store_find_key(store, request->name, &version);
    if (rc && rc != -ENOENT)
        return rc;
    bool exists = rc == 0;
    result->result = check_condition(request, exists, version);
    result->version = version;
    if (result->result != RESULT_OK)
        return 0;
    if (request->op == OP_DELETE) {
        if (!exists)
            result->result = RESULT_NOT_FOUND;
        return exists;
    }
    result->version = lsn;
    if (!exists)
        result->result = RESULT_CREATED;
    return 1;
}

static int evaluate_queue(struct store *store, const struct write_request *request, struct record *record,
                          struct write_result *result, struct buffer *values)
{
    struct view_queue queue;
    int rc = store_find_queue(store, request->name, &queue);
    if (rc && rc != -ENOENT)
        return rc;
    bool exists = rc == 0;
    if (!exists)
        queue = (struct view_queue){.id = store->state.next_queue_id, .next_sequence = 1};
    record->queue_id = queue.id;
    result->result = RESULT_OK;
    switch (request->op) {
    case OP_ENQUEUE:
        record->sequence = queue.next_sequence;
        result->size = queue.count + 1;
        return 1;
    case OP_DEQUEUE:
        if (queue.count == 0) {
            result->result = RESULT_QUEUE_EMPTY;
            return 0;
        }
        struct span value;
        rc = store_find_head(store, &queue, &record->sequence, &value);
        if (rc)
            return rc == -ENOENT ? -EBADMSG : rc;
        buffer_append(values, value.at, value.bytes);
        result->size = queue.count - 1;
        return 1;
    default: /* clear, forget */
        if (!exists)
            result->result = RESULT_QUEUE_NOT_FOUND;
        return exists;
    }
}

/* Of what was decided without the client's being able to change it: an answer to keep under its key. */
static bool is_decided(enum result result)
{
    return result == RESULT_NOT_FOUND || result == RESULT_QUEUE_EMPTY || result == RESULT_QUEUE_NOT_FOUND ||
           result == RESULT_PRECONDITION_FAILED;
}

int evaluate(struct store *store, const struct write_request *request, uint64_t lsn, struct record *record,
             struct write_result *result, struct buffer *values)
{
    size_t values_before = values->bytes;
    *record = (struct record){.op = request->op, .name = request->name, .value = request->value};
    *result = (struct write_result){.lsn = lsn - 1};
    int rc = request->op == OP_SET || request->op == OP_DELETE
                 ? evaluate_key(store, request, lsn, result)
                 : evaluate_queue(store, request, record, result, values);
    if (rc == 1) {
        result->lsn = lsn;
    } else if (rc == 0 && request->identity.key.bytes && is_decided(result->result)) {
        *record = (struct record){.op = OP_REFUSE, .name = request->name, .queue_id = request->op};
        rc = 1;
    }
    record->identity = request->identity;
    record->result = result->result;
    record->version = record->op == OP_DEQUEUE ? values->bytes - values_before : result->version;
    record->size = result->size;
    return rc;
}
