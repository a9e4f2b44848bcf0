// SPDX-License-Identifier: MIT
// Thousands of events a second become a few batches: of each key what happened to it last, of each queue how much.
import type { SseMessage } from './sse-parser';

export interface QueueChange {
    enqueued: number;
    dequeued: number;
    cleared: boolean;
    forgotten: boolean;
    /** After the last of these; null: not said. */
    size: number | null;
}

export interface Batch {
    /** To go on from; empty: unknown. */
    lastId: string;
    /** Something may have been missed: read again whatever is on the screen. */
    reset: boolean;
    keys: Map<string, 'set' | 'delete'>;
    queues: Map<string, QueueChange>;
}

/** More than this in one batch, and reading again is cheaper than following. */
const NAMES_MAX = 20_000;

export function resetBatch(lastId = ''): Batch {
    return { lastId, reset: true, keys: new Map(), queues: new Map() };
}

function readData(text: string): { key?: unknown; queue?: unknown; forgotten?: unknown; size?: unknown } {
    try {
        const data = JSON.parse(text) as unknown;
        return typeof data === 'object' && data !== null ? data : {};
    } catch {
        return {};
    }
}

export class BatchCollector {
    private batch: Batch | null = null;

    /** Nothing was missed up to `id`. */
    mark(id: string): Batch {
        this.batch ??= { lastId: '', reset: false, keys: new Map(), queues: new Map() };
        if (id !== '') this.batch.lastId = id;
        return this.batch;
    }

    add(message: SseMessage): void {
        const batch = this.mark(message.id);
        if (message.event === 'reset') batch.reset = true;
        const { key, queue, forgotten, size } = readData(message.data);
        if ((message.event === 'set' || message.event === 'delete') && typeof key === 'string') batch.keys.set(key, message.event);
        else if (typeof queue === 'string') this.addToQueue(batch, queue, message.event, forgotten === true, typeof size === 'number' ? size : null);
        if (batch.keys.size + batch.queues.size > NAMES_MAX) {
            batch.reset = true;
            batch.keys.clear();
            batch.queues.clear();
        }
    }

    private addToQueue(batch: Batch, queue: string, event: string, forgotten: boolean, size: number | null): void {
        const change = batch.queues.get(queue) ?? { enqueued: 0, dequeued: 0, cleared: false, forgotten: false, size: null };
        if (event === 'enqueue') {
            change.enqueued += 1;
            change.forgotten = false;
        } else if (event === 'dequeue') {
            change.dequeued += 1;
        } else if (event === 'clear') {
            change.cleared = true;
            change.forgotten = forgotten;
        } else {
            return;
        }
        change.size = size;
        batch.queues.set(queue, change);
    }

    /** What has come together since the last time, or null. */
    take(): Batch | null {
        const { batch } = this;
        this.batch = null;
        return batch;
    }
}
