// SPDX-License-Identifier: MIT
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError, UnreachableError } from '@/api/errors';
import { call, reachable, urlOf } from '@/api/http';
import { getValue, listKeys, setValue } from '@/api/kv';
import { dequeue, listItems } from '@/api/queues';
import { declineToken, enterToken, forgetToken, question } from '@/api/token';

interface Sent {
    url: string;
    method: string;
    headers: Record<string, string>;
    body: unknown;
}

let sent: Sent[] = [];
let answers: (() => Response)[] = [];

const json = (status: number, body: string, headers = {}) => () => new Response(body, { status, headers });
const broken = () => {
    throw new TypeError('connection refused');
};

beforeEach(() => {
    sent = [];
    answers = [];
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    vi.stubGlobal('document', { baseURI: 'http://host/some/where/#/keys' });
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
        sent.push({ url, method: init.method ?? '', headers: init.headers as Record<string, string>, body: init.body });
        const answer = answers.shift() ?? broken;
        return new Promise((resolve) => resolve(answer()));
    });
});
afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    forgetToken();
    question.set({ state: 'none', rejected: '' });
});

async function finish<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(20_000);
    return promise;
}

describe('call', () => {
    test('below the path of the page', () => {
        expect(urlOf('api/kv/a%2Fb')).toBe('http://host/some/where/api/kv/a%2Fb');
    });
    test('a write is sent again with the same key', async () => {
        answers = [broken, json(503, '{"success":false,"error":"x","code":"outcome_unknown"}'), json(200, '{"success":true}')];
        expect((await finish(call('PUT', 'api/kv/a', { body: '{"value":1}' }))).status).toBe(200);
        expect(sent.length).toBe(3);
        expect(new Set(sent.map((s) => s.headers['Idempotency-Key'])).size).toBe(1);
        expect(sent[0]?.headers['Idempotency-Key']).toMatch(/^ui-[0-9a-f]{32}$/);
        expect(sent[0]?.headers['Content-Type']).toBe('application/json');
    });
    test('two writes have two keys', async () => {
        answers = [json(200, '{}'), json(200, '{}')];
        await finish(call('DELETE', 'api/kv/a'));
        await finish(call('DELETE', 'api/kv/a'));
        expect(sent[0]?.headers['Idempotency-Key']).not.toBe(sent[1]?.headers['Idempotency-Key']);
        expect(sent[0]?.headers['Content-Type']).toBeUndefined();
    });
    test('a read is not sent again', async () => {
        await expect(finish(call('GET', 'api/status'))).rejects.toThrow(UnreachableError);
        expect(sent.length).toBe(1);
        expect(reachable.get()).toBe(false);
        answers = [json(200, '{}')];
        await finish(call('GET', 'api/status'));
        expect(reachable.get()).toBe(true);
    });
    test('a refusal is the sentence of the server', async () => {
        answers = [json(412, '{"success":false,"error":"The key has another version","code":"precondition_failed","version":7}')];
        const refused = finish(call('PUT', 'api/kv/a', { body: '{}' }));
        await expect(refused).rejects.toThrow('The key has another version');
        await expect(refused).rejects.toMatchObject({ status: 412, code: 'precondition_failed' });
        expect(sent.length).toBe(1);
    });
    test('what a proxy says is not taken for walkv', async () => {
        answers = [json(403, '<html>no</html>')];
        await expect(finish(call('GET', 'api/kv'))).rejects.toThrow(ApiError);
    });
    test('a 401 waits for a token', async () => {
        answers = [json(401, '{}'), json(401, '{}'), json(200, '{}')];
        const waiting = call('GET', 'api/kv');
        await vi.advanceTimersByTimeAsync(10);
        expect(question.get()).toEqual({ state: 'asked', rejected: '' });
        enterToken('wrong');
        await vi.advanceTimersByTimeAsync(10);
        expect(question.get()).toEqual({ state: 'asked', rejected: 'wrong' });
        enterToken('right');
        expect((await waiting).status).toBe(200);
        expect(sent.map((s) => s.headers.Authorization)).toEqual([undefined, 'Bearer wrong', 'Bearer right']);
    });
    test('a reader who has no token is asked once', async () => {
        answers = [json(401, '{}'), json(401, '{}')];
        const first = call('GET', 'api/kv');
        first.catch(() => undefined);
        await vi.advanceTimersByTimeAsync(10);
        declineToken();
        await expect(first).rejects.toMatchObject({ status: 401 });
        await expect(call('GET', 'api/kv')).rejects.toMatchObject({ status: 401 });
        expect(question.get().state).toBe('declined');
    });
});

describe('values', () => {
    test('stay as they are stored', async () => {
        answers = [json(200, '{"success":true,"key":"k","value":{"n":12345678901234567890,"f":1.0}}', { ETag: '"42"' })];
        expect(await getValue('a/b')).toEqual({ text: '{"n":12345678901234567890,"f":1.0}', version: '42' });
        expect(sent[0]?.url).toBe('http://host/some/where/api/kv/a%2Fb');
    });
    test('conditions', async () => {
        answers = [json(201, '{}', { ETag: '"1"' }), json(200, '{}', { ETag: '"2"' })];
        expect(await setValue('k', '1.0', 'absent')).toEqual({ version: '1', created: true });
        expect(await setValue('k', '2', { version: '1' })).toEqual({ version: '2', created: false });
        expect(sent.map((s) => [s.headers['If-None-Match'], s.headers['If-Match'], s.body])).toEqual([
            ['*', undefined, '{"value":1.0}'],
            [undefined, '"1"', '{"value":2}'],
        ]);
    });
    test('".." is read by a list, since no address can name it', async () => {
        answers = [json(200, '{"success":true,"data":{"..":1.0},"next":".."}')];
        expect(await getValue('..')).toEqual({ text: '1.0', version: null });
        expect(sent[0]?.url).toBe('http://host/some/where/api/kv?limit=1&prefix=..');
        answers = [json(200, '{"success":true,"data":{"..x":1}}')];
        await expect(getValue('..')).rejects.toMatchObject({ status: 404 });
    });
    test('a prefix with a blank and a plus', async () => {
        answers = [json(200, '{"success":true,"keys":["a b+c"]}')];
        expect(await listKeys('a b+', '', 10)).toEqual({ keys: ['a b+c'] });
        expect(sent[0]?.url).toContain('prefix=a%20b%2B');
    });
    test('items', async () => {
        answers = [json(200, '{"success":true,"queue":"q","items":[{"id":17,"value":{"id":1,"value":"]"}},{"id":18,"value":1e400}],"next":18}')];
        expect(await listItems('q', 3, 2)).toEqual({
            items: [
                { id: 17, text: '{"id":1,"value":"]"}' },
                { id: 18, text: '1e400' },
            ],
            complete: false,
        });
    });
    test('a dequeue keeps its key', async () => {
        answers = [broken, json(200, '{"success":true,"queue":"q","value":null}')];
        expect(await finish(dequeue('q', 'mine'))).toBe('null');
        expect(sent.map((s) => s.headers['Idempotency-Key'])).toEqual(['mine', 'mine']);
    });
});
