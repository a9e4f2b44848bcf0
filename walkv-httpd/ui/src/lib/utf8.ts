// SPDX-License-Identifier: MIT
// Names as walkv sees them: bytes of UTF-8. Lists are in the order of these bytes, which is not that of JavaScript.

const NAME_BYTES_MAX = 500;
const encoder = new TextEncoder();

/** The order of the UTF-8 bytes of `a` and `b`: below, equal to or above 0. */
export function compareUtf8(a: string, b: string): number {
    const end = Math.min(a.length, b.length);
    for (let i = 0; i < end; i += 1) {
        const x = a.charCodeAt(i);
        const y = b.charCodeAt(i);
        if (x === y) continue;
        // Halves of pairs stand for characters behind all others, and have smaller numbers than some of them.
        const xIsHalf = x >= 0xd800 && x <= 0xdfff;
        const yIsHalf = y >= 0xd800 && y <= 0xdfff;
        if (xIsHalf !== yIsHalf) return xIsHalf ? 1 : -1;
        return x - y;
    }
    return a.length - b.length;
}

export function utf8Bytes(text: string): number {
    return encoder.encode(text).length;
}

/** Why this cannot be the name of a key or a queue, or null. */
export function nameProblem(name: string): string | null {
    if (name === '') return 'A name has at least one character';
    if (name.includes('\0')) return 'A name has no NUL in it';
    if (/[\ud800-\udfff]/u.test(name)) return 'This has half a character in it';
    if (utf8Bytes(name) > NAME_BYTES_MAX) return `A name has at most ${NAME_BYTES_MAX} bytes, and this has ${utf8Bytes(name)}`;
    return null;
}

/** Browsers take `.` and `..` out of an address, however they are written, so these two names cannot be asked for. */
export function isAddressable(name: string): boolean {
    return name !== '.' && name !== '..';
}

/** A name as one segment of a path. Throws URIError on half a character. */
export function pathSegment(name: string): string {
    return encodeURIComponent(name);
}

/** Controls, and what has no width or changes the direction of writing. */
const HIDDEN = /[\p{Cc}\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;

const ESCAPES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** For showing: what would be invisible, or would turn other characters around, becomes an escape as in JSON. */
export function visible(text: string): string {
    return text.replace(HIDDEN, (c) => ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
