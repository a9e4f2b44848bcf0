// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { KeyPages } from '@/keys/key-pages';
import { changeLevel, folderOf, readLevel } from '@/keys/key-tree';
import { compareUtf8 } from '@/lib/utf8';
import { resetBatch, type Batch } from '@/live/batch';

/** What the server does with prefix, after and limit. */
class Server {
    requests = 0;
    constructor(public keys: string[]) {
        keys.sort(compareUtf8);
    }
    page = (prefix: string, after: string, limit: number) => {
        this.requests += 1;
        const found = this.keys.filter((k) => k.startsWith(prefix) && compareUtf8(k, after) > 0);
        const keys = found.slice(0, limit);
        return Promise.resolve(found.length > limit ? { keys, next: keys.at(-1) as string } : { keys });
    };
}

const batchOf = (...changes: [string, 'set' | 'delete'][]): Batch => ({ ...resetBatch(), reset: false, keys: new Map(changes) });
const all = (pages: KeyPages) => Array.from({ length: pages.getSnapshot().count }, (_, i) => pages.at(i));
const settled = async (pages: KeyPages) => {
    for (let i = 0; i < 1000 && pages.getSnapshot().loading; i += 1) await new Promise((r) => setTimeout(r, 1));
};

describe('KeyPages', () => {
    const names = Array.from({ length: 5000 }, (_, i) => `k${String(i * 2).padStart(6, '0')}`);

    async function loaded(server: Server, prefix = '') {
        const pages = new KeyPages(prefix, (after, limit) => server.page(prefix, after, limit));
        pages.more();
        await settled(pages);
        return pages;
    }

    test('page by page', async () => {
        const pages = await loaded(new Server([...names]));
        expect(pages.getSnapshot()).toMatchObject({ count: 300, complete: false });
        pages.all();
        await settled(pages);
        expect(pages.getSnapshot()).toMatchObject({ count: 5000, complete: true });
        expect(all(pages)).toEqual(names);
        expect([pages.indexOf('k000000'), pages.indexOf('k009998'), pages.indexOf('k000001'), pages.indexOf('z')]).toEqual([0, 4999, -1, -1]);
        expect(pages.at(5000)).toBeUndefined();
    });
    test('follows what was read, and leaves the rest to later pages', async () => {
        const pages = await loaded(new Server([...names]));
        pages.apply(batchOf(['k000001', 'set'], ['k000002', 'delete'], ['a', 'set'], ['k009999', 'set'], ['k000004', 'set']));
        expect(pages.getSnapshot().count).toBe(301);
        expect(all(pages).slice(0, 5)).toEqual(['a', 'k000000', 'k000001', 'k000004', 'k000006']);
    });
    test('keeps to its prefix', async () => {
        const pages = await loaded(new Server(['a:1', 'b:1']), 'a:');
        pages.apply(batchOf(['b:2', 'set'], ['a:2', 'set']));
        expect(all(pages)).toEqual(['a:1', 'a:2']);
    });
    test('from nothing and to nothing', async () => {
        const pages = await loaded(new Server([]));
        expect(pages.getSnapshot()).toMatchObject({ count: 0, complete: true });
        pages.apply(batchOf(['x', 'set']));
        expect(all(pages)).toEqual(['x']);
        pages.apply(batchOf(['x', 'delete']));
        expect(all(pages)).toEqual([]);
        pages.apply(batchOf(['y', 'set']));
        expect(all(pages)).toEqual(['y']);
    });
    test('a change that comes while a page is on its way', async () => {
        let answer: (page: { keys: string[] }) => void = () => undefined;
        const pages = new KeyPages('', () => new Promise((resolve) => (answer = resolve)));
        pages.more();
        pages.apply(batchOf(['b', 'delete'], ['c', 'set']));
        answer({ keys: ['a', 'b'] });
        await settled(pages);
        expect(all(pages)).toEqual(['a', 'c']);
    });
    test('a failure, and again', async () => {
        let fail = true;
        const pages = new KeyPages('', () => (fail ? Promise.reject(new Error('no')) : Promise.resolve({ keys: ['a'] })));
        pages.more();
        await settled(pages);
        expect(pages.getSnapshot().error).toEqual(new Error('no'));
        fail = false;
        pages.retry();
        await settled(pages);
        expect(pages.getSnapshot()).toMatchObject({ count: 1, error: null });
    });
    test('a reset reads again as far as before', async () => {
        const server = new Server([...names]);
        const pages = await loaded(server);
        pages.more();
        await settled(pages);
        server.keys = server.keys.filter((k) => k !== 'k000000');
        pages.apply(resetBatch());
        await settled(pages);
        expect(pages.at(0)).toBe('k000002');
        expect(pages.getSnapshot().count).toBeGreaterThanOrEqual(2299);
    });
    test('many changes at random end like the server', async () => {
        const server = new Server(names.slice(0, 400));
        const pages = await loaded(server);
        pages.all();
        await settled(pages);
        const store = new Set(server.keys);
        let seed = 1;
        const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
        for (let round = 0; round < 50; round += 1) {
            const changes: [string, 'set' | 'delete'][] = [];
            for (let i = 0; i < 40; i += 1) changes.push([['k', '\ue000', '😀'][random(3)] + String(random(300)), random(2) ? 'set' : 'delete']);
            const batch = batchOf(...changes);
            for (const [key, what] of batch.keys) if (what === 'set') store.add(key);
            else store.delete(key);
            pages.apply(batch);
        }
        expect(all(pages)).toEqual([...store].sort(compareUtf8));
    });
    test('a million keys', async () => {
        const million = Array.from({ length: 1_000_000 }, (_, i) => `user:${String(i).padStart(7, '0')}`);
        const pages = new KeyPages('', (after, limit) => {
            const from = after ? Number(after.slice(5)) + 1 : 0;
            const keys = million.slice(from, from + limit);
            return Promise.resolve(from + limit < million.length ? { keys, next: keys.at(-1) as string } : { keys });
        });
        pages.all();
        await settled(pages);
        expect(pages.getSnapshot().count).toBe(1_000_000);
        const started = performance.now();
        for (let i = 0; i < 10; i += 1) pages.apply(batchOf([`user:05${i}`, 'set'], [`user:000000${i}`, 'delete']));
        expect(performance.now() - started).toBeLessThan(500);
        expect(pages.at(999_999)).toBe('user:0999999');
    });
});

