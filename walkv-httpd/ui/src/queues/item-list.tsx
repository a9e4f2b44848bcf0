// SPDX-License-Identifier: MIT
// The items that wait, the next one first.
import { Inbox } from 'lucide-react';
import { useState, useSyncExternalStore } from 'react';
import type { Item } from '@/api/queues';
import { visible } from '@/lib/utf8';
import { Badge } from '@/ui/badge';
import { Empty, Failed, SkeletonRows } from '@/ui/notice';
import { VirtualList } from '@/ui/virtual-list';
import type { QueueItems } from './queue-items';

const ROW_PX = 32;
const PREVIEW_CHARS = 400;

export function ItemList({ source, onOpen, selected }: { source: QueueItems; onOpen: (item: Item) => void; selected: number | null }) {
    const { items, complete, loading, error } = useSyncExternalStore(source.subscribe, source.getSnapshot);
    const [active, setActive] = useState<number | null>(null);
    if (error && items.length === 0) return <Failed error={error} what="The items could not be read" retry={source.retry} />;
    if (items.length === 0 && (loading || !complete)) return <SkeletonRows label="Loading the items" count={6} />;
    if (items.length === 0)
        return (
            <Empty icon={Inbox} title="Nothing waits here">
                Items appear as they are added.
            </Empty>
        );
    const indexOf = (id: number | null) => (id === null ? -1 : items.findIndex((item) => item.id === id));
    return (
        <VirtualList
            label="Items"
            count={items.length}
            rowHeight={ROW_PX}
            active={indexOf(active)}
            selected={indexOf(selected)}
            onActive={(index) => setActive(items[index]?.id ?? null)}
            onOpen={(index) => {
                const item = items[index];
                if (item) onOpen(item);
            }}
            onNearEnd={source.more}
            row={(index) => {
                const item = items[index];
                return (
                    item && (
                        <span className="flex w-full min-w-0 items-center gap-3">
                            <span className="numbers w-14 shrink-0 text-right text-xs text-soft">{item.id}</span>
                            <span className="mono min-w-0 flex-1 truncate whitespace-pre">{visible(item.text.slice(0, PREVIEW_CHARS))}</span>
                            {index === 0 && <Badge tone="accent">next</Badge>}
                        </span>
                    )
                );
            }}
        />
    );
}
