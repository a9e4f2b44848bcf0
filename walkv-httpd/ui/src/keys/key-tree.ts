// SPDX-License-Identifier: MIT
// Keys as folders: what stands before a separator. The server knows no folders, so a level is found by leaps: read a page,
// and if it ends inside of a folder, go on behind that folder. A folder of a million keys costs one request.
import type { KeyPage } from '@/api/kv';
import { spliced } from '@/lib/arrays';
import { compareUtf8, utf8Bytes } from '@/lib/utf8';

export interface Folder {
    kind: 'folder';
    /** With the separator at its end. */
    prefix: string;
    /** How many keys were seen below it, and whether these are all. */
    seen: number;
    exact: boolean;
}

export interface Leaf {
    kind: 'key';
    key: string;
}

export type Entry = Folder | Leaf;

export interface Level {
    entries: Entry[];
    /** Where to go on; null: the level is complete. */
    next: string | null;
}

type ReadPage = (prefix: string, after: string, limit: number) => Promise<KeyPage>;

const PAGE = 1000;
const REQUESTS_MAX = 40;
const ENTRIES_MAX = 2000;
const LAST_CHARACTER = '\u{10ffff}';
const KEY_BYTES_MAX = 500;

/** The folder of `key` directly below `prefix`, or null when it is a key of that level. A key that is nothing but
 * separators more than its folder, "a:" in "a:", stays a key. */
export function folderOf(key: string, prefix: string, separator: string): string | null {
    const at = key.indexOf(separator, prefix.length);
    return at < 0 || (at === prefix.length && key.length === at + separator.length) ? null : key.slice(0, at + separator.length);
}

/** A name behind all keys that begin with `folder`, or null when it would be too long to ask for. */
function behind(folder: string): string | null {
    const name = folder + LAST_CHARACTER;
    return utf8Bytes(name) <= KEY_BYTES_MAX ? name : null;
}

function add(entries: Entry[], keys: string[], prefix: string, separator: string): void {
    for (const key of keys) {
        const folder = folderOf(key, prefix, separator);
        const last = entries.at(-1);
        if (folder === null) entries.push({ kind: 'key', key });
        else if (last?.kind === 'folder' && last.prefix === folder) last.seen += 1;
        else entries.push({ kind: 'folder', prefix: folder, seen: 1, exact: true });
    }
}

/** Reads the level below `prefix`, from `start` on, and adds it to `before`. */
export async function readLevel(read: ReadPage, prefix: string, separator: string, before: Level = { entries: [], next: '' }): Promise<Level> {
    const entries = before.entries.map((entry) => ({ ...entry }));
    const limit = entries.length + ENTRIES_MAX;
    let after = before.next ?? '';
    for (let requests = 0; requests < REQUESTS_MAX && entries.length < limit; requests += 1) {
        const page = await read(prefix, after, PAGE);
        add(entries, page.keys, prefix, separator);
        if (page.next === undefined) return { entries, next: null };
        const last = entries.at(-1);
        const leap = last?.kind === 'folder' ? behind(last.prefix) : null;
        if (last?.kind === 'folder' && leap !== null && compareUtf8(leap, page.next) > 0) {
            last.exact = false;
            after = leap;
        } else {
            after = page.next;
        }
    }
    return { entries, next: after };
}

function orderOf(entry: Entry): string {
    return entry.kind === 'folder' ? entry.prefix : entry.key;
}

/** The level after `key` was set or deleted. The same object, when nothing changed. */
export function changeLevel(level: Level, prefix: string, separator: string, key: string, what: 'set' | 'delete'): Level {
    if (!key.startsWith(prefix) || (level.next !== null && compareUtf8(key, level.next) > 0)) return level;
    const folder = folderOf(key, prefix, separator);
    const wanted = folder ?? key;
    const kind = folder === null ? 'key' : 'folder';
    const at = level.entries.findIndex((entry) => entry.kind === kind && orderOf(entry) === wanted);
    if (what === 'delete') {
        // How many keys a folder still has is not known here; a key that is gone can be taken out.
        return kind === 'key' && at >= 0 ? { ...level, entries: spliced(level.entries, at, 1) } : level;
    }
    if (at >= 0) return level;
    const entry: Entry = folder === null ? { kind: 'key', key } : { kind: 'folder', prefix: folder, seen: 1, exact: false };
    const place = level.entries.findIndex((other) => compareUtf8(orderOf(other), wanted) > 0);
    return { ...level, entries: spliced(level.entries, place < 0 ? level.entries.length : place, 0, entry) };
}
