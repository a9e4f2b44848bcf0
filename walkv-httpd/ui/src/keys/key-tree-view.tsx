// SPDX-License-Identifier: MIT
// The keys as folders.
import { ChevronRight, Folder, FolderOpen } from 'lucide-react';
import { useSyncExternalStore, type KeyboardEvent, type ReactNode } from 'react';
import { describe } from '@/api/errors';
import { cn } from '@/lib/cn';
import { count } from '@/lib/units';
import { visible } from '@/lib/utf8';
import { Empty, Failed, SkeletonRows } from '@/ui/notice';
import { VirtualList } from '@/ui/virtual-list';
import type { TreeModel, TreeRow } from './tree-model';

const ROW_PX = 28;
const INDENT_PX = 16;

interface Props {
    model: TreeModel;
    selected: string | undefined;
    active: string | undefined;
    /** Rows are known by the key or the prefix that they show. */
    onActive: (name: string) => void;
    onOpen: (key: string) => void;
    create: ReactNode;
}

export function rowName(row: TreeRow): string {
    if (row.kind !== 'entry') return `${row.prefix}\0${row.kind}`;
    return row.entry.kind === 'folder' ? row.entry.prefix : row.entry.key;
}

function RowContent({ row, parent }: { row: TreeRow; parent: number }) {
    if (row.kind === 'loading') return <span className="text-sm text-soft">Loading…</span>;
    if (row.kind === 'failed') return <span className="truncate text-sm text-bad">{describe(row.error).title}. Press to try again.</span>;
    if (row.kind === 'more')
        return <span className="truncate text-sm text-accent">{count(row.shown)} shown, there are more. Press to go on.</span>;
    const { entry, open } = row;
    if (entry.kind === 'key')
        return (
            <>
                <span aria-hidden className="w-4 shrink-0" />
                <span className="mono truncate whitespace-pre">{visible(entry.key.slice(parent)) || '(the prefix itself)'}</span>
            </>
        );
    const Icon = open ? FolderOpen : Folder;
    return (
        <>
            <ChevronRight aria-hidden className={cn('size-4 shrink-0 text-soft transition-transform', open && 'rotate-90')} />
            <Icon aria-hidden className="mr-1.5 size-4 shrink-0 text-soft" strokeWidth={1.75} />
            <span className="mono truncate whitespace-pre">{visible(entry.prefix.slice(parent))}</span>
            <span className="numbers ml-auto pl-2 text-xs text-soft">
                {entry.exact ? count(entry.seen) : <span title="At least so many: not all of them were looked at">{count(entry.seen)}+</span>}
            </span>
        </>
    );
}

/** How much of a name its folder has said already. */
function parentLengths(rows: TreeRow[], root: string): number[] {
    const open: string[] = [root];
    return rows.map((row) => {
        const parent = open[row.depth] ?? '';
        if (row.kind === 'entry' && row.entry.kind === 'folder') open[row.depth + 1] = row.entry.prefix;
        return parent.length;
    });
}

export function KeyTreeView({ model, selected, active, onActive, onOpen, create }: Props) {
    const rows = useSyncExternalStore(model.subscribe, model.getRows);
    const [first] = rows;
    if (rows.length === 0) return <Empty icon={Folder} title={model.root ? 'No key begins with this' : 'No keys yet'} action={model.root ? undefined : create} />;
    if (rows.length === 1 && first?.kind === 'loading') return <SkeletonRows label="Loading the keys" />;
    if (rows.length === 1 && first?.kind === 'failed')
        return <Failed error={first.error} what="The keys could not be read" retry={() => void model.load(first.prefix)} />;

    const parents = parentLengths(rows, model.root);
    const indexOf = (name: string | undefined) => (name === undefined ? -1 : rows.findIndex((row) => rowName(row) === name));
    const onRow = (index: number) => {
        const row = rows[index];
        if (!row) return;
        if (row.kind === 'more' || row.kind === 'failed') void model.load(row.prefix);
        else if (row.kind === 'entry') {
            if (row.entry.kind === 'folder') model.toggle(row.entry.prefix);
            else onOpen(row.entry.key);
        }
    };
    const onKey = (event: KeyboardEvent, index: number) => {
        const row = rows[index];
        if (row?.kind !== 'entry' || !/^Arrow(Left|Right)$/.test(event.key)) return;
        event.preventDefault();
        const opens = event.key === 'ArrowRight';
        if (row.entry.kind === 'folder' && row.open !== opens) model.toggle(row.entry.prefix);
        else if (!opens) {
            for (let i = index - 1; i >= 0; i -= 1) {
                const above = rows[i];
                if (above && above.depth < row.depth) return onActive(rowName(above));
            }
        }
    };
    return (
        <VirtualList
            label="Keys by folder"
            role="tree"
            count={rows.length}
            rowHeight={ROW_PX}
            active={indexOf(active)}
            selected={indexOf(selected)}
            onActive={(index) => {
                const row = rows[index];
                if (row) onActive(rowName(row));
            }}
            onOpen={onRow}
            onKey={onKey}
            rowAttributes={(index) => {
                const row = rows[index];
                const isFolder = row?.kind === 'entry' && row.entry.kind === 'folder';
                return { 'aria-level': (row?.depth ?? 0) + 1, ...(isFolder ? { 'aria-expanded': row.open } : {}) };
            }}
            row={(index) => {
                const row = rows[index];
                if (!row) return null;
                return (
                    <span className="flex w-full min-w-0 items-center" style={{ paddingLeft: row.depth * INDENT_PX }}>
                        <RowContent row={row} parent={parents[index] ?? 0} />
                    </span>
                );
            }}
        />
    );
}
