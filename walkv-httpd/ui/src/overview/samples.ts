// SPDX-License-Identifier: MIT
// The last minutes of /api/status as series for the charts. Rates come from the clock of walkvd, not from that of the
// browser, so a slow network does not bend them. A restart of walkvd is a gap.
import type { Status } from '@/api/status';

export interface Sample {
    /** Seconds since 1970, when it arrived. */
    time: number;
    operations: number | null;
    syncs: number | null;
    walBytes: number | null;
    viewBytes: number | null;
    keys: number | null;
    items: number | null;
}

const KEPT = 600;

export interface History {
    samples: Sample[];
    last: Status | undefined;
}

export const EMPTY: History = { samples: [], last: undefined };

/** Per second between two answers of the same walkvd, null when that cannot be said. */
export function rateBetween(before: Status | undefined, now: Status, counter: 'operations' | 'syncs'): number | null {
    const from = before?.[counter];
    const to = now[counter];
    if (before === undefined || from === undefined || to === undefined || before.pid !== now.pid) return null;
    const ms = (now.uptime_ms ?? 0) - (before.uptime_ms ?? 0);
    if (ms <= 0 || to < from) return null;
    return ((to - from) * 1000) / ms;
}

/** Adds an answer. The same uptime twice is the same moment, and changes nothing. */
export function addSample(history: History, status: Status, time: number): History {
    const { last } = history;
    if (last && status.pid !== undefined && last.pid === status.pid && last.uptime_ms === status.uptime_ms) return history;
    const sample: Sample = {
        time,
        operations: rateBetween(last, status, 'operations'),
        syncs: rateBetween(last, status, 'syncs'),
        walBytes: status.wal_bytes ?? null,
        viewBytes: status.view_used_bytes ?? null,
        keys: status.keys ?? null,
        items: status.items ?? null,
    };
    return { samples: [...history.samples.slice(1 - KEPT), sample], last: status };
}

export type Series = Exclude<keyof Sample, 'time'>;

export function columns(samples: Sample[], series: Series[]): (number | null)[][] {
    return [samples.map((s) => s.time), ...series.map((name) => samples.map((s) => s[name]))];
}
