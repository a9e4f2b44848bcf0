/* SPDX-License-Identifier: MIT
 *
 * What a daemon tells the service manager (sd_notify(3)): that it is ready, what it is doing, that it needs
 * longer, and that it is alive. Without one, nothing happens. Only the main process of a unit is listened to.
 */
#ifndef WALKV_NOTIFY_H
#define WALKV_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_stopping(void);

/* Around reading the configuration anew: it begins; notify_ready() ends it. */
void notify_reloading(void);

/* One line for `systemctl status`; at most 200 bytes of it. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, of a start or a stop that takes long and gets on: it is not to be given up for another minute.
 * Call it as often as you like; it says something twice a second at most. */
void notify_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* That the loop which does the work still turns; call it in every turn, at least every second. Says something
 * as often as the watchdog wants it, and nothing when there is none. */
void notify_alive(uint64_t now_ns);

#endif
