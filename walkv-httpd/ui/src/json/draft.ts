// SPDX-License-Identifier: MIT
// What the reader writes: JSON, or text that becomes one JSON string.
import { minify } from './format';
import { JsonError } from './scan';

export interface Draft {
    text: string;
    mode: 'json' | 'string';
}

export type Outcome = { ok: true; json: string } | { ok: false; problem: string; offset: number | null };

export function outcomeOf({ text, mode }: Draft): Outcome {
    if (mode === 'string') return { ok: true, json: JSON.stringify(text) };
    if (text.trim() === '') return { ok: false, problem: 'Write a JSON value: "text" in quotes, 42, true, null, [1, 2] or {"a": 1}', offset: null };
    try {
        return { ok: true, json: minify(text) };
    } catch (error) {
        if (error instanceof JsonError) return { ok: false, problem: error.message, offset: error.offset };
        throw error;
    }
}
