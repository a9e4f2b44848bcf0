// SPDX-License-Identifier: MIT
// GET /api/status, asked by the whole UI through one query.
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { call } from './http';
import type { components } from './schema';

export type Status = components['schemas']['Status'];

const BRISK_MS = 1000;
const CALM_MS = 3000;

export const STATUS_KEY = ['status'] as const;

export async function getStatus(signal?: AbortSignal): Promise<Status> {
    return JSON.parse((await call('GET', 'api/status', { signal })).text) as Status;
}

/** Asked again every second on the overview, more calmly elsewhere, and not at all while the tab is hidden. */
export function useStatus(brisk = false): UseQueryResult<Status> {
    return useQuery({
        queryKey: STATUS_KEY,
        queryFn: ({ signal }) => getStatus(signal),
        refetchInterval: brisk ? BRISK_MS : CALM_MS,
        refetchIntervalInBackground: false,
        staleTime: BRISK_MS / 2,
        retry: false,
    });
}
