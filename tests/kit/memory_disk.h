/* SPDX-License-Identifier: MIT
 *
 * A disk in memory that keeps apart what was written and what was synced, so that a test can cut the power,
 * refuse the k-th call, and damage what lies there.
 *
 * Its rules are the worst that POSIX allows and Linux does:
 *   - a sync makes a file's content and size durable, a sync of the directory its names, and neither the
 * other;
 *   - until then each sector of 512 bytes may be, after a power cut, any content it had since the last sync,
 *     zeros, or garbage (noise, or what a deleted or shortened file left on the disk); the size any size it
 * had; each name of a directory, for itself, any file it named or none, so that a rename may be seen half
 * done;
 *   - a sync that fails has written some of its sectors; what it has not written no later sync will write,
 * though it says 0, and a read still finds it in the page cache, but a read with O_DIRECT does not. Or
 * everything had reached the device, and only its cache was not flushed (`flush_fails`);
 *   - what lies in a directory whose own name is lost, is lost.
 * Paths outside MEMORY_ROOT (the view in shared memory) go to the real system, and count as calls as well.
 * Memory and descriptors only, one thread.
 */
#ifndef WALKV_TESTS_KIT_MEMORY_DISK_H
#define WALKV_TESTS_KIT_MEMORY_DISK_H

#include "disk.h"

#define MEMORY_ROOT         "/m"
#define MEMORY_SECTOR_BYTES 512u

enum { MEMORY_ABSENT = -1, MEMORY_DIRECTORY = -2 }; /* in place of the number of an inode */

struct memory_inode;

struct memory_name {
    char path[80];
    int now;      /* number of the inode, or MEMORY_ABSENT, MEMORY_DIRECTORY */
    int durable;  /* the same, as of the last sync of the directory */
    int *between; /* what it was since then */
    size_t between_count;
};

enum memory_fault {
    MEMORY_FAULT_ERROR, /* the call fails with `error` */
    MEMORY_FAULT_SHORT, /* a read or write moves half of the bytes; other calls are as ever */
};

struct memory_disk {
    struct disk disk; /* first, so that one is the other */
    struct memory_name *names;
    size_t name_count;
    struct memory_inode *inodes;
    size_t inode_count;
    int fds[64]; /* number of the inode, -1: free, MEMORY_DIRECTORY */
    bool direct[64];
    char fd_paths[64][80];
    char graves[64][MEMORY_SECTOR_BYTES]; /* of deleted and shortened files, the latest */
    size_t grave_count;                   /* in all */
    bool light; /* calls that reserve memory for the view are skipped: the test has enough */

    uint64_t calls;   /* so far, those that may fail */
    uint64_t fail_at; /* the number of the call that fails, from 1; 0: none */
    bool for_ever;    /* and all after it */
    enum memory_fault fault;
    int error;        /* with which it fails, positive */
    bool flush_fails; /* a sync that fails has lost nothing yet */
    const char *failed_call;
    bool sync_failed;     /* fdatasync or fsync */
    bool log_sync_failed; /* of a file or directory of the log */
    uint64_t changes;     /* calls so far that changed what a power cut may leave */
    size_t write_room;    /* the most that one pwrite takes; 0: everything */

    /* Called after each of `changes`, with what there is now. */
    void (*changed)(struct memory_disk *, void *arg);
    void *changed_arg;
};

struct memory_disk *memory_disk_new(void);
struct memory_disk *memory_disk_clone(const struct memory_disk *);
void memory_disk_free(struct memory_disk **);

enum memory_loss { MEMORY_LOSE_ALL, MEMORY_LOSE_NOTHING, MEMORY_LOSE_SOME };

/* A power cut: what was not synced is lost, or kept, or each sector, size and name as `random` says. */
void memory_disk_cut(struct memory_disk *, enum memory_loss, uint64_t *random);

/* The freedoms of a power cut now: how many independent things there are that may have more than one state,
 * and, in `options` (of `room`), how many states each has. State 0 is the oldest (durable), 1 the newest. */
size_t memory_disk_freedoms(const struct memory_disk *, uint8_t *options, size_t room);

/* A new disk that is this one after a power cut in which freedom i took the state choices[i]. Garbage follows
 * from `seed`. */
struct memory_disk *memory_disk_after(const struct memory_disk *, const uint8_t *choices, uint64_t seed);

/* Tells apart disks on which a start could find different things: files that are named, without .tmp. */
uint64_t memory_disk_hash(const struct memory_disk *);

/* The name of a file, for tests that move it about; NULL when there is none now. */
struct memory_name *memory_disk_name(struct memory_disk *, const char *path);
/* The content of a file. It may be changed in place, and `*bytes` be made smaller and larger again. */
char *memory_disk_data(struct memory_disk *, const char *path, uint64_t **bytes);
/* Makes a file with this content, synced. */
void memory_disk_put(struct memory_disk *, const char *path, const void *data, size_t bytes);

#endif
