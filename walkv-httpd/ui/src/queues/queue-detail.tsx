// SPDX-License-Identifier: MIT
// One queue: what waits in it, and what can be done with it.
import { ArrowLeft, ArrowUpFromLine, Eye, MoreHorizontal, Plus, X } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { ApiError, isStatus } from '@/api/errors';
import { urlOf } from '@/api/http';
import { newIdempotencyKey } from '@/api/idempotency';
import { clearQueue, dequeue, listItems, peek, queuePath } from '@/api/queues';
import { token } from '@/api/token';
import { ValueView } from '@/json/value-view';
import { copyText } from '@/lib/clipboard';
import { curlCommand } from '@/lib/curl';
import { useHotkeys } from '@/lib/hotkeys';
import { count, plural, rate } from '@/lib/units';
import { visible } from '@/lib/utf8';
import { followBatches } from '@/live/live';
import { Button } from '@/ui/button';
import { Confirm } from '@/ui/confirm';
import { Menu } from '@/ui/menu';
import { sayDone, sayFailed } from '@/ui/toasts';
import { Composer } from './composer';
import { ItemList } from './item-list';
import { QueueItems } from './queue-items';
import type { Rates } from './rates';

interface Shown {
    title: string;
    text: string;
    id: number | null;
}

function useItems(queue: string): QueueItems {
    const items = useMemo(() => new QueueItems((after, limit, signal) => listItems(queue, after, limit, signal)), [queue]);
    useEffect(() => {
        items.more();
        const stop = followBatches((batch) => {
            if (batch.reset || batch.queues.has(queue)) items.refresh();
        });
        return () => {
            stop();
            items.stop();
        };
    }, [items, queue]);
    return items;
}

/** An item that was taken, or that is being looked at. */
function ShownItem({ shown, onClose }: { shown: Shown; onClose: () => void }) {
    return (
        <section aria-label={shown.title} className="flex h-72 max-h-[55%] shrink-0 flex-col border-b border-line">
            <header className="flex items-center gap-2 bg-sunken px-4 py-1">
                <h3 className="text-sm font-medium">
                    <span role="status">{shown.title}</span>
                </h3>
                <Button size="small" className="ml-auto" onClick={() => void copyText(shown.text, 'Item')}>
                    Copy
                </Button>
                <Button size="smallIcon" tone="quiet" aria-label="Close the item" onClick={onClose}>
                    <X aria-hidden />
                </Button>
            </header>
            <div className="min-h-0 flex-1">
                <ValueView text={shown.text} />
            </div>
        </section>
    );
}

interface Props {
    name: string;
    size: number | undefined;
    rates: Rates | null;
    onClose: () => void;
    onForgotten: () => void;
    onChanged: () => void;
}

