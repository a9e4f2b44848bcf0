/* SPDX-License-Identifier: MIT
 * Files and names of the disk in memory; see memory_inode.h. */
#include "memory_inode.h"

#include "kit.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>

static void make_room(struct memory_inode *inode, uint64_t bytes)
{
    if (bytes <= inode->room && inode->room > 0)
        return;
    uint64_t room = inode->room > 0 ? inode->room : 4096;
    while (room < bytes)
        room *= 2;
    inode->now = realloc(inode->now, room);
    inode->durable = realloc(inode->durable, room);
    inode->sectors = realloc(inode->sectors, room / MEMORY_SECTOR_BYTES);
    must(inode->now != NULL && inode->durable != NULL && inode->sectors != NULL);
    memset(inode->now + inode->room, 0, room - inode->room);
    memset(inode->durable + inode->room, 0, room - inode->room);
    memset(inode->sectors + inode->room / MEMORY_SECTOR_BYTES, MEMORY_CLEAN,
           (room - inode->room) / MEMORY_SECTOR_BYTES);
    inode->room = room;
}

int memory_inode_new(struct memory_disk *m)
{
    m->inodes = realloc(m->inodes, (m->inode_count + 1) * sizeof(*m->inodes));
    must(m->inodes != NULL);
    m->inodes[m->inode_count] = (struct memory_inode){0};
    make_room(&m->inodes[m->inode_count], 1);
    return (int)m->inode_count++;
}

void memory_inode_bury(struct memory_disk *m, const struct memory_inode *inode, uint64_t from)
{
    static const char zeros[MEMORY_SECTOR_BYTES];

    for (uint64_t at = from / MEMORY_SECTOR_BYTES * MEMORY_SECTOR_BYTES; at < inode->bytes;
         at += MEMORY_SECTOR_BYTES) {
        if (memcmp(inode->now + at, zeros, MEMORY_SECTOR_BYTES) != 0)
            memcpy(m->graves[m->grave_count++ % COUNT(m->graves)], inode->now + at, MEMORY_SECTOR_BYTES);
    }
}

void memory_inodes_reclaim(struct memory_disk *m)
{
    bool *used = calloc(m->inode_count + 1, sizeof(*used));

    must(used != NULL);
    for (size_t i = 0; i < m->name_count; i++) {
        const struct memory_name *name = &m->names[i];

        if (name->now >= 0)
            used[name->now] = true;
        if (name->durable >= 0)
            used[name->durable] = true;
        for (size_t j = 0; j < name->between_count; j++) {
            if (name->between[j] >= 0)
                used[name->between[j]] = true;
        }
    }
    for (size_t i = 0; i < COUNT(m->fds); i++) {
        if (m->fds[i] >= 0)
            used[m->fds[i]] = true;
    }
    for (size_t i = 0; i < m->inode_count; i++) {
        if (used[i])
            continue;
        memory_inode_bury(m, &m->inodes[i], 0);
        memory_inode_free(&m->inodes[i]);
        m->inodes[i] = (struct memory_inode){0};
    }
    free(used);
}

void memory_inode_clone(struct memory_inode *inode)
{
    inode->now = kit_boxed(inode->now, inode->room);
    inode->durable = kit_boxed(inode->durable, inode->room);
    inode->sectors = (void *)kit_boxed(inode->sectors, inode->room / MEMORY_SECTOR_BYTES);
    inode->versions = (void *)kit_boxed(inode->versions, inode->version_count * sizeof(*inode->versions));
    inode->sizes = (void *)kit_boxed(inode->sizes, inode->size_count * sizeof(*inode->sizes));
}

void memory_inode_free(struct memory_inode *inode)
{
    free(inode->now);
    free(inode->durable);
    free(inode->sectors);
    free(inode->versions);
    free(inode->sizes);
}

void memory_inode_read(const struct memory_inode *inode, char *data, size_t bytes, uint64_t offset,
                       bool direct)
{
    memcpy(data, inode->now + offset, bytes);
    for (uint64_t i = offset / MEMORY_SECTOR_BYTES; direct && i * MEMORY_SECTOR_BYTES < offset + bytes; i++) {
        uint64_t from = i * MEMORY_SECTOR_BYTES, to = from + MEMORY_SECTOR_BYTES;

        if (inode->sectors[i] != MEMORY_LOST)
            continue;
        from = from > offset ? from : offset;
        to = to < offset + bytes ? to : offset + bytes;
        memcpy(data + (from - offset), inode->durable + from, to - from);
    }
}

