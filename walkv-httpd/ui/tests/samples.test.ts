// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import type { Status } from '@/api/status';
import { addSample, columns, EMPTY } from '@/overview/samples';

const status = (uptime: number, operations: number, pid = 1): Status => ({
    success: true,
    walkvd: 'running',
    view: 'attached',
    pid,
    uptime_ms: uptime,
    operations,
    syncs: 0,
    worker: { id: 1, pid: 2, version: '0', uptime_ms: 0, connections: 1, requests: 1 },
});

describe('samples', () => {
    test('rates by the clock of walkvd', () => {
        let h = addSample(EMPTY, status(1000, 100), 1);
        h = addSample(h, status(3000, 700), 9);
        expect(h.samples.map((s) => s.operations)).toEqual([null, 300]);
    });
    test('a restart is a gap', () => {
        let h = addSample(EMPTY, status(1000, 100), 1);
        h = addSample(h, status(500, 10, 2), 2);
        h = addSample(h, { ...status(0, 0), walkvd: 'unreachable', pid: undefined, uptime_ms: undefined, operations: undefined }, 3);
        h = addSample(h, status(2500, 20, 2), 4);
        expect(h.samples.map((s) => s.operations)).toEqual([null, null, null, null]);
    });
    test('the same moment twice is once', () => {
        const h = addSample(EMPTY, status(1000, 100), 1);
        expect(addSample(h, status(1000, 100), 2)).toBe(h);
    });
    test('keeps ten minutes', () => {
        let h = EMPTY;
        for (let i = 1; i <= 700; i += 1) h = addSample(h, status(i * 1000, i), i);
        expect(h.samples.length).toBe(600);
        expect(columns(h.samples, ['operations'])[1]?.at(-1)).toBe(1);
    });
});
