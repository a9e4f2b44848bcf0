/* SPDX-License-Identifier: MIT
 *
 * walkvctl repair: explains what is wrong with a store that walkvd refuses and what would be lost, and, when
 * asked to, makes a new store of what can be rebuilt with certainty. The store itself is only ever read.
 */
#include "ctl_repair.h"
#include "log.h"
#include "memory.h"
#include "snapshot.h"
#include "uuid.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_SHOWN = 20 };

struct repair {
    const struct ctl *ctl;
    struct disk *disk;
    char *data_dir;
    char *into;
    int lock_fd;
    struct repair_plan plan;
    struct repair_losses losses;
    struct repair_result result;
};

/* --- where --- */

/* A path without the slashes at its end. */
static char *trimmed(const char *path)
{
    char *copy = memory_text(path);
    for (size_t bytes = strlen(copy); bytes > 1 && copy[bytes - 1] == '/'; bytes--)
        copy[bytes - 1] = '\0';
    return copy;
}

static int choose_directory(struct repair *r)
{
    r->data_dir = trimmed(r->ctl->operand);
    if (r->ctl->into) {
        r->into = trimmed(r->ctl->into);
        return 0;
    }
    const char *slash = strrchr(r->data_dir, '/');
    const char *name = slash ? slash + 1 : r->data_dir;
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        fprintf(stderr, "walkvctl: %s has no name to put .repaired behind; use --into NEW_DIR\n",
                r->data_dir);
        return EX_USAGE;
    }
    r->into = memory_printf("%s.repaired", r->data_dir);
    return 0;
}

/* The new directory must be new, and outside the old one. */
static int check_directory(const struct repair *r)
{
    struct stat st;
    if (lstat(r->into, &st) == 0) {
        fprintf(stderr, "walkvctl: %s is there already; name another directory with --into\n", r->into);
        return EX_CANTCREAT;
    }
    char *copy = memory_text(r->into), *slash = strrchr(copy, '/');
    const char *parent = !slash ? "." : slash == copy ? "/" : copy;
    if (slash)
        *slash = '\0';
    char old_path[PATH_MAX], new_path[PATH_MAX];
    int status = 0;
    if (!realpath(parent, new_path) || !realpath(r->data_dir, old_path)) {
        fprintf(stderr, "walkvctl: %s cannot be made: %s\n", r->into, strerror(errno));
        status = repair_status_of(-errno, EX_CANTCREAT);
    } else if (strncmp(new_path, old_path, strlen(old_path)) == 0 &&
               (new_path[strlen(old_path)] == '/' || !new_path[strlen(old_path)])) {
        fprintf(stderr, "walkvctl: %s would lie inside %s, where nothing is changed\n", r->into, r->data_dir);
        status = EX_USAGE;
    }
    free(copy);
    return status;
}

/* Nobody may change the store while it is read; a walkvd that is started meanwhile finds it in use. */
static int lock_store(struct repair *r)
{
    struct stat st;
    if (stat(r->data_dir, &st) || !S_ISDIR(st.st_mode)) {
        fprintf(stderr, "walkvctl: %s is no directory that can be read\n", r->data_dir);
        return EX_NOINPUT;
    }
    char *path = memory_printf("%s/lock", r->data_dir);
    r->lock_fd = disk_open(r->disk, path, O_RDONLY, 0);
    free(path);
    if (r->lock_fd == -ENOENT)
        return 0; /* every walkvd makes it first */
    int rc = r->lock_fd < 0 ? r->lock_fd : disk_lock(r->disk, r->lock_fd);
    if (rc == -EBUSY) {
        fprintf(stderr, "walkvctl: a walkvd is running on %s (or another repair of it): stop it first\n",
                r->data_dir);
        return EX_UNAVAILABLE;
    }
    if (rc)
        fprintf(stderr, "walkvctl: %s/lock cannot be locked: %s\n", r->data_dir, strerror(-rc));
    return rc ? EX_IOERR : 0;
}

/* --- the report --- */

static void print_findings(const struct repair *r)
{
    const struct repair_plan *p = &r->plan;
    for (size_t i = 0; i < repair_finding_count(p); i++) {
        const struct wal_finding *f = repair_finding(p, i);
        ctl_report_file(r->ctl, i == 0, f->file, wal_verdict_text(f->verdict), f->offset, f->first_lsn,
                        f->last_lsn, f->sentence);
    }
}

static uint64_t lost_lsns(const struct repair_plan *p)
{
    return p->known_lsn > p->best->end_lsn ? p->known_lsn - p->best->end_lsn : 0;
}

static uint64_t unread_lsns(const struct repair *r)
{
    uint64_t lost = lost_lsns(&r->plan);
    return lost > r->losses.read_lsns ? lost - r->losses.read_lsns : 0;
}

