/* SPDX-License-Identifier: MIT
 *
 * The identity of a write: what lets a repeat of it be told from a new one. There are two, and a write may
 * have both. A worker gives each write a place in its session, so that it can send again what was in flight
 * when walkvd died; a client gives it an Idempotency-Key, so that it can ask again through another worker.
 */
#ifndef WALKV_COMMON_IDENTITY_H
#define WALKV_COMMON_IDENTITY_H

#include "span.h"

#include <stdbool.h>
#include <stdint.h>

#define IDEMPOTENCY_KEY_MAX 255
#define FINGERPRINT_BYTES   16

struct identity {
    uint64_t session;   /* 0: none */
    uint64_t sequence;  /* in the session, from 1 */
    uint64_t confirmed; /* the session wants no result up to this sequence any more; 0: nothing new */
    struct span key;    /* visible ASCII; 0 bytes: none */
    uint8_t fingerprint[FINGERPRINT_BYTES]; /* of the client's request; with a key only */
};

static inline bool identity_is_none(const struct identity *i)
{
    return i->session == 0 && i->key.bytes == 0;
}

/* Whether these bytes may be an Idempotency-Key. */
static inline bool idempotency_key_valid(struct span key)
{
    for (size_t i = 0; i < key.bytes; i++) {
        if (key.at[i] < 0x21 || key.at[i] > 0x7e)
            return false;
    }
    return key.bytes >= 1 && key.bytes <= IDEMPOTENCY_KEY_MAX;
}

#endif
