// SPDX-License-Identifier: MIT
// One stream for all tabs of a browser. The tab that holds the lock is the leader: it reads the stream and tells the others.
// When it is closed the lock passes on, and the next leader resumes from the last event that it was told of.
import type { Batch } from './batch';
import type { StreamState } from './stream';

type Word = { kind: 'batch'; batch: Batch } | { kind: 'state'; state: StreamState } | { kind: 'hello' };

export interface Publisher {
    batch: (batch: Batch) => void;
    state: (state: StreamState) => void;
}

export interface ShareOptions {
    name: string;
    /** Reads the stream until `signal`. */
    lead: (lastId: string, publish: Publisher, signal: AbortSignal) => Promise<unknown>;
    hear: Publisher;
    signal: AbortSignal;
    locks: Pick<LockManager, 'request'>;
    openChannel: (name: string) => BroadcastChannel;
}

export async function share({ name, lead, hear, signal, locks, openChannel }: ShareOptions): Promise<void> {
    const channel = openChannel(name);
    let leading = false;
    let state: StreamState = 'connecting';
    let lastId = '';
    const heard = (batch: Batch) => {
        if (batch.lastId !== '') lastId = batch.lastId;
        hear.batch(batch);
    };
    channel.onmessage = ({ data }: MessageEvent<Word>) => {
        if (data.kind === 'hello') {
            if (leading) channel.postMessage({ kind: 'state', state } satisfies Word);
        } else if (leading) {
            return;
        } else if (data.kind === 'batch') {
            heard(data.batch);
        } else {
            hear.state(data.state);
        }
    };
    const publish: Publisher = {
        batch(batch) {
            channel.postMessage({ kind: 'batch', batch } satisfies Word);
            heard(batch);
        },
        state(next) {
            state = next;
            channel.postMessage({ kind: 'state', state } satisfies Word);
            hear.state(next);
        },
    };
    channel.postMessage({ kind: 'hello' } satisfies Word);
    try {
        await locks.request(name, { signal }, async () => {
            leading = true;
            await lead(lastId, publish, signal);
        });
    } catch (error) {
        if (!signal.aborted) throw error;
    } finally {
        channel.close();
    }
}