static void print_source(const struct repair_plan *p)
{
    const struct repair_state *s = p->best;
    if (s->lsn)
        printf("snapshots/%016" PRIx64 ".snap%s", s->name,
               s->end_lsn > s->lsn ? " and the log behind it" : "");
    else
        fputs("the log from its beginning", stdout);
}

struct names {
    bool queue;
    uint64_t seen;
    bool json;
};

static void print_name(const struct repair_name *n, void *arg)
{
    struct names *names = arg;
    if (n->queue != names->queue || (!names->json && names->seen >= NAMES_SHOWN)) {
        names->seen += n->queue == names->queue;
        return;
    }
    if (names->json) {
        fputs(names->seen ? "," : "", stdout);
        fputs(n->queue ? "{\"queue\":" : "{\"key\":", stdout);
        ctl_print_string(stdout, (struct span){n->name, n->bytes});
        printf(",\"operations\":%" PRIu64 ",\"last_op\":\"%s\",\"last_lsn\":%" PRIu64 "}", n->operations,
               op_text(n->last_op), n->last_lsn);
    } else {
        printf("%s", names->seen ? ", " : n->queue ? "  queues: " : "  keys: ");
        ctl_print_string(stdout, (struct span){n->name, n->bytes});
        printf(" (%" PRIu64 ")", n->operations);
    }
    names->seen++;
}

