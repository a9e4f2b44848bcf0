/* SPDX-License-Identifier: MIT
 * Which Host a request may name (API section 1): a page of another origin must not reach a worker on loopback
 * by a name that it made point there. */
#ifndef WALKV_HTTPD_HOSTS_H
#define WALKV_HTTPD_HOSTS_H

#include "span.h"
#include "worker.h"

/* `host_name` without a port. Empty (HTTP/1.0 without Host) is allowed: every browser sends one. */
bool hosts_allow(const struct worker *, struct span host_name);

#endif
