// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { ApiError } from '@/api/errors';
import { QueueItems } from '@/queues/queue-items';
import { RateMeter } from '@/queues/rates';

describe('RateMeter', () => {
    test('the mean of the window', () => {
        const meter = new RateMeter(0);
        for (let s = 0; s < 30; s += 1) meter.record('q', 20, 5, s + 0.5);
        expect(meter.of('q', 29.9)).toEqual({ in: 20, out: 5 });
        expect(meter.of('other', 29.9)).toEqual({ in: 0, out: 0 });
    });
    test('fades when nothing happens', () => {
        const meter = new RateMeter(0);
        meter.record('q', 100, 0, 20.5);
        expect(meter.of('q', 21).in).toBe(10);
        expect(meter.active(25)).toBe(true);
        expect(meter.of('q', 31).in).toBe(0);
        expect(meter.active(40)).toBe(false);
    });
    test('at the beginning', () => {
        const meter = new RateMeter(100);
        meter.record('q', 10, 0, 100.2);
        expect(meter.of('q', 102).in).toBe(5);
    });
});

describe('QueueItems', () => {
    function queue(ids: number[]) {
        const state = { ids, there: true };
        const items = new QueueItems((after, limit) => {
            if (!state.there) return Promise.reject(new ApiError(404, 'queue_not_found', 'no'));
            const found = state.ids.filter((id) => id > after);
            return Promise.resolve({ items: found.slice(0, limit).map((id) => ({ id, text: String(id) })), complete: found.length <= limit });
        });
        return { state, items, shown: () => items.getSnapshot().items.map((i) => i.id) };
    }
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

    test('keeps up with both ends', async () => {
        const q = queue(range(1, 6));
        q.items.more();
        await wait(5);
        expect(q.shown()).toEqual([1, 2, 3, 4, 5]);
        q.state.ids = [3, 4, 5, 6, 7];
        q.items.refresh();
        await wait(550);
        expect(q.shown()).toEqual([3, 4, 5, 6, 7]);
        q.state.ids = [];
        q.items.refresh();
        await wait(550);
        expect(q.items.getSnapshot()).toMatchObject({ items: [], complete: true });
        q.state.ids = [8];
        q.items.refresh();
        await wait(550);
        expect(q.shown()).toEqual([8]);
    });
    test('all that was read has gone', async () => {
        const q = queue(range(1, 4));
        q.items.more();
        await wait(5);
        q.state.ids = range(100, 103);
        q.items.refresh();
        await wait(550);
        expect(q.shown()).toEqual([100, 101, 102]);
    });
    test('page by page', async () => {
        const q = queue(range(1, 451));
        q.items.more();
        await wait(5);
        expect(q.items.getSnapshot()).toMatchObject({ complete: false });
        expect(q.shown().length).toBe(200);
        q.items.more();
        await wait(5);
        q.items.more();
        await wait(5);
        expect(q.shown()).toEqual(range(1, 451));
    });
    test('a queue that is not there is empty', async () => {
        const q = queue([]);
        q.state.there = false;
        q.items.more();
        await wait(5);
        expect(q.items.getSnapshot()).toMatchObject({ items: [], complete: true, error: null });
    });
});
