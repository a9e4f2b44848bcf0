/* SPDX-License-Identifier: MIT
 *
 * Limits that both daemons and every format must agree on. What an operator may change is a setting, not
 * here.
 */
#ifndef WALKV_COMMON_BOUNDS_H
#define WALKV_COMMON_BOUNDS_H

#define NAME_BYTES_MAX  500                 /* a key or queue name; LMDB's own limit is 511 */
#define VALUE_BYTES_MAX (64u * 1024 * 1024) /* the most that max_value_size may be set to */
#define VALUE_DEPTH_MAX 512                 /* nesting of a JSON value */
#define UUID_BYTES      16

#endif
