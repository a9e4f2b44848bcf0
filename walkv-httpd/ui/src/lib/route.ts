// SPDX-License-Identifier: MIT
// Where the reader is: "#/keys?prefix=user:&key=user:1". Only the part behind # changes, so index.html is the one
// page that a server or a reverse proxy has to know.
import { useMemo, useSyncExternalStore } from 'react';

export const PAGES = ['overview', 'keys', 'queues', 'docs'] as const;
export type Page = (typeof PAGES)[number];
export type Params = Record<string, string | undefined>;

export interface Route {
    page: Page;
    params: Params;
}

export function parseRoute(hash: string): Route {
    const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
    const page = PAGES.find((name) => name === path) ?? 'overview';
    return { page, params: Object.fromEntries(new URLSearchParams(query)) };
}

export function routeHash(page: Page, params: Params = {}): string {
    const given = Object.entries(params).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '');
    const query = new URLSearchParams(given).toString();
    return `#/${page === 'overview' ? '' : page}${query ? `?${query}` : ''}`;
}

export function navigate(page: Page, params: Params = {}, replace = false): void {
    const hash = routeHash(page, params);
    if (hash === location.hash) return;
    if (replace) {
        history.replaceState(null, '', hash);
        dispatchEvent(new HashChangeEvent('hashchange'));
    } else {
        location.hash = hash;
    }
}

function subscribe(listener: () => void): () => void {
    addEventListener('hashchange', listener);
    return () => removeEventListener('hashchange', listener);
}

export function useRoute(): Route {
    const hash = useSyncExternalStore(subscribe, () => location.hash);
    return useMemo(() => parseRoute(hash), [hash]);
}