describe('tree', () => {
    test('folders', () => {
        expect(folderOf('a:b:c', '', ':')).toBe('a:');
        expect(folderOf('a:b:c', 'a:', ':')).toBe('a:b:');
        expect(folderOf('a:b', 'a:', ':')).toBeNull();
        expect(folderOf('abc', '', ':')).toBeNull();
        expect(folderOf('a:', 'a:', ':')).toBeNull();
        expect(folderOf('a::', 'a:', ':')).toBeNull();
        expect(folderOf('a::b', 'a:', ':')).toBe('a::');
    });
    test('leaps over large folders', async () => {
        const server = new Server([
            ...Array.from({ length: 5000 }, (_, i) => `big:${i}`),
            ...Array.from({ length: 3000 }, (_, i) => `huge:x:${i}`),
            'alone', 'small:1', 'small:2', 'user', 'user:1',
        ]);
        const level = await readLevel(server.page, '', ':');
        expect(level.next).toBeNull();
        expect(level.entries.map((e) => (e.kind === 'folder' ? `${e.prefix} ${e.seen} ${e.exact}` : e.key))).toEqual([
            'alone', 'big: 999 false', 'huge: 1000 false', 'small: 2 true', 'user', 'user: 1 true',
        ]);
        expect(server.requests).toBe(3);
        expect((await readLevel(server.page, 'huge:', ':')).entries.length).toBe(1);
    });
    test('stops, and goes on', async () => {
        const server = new Server(Array.from({ length: 5000 }, (_, i) => `k${String(i).padStart(5, '0')}`));
        const first = await readLevel(server.page, '', ':');
        expect(first.entries.length).toBe(2000);
        expect(first.next).toBe('k01999');
        const second = await readLevel(server.page, '', ':', first);
        expect(second.entries.length).toBe(4000);
        expect((await readLevel(server.page, '', ':', second)).next).toBeNull();
    });
    test('a folder name as long as a key may be', async () => {
        const long = `${'x'.repeat(498)}:`;
        const server = new Server([...Array.from({ length: 9 }, (_, i) => `${long}${i}`), 'z']);
        const level = await readLevel((p, a) => server.page(p, a, 3), '', ':');
        expect(level.entries).toEqual([{ kind: 'folder', prefix: long, seen: 9, exact: true }, { kind: 'key', key: 'z' }]);
    });
    test('changes', () => {
        const level = { entries: [{ kind: 'key' as const, key: 'b' }], next: null };
        const more = changeLevel(level, '', ':', 'a:1', 'set');
        expect(more.entries).toEqual([{ kind: 'folder', prefix: 'a:', seen: 1, exact: false }, { kind: 'key', key: 'b' }]);
        expect(changeLevel(more, '', ':', 'a:2', 'set')).toBe(more);
        expect(changeLevel(more, '', ':', 'b', 'delete').entries.length).toBe(1);
        expect(changeLevel(level, 'x', ':', 'c', 'set')).toBe(level);
        expect(changeLevel({ ...level, next: 'c' }, '', ':', 'd', 'set').entries.length).toBe(1);
    });
});
