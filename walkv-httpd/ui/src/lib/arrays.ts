// SPDX-License-Identifier: MIT

/** A copy with `items` in place of `count` elements from `start` on. (Array.prototype.toSpliced needs Node 20.) */
export function spliced<T>(array: readonly T[], start: number, count: number, ...items: T[]): T[] {
    return [...array.slice(0, start), ...items, ...array.slice(start + count)];
}
