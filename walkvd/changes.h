/* SPDX-License-Identifier: MIT
 *
 * The history of what changed (common/change.h), for those who watch: written with the state that it leads
 * to, in the same transaction, so that who sees the one sees the other.
 *
 * Changes are collected and written a row at a time, beside the last one, because a row of its own for each
 * would cost a write half of what it costs already. It is bounded by LSNs and, in a small view, by its share
 * of that; old rows go a few at a time. Nothing else ever depends on it.
 */
#ifndef WALKV_WALKVD_CHANGES_H
#define WALKV_WALKVD_CHANGES_H

#include "buffer.h"
#include "change.h"

struct store;

struct changes {
    uint64_t history;  /* LSNs to keep; 0: keep none */
    struct buffer row; /* not written yet */
    uint64_t row_lsn;
    unsigned rows; /* that the open transaction wrote */
    bool trimming; /* there are more than enough, and some go with every transaction */
};

/* All within a transaction. Begins a transaction's collection anew. */
void changes_begin(struct changes *);

/* Adds a change. Returns 0 or a negative errno. */
int changes_add(struct store *, const struct change *);

/* Writes what was added and lets go of what is too old; `last_lsn` is that of the transaction. Returns 0 or a
 * negative errno. */
int changes_finish(struct store *, uint64_t last_lsn);

#endif
