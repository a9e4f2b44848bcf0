// SPDX-License-Identifier: MIT
// Names for writes, so that one that is sent again is done once. Not crypto.randomUUID(): a page that came over
// plain http from another host does not have it.

const NAME_BYTES = 16;

export function newIdempotencyKey(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(NAME_BYTES));
    return `ui-${Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')}`;
}
