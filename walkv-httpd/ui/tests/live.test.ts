// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { BatchCollector, resetBatch, type Batch } from '@/live/batch';
import { share, type Publisher } from '@/live/share';
import { runStream, type StreamState } from '@/live/stream';

const until = async (what: () => boolean) => {
    for (let i = 0; i < 500 && !what(); i += 1) await new Promise((r) => setTimeout(r, 5));
    expect(what()).toBe(true);
};

describe('BatchCollector', () => {
    const message = (event: string, data: unknown, id = '') => ({ event, data: JSON.stringify(data), id });
    test('of a key, what happened last', () => {
        const c = new BatchCollector();
        expect(c.take()).toBeNull();
        c.add(message('set', { key: 'a' }, '1'));
        c.add(message('delete', { key: 'a' }, '2'));
        c.add(message('set', { key: 'b' }, '3'));
        const batch = c.take();
        expect(batch?.lastId).toBe('3');
        expect([...(batch?.keys ?? [])]).toEqual([['a', 'delete'], ['b', 'set']]);
        expect(c.take()).toBeNull();
    });
    test('of a queue, how much', () => {
        const c = new BatchCollector();
        for (let i = 0; i < 5; i += 1) c.add(message('enqueue', { queue: 'q' }));
        c.add(message('dequeue', { queue: 'q', size: 4 }));
        c.add(message('clear', { queue: 'r', forgotten: true }));
        expect(c.take()?.queues).toEqual(
            new Map([
                ['q', { enqueued: 5, dequeued: 1, cleared: false, forgotten: false, size: 4 }],
                ['r', { enqueued: 0, dequeued: 0, cleared: true, forgotten: true, size: null }],
            ]),
        );
    });
    test('too much at once is a reset', () => {
        const c = new BatchCollector();
        for (let i = 0; i < 20_001; i += 1) c.add(message('set', { key: `k${i}` }, `${i}`));
        const batch = c.take();
        expect(batch).toMatchObject({ reset: true, lastId: '20000' });
        expect(batch?.keys.size).toBe(0);
    });
    test('strange data does no harm', () => {
        const c = new BatchCollector();
        for (const data of ['', 'x', 'null', '[]', '{"key":1}']) c.add({ event: 'set', data, id: '' });
        c.add({ event: 'reset', data: '', id: '9' });
        expect(c.take()).toMatchObject({ reset: true, lastId: '9' });
    });
});

function answer(parts: string[], { end = true, status = 200 } = {}): Response {
    const body = new ReadableStream<Uint8Array>({
        start(controller) {
            for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
            if (end) controller.close();
        },
    });
    return new Response(status === 200 ? body : null, { status, headers: { 'Content-Type': 'text/event-stream' } });
}

