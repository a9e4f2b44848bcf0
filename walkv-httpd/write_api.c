/* SPDX-License-Identifier: MIT
 * What all writes share, and the answers to them; see write_api.h. */
#include "write_api.h"

#include "json_text.h"
#include "log.h"
#include "response.h"
#include "walkvd_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

/* Of method, target and body, as they were sent: the same key with another of these is another request. */
static void take_fingerprint(struct conn *c, const struct http_request *req, struct span body)
{
    const char *method = http_method_name(req->method);
    const struct span parts[] = {{method, strlen(method) + 1}, req->target, {"", 1}, body};
    XXH3_state_t *state = c->worker->hasher;
    must(XXH3_128bits_reset(state) == XXH_OK);
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        XXH3_128bits_update(state, parts[i].at, parts[i].bytes);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    _Static_assert(sizeof canonical.digest == FINGERPRINT_BYTES, "128 bits");
    memcpy(c->request.fingerprint, canonical.digest, FINGERPRINT_BYTES);
}

bool write_take_key(struct conn *c, const struct http_request *req, struct span body)
{
    struct span key;
    if (req->method == HTTP_GET || req->method == HTTP_HEAD)
        return true;
    unsigned count = http_request_header(req, "Idempotency-Key", &key);
    if (!count)
        return true;
    if (count > 1 || !idempotency_key_valid(key)) {
        response_failure(c, FAILURE_INVALID_PARAMETER,
                         count > 1 ? "A request takes one Idempotency-Key"
                                   : "An Idempotency-Key is 1 to 255 visible ASCII characters");
        return false;
    }
    c->request.key = (struct piece){(size_t)(key.at - c->in.data), key.bytes};
    take_fingerprint(c, req, body);
    return true;
}

static void refuse_json(struct conn *c, const struct json_error *e)
{
    char sentence[200], extra[64];
    struct response r = {0};
    snprintf(sentence, sizeof sentence, "The body is not valid JSON: line %u, column %u: %s", e->line,
             e->column, e->reason);
    snprintf(extra, sizeof extra, ",\"line\":%u,\"column\":%u", e->line, e->column);
    response_failure_with(c, FAILURE_INVALID_JSON, sentence, &r, extra);
}

static uint64_t max_value_bytes(const struct conn *c)
{
    uint64_t here = c->worker->config->max_value_size,
             there = walkvd_client_max_value_bytes(c->worker->client);
    return there && there < here ? there : here;
}

static void refuse_too_large(struct conn *c, uint64_t limit)
{
    struct response r = {0};
    char extra[48];
    snprintf(extra, sizeof extra, ",\"limit\":%" PRIu64, limit);
    response_failure_with(c, FAILURE_TOO_LARGE, "The value is too large", &r, extra);
}

bool write_take_value(struct conn *c, struct span body, struct span *key)
{
    static const struct span names[] = {{"value", 5}, {"key", 3}};
    struct span values[2] = {{0}};
    struct json_error error;
    if (!json_text_members(body, VALUE_DEPTH_MAX + 1, names, values, 2, &error)) {
        if (error.code == JSON_NOT_OBJECT)
            response_failure(c, FAILURE_INVALID_JSON, "The body must be a JSON object with a member value");
        else
            refuse_json(c, &error);
        return false;
    }
    if (key)
        *key = values[1];
    if (!values[0].at) {
        response_failure(c, FAILURE_VALUE_REQUIRED, NULL);
        return false;
    }
    c->request.value.at = (size_t)(values[0].at - c->in.data);
    c->request.value.bytes = json_text_minify(c->in.data + c->request.value.at, values[0]);
    uint64_t limit = max_value_bytes(c);
    if (c->request.value.bytes > limit) {
        refuse_too_large(c, limit);
        return false;
    }
    return true;
}

void write_submit(struct conn *c, enum op op, enum condition condition, uint64_t version)
{
    c->request.op = op;
    c->request.condition = condition;
    bool takes_value = op == OP_SET || op == OP_ENQUEUE;
    struct write_request request = {
        .op = op,
        .condition = condition,
        .version = version,
        .name = conn_name(c),
        .value = takes_value ? conn_piece(c, c->request.value) : (struct span){0},
        .token = conn_piece(c, c->request.token),
    };
    if (c->request.key.bytes) {
        request.identity.key = conn_piece(c, c->request.key);
        memcpy(request.identity.fingerprint, c->request.fingerprint, FINGERPRINT_BYTES);
    }
    if (!walkvd_client_submit(c->worker->client, c, &request))
        response_failure(c, FAILURE_UNAVAILABLE, "Too many writes are waiting for the store; try again");
}

