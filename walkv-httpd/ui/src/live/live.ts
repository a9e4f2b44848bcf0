// SPDX-License-Identifier: MIT
// The live side of the UI: one shared stream, its state, and batches of changes for whoever follows them.
import { authorization, urlOf } from '@/api/http';
import { token, tokenRefused } from '@/api/token';
import { createStore } from '@/lib/store';
import { BatchCollector, resetBatch, type Batch } from './batch';
import { share, type Publisher } from './share';
import { runStream, type StreamState } from './stream';

const FLUSH_MS = 200;
/** Without events, what is on the screen is read again this often. */
const POLL_MS = 5000;

export const streamState = createStore<StreamState>('connecting');

const followers = new Set<(batch: Batch) => void>();

export function followBatches(follower: (batch: Batch) => void): () => void {
    followers.add(follower);
    return () => followers.delete(follower);
}

function announce(batch: Batch): void {
    for (const follower of [...followers]) follower(batch);
}

/** Tabs share a stream only if they have the same token: another one may see other things. */
function channelName(secret: string): string {
    let hash = 0;
    for (let i = 0; i < secret.length; i += 1) hash = (Math.imul(hash, 31) + secret.charCodeAt(i)) | 0;
    return `walkv-events ${urlOf('')} ${hash >>> 0}`;
}

async function lead(lastId: string, publish: Publisher, signal: AbortSignal): Promise<void> {
    const secret = token.get();
    const collector = new BatchCollector();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
        timer = undefined;
        const batch = collector.take();
        if (batch) publish.batch(batch);
    };
    await runStream({
        url: urlOf('api/events'),
        lastId,
        headers: () => authorization(secret),
        onOpen: (resumed) => {
            if (!resumed) publish.batch(resetBatch());
        },
        onMessage: (message) => {
            collector.add(message);
            timer ??= setTimeout(flush, FLUSH_MS);
        },
        onState: publish.state,
        onUnauthorized: () => tokenRefused(secret),
        signal,
    });
    clearTimeout(timer);
    flush();
}

/** Starts it, and again whenever the token changes. Returns how to stop it. */
export function startLive(): () => void {
    let current = new AbortController();
    const begin = () => {
        current = new AbortController();
        void share({
            name: channelName(token.get()),
            lead,
            hear: { batch: announce, state: streamState.set },
            signal: current.signal,
            // Missing on pages that came over plain http, whatever the types say.
            locks: (navigator as { locks?: LockManager }).locks,
            openChannel: typeof BroadcastChannel === 'undefined' ? undefined : (name) => new BroadcastChannel(name),
        });
    };
    const stopFollowing = token.subscribe(() => {
        current.abort();
        begin();
    });
    const poll = setInterval(() => {
        if (streamState.get() === 'absent' && !document.hidden) announce(resetBatch());
    }, POLL_MS);
    begin();
    return () => {
        stopFollowing();
        clearInterval(poll);
        current.abort();
    };
}
