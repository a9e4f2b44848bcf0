/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include "clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

enum { STATUS_BYTES = 200, EXTENSION_S = 60, WATCHDOG_PARTS = 4 };
#define PROGRESS_EVERY_NS (500 * NS_PER_MS)

void notify_ready(void)
{
    sd_notify(0, "READY=1");
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void notify_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_ns() / 1000);
}

static void say(const char *more, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

static void say(const char *more, const char *format, va_list args)
{
    char text[STATUS_BYTES];
    vsnprintf(text, sizeof text, format, args);
    sd_notifyf(0, "%sSTATUS=%s", more, text);
}

void notify_status(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("", format, args);
    va_end(args);
}

void notify_progress(const char *format, ...)
{
    static uint64_t told_ns;
    uint64_t now_ns = clock_monotonic_ns();
    if (told_ns && now_ns - told_ns < PROGRESS_EVERY_NS)
        return;
    told_ns = now_ns;
    char extension[64];
    snprintf(extension, sizeof extension, "EXTEND_TIMEOUT_USEC=%d000000\n", EXTENSION_S);
    va_list args;
    va_start(args, format);
    say(extension, format, args);
    va_end(args);
}

void notify_alive(uint64_t now_ns)
{
    static uint64_t told_ns, every_ns = UINT64_MAX;
    if (every_ns == UINT64_MAX) {
        uint64_t limit_us;
        every_ns = sd_watchdog_enabled(0, &limit_us) > 0 ? limit_us * 1000 / WATCHDOG_PARTS : 0;
    }
    if (!every_ns || now_ns - told_ns < every_ns)
        return;
    told_ns = now_ns;
    sd_notify(0, "WATCHDOG=1");
}
