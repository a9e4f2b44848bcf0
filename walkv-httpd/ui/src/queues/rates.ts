// SPDX-License-Identifier: MIT
// How fast items come and go, from the events of the last seconds.

const WINDOW_SECONDS = 10;

interface Bucket {
    second: number;
    enqueued: number;
    dequeued: number;
}

export interface Rates {
    in: number;
    out: number;
}

export class RateMeter {
    private readonly queues = new Map<string, Bucket[]>();
    private readonly begun: number;

    /** `now`: seconds of any clock that does not go back. */
    constructor(now: number) {
        this.begun = now;
    }

    record(queue: string, enqueued: number, dequeued: number, now: number): void {
        const second = Math.floor(now);
        const buckets = this.queues.get(queue) ?? [];
        const last = buckets.at(-1);
        if (last?.second === second) {
            last.enqueued += enqueued;
            last.dequeued += dequeued;
        } else {
            buckets.push({ second, enqueued, dequeued });
        }
        this.queues.set(queue, buckets.filter((b) => b.second > second - WINDOW_SECONDS));
    }

    /** Items per second, over the last ten seconds or since it began. */
    of(queue: string, now: number): Rates {
        const since = Math.floor(now) - WINDOW_SECONDS;
        const span = Math.min(WINDOW_SECONDS, Math.max(1, now - this.begun));
        let enqueued = 0;
        let dequeued = 0;
        for (const b of this.queues.get(queue) ?? [])
            if (b.second > since) {
                enqueued += b.enqueued;
                dequeued += b.dequeued;
            }
        return { in: enqueued / span, out: dequeued / span };
    }

    /** Whether anything has happened in the window. */
    active(now: number): boolean {
        const since = Math.floor(now) - WINDOW_SECONDS - 1;
        for (const buckets of this.queues.values()) if ((buckets.at(-1)?.second ?? -Infinity) > since) return true;
        return false;
    }
}
