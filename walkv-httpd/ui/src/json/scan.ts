// SPDX-License-Identifier: MIT
// Finds its way in JSON text (RFC 8259) without making values of it: JSON.parse would turn 12345678901234567890 into
// 12345678901234567000 and 1.0 into 1, and walkv promises to give back what was stored. Everything here works with
// offsets into the text, takes no stack for nesting, and is strict.

export type Kind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null';

export interface Span {
    start: number;
    /** Behind the last character. */
    end: number;
}

export interface Member {
    /** The name as it is written, with its quotes. */
    name: Span;
    value: Span;
}

export class JsonError extends Error {
    override readonly name = 'JsonError';
    readonly line: number;
    readonly column: number;
    constructor(
        text: string,
        readonly offset: number,
        readonly wanted: string,
    ) {
        const before = text.slice(0, offset);
        const line = before.split('\n').length;
        const column = offset - before.lastIndexOf('\n');
        super(`Line ${line}, column ${column}: ${wanted}`);
        this.line = line;
        this.column = column;
    }
}

const TAB = 9;
const LINE_FEED = 10;
const RETURN = 13;
const BLANK = 32;
const QUOTE = 34;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

export function skipSpace(text: string, at: number): number {
    for (;;) {
        const c = text.charCodeAt(at);
        if (c !== BLANK && c !== LINE_FEED && c !== RETURN && c !== TAB) return at;
        at += 1;
    }
}

export function kindAt(text: string, at: number): Kind {
    switch (text[at]) {
        case '{':
            return 'object';
        case '[':
            return 'array';
        case '"':
            return 'string';
        case 't':
            return 'true';
        case 'f':
            return 'false';
        case 'n':
            return 'null';
        default:
            return 'number';
    }
}

function isHex(text: string, at: number): boolean {
    return /^[0-9a-fA-F]{4}$/.test(text.slice(at, at + 4));
}

function stringEnd(text: string, start: number): number {
    let at = start + 1;
    for (;;) {
        const c = text.charCodeAt(at);
        if (c === QUOTE) return at + 1;
        if (Number.isNaN(c)) throw new JsonError(text, start, 'this string has no end');
        if (c < BLANK) throw new JsonError(text, at, 'a control character in a string must be written as an escape');
        if (c !== BACKSLASH) {
            at += 1;
            continue;
        }
        const escape = text[at + 1] ?? '';
        if (escape === 'u') {
            if (!isHex(text, at + 2)) throw new JsonError(text, at, 'after \\u come four hexadecimal digits');
            at += 6;
        } else if ('"\\/bfnrt'.includes(escape) && escape !== '') {
            at += 2;
        } else {
            throw new JsonError(text, at, 'there is no such escape');
        }
    }
}

function digitsEnd(text: string, start: number): number {
    let at = start;
    for (let c = text.charCodeAt(at); c >= ZERO && c <= NINE; c = text.charCodeAt(at)) at += 1;
    if (at === start) throw new JsonError(text, at, 'expected a digit');
    return at;
}

function numberEnd(text: string, start: number): number {
    let at = text.charCodeAt(start) === MINUS ? start + 1 : start;
    if (text.charCodeAt(at) === ZERO) {
        at += 1;
        const c = text.charCodeAt(at);
        if (c >= ZERO && c <= NINE) throw new JsonError(text, at, 'a number does not begin with 0');
    } else {
        at = digitsEnd(text, at);
    }
    if (text.charCodeAt(at) === DOT) at = digitsEnd(text, at + 1);
    if (text[at] === 'e' || text[at] === 'E') {
        at += 1;
        const sign = text.charCodeAt(at);
        at = digitsEnd(text, sign === PLUS || sign === MINUS ? at + 1 : at);
    }
    return at;
}

function scalarEnd(text: string, at: number): number {
    const c = text.charCodeAt(at);
    if (c === QUOTE) return stringEnd(text, at);
    if (c === MINUS || (c >= ZERO && c <= NINE)) return numberEnd(text, at);
    for (const word of ['true', 'false', 'null']) if (text.startsWith(word, at)) return at + word.length;
    throw new JsonError(text, at, at >= text.length ? 'expected a value, and the text ends' : 'expected a value');
}

/** `at` is where a name should stand. Returns where its value begins. */
function memberValue(text: string, at: number): number {
    if (text.charCodeAt(at) !== QUOTE) throw new JsonError(text, at, 'expected a name in double quotes');
    const colon = skipSpace(text, stringEnd(text, at));
    if (text.charCodeAt(colon) !== COLON) throw new JsonError(text, colon, 'expected a colon');
    return skipSpace(text, colon + 1);
}

/** The end of the value that begins at `start`. Throws JsonError. */
export function valueEnd(text: string, start: number): number {
    const closers: number[] = [];
    let at = start;
    for (;;) {
        const c = text.charCodeAt(at);
        if (c === OPEN_OBJECT || c === OPEN_LIST) {
            const closer = c === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST;
            at = skipSpace(text, at + 1);
            if (text.charCodeAt(at) !== closer) {
                closers.push(closer);
                if (closer === CLOSE_OBJECT) at = memberValue(text, at);
                continue;
            }
            at += 1;
        } else {
            at = scalarEnd(text, at);
        }
        for (;;) {
            const closer = closers.at(-1);
            if (closer === undefined) return at;
            at = skipSpace(text, at);
            const next = text.charCodeAt(at);
            at += 1;
            if (next === closer) {
                closers.pop();
                continue;
            }
            if (next !== COMMA)
                throw new JsonError(text, at - 1, `expected a comma or ${closer === CLOSE_LIST ? ']' : '}'}`);
            at = skipSpace(text, at);
            if (closer === CLOSE_OBJECT) at = memberValue(text, at);
            break;
        }
    }
}

/** Checks that the whole text is one value, and returns where that stands. */
export function wholeValue(text: string): Span {
    const start = skipSpace(text, 0);
    const end = valueEnd(text, start);
    const rest = skipSpace(text, end);
    if (rest !== text.length) throw new JsonError(text, rest, 'there is something behind the value');
    return { start, end };
}

/** The members of the object that begins at `start`, in their order. */
export function* members(text: string, start: number): Generator<Member> {
    let at = skipSpace(text, start + 1);
    while (text.charCodeAt(at) !== CLOSE_OBJECT) {
        const valueStart = memberValue(text, at);
        const name = { start: at, end: stringEnd(text, at) };
        const value = { start: valueStart, end: valueEnd(text, valueStart) };
        yield { name, value };
        at = skipSpace(text, value.end);
        if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
        else if (text.charCodeAt(at) !== CLOSE_OBJECT) throw new JsonError(text, at, 'expected a comma or }');
    }
}

/** The elements of the array that begins at `start`. */
export function* elements(text: string, start: number): Generator<Span> {
    let at = skipSpace(text, start + 1);
    while (text.charCodeAt(at) !== CLOSE_LIST) {
        const value = { start: at, end: valueEnd(text, at) };
        yield value;
        at = skipSpace(text, value.end);
        if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
        else if (text.charCodeAt(at) !== CLOSE_LIST) throw new JsonError(text, at, 'expected a comma or ]');
    }
}

/** A string as it is written, with its quotes, to what it means. */
export function decodeString(text: string, span: Span): string {
    return JSON.parse(text.slice(span.start, span.end)) as string;
}

/** Where the value of a member of an object stands; of several with one name, the last. */
export function memberNamed(text: string, name: string, start = skipSpace(text, 0)): Span | null {
    let found: Span | null = null;
    for (const member of members(text, start)) if (decodeString(text, member.name) === name) found = member.value;
    return found;
}