/* The sectors of this range are about to change. */
static void touch(struct memory_inode *inode, uint64_t from, uint64_t to)
{
    for (uint64_t i = from / MEMORY_SECTOR_BYTES; i * MEMORY_SECTOR_BYTES < to; i++) {
        if (inode->sectors[i] == MEMORY_DIRTY) {
            inode->versions = realloc(inode->versions, (inode->version_count + 1) * sizeof(*inode->versions));
            must(inode->versions != NULL);
            struct memory_version *version = &inode->versions[inode->version_count++];
            version->sector = i;
            memcpy(version->data, inode->now + i * MEMORY_SECTOR_BYTES, MEMORY_SECTOR_BYTES);
        }
        inode->sectors[i] = MEMORY_DIRTY;
    }
}

static void set_size(struct memory_inode *inode, uint64_t bytes)
{
    if (bytes == inode->bytes)
        return;
    inode->sizes = realloc(inode->sizes, (inode->size_count + 1) * sizeof(*inode->sizes));
    must(inode->sizes != NULL);
    inode->sizes[inode->size_count++] = inode->bytes;
    inode->bytes = bytes;
}

void memory_inode_write(struct memory_inode *inode, const void *data, size_t bytes, uint64_t offset)
{
    make_room(inode, offset + bytes);
    touch(inode, offset, offset + bytes);
    memcpy(inode->now + offset, data, bytes);
    if (inode->bytes < offset + bytes)
        set_size(inode, offset + bytes);
}

void memory_inode_resize(struct memory_inode *inode, uint64_t bytes)
{
    make_room(inode, bytes);
    if (bytes < inode->bytes) {
        touch(inode, bytes, inode->bytes);
        memset(inode->now + bytes, 0, inode->bytes - bytes);
    }
    set_size(inode, bytes);
}

void memory_inode_sync(struct memory_inode *inode)
{
    for (uint64_t i = 0; i < inode->room / MEMORY_SECTOR_BYTES; i++) {
        uint64_t at = i * MEMORY_SECTOR_BYTES;

        if (inode->sectors[i] != MEMORY_DIRTY)
            continue;
        memcpy(inode->durable + at, inode->now + at, MEMORY_SECTOR_BYTES);
        inode->sectors[i] = MEMORY_CLEAN;
    }
    inode->durable_bytes = inode->bytes;
    inode->version_count = inode->size_count = 0;
}

void memory_inode_lose(struct memory_inode *inode, uint64_t seed)
{
    uint64_t random = seed * 2 + 1;

    for (uint64_t i = 0; i < inode->room / MEMORY_SECTOR_BYTES; i++) {
        uint64_t at = i * MEMORY_SECTOR_BYTES;

        if (inode->sectors[i] != MEMORY_DIRTY)
            continue;
        if (kit_below(&random, 2) == 0)
            memcpy(inode->durable + at, inode->now + at, MEMORY_SECTOR_BYTES);
        inode->sectors[i] = MEMORY_LOST;
    }
    inode->version_count = 0;
}

/* "/m/a/.." is "/m". */
static void normal_path(char out[80], const char *path)
{
    must((size_t)snprintf(out, 80, "%s", path) < 80);
    size_t length = strlen(out);
    if (length > 3 && strcmp(out + length - 3, "/..") == 0) {
        out[length - 3] = '\0';
        char *slash = strrchr(out, '/');
        must(slash != NULL);
        *slash = '\0';
    }
}

struct memory_name *memory_name_find(struct memory_disk *m, const char *path)
{
    for (size_t i = 0; i < m->name_count; i++) {
        if (strcmp(m->names[i].path, path) == 0)
            return &m->names[i];
    }
    return NULL;
}

struct memory_name *memory_name_make(struct memory_disk *m, const char *path)
{
    struct memory_name *name = memory_name_find(m, path);

    if (name != NULL)
        return name;
    m->names = realloc(m->names, (m->name_count + 1) * sizeof(*m->names));
    must(m->names != NULL && strlen(path) < sizeof(name->path));
    name = &m->names[m->name_count++];
    *name = (struct memory_name){.now = MEMORY_ABSENT, .durable = MEMORY_ABSENT};
    strcpy(name->path, path);
    return name;
}

void memory_name_set(struct memory_name *name, int inode)
{
    name->between = realloc(name->between, (name->between_count + 1) * sizeof(*name->between));
    must(name->between != NULL);
    name->between[name->between_count++] = name->now;
    name->now = inode;
}

bool memory_lies_in(const char *path, const char *dir)
{
    size_t length = strlen(dir);

    return strncmp(path, dir, length) == 0 && path[length] == '/' && strchr(path + length + 1, '/') == NULL;
}

void memory_names_sync(struct memory_disk *m, const char *path)
{
    char dir[80];

    normal_path(dir, path);
    for (size_t i = 0; i < m->name_count; i++) {
        struct memory_name *name = &m->names[i];

        if (!memory_lies_in(name->path, dir))
            continue;
        name->durable = name->now;
        name->between_count = 0;
    }
}
