// SPDX-License-Identifier: MIT
// Keys and values (API section 2). A value is always its JSON text, as stored.
import { memberNamed } from '@/json/scan';
import { isAddressable, pathSegment } from '@/lib/utf8';
import { ApiError } from './errors';
import { call } from './http';
import type { components } from './schema';

export interface StoredValue {
    text: string;
    /** null: it cannot be known, see `readUnaddressable`. */
    version: string | null;
}

export interface KeyPage {
    keys: string[];
    next?: string;
}

/** What has to hold for a write to be done. */
export type Condition = { version: string } | 'absent' | 'none';

export const KEY_PAGE_MAX = 10_000;

export function keyPath(key: string): string {
    return `api/kv/${pathSegment(key)}`;
}

function conditionHeaders(condition: Condition): Record<string, string> {
    if (condition === 'none') return {};
    return condition === 'absent' ? { 'If-None-Match': '*' } : { 'If-Match': `"${condition.version}"` };
}

export function valueBody(text: string): string {
    return `{"value":${text}}`;
}

export async function listKeys(prefix: string, after: string, limit: number, signal?: AbortSignal): Promise<KeyPage> {
    const query = new URLSearchParams({ keys: 'only', limit: String(limit) });
    if (prefix) query.set('prefix', prefix);
    if (after) query.set('after', after);
    // A blank is %20 here: + means itself.
    const { text } = await call('GET', `api/kv?${query.toString().replaceAll('+', '%20')}`, { signal });
    const page = JSON.parse(text) as components['schemas']['KeyNames'];
    return page.next === undefined ? { keys: page.keys } : { keys: page.keys, next: page.next };
}

/** "." and ".." can only be read as the first of a list, without their version. */
async function readUnaddressable(key: string, signal?: AbortSignal): Promise<StoredValue> {
    const { text } = await call('GET', `api/kv?limit=1&prefix=${pathSegment(key)}`, { signal });
    const data = memberNamed(text, 'data');
    const value = data && memberNamed(text, key, data.start);
    if (!value) throw new ApiError(404, 'not_found', 'Key not found');
    return { text: text.slice(value.start, value.end), version: null };
}

export async function getValue(key: string, signal?: AbortSignal): Promise<StoredValue> {
    if (!isAddressable(key)) return readUnaddressable(key, signal);
    const { text, version } = await call('GET', keyPath(key), { signal });
    const value = memberNamed(text, 'value');
    if (!value) throw new Error('The answer has no value');
    return { text: text.slice(value.start, value.end), version };
}

export async function setValue(key: string, text: string, condition: Condition): Promise<{ version: string | null; created: boolean }> {
    const { status, version } = await call('PUT', keyPath(key), { body: valueBody(text), headers: conditionHeaders(condition) });
    return { version, created: status === 201 };
}

export async function deleteKey(key: string, condition: Condition): Promise<void> {
    await call('DELETE', keyPath(key), { headers: conditionHeaders(condition) });
}
