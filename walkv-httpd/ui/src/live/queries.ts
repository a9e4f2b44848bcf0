// SPDX-License-Identifier: MIT
// What a batch of changes means for answers that were kept: those on the screen are read again, at most twice a second
// however many changes there are; the others when they are needed again.
import type { QueryClient } from '@tanstack/react-query';
import type { QueueSizes } from '@/api/queues';
import type { Batch } from './batch';
import { followBatches } from './live';

const EVERY_MS = 500;

export const VALUE = 'value';
export const QUEUES = 'queues';

/** Puts the sizes that the events tell in place. False when that is not enough, since a name has come or gone, or since an
 * answer is on its way that may be older. */
function changeSizes(client: QueryClient, changes: Batch['queues']): boolean {
    const known = client.getQueryData<QueueSizes>([QUEUES]);
    if (client.isFetching({ queryKey: [QUEUES] }) > 0) return false;
    if (!known) return true;
    const sizes = new Map(known.sizes);
    for (const [queue, { size, forgotten }] of changes) {
        if (size === null || forgotten || !sizes.has(queue)) return false;
        sizes.set(queue, size);
    }
    client.setQueryData<QueueSizes>([QUEUES], { names: known.names, sizes });
    return true;
}

export function followQueries(client: QueryClient): () => void {
    let keys = new Set<string>();
    let everything = false;
    let queues = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = 0;

    const flush = () => {
        timer = undefined;
        last = performance.now();
        if (everything) {
            void client.invalidateQueries({ queryKey: [VALUE] });
            void client.invalidateQueries({ queryKey: [QUEUES] });
        } else {
            if (queues) void client.invalidateQueries({ queryKey: [QUEUES] });
            for (const key of keys) void client.invalidateQueries({ queryKey: [VALUE, key] });
        }
        keys = new Set();
        everything = false;
        queues = false;
    };

    const stop = followBatches((batch) => {
        everything ||= batch.reset;
        if (batch.queues.size > 0 && !changeSizes(client, batch.queues)) queues = true;
        for (const query of client.getQueryCache().findAll({ queryKey: [VALUE] })) {
            const key = query.queryKey[1];
            if (typeof key === 'string' && batch.keys.has(key)) keys.add(key);
        }
        if (everything || queues || keys.size > 0) timer ??= setTimeout(flush, Math.max(0, last + EVERY_MS - performance.now()));
    });
    return () => {
        stop();
        clearTimeout(timer);
    };
}
