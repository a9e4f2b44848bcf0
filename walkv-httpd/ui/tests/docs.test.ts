// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readOpenApi, trialBody, trialPath } from '@/docs/openapi';

const sections = readOpenApi(JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')));
const all = sections.flatMap((s) => s.operations);
const byId = (id: string) => {
    const op = all.find((o) => o.id === id);
    if (!op) throw new Error(`no ${id}`);
    return op;
};

describe('readOpenApi', () => {
    test('every section and operation says something', () => {
        expect(sections.map((s) => s.name)).toEqual(expect.arrayContaining(['keys', 'queues', 'service']));
        for (const op of all) {
            expect(op.summary, op.id).not.toBe('');
            expect(op.answers.length, op.id).toBeGreaterThan(0);
            for (const p of op.parameters) expect([p.name, p.place, p.description], op.id).not.toContain('');
        }
    });
    test('references are followed', () => {
        const put = byId('putKey');
        expect(put.parameters.map((p) => p.name)).toEqual(['key', 'If-Match', 'If-None-Match', 'Idempotency-Key']);
        expect(put.answers.find((a) => a.status === '412')?.codes).toEqual(['precondition_failed']);
        expect(JSON.parse(put.body ?? '')).toEqual({ value: 'newValue' });
    });
    test('what is tried first', () => {
        expect(trialPath(byId('listKeys'))).toBe('/api/kv?limit=5');
        expect(trialPath(byId('enqueue'))).toBe('/api/queue/try/enqueue');
        expect(trialPath(byId('getKey'))).toBe('/api/kv/try:1');
        expect(JSON.parse(trialBody(byId('setKeyNamedInBody')))).toMatchObject({ key: 'try:1' });
        expect(byId('dequeue').body).toBeNull();
    });
    test('nothing breaks on nothing', () => {
        for (const strange of [null, [], 'x', {}, { paths: { a: null }, tags: [1] }]) expect(readOpenApi(strange)).toEqual([]);
    });
});
