// SPDX-License-Identifier: MIT
// The keys one below the other.
import { KeyRound, SearchX } from 'lucide-react';
import { useSyncExternalStore, type ReactNode } from 'react';
import { visible } from '@/lib/utf8';
import { Empty, Failed, SkeletonRows } from '@/ui/notice';
import { VirtualList } from '@/ui/virtual-list';
import type { KeyPages } from './key-pages';

const ROW_PX = 28;

interface Props {
    pages: KeyPages;
    selected: string | undefined;
    active: string | undefined;
    onActive: (key: string) => void;
    onOpen: (key: string) => void;
    create: ReactNode;
}

/** A name with its prefix set back, so that the eye finds what differs. */
function KeyName({ name, prefix }: { name: string; prefix: string }) {
    return (
        <span className="mono min-w-0 truncate whitespace-pre">
            {prefix && <span className="text-soft">{visible(prefix)}</span>}
            {visible(name.slice(prefix.length))}
        </span>
    );
}

export function KeyList({ pages, selected, active, onActive, onOpen, create }: Props) {
    const { count, complete, loading, error } = useSyncExternalStore(pages.subscribe, pages.getSnapshot);
    const { prefix } = pages;
    if (error && count === 0) return <Failed error={error} what="The keys could not be read" retry={pages.retry} />;
    if (count === 0 && (loading || !complete)) return <SkeletonRows label="Loading the keys" />;
    if (count === 0 && prefix)
        return (
            <Empty icon={SearchX} title="No key begins with this">
                Searching goes by the beginning of a key, and tells capitals apart.
            </Empty>
        );
    if (count === 0)
        return (
            <Empty icon={KeyRound} title="No keys yet" action={create}>
                What is stored under /api/kv appears here.
            </Empty>
        );
    const open = (index: number, then: (key: string) => void) => {
        const key = pages.at(index);
        if (key !== undefined) then(key);
    };
    return (
        <VirtualList
            label="Keys"
            count={count}
            rowHeight={ROW_PX}
            active={active === undefined ? -1 : pages.indexOf(active)}
            selected={selected === undefined ? -1 : pages.indexOf(selected)}
            onActive={(index) => open(index, onActive)}
            onOpen={(index) => open(index, onOpen)}
            onNearEnd={pages.more}
            row={(index) => <KeyName name={pages.at(index) ?? ''} prefix={prefix} />}
        />
    );
}
