// SPDX-License-Identifier: MIT
// The queues: all on the left, one of them on the right; on a phone one after the other.
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { ListOrdered, Plus, Search, SearchX } from 'lucide-react';
import { lazy, Suspense, useMemo, useRef, useState } from 'react';
import { listQueues } from '@/api/queues';
import { cn } from '@/lib/cn';
import { useHotkeys } from '@/lib/hotkeys';
import { navigate, useRoute } from '@/lib/route';
import { count, plural } from '@/lib/units';
import { QUEUES } from '@/live/queries';
import { Button } from '@/ui/button';
import { Input } from '@/ui/field';
import { Empty, Failed, SkeletonRows } from '@/ui/notice';
import { QueueDetail } from './queue-detail';
import { QueueList } from './queue-list';
import { useRates } from './use-rates';

const NewQueue = lazy(() => import('./new-queue'));

const NONE: string[] = [];
const NO_SIZES = new Map<string, number>();

export default function QueuesPage() {
    const { params } = useRoute();
    const selected = params.queue;
    const client = useQueryClient();
    const { data, error, isPending, refetch } = useQuery({
        queryKey: [QUEUES],
        queryFn: ({ signal }) => listQueues(signal),
        placeholderData: keepPreviousData,
    });
    const [filter, setFilter] = useState('');
    const [active, setActive] = useState(selected);
    const [creating, setCreating] = useState(false);
    const search = useRef<HTMLInputElement>(null);
    const ratesOf = useRates();
    const names = data?.names ?? NONE;
    const sizes = data?.sizes ?? NO_SIZES;
    const shown = useMemo(() => (filter ? names.filter((name) => name.includes(filter)) : names), [names, filter]);
    const waiting = useMemo(() => [...sizes.values()].reduce((sum, size) => sum + size, 0), [sizes]);

    const open = (queue: string) => {
        setActive(queue);
        setCreating(false);
        navigate('queues', { queue });
    };
    const close = () => navigate('queues');
    const changed = () => void client.invalidateQueries({ queryKey: [QUEUES] });
    const move = (by: 1 | -1) => {
        const next = shown[(active === undefined ? -1 : shown.indexOf(active)) + by] ?? shown[0];
        if (next !== undefined) setActive(next);
    };
    useHotkeys({
        j: () => move(1),
        k: () => move(-1),
        Enter: () => active !== undefined && open(active),
        n: () => setCreating(true),
        '/': () => search.current?.select(),
    });

    const list = () => {
        if (!data && error) return <Failed error={error} what="The queues could not be read" retry={() => void refetch()} />;
        if (isPending) return <SkeletonRows label="Loading the queues" />;
        if (names.length === 0)
            return (
                <Empty
                    icon={ListOrdered}
                    title="No queues yet"
                    action={
                        <Button tone="accent" onClick={() => setCreating(true)}>
                            <Plus aria-hidden />
                            New queue
                        </Button>
                    }
                >
                    A queue begins with its first item.
                </Empty>
            );
        if (shown.length === 0) return <Empty icon={SearchX} title="No queue has this in its name" />;
        return <QueueList names={shown} sizes={sizes} ratesOf={ratesOf} selected={selected} active={active} onActive={setActive} onOpen={open} />;
    };

    return (
        <div className="flex h-full min-h-0">
            <h1 className="sr-only">Queues</h1>
            <section aria-label="List of queues" className={cn('flex h-full min-h-0 w-full flex-col border-line bg-surface md:w-96 md:border-r lg:w-[27rem]', selected !== undefined && 'max-md:hidden')}>
                <div className="flex shrink-0 gap-2 border-b border-line p-2">
                    <div role="search" className="relative min-w-0 flex-1">
                        <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-soft" />
                        <Input
                            ref={search}
                            className="mono pl-8"
                            value={filter}
                            onChange={(event) => setFilter(event.target.value)}
                            onKeyDown={(event) => {
                                if (event.key !== 'Escape') return;
                                event.preventDefault();
                                if (filter) setFilter('');
                                else search.current?.blur();
                            }}
                            placeholder="Queues with this in their name…"
                            aria-label="Queues with this in their name"
                            autoComplete="off"
                            autoCapitalize="off"
                            spellCheck={false}
                        />
                    </div>
                    <Button tone="accent" onClick={() => setCreating(true)} title="New queue (n)">
                        <Plus aria-hidden />
                        New
                    </Button>
                </div>
                <div className="min-h-0 flex-1">{list()}</div>
                <div role="status" className="numbers flex h-9 shrink-0 items-center border-t border-line px-3 text-xs text-soft">
                    {data && `${plural(names.length, 'queue')}, ${count(waiting)} ${waiting === 1 ? 'item waits' : 'items wait'}`}
                </div>
            </section>
            <section aria-label="The chosen queue" className={cn('h-full min-h-0 min-w-0 flex-1', selected === undefined && 'max-md:hidden')}>
                {selected === undefined ? (
                    <Empty icon={ListOrdered} title="Choose a queue">
                        <kbd>j</kbd> and <kbd>k</kbd> move through the list, <kbd>Enter</kbd> opens, <kbd>n</kbd> begins a new one.
                    </Empty>
                ) : (
                    <QueueDetail
                        key={selected}
                        name={selected}
                        size={data && !names.includes(selected) ? undefined : sizes.get(selected)}
                        rates={ratesOf(selected)}
                        onClose={close}
                        onForgotten={close}
                        onChanged={changed}
                    />
                )}
            </section>
            <Suspense>{creating && <NewQueue taken={names} onClose={() => setCreating(false)} onOpen={open} />}</Suspense>
        </div>
    );
}
