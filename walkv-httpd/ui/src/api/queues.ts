// SPDX-License-Identifier: MIT
// Queues (API section 3). Items are always their JSON text, as stored.
import { elements, memberNamed } from '@/json/scan';
import { pathSegment } from '@/lib/utf8';
import { call, type Reply } from './http';
import { valueBody } from './kv';
import type { components } from './schema';

export interface QueueSizes {
    names: string[];
    sizes: Map<string, number>;
}

export interface Item {
    id: number;
    text: string;
}

export interface ItemPage {
    items: Item[];
    complete: boolean;
}

export const ITEM_PAGE_MAX = 1000;

export function queuePath(queue: string, action?: 'enqueue' | 'dequeue' | 'peek' | 'items'): string {
    return `api/queue/${pathSegment(queue)}${action ? `/${action}` : ''}`;
}

function valueOf({ text }: Reply): string {
    const span = memberNamed(text, 'value');
    if (!span) throw new Error('The answer has no value');
    return text.slice(span.start, span.end);
}

export async function listQueues(signal?: AbortSignal): Promise<QueueSizes> {
    const { text } = await call('GET', 'api/queue?sizes=true', { signal });
    const { queues, sizes = {} } = JSON.parse(text) as components['schemas']['QueueNames'];
    return { names: queues, sizes: new Map(Object.entries(sizes)) };
}

/** Returns the size after it. */
export async function enqueue(queue: string, json: string): Promise<number> {
    const { text } = await call('POST', queuePath(queue, 'enqueue'), { body: valueBody(json) });
    return (JSON.parse(text) as { size: number }).size;
}

/** The same `idempotencyKey` gives the same item again, and takes no other. */
export async function dequeue(queue: string, idempotencyKey: string): Promise<string> {
    return valueOf(await call('POST', queuePath(queue, 'dequeue'), { idempotencyKey }));
}

export async function peek(queue: string): Promise<string> {
    return valueOf(await call('GET', queuePath(queue, 'peek')));
}

export async function clearQueue(queue: string, forget: boolean): Promise<void> {
    await call('DELETE', `${queuePath(queue)}${forget ? '?forget=true' : ''}`);
}

export async function listItems(queue: string, after: number, limit: number, signal?: AbortSignal): Promise<ItemPage> {
    const { text } = await call('GET', `${queuePath(queue, 'items')}?limit=${limit}${after > 0 ? `&after=${after}` : ''}`, { signal });
    const list = memberNamed(text, 'items');
    if (!list) throw new Error('The answer has no items');
    const items: Item[] = [];
    for (const { start } of elements(text, list.start)) {
        const id = memberNamed(text, 'id', start);
        const value = memberNamed(text, 'value', start);
        if (id && value) items.push({ id: Number(text.slice(id.start, id.end)), text: text.slice(value.start, value.end) });
    }
    return { items, complete: memberNamed(text, 'next') === null };
}
