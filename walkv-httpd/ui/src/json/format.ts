// SPDX-License-Identifier: MIT
// Other white space for the same JSON text. Strings and numbers are copied as they are written.
import { skipSpace, wholeValue } from './scan';

const INDENT = '  ';
/** A string, a number or word, or one of {}[],: */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gy;

function* tokens(text: string): Generator<string> {
    let at = skipSpace(text, 0);
    while (at < text.length) {
        TOKEN.lastIndex = at;
        const token = TOKEN.exec(text)?.[0];
        if (token === undefined) return;
        yield token;
        at = skipSpace(text, at + token.length);
    }
}

/** Throws JsonError when `text` is not valid. */
export function minify(text: string): string {
    wholeValue(text);
    return [...tokens(text)].join('');
}

/** One member or element a line. Throws JsonError when `text` is not valid. */
export function pretty(text: string): string {
    wholeValue(text);
    const out: string[] = [];
    let depth = 0;
    let before = '';
    const newLine = () => out.push('\n', INDENT.repeat(depth));
    for (const token of tokens(text)) {
        const closes = token === '}' || token === ']';
        if (closes) depth -= 1;
        if (before === '{' || before === '[') {
            if (!closes) newLine();
        } else if (closes || before === ',') {
            newLine();
        }
        out.push(token === ':' ? ': ' : token);
        if (token === '{' || token === '[') depth += 1;
        before = token;
    }
    return out.join('');
}