void read_failed(struct conn *c, int rc)
{
    if (rc == -EAGAIN || rc == -ETIMEDOUT || rc == -EACCES)
        response_failure(c, FAILURE_UNAVAILABLE,
                         rc == -EACCES ? "The view cannot be read: this worker has no right to" : NULL);
    else
        response_failure(c, FAILURE_INTERNAL, strerror(-rc));
}

/* The body of a success, members in the order of API.md. */
static void write_body(struct conn *c, const struct write_result *result, struct buffer *body)
{
    bool key = c->request.op == OP_SET || c->request.op == OP_DELETE;
    buffer_append_text(body, key ? "{\"success\":true,\"key\":" : "{\"success\":true,\"queue\":");
    response_append_string(body, conn_name(c));
    if (c->request.op == OP_SET || c->request.op == OP_ENQUEUE || c->request.op == OP_DEQUEUE) {
        struct span value = c->request.op == OP_DEQUEUE ? result->value : conn_piece(c, c->request.value);
        buffer_append_text(body, ",\"value\":");
        buffer_append(body, value.at, value.bytes);
    }
    if (c->request.op == OP_ENQUEUE)
        buffer_printf(body, ",\"size\":%" PRIu64, result->size);
    buffer_append_text(body, "}");
}

void conn_write_done(struct conn *c, const struct write_result *result)
{
    struct response r = {.lsn = result->lsn, .replayed = result->replayed};
    char extra[48];
    switch (result->result) {
    case RESULT_OK:
    case RESULT_CREATED: {
        struct buffer *body = &c->worker->scratch;
        body->bytes = 0;
        write_body(c, result, body);
        r.status = result->result == RESULT_CREATED ? 201 : 200;
        r.etag = c->request.op == OP_SET ? result->version : 0;
        response_body(c, &r, buffer_span(body));
        break;
    }
    case RESULT_NOT_FOUND:
        response_failure_with(c, FAILURE_NOT_FOUND, NULL, &r, "");
        break;
    case RESULT_QUEUE_EMPTY:
        response_failure_with(c, FAILURE_QUEUE_EMPTY, NULL, &r, "");
        break;
    case RESULT_QUEUE_NOT_FOUND:
        response_failure_with(c, FAILURE_QUEUE_NOT_FOUND, NULL, &r, "");
        break;
    case RESULT_PRECONDITION_FAILED:
        r.etag = result->version;
        if (result->version)
            snprintf(extra, sizeof extra, ",\"version\":%" PRIu64, result->version);
        else
            snprintf(extra, sizeof extra, ",\"version\":null");
        response_failure_with(c, FAILURE_PRECONDITION_FAILED,
                              c->request.condition == CONDITION_ABSENT
                                  ? "The key exists, and If-None-Match: * asks for none"
                              : result->version ? NULL
                                                : "The key does not exist, and If-Match asks for one",
                              &r, extra);
        break;
    case RESULT_STORAGE_FULL:
        response_failure_with(c, FAILURE_STORAGE_FULL, NULL, &r, "");
        break;
    case RESULT_UNAVAILABLE:
        response_failure_with(c, FAILURE_UNAVAILABLE, NULL, &r, "");
        break;
    case RESULT_OUTCOME_UNKNOWN:
        response_failure_with(c, FAILURE_OUTCOME_UNKNOWN, NULL, &r, "");
        break;
    case RESULT_MISMATCH:
        response_failure_with(c, FAILURE_IDEMPOTENCY_MISMATCH, NULL, &r, "");
        break;
    case RESULT_FORBIDDEN:
        response_failure_with(
            c, FAILURE_FORBIDDEN,
            c->worker->tokens->tokens
                ? "walkvd does not allow this to this access token; its auth_tokens_file may differ"
                : "walkvd asks for access tokens, and this worker has no auth_tokens_file",
            &r, "");
        break;
    case RESULT_INVALID:
        if (c->request.value.bytes > max_value_bytes(c)) {
            refuse_too_large(c, max_value_bytes(c));
            break;
        }
        __attribute__((fallthrough));
    default:
        response_failure_with(c, FAILURE_INTERNAL, "walkvd refused a request of this worker", &r, "");
    }
    conn_finish(c);
}
