// SPDX-License-Identifier: MIT
// The keys of a prefix, as far as they have been read: pages of the server in their order, up to `cursor`. What changes in
// that part is followed from the batches of live.ts, so a list of a million keys is never read again for one of them.
import type { KeyPage } from '@/api/kv';
import { spliced } from '@/lib/arrays';
import { compareUtf8 } from '@/lib/utf8';
import type { Batch } from '@/live/batch';

export type ReadPage = (after: string, limit: number, signal: AbortSignal) => Promise<KeyPage>;

export interface KeysSnapshot {
    count: number;
    /** All keys of the prefix are here. */
    complete: boolean;
    loading: boolean;
    error: unknown;
}

/** The first page is small, to be there at once; later ones are as large as the server makes them. */
const LIMITS = [300, 2000, 10_000];
const CHUNK_MAX = 20_000;

/** Where `key` is in `keys`, or ~ where it would be. */
function search(keys: string[], key: string): number {
    let low = 0;
    let high = keys.length - 1;
    while (low <= high) {
        const middle = (low + high) >> 1;
        const order = compareUtf8(keys[middle] as string, key);
        if (order === 0) return middle;
        if (order < 0) low = middle + 1;
        else high = middle - 1;
    }
    return ~low;
}

export class KeyPages {
    private chunks: string[][] = [];
    /** Of each chunk, how many keys are before it; the last entry counts all. */
    private starts: number[] = [0];
    private cursor = '';
    private complete = false;
    private pagesRead = 0;
    private error: unknown = null;
    private reading: AbortController | null = null;
    /** Batches that came while a page was on its way: it may be older than they are. */
    private held: Batch[] = [];
    private snapshot: KeysSnapshot = { count: 0, complete: false, loading: false, error: null };
    private readonly listeners = new Set<() => void>();

    constructor(
        readonly prefix: string,
        private readonly read: ReadPage,
    ) {}

    readonly subscribe = (listener: () => void): (() => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    };

    readonly getSnapshot = (): KeysSnapshot => this.snapshot;

    private publish(): void {
        this.starts = [0];
        let count = 0;
        for (const chunk of this.chunks) this.starts.push((count += chunk.length));
        this.snapshot = { count, complete: this.complete, loading: this.reading !== null, error: this.error };
        for (const listener of [...this.listeners]) listener();
    }

    private chunkOf(index: number): number {
        let low = 0;
        let high = this.chunks.length - 1;
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if ((this.starts[middle] as number) <= index) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    at(index: number): string | undefined {
        if (index < 0 || index >= this.snapshot.count) return undefined;
        const c = this.chunkOf(index);
        return this.chunks[c]?.[index - (this.starts[c] as number)];
    }

    /** Where `key` stands, or would stand. */
    private chunkFor(key: string): number {
        let low = 0;
        let high = this.chunks.length - 1;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (compareUtf8(this.chunks[middle]?.at(-1) ?? '', key) < 0) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /** -1: not among the keys that have been read. */
    indexOf(key: string): number {
        const c = this.chunkFor(key);
        const i = search(this.chunks[c] ?? [], key);
        return i < 0 ? -1 : (this.starts[c] as number) + i;
    }

    /** Reads the next page. Does nothing while one is on its way, when there is no more, or after a failure. */
    readonly more = (): void => {
        if (this.reading || this.complete || this.error) return;
        void this.readPages(1);
    };

    readonly retry = (): void => {
        this.error = null;
        this.more();
    };

    /** Reads all pages that are left. */
    readonly all = (): void => {
        if (this.reading || this.complete) return;
        this.error = null;
        void this.readPages(Infinity);
    };

    stop(): void {
        this.reading?.abort();
        this.reading = null;
        this.publish();
    }

    private async readPages(count: number): Promise<void> {
        const reading = new AbortController();
        this.reading = reading;
        this.publish();
        try {
            for (let i = 0; i < count && !this.complete; i += 1) {
                const limit = LIMITS[Math.min(this.pagesRead, LIMITS.length - 1)] as number;
                const page = await this.read(this.cursor, limit, reading.signal);
                if (this.reading !== reading) return;
                if (page.keys.length > 0) this.chunks = [...this.chunks, page.keys];
                this.cursor = page.next ?? this.cursor;
                this.complete = page.next === undefined;
                this.pagesRead += 1;
                this.releaseHeld();
                this.publish();
            }
        } catch (error) {
            if (this.reading !== reading) return;
            this.error = error;
        }
        if (this.reading === reading) this.reading = null;
        this.releaseHeld();
        this.publish();
    }

    /** Reads again what had been read, and puts it in place when all of it is there. */
    async reload(): Promise<void> {
        this.reading?.abort();
        const reading = new AbortController();
        this.reading = reading;
        this.held = [];
        const until = this.cursor;
        const wasComplete = this.complete;
        const chunks: string[][] = [];
        let cursor = '';
        let complete = false;
        const large = this.snapshot.count > (LIMITS[0] as number);
        this.publish();
        try {
            do {
                const page = await this.read(cursor, LIMITS[large ? LIMITS.length - 1 : 0] as number, reading.signal);
                if (this.reading !== reading) return;
                if (page.keys.length > 0) chunks.push(page.keys);
                cursor = page.next ?? cursor;
                complete = page.next === undefined;
            } while (!complete && large && (wasComplete || compareUtf8(cursor, until) < 0));
            this.chunks = chunks;
            this.cursor = cursor;
            this.complete = complete;
            this.pagesRead = Math.max(this.pagesRead, 1);
            this.error = null;
        } catch (error) {
            if (this.reading !== reading) return;
            if (this.snapshot.count === 0) this.error = error;
        }
        this.reading = null;
        this.releaseHeld();
        this.publish();
    }

    apply(batch: Batch): void {
        if (batch.reset) {
            if (this.pagesRead > 0 || this.error) void this.reload();
            return;
        }
        if (this.reading) {
            this.held.push(batch);
            if (this.pagesRead === 0) return;
        }
        if (this.change(batch)) this.publish();
    }

    private releaseHeld(): void {
        for (const batch of this.held) this.change(batch);
        this.held = [];
    }

    private change(batch: Batch): boolean {
        const fresh = new Set<string[]>();
        let changed = false;
        for (const [key, what] of batch.keys) {
            if (!key.startsWith(this.prefix) || (!this.complete && compareUtf8(key, this.cursor) > 0)) continue;
            if (this.chunks.length === 0) this.chunks = [[]];
            const c = this.chunkFor(key);
            let chunk = this.chunks[c] as string[];
            const i = search(chunk, key);
            if (i >= 0 === (what === 'set')) continue;
            if (!fresh.has(chunk)) {
                chunk = [...chunk];
                fresh.add(chunk);
                this.chunks = spliced(this.chunks, c, 1, chunk);
            }
            if (what === 'set') chunk.splice(~i, 0, key);
            else chunk.splice(i, 1);
            changed = true;
            if (chunk.length > CHUNK_MAX)
                this.chunks = spliced(this.chunks, c, 1, chunk.slice(0, CHUNK_MAX / 2), chunk.slice(CHUNK_MAX / 2));
        }
        if (changed) this.chunks = this.chunks.filter((chunk) => chunk.length > 0);
        return changed;
    }
}
