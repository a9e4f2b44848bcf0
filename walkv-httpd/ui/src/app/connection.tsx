// SPDX-License-Identifier: MIT
// How things stand between this page and the store, in two words, with a sentence for who wants to know.
import { useQuery } from '@tanstack/react-query';
import { isStatus } from '@/api/errors';
import { call, reachable } from '@/api/http';
import { useStatus } from '@/api/status';
import { useStore } from '@/lib/store';
import { cn } from '@/lib/cn';
import { streamState } from '@/live/live';
import { Hint } from '@/ui/hint';

interface Condition {
    label: string;
    text: string;
    tone: 'good' | 'warn' | 'bad' | 'soft';
    busy?: boolean;
}

const CONDITIONS = {
    live: { label: 'Live', text: 'Changes appear here as they happen.', tone: 'good' },
    connecting: { label: 'Connecting', text: 'The stream of changes is being opened.', tone: 'soft', busy: true },
    reconnecting: {
        label: 'Reconnecting',
        text: 'The stream of changes broke off. It goes on where it was as soon as a worker answers.',
        tone: 'warn',
        busy: true,
    },
    absent: { label: 'Polling', text: 'This server gives no live changes to this page, so it is read again every few seconds.', tone: 'soft' },
    restarting: {
        label: 'Store restarting',
        text: 'walkvd does not answer. Reads come from the last published state, and writes wait for it to come back.',
        tone: 'warn',
        busy: true,
    },
    unreachable: { label: 'Unreachable', text: 'No worker answers. What you see is what was read last.', tone: 'bad', busy: true },
} satisfies Record<string, Condition>;

const READY_MS = 3000;

/** A token with limits may not read the status; whether the store is ready it may know all the same. */
function useStoreAway(): boolean {
    const status = useStatus();
    const forbidden = isStatus(status.error, 403);
    const ready = useQuery({
        queryKey: ['ready'],
        queryFn: async ({ signal }) => (await call('GET', 'readyz', { signal, anyStatus: true })).status,
        enabled: forbidden,
        refetchInterval: READY_MS,
        retry: false,
    });
    if (forbidden) return ready.data === 503;
    return status.data?.walkvd === 'unreachable' || isStatus(status.error, 503);
}

export function useCondition(): Condition {
    const stream = useStore(streamState);
    const away = useStoreAway();
    if (!useStore(reachable)) return CONDITIONS.unreachable;
    return away ? CONDITIONS.restarting : CONDITIONS[stream];
}

const DOT = { good: 'bg-good', warn: 'bg-warn', bad: 'bg-bad', soft: 'bg-edge' };

export function Connection() {
    const { label, text, tone, busy } = useCondition();
    return (
        <Hint text={text}>
            <button
                type="button"
                aria-label={`Connection: ${label}. ${text}`}
                className="flex h-8 items-center gap-2 rounded-md px-1.5 text-left leading-tight md:px-2 text-xs font-medium text-soft hover:text-ink"
            >
                <span aria-hidden className={cn('size-2 shrink-0 rounded-full', DOT[tone], busy && 'animate-breathe')} />
                <span role="status" data-testid="connection">
                    {label}
                </span>
            </button>
        </Hint>
    );
}

export function UnreachableBanner() {
    if (useStore(reachable)) return null;
    return (
        <p role="status" className="flex shrink-0 items-center justify-center gap-2 bg-warn-wash px-4 py-1.5 text-center text-sm text-warn">
            <span aria-hidden className="animate-breathe size-2 rounded-full bg-warn" />
            walkv cannot be reached. What you see was read before; trying again.
        </p>
    );
}