export function QueueDetail({ name, size, rates, onClose, onForgotten, onChanged }: Props) {
    const items = useItems(name);
    const [shown, setShown] = useState<Shown | null>(null);
    const [composing, setComposing] = useState(false);
    const [asking, setAsking] = useState<'clear' | 'forget' | null>(null);
    const [busy, setBusy] = useState(false);
    /** Of a dequeue whose answer was lost: asking again with it gives the item that was taken. */
    const unfinished = useRef<string | null>(null);
    const title = visible(name);
    const changed = () => {
        items.refresh();
        onChanged();
    };

    const take = async () => {
        if (busy) return;
        setBusy(true);
        const key = (unfinished.current ??= newIdempotencyKey());
        try {
            const text = await dequeue(name, key);
            unfinished.current = null;
            setShown({ title: 'Taken from the queue', text, id: null });
            changed();
        } catch (error) {
            const isKnown = error instanceof ApiError && error.status < 500;
            if (isKnown) unfinished.current = null;
            if (isStatus(error, 404)) sayFailed('Nothing to take', error);
            else if (isKnown) sayFailed('Nothing was taken', error);
            else sayFailed('No answer. Press Dequeue again: it asks for the same item, and none is lost', error);
        } finally {
            setBusy(false);
        }
    };
    const look = async () => {
        try {
            setShown({ title: 'Next in the queue', text: await peek(name), id: null });
        } catch (error) {
            sayFailed('Nothing to look at', error);
        }
    };
    const clear = async (forget: boolean) => {
        setAsking(null);
        try {
            await clearQueue(name, forget);
            sayDone(forget ? 'Queue forgotten' : 'Queue cleared');
            setShown(null);
            if (forget) onForgotten();
            changed();
        } catch (error) {
            sayFailed(forget ? 'The queue was not forgotten' : 'The queue was not cleared', error);
        }
    };
    const copyCommand = (action: 'enqueue' | 'dequeue') =>
        void copyText(
            curlCommand({
                method: 'POST',
                url: urlOf(queuePath(name, action)),
                withToken: token.get() !== '',
                ...(action === 'enqueue' ? { body: '{"value":"item"}' } : {}),
            }),
            'Command',
        );
    useHotkeys({
        e: () => setComposing(true),
        Escape: () => (shown ? setShown(null) : composing ? setComposing(false) : onClose()),
    });

    return (
        <article aria-label={`Queue ${title}`} className="flex h-full min-h-0 flex-col bg-surface">
            <header className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-3 py-2 md:px-4">
                <Button tone="quiet" size="icon" className="md:hidden" aria-label="Back to the list" onClick={onClose}>
                    <ArrowLeft aria-hidden />
                </Button>
                <div className="min-w-0 flex-1 basis-40">
                    <h2 className="mono max-h-16 overflow-y-auto font-semibold break-all">{title}</h2>
                    <p className="numbers text-xs text-soft">
                        {size === undefined ? 'not there' : plural(size, 'item')}
                        {rates && ` · in ${rate(rates.in)}/s · out ${rate(rates.out)}/s`}
                    </p>
                </div>
                <div className="flex items-center gap-1.5">
                    <Button tone="accent" onClick={() => setComposing(true)} title="Add an item (e)">
                        <Plus aria-hidden />
                        Enqueue
                    </Button>
                    <Button onClick={() => void take()} disabled={busy}>
                        <ArrowUpFromLine aria-hidden />
                        Dequeue
                    </Button>
                    <Button onClick={() => void look()} className="max-sm:hidden">
                        <Eye aria-hidden />
                        Peek
                    </Button>
                    <Menu
                        entries={[
                            { label: 'Peek', run: () => void look() },
                            { label: 'Copy as curl: enqueue', run: () => copyCommand('enqueue') },
                            { label: 'Copy as curl: dequeue', run: () => copyCommand('dequeue') },
                            { label: 'Clear…', run: () => setAsking('clear'), danger: true },
                            { label: 'Forget…', run: () => setAsking('forget'), danger: true },
                        ]}
                    >
                        <Button tone="quiet" size="icon" aria-label="More">
                            <MoreHorizontal aria-hidden />
                        </Button>
                    </Menu>
                </div>
            </header>
            {/* On a phone all three may be more than its height: then this scrolls, and the list keeps some of it. */}
            <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">
                {composing && <Composer queue={name} onClose={() => setComposing(false)} onChanged={changed} />}
                {shown && <ShownItem shown={shown} onClose={() => setShown(null)} />}
                <div className="min-h-48 flex-1">
                    <ItemList source={items} selected={shown?.id ?? null} onOpen={(item) => setShown({ title: `Item ${item.id}`, text: item.text, id: item.id })} />
                </div>
            </div>
            <Confirm open={asking === 'clear'} onClose={() => setAsking(null)} onConfirm={() => void clear(false)} title={`Clear ${title}?`} action="Remove all items">
                {size ? `${count(size)} waiting ${size === 1 ? 'item is' : 'items are'} removed for good.` : 'It is empty as it is.'} The queue stays in the list.
            </Confirm>
            <Confirm
                open={asking === 'forget'}
                onClose={() => setAsking(null)}
                onConfirm={() => void clear(true)}
                title={`Forget ${title}?`}
                action="Forget the queue"
                typed={size ? name : undefined}
            >
                {size ? `${count(size)} waiting ${size === 1 ? 'item is' : 'items are'} removed for good, and the` : 'The'} name is no longer listed until something is
                added again.
            </Confirm>
        </article>
    );
}
