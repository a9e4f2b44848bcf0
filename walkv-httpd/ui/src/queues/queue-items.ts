// SPDX-License-Identifier: MIT
// The items of a queue, as far as they have been read. Items leave at the head and come at the tail, so to keep up it is
// enough to ask what the head is now, and for what is behind the last item.
import { isStatus } from '@/api/errors';
import type { Item, ItemPage } from '@/api/queues';

export type ReadItems = (after: number, limit: number, signal: AbortSignal) => Promise<ItemPage>;

export interface ItemsSnapshot {
    items: Item[];
    complete: boolean;
    loading: boolean;
    error: unknown;
}

const PAGE = 200;
const REFRESH_MS = 500;

export class QueueItems {
    private snapshot: ItemsSnapshot = { items: [], complete: false, loading: false, error: null };
    private readonly listeners = new Set<() => void>();
    private readonly stopping = new AbortController();
    private timer: ReturnType<typeof setTimeout> | undefined;
    private busy = false;
    private again = false;

    constructor(private readonly read: ReadItems) {}

    readonly subscribe = (listener: () => void): (() => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    };

    readonly getSnapshot = (): ItemsSnapshot => this.snapshot;

    private publish(change: Partial<ItemsSnapshot>): void {
        this.snapshot = { ...this.snapshot, ...change };
        for (const listener of [...this.listeners]) listener();
    }

    stop(): void {
        this.stopping.abort();
        clearTimeout(this.timer);
    }

    readonly more = (): void => {
        if (!this.snapshot.complete && !this.snapshot.error) void this.work(() => this.readOn());
    };

    readonly retry = (): void => {
        this.publish({ error: null });
        void this.work(() => this.readOn());
    };

    /** Something has changed: look soon, and once for many changes. */
    readonly refresh = (): void => {
        this.timer ??= setTimeout(() => {
            this.timer = undefined;
            void this.work(() => this.keepUp());
        }, REFRESH_MS);
    };

    private async work(task: () => Promise<void>): Promise<void> {
        if (this.busy) {
            this.again = true;
            return;
        }
        this.busy = true;
        this.publish({ loading: true });
        try {
            await task();
            this.publish({ loading: false, error: null });
        } catch (error) {
            if (this.stopping.signal.aborted) return;
            // A queue that does not exist is one without items.
            if (isStatus(error, 404)) this.publish({ items: [], complete: true, loading: false, error: null });
            else this.publish({ loading: false, error: this.snapshot.items.length > 0 ? null : error });
        } finally {
            this.busy = false;
        }
        if (this.again) {
            this.again = false;
            this.refresh();
        }
    }

    private async readOn(): Promise<void> {
        const page = await this.read(this.snapshot.items.at(-1)?.id ?? 0, PAGE, this.stopping.signal);
        this.publish({ items: [...this.snapshot.items, ...page.items], complete: page.complete });
    }

    private async keepUp(): Promise<void> {
        const head = (await this.read(0, 1, this.stopping.signal)).items[0];
        if (!head) return this.publish({ items: [], complete: true });
        const { items, complete } = this.snapshot;
        const left = items.filter((item) => item.id >= head.id);
        this.publish({ items: left, complete: complete && left.length > 0 });
        if (complete || left.length < PAGE) await this.readOn();
    }
}
