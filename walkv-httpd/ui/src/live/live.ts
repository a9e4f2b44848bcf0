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

/** Returns the last id that was seen. */
async function lead(lastId: string, publish: Publisher, signal: AbortSignal): Promise<string> {
    const secret = token.get();
    const collector = new BatchCollector();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
        timer = undefined;
        const batch = collector.take();
        if (batch) publish.batch(batch);
    };
    let seen = lastId;
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
        onProgress: (id) => {
            seen = id;
            collector.mark(id);
            timer ??= setTimeout(flush, FLUSH_MS);
        },
        onState: publish.state,
        onUnauthorized: () => tokenRefused(secret),
        signal,
    });
    clearTimeout(timer);
    flush();
    return seen;
}

/** For pages without Web Locks, where each tab reads a stream of its own: only while it can be seen, since a browser has
 * not more than six connections for all of its tabs. */
export async function whileVisible(run: (lastId: string, signal: AbortSignal) => Promise<string>, signal: AbortSignal): Promise<void> {
    let lastId = '';
    while (!signal.aborted) {
        const turn = new AbortController();
        const look = () => {
            if (document.hidden || signal.aborted) turn.abort();
        };
        signal.addEventListener('abort', look);
        document.addEventListener('visibilitychange', look);
        if (!document.hidden) lastId = await run(lastId, turn.signal);
        document.removeEventListener('visibilitychange', look);
        signal.removeEventListener('abort', look);
        if (signal.aborted) return;
        await new Promise<void>((resolve) => {
            const again = () => {
                if (document.hidden && !signal.aborted) return;
                document.removeEventListener('visibilitychange', again);
                signal.removeEventListener('abort', again);
                resolve();
            };
            document.addEventListener('visibilitychange', again);
            signal.addEventListener('abort', again);
            again();
        });
    }
}

/** Starts it, and again whenever the token changes. Returns how to stop it. */
export function startLive(): () => void {
    let current = new AbortController();
    const begin = () => {
        current = new AbortController();
        const hear: Publisher = { batch: announce, state: streamState.set };
        // Missing on pages that came over plain http, whatever the types say.
        const locks = (navigator as { locks?: LockManager }).locks;
        if (locks) {
            const openChannel = (name: string) => new BroadcastChannel(name);
            void share({ name: channelName(token.get()), lead, hear, signal: current.signal, locks, openChannel });
        } else {
            void whileVisible((lastId, signal) => lead(lastId, hear, signal), current.signal);
        }
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