static void print_names(const struct repair *r, bool queue)
{
    struct names names = {.queue = queue, .json = r->ctl->json};
    repair_losses_names(&r->losses, print_name, &names);
    if (!names.json && names.seen > NAMES_SHOWN)
        printf(" and %" PRIu64 " more", names.seen - NAMES_SHOWN);
    if (!names.json && names.seen)
        putchar('\n');
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_losses(const struct repair *r)
{
    const struct repair_plan *p = &r->plan;
    const struct repair_losses *l = &r->losses;
    uint64_t lost = lost_lsns(p), noops = l->read_lsns - l->operations;
    if (!lost) {
        printf("What may be lost: LSN %" PRIu64 " and later, if there were any; nothing says how far the log "
               "went\n",
               p->best->end_lsn + 1);
        return;
    }
    printf("What is lost: LSN %" PRIu64 " to %" PRIu64 "%s\n", p->best->end_lsn + 1, p->known_lsn,
           p->end_known ? "" : ", and later ones, if there were any; nothing says how far the log went");
    if (l->operations)
        printf("  %" PRIu64 " operation%s can still be read: %" PRIu64 " on %" PRIu64 " key%s, %" PRIu64
               " on %" PRIu64 " queue%s\n",
               l->operations, plural(l->operations), l->key_operations, l->keys, plural(l->keys),
               l->queue_operations, l->queues, plural(l->queues));
    print_names(r, false);
    print_names(r, true);
    if (l->operations)
        printf("  with their values: walkvctl dump --all --from %" PRIu64 " %s\n", p->best->end_lsn + 1,
               p->data_dir);
    if (noops)
        printf("  %" PRIu64 " LSN%s changed nothing\n", noops, plural(noops));
    if (unread_lsns(r))
        printf("  %" PRIu64 " LSN%s cannot be read, and what was done there is not known\n", unread_lsns(r),
               plural(unread_lsns(r)));
    if (l->removals || unread_lsns(r))
        puts("  Items that were taken out of a queue there will be in it again.");
}

static void print_start(const struct repair *r)
{
    const struct repair_plan *p = &r->plan;
    char uuid[UUID_TEXT_BYTES];
    uuid_format(uuid, p->uuid);
    printf("store %s", uuid);
    if (p->control_verdict != CONTROL_VALID)
        printf(" (this UUID is that of %s)", p->uuid_from);
    putchar('\n');
    print_findings(r);
}

static void print_text(const struct repair *r)
{
    const struct repair_plan *p = &r->plan;
    print_start(r);
    if (!p->best) {
        printf(
            "No state can be rebuilt: no snapshot is usable, and the log does not lead from its beginning.\n"
            "Restore a copy. What is left in the log is printed by: walkvctl dump --all %s\n",
            p->data_dir);
        return;
    }
    printf("What can be rebuilt: everything up to LSN %" PRIu64 ", from ", p->best->end_lsn);
    print_source(p);
    putchar('\n');
    if (repair_loses(p))
        print_losses(r);
    else
        puts("What is lost: nothing");
    if (p->control_verdict != CONTROL_VALID)
        puts("Without the control file, a log of which the end was cut off cannot be told from a whole one.");
}

static void print_json(const struct repair *r)
{
    const struct repair_plan *p = &r->plan;
    char uuid[UUID_TEXT_BYTES];
    uuid_format(uuid, p->uuid);
    printf("{\"store_id\":\"%s\",\"store_id_from\":\"%s\",\"findings\":[", uuid, p->uuid_from);
    print_findings(r);
    printf("],\"starts\":%s,\"rebuilt\":", p->starts ? "true" : "false");
    if (!p->best) {
        fputs("null,\"lost\":null", stdout);
        return;
    }
    printf("{\"last_lsn\":%" PRIu64 ",\"snapshot\":", p->best->end_lsn);
    if (p->best->lsn)
        printf("\"snapshots/%016" PRIx64 ".snap\"},\"lost\":", p->best->name);
    else
        fputs("null},\"lost\":", stdout);
    if (!repair_loses(p)) {
        fputs("null", stdout);
        return;
    }
    printf("{\"first_lsn\":%" PRIu64 ",\"last_lsn\":%" PRIu64
           ",\"last_lsn_certain\":%s,\"operations\":%" PRIu64 ",\"without_effect\":%" PRIu64
           ",\"unreadable\":%" PRIu64 ",\"keys\":[",
           p->best->end_lsn + 1, p->known_lsn, p->end_known ? "true" : "false", r->losses.operations,
           r->losses.read_lsns - r->losses.operations, unread_lsns(r));
    print_names(r, false);
    fputs("],\"queues\":[", stdout);
    print_names(r, true);
    fputs("]}", stdout);
}

/* --- what comes of it --- */

static void print_json_result(const struct repair *r, bool written)
{
    char uuid[UUID_TEXT_BYTES];
    uuid_format(uuid, r->result.uuid);
    fputs(",\"written\":", stdout);
    if (!written) {
        puts("null}");
        return;
    }
    fputs("{\"directory\":", stdout);
    ctl_print_string(stdout, (struct span){r->into, strlen(r->into)});
    printf(",\"store_id\":\"%s\",\"last_lsn\":%" PRIu64 ",\"keys\":%" PRIu64 ",\"queues\":%" PRIu64
           ",\"items\":%" PRIu64 "}}\n",
           uuid, r->result.lsn, r->result.keys, r->result.queues, r->result.items);
}

static void print_offer(const struct repair *r)
{
    bool loses = repair_loses(&r->plan);
    if (r->plan.starts && !loses) {
        puts("walkvd starts from this store as it is: no repair is needed. Nothing was written.");
        return;
    }
    puts(r->plan.starts ? "walkvd starts from this store, without what is lost. Nothing was written."
                        : "walkvd does not start from this store. Nothing was written.");
    printf("To make a new store of what can be rebuilt, and leave this one as it is:\n"
           "  walkvctl repair --yes --into %s %s\n",
           r->into, r->data_dir);
}

static void print_result(const struct repair *r)
{
    char uuid[UUID_TEXT_BYTES];
    uuid_format(uuid, r->result.uuid);
    printf("%s is made: store %s, %" PRIu64 " keys, %" PRIu64 " queues, %" PRIu64
           " items; it counts on from LSN %" PRIu64 "\n"
           "What to do next:\n",
           r->into, uuid, r->result.keys, r->result.queues, r->result.items, r->result.lsn);
    struct disk_stat st;
    if (disk_stat_path(r->disk, r->data_dir, &st) == 0 && st.owner != geteuid())
        printf("  - give it to the user of walkvd: chown -R --reference=%s %s\n", r->data_dir, r->into);
    printf("  - start walkvd with data_dir = %s, or let the two directories change names\n"
           "  - look at your data, then take a checkpoint: walkvctl checkpoint\n"
           "  - keep %s, which was not changed, until you are sure that nothing more is wanted of it\n",
           r->into, r->data_dir);
}

static int repair_run(struct repair *r)
{
    const struct repair_plan *p = &r->plan;
    bool yes = r->ctl->yes, json = r->ctl->json;
    int status = choose_directory(r);
    if (!status)
        status = lock_store(r);
    if (!status && yes)
        status = check_directory(r);
    if (!status)
        status = repair_plan_make(&r->plan, r->ctl, r->disk, r->data_dir);
    if (!status && repair_loses(p))
        status = repair_losses_read(&r->losses, p);
    if (status)
        return status;
    if (json)
        print_json(r);
    if (!repair_finding_count(p) && p->starts) {
        if (json) {
            print_json_result(r, false);
        } else {
            print_start(r);
            puts("No damage found: there is nothing to repair. Nothing was written.");
        }
        return 0;
    }
    if (!json)
        print_text(r);
    fflush(stdout);
    if (p->best && yes)
        status = repair_build(p, r->into, &r->result);
    else
        status = !p->best || repair_loses(p) ? EX_DATAERR : 0;
    bool written = p->best && yes && !status;
    if (json)
        print_json_result(r, written);
    else if (written)
        print_result(r);
    else if (p->best && !yes)
        print_offer(r);
    return status;
}

int ctl_repair(const struct ctl *ctl)
{
    struct repair r = {.ctl = ctl, .disk = disk_system(), .lock_fd = -1};
    int status = repair_run(&r);
    repair_losses_free(&r.losses);
    repair_plan_free(&r.plan);
    if (r.lock_fd >= 0)
        disk_close(r.disk, r.lock_fd);
    free(r.into);
    free(r.data_dir);
    return status;
}
