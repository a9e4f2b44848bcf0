// SPDX-License-Identifier: MIT
// The tree of keys as it is on the screen: which folders are open, what is below them, and the rows that come of it.
import { listKeys } from '@/api/kv';
import type { Batch } from '@/live/batch';
import { changeLevel, readLevel, type Entry, type Level } from './key-tree';

export type TreeRow =
    | { kind: 'entry'; entry: Entry; depth: number; open: boolean }
    /** There is more below `prefix` than was read. */
    | { kind: 'more'; prefix: string; depth: number; shown: number }
    | { kind: 'loading'; prefix: string; depth: number }
    | { kind: 'failed'; prefix: string; depth: number; error: unknown };

interface Branch {
    level: Level | null;
    loading: boolean;
    error: unknown;
}

export class TreeModel {
    private readonly branches = new Map<string, Branch>();
    private readonly open = new Set<string>();
    private rows: TreeRow[] = [];
    private readonly listeners = new Set<() => void>();
    private readonly stopping = new AbortController();

    constructor(
        readonly root: string,
        readonly separator: string,
    ) {
        this.rows = [{ kind: 'loading', prefix: root, depth: 0 }];
    }

    readonly subscribe = (listener: () => void): (() => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    };

    readonly getRows = (): TreeRow[] => this.rows;

    stop(): void {
        this.stopping.abort();
    }

    private publish(): void {
        const rows: TreeRow[] = [];
        const visit = (prefix: string, depth: number): void => {
            const branch = this.branches.get(prefix);
            for (const entry of branch?.level?.entries ?? []) {
                const isOpen = entry.kind === 'folder' && this.open.has(entry.prefix);
                rows.push({ kind: 'entry', entry, depth, open: isOpen });
                if (isOpen) visit(entry.prefix, depth + 1);
            }
            if (branch?.error) rows.push({ kind: 'failed', prefix, depth, error: branch.error });
            else if (branch?.loading && (!branch.level || branch.level.next !== null)) rows.push({ kind: 'loading', prefix, depth });
            else if (branch?.level && branch.level.next !== null)
                rows.push({ kind: 'more', prefix, depth, shown: branch.level.entries.length });
        };
        visit(this.root, 0);
        this.rows = rows;
        for (const listener of [...this.listeners]) listener();
    }

    /** Reads the level below `prefix`, or what of it is left. */
    async load(prefix: string, again = false): Promise<void> {
        const branch = this.branches.get(prefix) ?? { level: null, loading: false, error: null };
        if (branch.loading) return;
        branch.loading = true;
        branch.error = null;
        this.branches.set(prefix, branch);
        this.publish();
        try {
            const read = (below: string, after: string, limit: number) => listKeys(below, after, limit, this.stopping.signal);
            branch.level = await readLevel(read, prefix, this.separator, again ? undefined : (branch.level ?? undefined));
        } catch (error) {
            if (this.stopping.signal.aborted) return;
            branch.error = error;
        }
        branch.loading = false;
        this.publish();
    }

    toggle(prefix: string): void {
        if (this.open.delete(prefix)) {
            this.publish();
            return;
        }
        this.open.add(prefix);
        if (this.branches.get(prefix)?.level) this.publish();
        else void this.load(prefix);
    }

    apply(batch: Batch): void {
        if (batch.reset) {
            for (const prefix of this.branches.keys()) {
                if (prefix === this.root || this.open.has(prefix)) void this.load(prefix, true);
                else this.branches.delete(prefix);
            }
            return;
        }
        let changed = false;
        for (const [prefix, branch] of this.branches) {
            const before = branch.level;
            if (!before) continue;
            let level = before;
            for (const [key, what] of batch.keys) level = changeLevel(level, prefix, this.separator, key, what);
            if (level === before) continue;
            branch.level = level;
            changed = true;
        }
        if (changed) this.publish();
    }
}
