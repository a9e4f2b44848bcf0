// SPDX-License-Identifier: MIT
// Every request of the UI goes through here. A write gets an Idempotency-Key and is sent again with the same key
// when the connection fails or a worker says 503, so it is done once or not at all. Bodies stay text: JSON.parse
// would round numbers that walkv keeps as they were written.
import { createStore } from '@/lib/store';
import { failureOf, UnreachableError } from './errors';
import { newIdempotencyKey } from './idempotency';
import { token, tokenRefused } from './token';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

export interface CallOptions {
    body?: string;
    headers?: Record<string, string>;
    signal?: AbortSignal | undefined;
    idempotencyKey?: string | undefined;
    /** Hand back failures like other answers. */
    anyStatus?: boolean;
}

export interface Reply {
    status: number;
    text: string;
    headers: Headers;
    /** The version of the key that was read or written, without quotes. */
    version: string | null;
    durationMs: number;
}

const ATTEMPT_TIMEOUT_MS = 20_000;
const RETRY_DELAYS_MS = [250, 600, 1200, 2500];
const RETRY_STATUSES = new Set([502, 503, 504]);
const READS = new Set<Method>(['GET', 'HEAD', 'OPTIONS']);

/** Whether the last request reached anybody. */
export const reachable = createStore(true);

export function base(): URL {
    return new URL('.', document.baseURI);
}

/** `path` has no slash at its beginning: the UI may live under any path of a proxy. */
export function urlOf(path: string): string {
    return new URL(path, base()).href;
}

export function authorization(secret: string): Record<string, string> {
    return secret ? { Authorization: `Bearer ${secret}` } : {};
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(signal.reason instanceof Error ? signal.reason : new DOMException('Aborted', 'AbortError'));
        });
    });
}

async function attempt(method: Method, path: string, options: CallOptions, secret: string): Promise<Reply> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), ATTEMPT_TIMEOUT_MS);
    const stop = () => timeout.abort();
    options.signal?.addEventListener('abort', stop);
    const started = performance.now();
    try {
        const response = await fetch(urlOf(path), {
            method,
            headers: {
                ...(options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
                ...authorization(secret),
                ...options.headers,
            },
            ...(options.body === undefined ? {} : { body: options.body }),
            signal: timeout.signal,
            cache: 'no-store',
            credentials: 'same-origin',
        });
        const text = await response.text();
        reachable.set(true);
        return {
            status: response.status,
            text,
            headers: response.headers,
            version: /^"(.*)"$/.exec(response.headers.get('ETag') ?? '')?.[1] ?? null,
            durationMs: performance.now() - started,
        };
    } catch (error) {
        if (options.signal?.aborted) throw error;
        reachable.set(false);
        throw new UnreachableError(timeout.signal.aborted);
    } finally {
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', stop);
    }
}

async function attemptWithToken(method: Method, path: string, options: CallOptions): Promise<Reply> {
    for (;;) {
        const secret = token.get();
        const reply = await attempt(method, path, options, secret);
        if (reply.status !== 401 || !(await tokenRefused(secret))) return reply;
    }
}

export async function call(method: Method, path: string, options: CallOptions = {}): Promise<Reply> {
    const isWrite = !READS.has(method);
    const given: CallOptions = isWrite
        ? { ...options, headers: { 'Idempotency-Key': options.idempotencyKey ?? newIdempotencyKey(), ...options.headers } }
        : options;
    for (let tries = 0; ; tries += 1) {
        const delay = isWrite ? RETRY_DELAYS_MS[tries] : undefined;
        let reply: Reply;
        try {
            reply = await attemptWithToken(method, path, given);
        } catch (error) {
            if (!(error instanceof UnreachableError) || delay === undefined) throw error;
            await pause(delay, options.signal);
            continue;
        }
        if (RETRY_STATUSES.has(reply.status) && delay !== undefined) {
            await pause(delay, options.signal);
            continue;
        }
        if (reply.status >= 400 && !options.anyStatus)
            throw failureOf(reply.status, reply.text, reply.headers.get('X-Request-Id'));
        return reply;
    }
}
