/* SPDX-License-Identifier: MIT
 *
 * A disk in memory that keeps apart what was written and what was synced, so that a test can cut the power,
 * refuse the k-th call, and damage what lies there.
 *
 * Its rules are those of Linux: a sync makes a file's content and size durable, a sync of the directory its
 * names; a sync that failed has dropped the data, and the next one says 0 without having written it; what was
 * not synced may survive a power cut or not, each sector for itself. Memory and descriptors only, one thread.
 */
#ifndef WALKV_TESTS_UNIT_MEMORY_DISK_H
#define WALKV_TESTS_UNIT_MEMORY_DISK_H

#include "disk.h"
#include "wal_log.h"

#define MEMORY_SECTOR_BYTES 512u

struct memory_inode;

struct memory_name {
    char path[80];
    int now;     /* number of the inode, -1: there is no such file */
    int durable; /* the same after a power cut */
};

struct memory_disk {
    struct disk disk; /* first, so that one is the other */
    struct memory_name *names;
    size_t name_count;
    struct memory_inode *inodes;
    size_t inode_count;
    int fds[32]; /* number of the inode, -1: free, -2: a directory */
    char fd_paths[32][80];

    uint64_t calls;   /* so far, those that may fail */
    uint64_t fail_at; /* the number of the call that fails, from 1; 0: none */
    bool for_ever;    /* and all after it */
    int error;        /* with which it fails, positive */
    const char *failed_call;
    bool sync_failed;  /* fdatasync or fsync */
    uint64_t changes;  /* pwrite, fdatasync, fsync, rename so far */
    size_t write_room; /* the most that one pwrite takes; 0: everything */
};

struct memory_disk *memory_disk_new(void);
struct memory_disk *memory_disk_clone(const struct memory_disk *);
void memory_disk_free(struct memory_disk **);

enum memory_loss { MEMORY_LOSE_ALL, MEMORY_LOSE_NOTHING, MEMORY_LOSE_SOME };

/* A power cut: what was not synced is lost, or kept, or each sector and directory as `random` says. */
void memory_disk_cut(struct memory_disk *, enum memory_loss, uint64_t *random);

/* The name of a file, for tests that move it about; NULL when there is none now. */
struct memory_name *memory_disk_name(struct memory_disk *, const char *path);
/* The content of a file. It may be changed in place, and `*bytes` be made smaller and larger again. */
char *memory_disk_data(struct memory_disk *, const char *path, uint64_t **bytes);
/* Makes a file with this content, synced. */
void memory_disk_put(struct memory_disk *, const char *path, const void *data, size_t bytes);

/* wal_log_list() for this disk. */
void memory_disk_list(const struct memory_disk *, const char *data_dir, struct wal_log *);

#endif
