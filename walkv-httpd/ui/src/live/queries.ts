// SPDX-License-Identifier: MIT
// What a batch of changes means for answers that were kept: those on the screen are read again, at most twice a second
// however many changes there are; the others when they are needed again.
import type { QueryClient } from '@tanstack/react-query';
import { followBatches } from './live';

const EVERY_MS = 500;

export const VALUE = 'value';
export const QUEUES = 'queues';

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
        queues ||= batch.queues.size > 0;
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
