/* SPDX-License-Identifier: MIT
 * Encoder and decoder of the rows of changes, side by side; the picture is in change.h. */
#include "change.h"

#include "bounds.h"
#include "bytes.h"
#include "log.h"
#include "name.h"

#include <errno.h>

void change_encode(struct buffer *row, uint64_t row_lsn, const struct change *c)
{
    must(c->lsn >= row_lsn && c->lsn - row_lsn <= UINT32_MAX && c->name.bytes <= NAME_BYTES_MAX);
    char *at = buffer_extend(row, CHANGE_FIXED_BYTES);
    at[0] = (char)c->op;
    at[1] = (char)c->created;
    put_u16(at + 2, (uint16_t)c->name.bytes);
    put_u32(at + 4, (uint32_t)(c->lsn - row_lsn));
    put_u64(at + 8, c->size);
    buffer_append(row, c->name.at, c->name.bytes);
}

int change_decode(struct span *row, uint64_t row_lsn, struct change *c)
{
    if (!row->bytes)
        return 0;
    struct reader r = reader_of(row->at, row->bytes);
    struct span fixed = read_span(&r, CHANGE_FIXED_BYTES);
    if (r.bad)
        return -EBADMSG;
    unsigned op = (unsigned char)fixed.at[0], created = (unsigned char)fixed.at[1];
    *c = (struct change){
        .op = (enum op)op,
        .created = created == 1,
        .lsn = row_lsn + get_u32(fixed.at + 4),
        .size = get_u64(fixed.at + 8),
        .name = read_span(&r, get_u16(fixed.at + 2)),
    };
    if (r.bad || !op_is_write(op) || created > 1 || !name_valid(c->name))
        return -EBADMSG;
    size_t taken = CHANGE_FIXED_BYTES + c->name.bytes;
    *row = (struct span){row->at + taken, row->bytes - taken};
    return 1;
}
