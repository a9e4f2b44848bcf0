/* SPDX-License-Identifier: MIT
 *
 * The files and names of the disk in memory, with what each was since it was last durable. For memory_disk.c
 * (the calls) and memory_cut.c (power cuts) only.
 */
#ifndef WALKV_TESTS_KIT_MEMORY_INODE_H
#define WALKV_TESTS_KIT_MEMORY_INODE_H

#include "memory_disk.h"

enum memory_sector_state {
    MEMORY_CLEAN,
    MEMORY_DIRTY, /* the next sync writes it */
    MEMORY_LOST,  /* in the page cache only: `durable` is on the disk, and no sync will change that */
};

/* What a sector was between its durable content and the present one. */
struct memory_version {
    uint64_t sector;
    char data[MEMORY_SECTOR_BYTES];
};

struct memory_inode {
    char *now;
    char *durable;
    uint8_t *sectors; /* enum memory_sector_state each */
    uint64_t bytes;
    uint64_t durable_bytes;
    uint64_t room; /* of `now` and `durable`; what is behind the end is zero */
    struct memory_version *versions;
    size_t version_count;
    uint64_t *sizes; /* since the last sync, without the present one */
    size_t size_count;
};

int memory_inode_new(struct memory_disk *); /* its number */
/* Keeps some of what the sectors from here on hold, as what a file system may hand out again. */
void memory_inode_bury(struct memory_disk *, const struct memory_inode *, uint64_t from);
/* Drops the content of the inodes that no name has in any state, and no descriptor. */
void memory_inodes_reclaim(struct memory_disk *);
void memory_inode_clone(struct memory_inode *copy);
void memory_inode_free(struct memory_inode *);
/* `direct`: around the page cache, see memory_disk.h. */
void memory_inode_read(const struct memory_inode *, char *data, size_t bytes, uint64_t offset, bool direct);
void memory_inode_write(struct memory_inode *, const void *data, size_t bytes, uint64_t offset);
void memory_inode_resize(struct memory_inode *, uint64_t bytes);
void memory_inode_sync(struct memory_inode *);
/* A sync that failed; which sectors it has written follows from `seed`. */
void memory_inode_lose(struct memory_inode *, uint64_t seed);

struct memory_name *memory_name_find(struct memory_disk *, const char *path);
/* Finds it, or makes one that is absent. Pointers to names are good until the next one is made. */
struct memory_name *memory_name_make(struct memory_disk *, const char *path);
void memory_name_set(struct memory_name *, int inode);
void memory_names_sync(struct memory_disk *, const char *dir);
/* Directly, and not in a directory below. */
bool memory_lies_in(const char *path, const char *dir);

#endif
