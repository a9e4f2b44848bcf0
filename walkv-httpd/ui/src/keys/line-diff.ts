// SPDX-License-Identifier: MIT
// Which lines of two texts have no partner in the other, by the longest common subsequence. Texts that are too long for
// that are compared at their ends alone.

const CELLS_MAX = 4_000_000;

export interface Difference {
    inLeft: Set<number>;
    inRight: Set<number>;
}

export function differingLines(left: string[], right: string[]): Difference {
    let head = 0;
    while (head < left.length && head < right.length && left[head] === right[head]) head += 1;
    let tail = 0;
    while (tail < left.length - head && tail < right.length - head && left.at(-1 - tail) === right.at(-1 - tail)) tail += 1;
    const a = left.slice(head, left.length - tail);
    const b = right.slice(head, right.length - tail);
    const inLeft = new Set(a.keys());
    const inRight = new Set(b.keys());
    if (a.length * b.length <= CELLS_MAX) {
        const width = b.length + 1;
        const common = new Uint32Array((a.length + 1) * width);
        const at = (i: number, j: number) => common[i * width + j] ?? 0;
        for (let i = a.length - 1; i >= 0; i -= 1)
            for (let j = b.length - 1; j >= 0; j -= 1)
                common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
        for (let i = 0, j = 0; i < a.length && j < b.length; ) {
            if (a[i] === b[j]) {
                inLeft.delete(i++);
                inRight.delete(j++);
            } else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
            else j += 1;
        }
    }
    const shift = (lines: Set<number>) => new Set([...lines].map((i) => i + head));
    return { inLeft: shift(inLeft), inRight: shift(inRight) };
}