describe('runStream', () => {
    function start(answers: ((headers: Record<string, string>) => Response)[], extra = {}) {
        const seen = { states: [] as StreamState[], ids: [] as string[], marks: [] as string[], opens: [] as boolean[], asked: [] as (string | undefined)[] };
        const stop = new AbortController();
        const done = runStream({
            url: 'x',
            lastId: '',
            headers: () => ({}),
            onOpen: (resumed) => seen.opens.push(resumed),
            onMessage: (m) => seen.ids.push(m.id),
            onProgress: (id) => seen.marks.push(id),
            onState: (s) => seen.states.push(s),
            onUnauthorized: () => Promise.resolve(false),
            signal: stop.signal,
            backoffMs: 1,
            fetch: (_url, init) => {
                const headers = init?.headers as Record<string, string>;
                seen.asked.push(headers['Last-Event-ID']);
                const next = answers.shift();
                return next ? Promise.resolve(next(headers)) : Promise.reject(new TypeError('nobody there'));
            },
            ...extra,
        });
        return { seen, stop, done };
    }

    test('resumes after the last event', async () => {
        const { seen, stop, done } = start([() => answer(['id: 5\nevent: set\ndata: {}\n\n']), () => answer(['id: 6\ndata: {}\n\n'], { end: false })]);
        await until(() => seen.ids.length === 2);
        stop.abort();
        await done;
        expect(seen.asked).toEqual([undefined, '5']);
        expect(seen.opens).toEqual([false, true]);
        expect(seen.states).toEqual(['connecting', 'live', 'reconnecting', 'live']);
    });
    test('an id without an event is a place to go on from', async () => {
        const { seen, stop, done } = start([() => answer(['retry: 1\nid: 377\n\n', ': still here\nid: 380\n\n']), () => answer([], { end: false })]);
        await until(() => seen.asked.length === 2);
        stop.abort();
        await done;
        expect(seen.asked).toEqual([undefined, '380']);
        expect([seen.ids, seen.marks]).toEqual([[], ['377', '380']]);
    });
    test('an id that is refused is given up', async () => {
        const { seen, stop, done } = start([() => answer([], { status: 400 }), () => answer([], { end: false })], { lastId: 'x' });
        await until(() => seen.asked.length === 2);
        stop.abort();
        await done;
        expect(seen.asked).toEqual(['x', undefined]);
    });
    test('a silent stream is dead', async () => {
        const silent = (): Response => new Response(new ReadableStream({}), { headers: { 'Content-Type': 'text/event-stream' } });
        const aborting = (_url: unknown, init?: RequestInit) =>
            new Promise<Response>((resolve, reject) => {
                init?.signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')));
                if (seen.asked.push(undefined) > 1) resolve(silent());
            });
        const { seen, stop, done } = start([], { silenceMs: 20, fetch: aborting });
        await until(() => seen.asked.length >= 2);
        stop.abort();
        await done;
        expect(seen.states).toContain('reconnecting');
    });
    test('a server without events', async () => {
        const { seen, stop, done } = start([() => answer([], { status: 404 })]);
        await until(() => seen.states.includes('absent'));
        stop.abort();
        await done;
        expect(seen.asked.length).toBe(1);
    });
});

/** Locks of one browser: who asks first has it first. */
function lockRoom() {
    let last: Promise<unknown> = Promise.resolve();
    return {
        request: (_name: string, { signal }: { signal: AbortSignal }, run: () => Promise<void>) => {
            const mine = last.then(() => (signal.aborted ? undefined : run()));
            last = mine;
            return mine;
        },
    } as unknown as LockManager;
}

function channelRoom() {
    const members = new Set<{ onmessage: ((e: { data: unknown }) => void) | null }>();
    return () => {
        const me = {
            onmessage: null as ((e: { data: unknown }) => void) | null,
            postMessage(data: unknown) {
                for (const other of members) if (other !== me) other.onmessage?.({ data: structuredClone(data) });
            },
            close: () => members.delete(me),
        };
        members.add(me);
        return me as unknown as BroadcastChannel;
    };
}

describe('share', () => {
    function tab(locks: LockManager, openChannel: () => BroadcastChannel) {
        const t = { batches: [] as Batch[], states: [] as StreamState[], ledFrom: null as string | null, publish: null as Publisher | null, stop: new AbortController() };
        void share({
            name: 'n',
            locks,
            openChannel,
            signal: t.stop.signal,
            hear: { batch: (b) => t.batches.push(b), state: (s) => t.states.push(s) },
            lead: (lastId, publish, signal) => {
                t.ledFrom = lastId;
                t.publish = publish;
                publish.state('live');
                return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
            },
        });
        return t;
    }

    test('one leads, the others hear, the next goes on', async () => {
        const locks = lockRoom();
        const open = channelRoom();
        const first = tab(locks, open);
        await until(() => first.publish !== null);
        const second = tab(locks, open);
        expect(second.states).toEqual(['live']);
        expect(second.publish).toBeNull();
        first.publish?.batch({ ...resetBatch('17'), keys: new Map([['a', 'set']]) });
        expect(first.batches).toEqual(second.batches);
        expect(second.batches[0]?.keys.get('a')).toBe('set');
        first.stop.abort();
        await until(() => second.publish !== null);
        expect(second.ledFrom).toBe('17');
    });
});
