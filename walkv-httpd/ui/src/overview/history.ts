// SPDX-License-Identifier: MIT
// Collects the answers of /api/status for as long as the page is open, whichever page the reader is on.
import type { QueryClient } from '@tanstack/react-query';
import { STATUS_KEY, type Status } from '@/api/status';
import { createStore } from '@/lib/store';
import { addSample, EMPTY } from './samples';

export const history = createStore(EMPTY);

export function collectHistory(client: QueryClient): () => void {
    return client.getQueryCache().subscribe((event) => {
        if (event.type !== 'updated' || event.action.type !== 'success' || event.query.queryKey[0] !== STATUS_KEY[0]) return;
        const status = event.query.state.data as Status | undefined;
        if (status) history.update((now) => addSample(now, status, Date.now() / 1000));
    });
}
