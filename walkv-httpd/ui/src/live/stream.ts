// SPDX-License-Identifier: MIT
// One connection to /api/events that is made again whenever it breaks, ends or falls silent, and goes on where it was.
import { SseParser, type SseMessage } from './sse-parser';

export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'absent';

export interface StreamOptions {
    url: string;
    lastId: string;
    headers: () => Record<string, string>;
    /** `resumed`: nothing was missed between the last message and this connection. */
    onOpen: (resumed: boolean) => void;
    onMessage: (message: SseMessage) => void;
    /** Up to this id nothing was missed. It may come without a message. */
    onProgress: (id: string) => void;
    onState: (state: StreamState) => void;
    /** After a 401. True: there is another token now. */
    onUnauthorized: () => Promise<boolean>;
    signal: AbortSignal;
    fetch?: typeof fetch;
    silenceMs?: number;
    backoffMs?: number;
}

const SILENCE_MS = 40_000;
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 10_000;
const ABSENT_RETRY_MS = 60_000;
/** This server has no events, or none for us. */
const ABSENT = new Set([403, 404, 405, 501]);

function sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const done = () => {
            clearTimeout(timer);
            signal.removeEventListener('abort', done);
            resolve();
        };
        const timer = setTimeout(done, ms);
        signal.addEventListener('abort', done);
    });
}

type End = 'broken' | 'absent' | 'unauthorized';

export async function runStream(options: StreamOptions): Promise<void> {
    const { signal, silenceMs = SILENCE_MS, backoffMs = BACKOFF_MS } = options;
    const request = options.fetch ?? fetch;
    let lastId = options.lastId;
    let failures = 0;
    let retryMs: number | null = null;

    async function readOnce(): Promise<End> {
        const connection = new AbortController();
        const stop = () => connection.abort();
        signal.addEventListener('abort', stop);
        let watchdog = setTimeout(stop, silenceMs);
        try {
            const response = await request(options.url, {
                headers: { Accept: 'text/event-stream', ...(lastId ? { 'Last-Event-ID': lastId } : {}), ...options.headers() },
                signal: connection.signal,
                cache: 'no-store',
                credentials: 'same-origin',
            });
            if (response.status === 401) return 'unauthorized';
            if (ABSENT.has(response.status)) return 'absent';
            if (response.status === 400) lastId = '';
            if (!response.ok || !response.body) return 'broken';
            if (!(response.headers.get('Content-Type') ?? '').startsWith('text/event-stream')) return 'absent';
            options.onState('live');
            options.onOpen(lastId !== '');
            const parser = new SseParser(lastId);
            const reader = response.body.getReader();
            connection.signal.addEventListener('abort', () => void reader.cancel().catch(() => undefined));
            for (;;) {
                const { done, value } = await reader.read();
                if (done) return 'broken';
                clearTimeout(watchdog);
                watchdog = setTimeout(stop, silenceMs);
                failures = 0;
                for (const message of parser.push(value)) options.onMessage(message);
                if (parser.lastId !== lastId) options.onProgress((lastId = parser.lastId));
                retryMs = parser.retryMs;
            }
        } catch {
            return 'broken';
        } finally {
            clearTimeout(watchdog);
            signal.removeEventListener('abort', stop);
            connection.abort();
        }
    }

    options.onState('connecting');
    while (!signal.aborted) {
        const end = await readOnce();
        if (signal.aborted) return;
        if (end === 'unauthorized' && (await options.onUnauthorized())) continue;
        if (end === 'broken') {
            options.onState('reconnecting');
            const wait = Math.min(BACKOFF_MAX_MS, (retryMs ?? backoffMs) * 2 ** failures);
            failures += 1;
            await sleep(wait * (0.75 + Math.random() / 2), signal);
        } else {
            options.onState('absent');
            await sleep(ABSENT_RETRY_MS, signal);
        }
    }
}
