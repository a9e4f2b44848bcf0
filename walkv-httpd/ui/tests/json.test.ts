// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { minify, pretty } from '@/json/format';
import { decodeString, elements, JsonError, memberNamed, members, wholeValue } from '@/json/scan';
import { JsonTree } from '@/json/tree';

const VALID = [
    '0', '-0', '1.0', '1e400', '-1.5E+10', '12345678901234567890', '""', '"\\u0000"', '"\\ud800"', '"a\\"b\\\\"', '"é 😀"',
    'true', 'false', 'null', '[]', '{}', '[[]]', '[1,2]', '{"a":1}', '{"a":{"b":[null]}}', ' [ 1 , 2 ] ', '\t{\r\n"a" : 1 }', '{"":0}',
    '{"a":1,"a":2}',
];
const INVALID = [
    '', ' ', '01', '-', '1.', '.5', '+1', '1e', '1e+', 'NaN', 'tru', 'nul', '"', '"\n"', '"\\x"', '"\\u12g4"', '[1,]', '[,1]', '[1 2]',
    '[', ']', '{', '{"a"}', '{"a":}', '{a:1}', '{"a":1,}', '{"a":1 "b":2}', '1 2', '[1}', '{"a":1]', "'a'", '[1', '\u00a01', '// x\n1',
];

describe('scan', () => {
    test.each(VALID)('takes %s', (text) => {
        const span = wholeValue(text);
        expect(text.slice(span.start, span.end)).toBe(text.trim());
        expect(() => JSON.parse(text) as unknown).not.toThrow();
    });
    test.each(INVALID)('refuses %j', (text) => {
        expect(() => wholeValue(text)).toThrow(JsonError);
        expect(() => JSON.parse(text) as unknown).toThrow();
    });
    test('names line and column', () => {
        expect(() => wholeValue('{"a":1,\n  x}')).toThrow('Line 2, column 3: expected a name in double quotes');
        expect(() => wholeValue('[')).toThrow('Line 1, column 2');
    });
    test('needs no stack for nesting', () => {
        const deep = '['.repeat(200_000) + ']'.repeat(200_000);
        expect(wholeValue(deep).end).toBe(400_000);
    });
    test('keeps the text of a value', () => {
        const body = '{"success":true,"key":"value","value":{"n":12345678901234567890,"value":1.0}}';
        const span = memberNamed(body, 'value');
        expect(span && body.slice(span.start, span.end)).toBe('{"n":12345678901234567890,"value":1.0}');
        expect(memberNamed(body, 'nothing')).toBeNull();
        expect(memberNamed('{"a":1,"\\u0061":2}', 'a')).toEqual({ start: 16, end: 17 });
    });
    test('lists members and elements', () => {
        const object = '{"a" : 1, "b":[2, 3] }';
        expect([...members(object, 0)].map((m) => [decodeString(object, m.name), object.slice(m.value.start, m.value.end)])).toEqual([
            ['a', '1'],
            ['b', '[2, 3]'],
        ]);
        const list = '[ 1.0 ,{"x":"]"}, "," ]';
        expect([...elements(list, 0)].map((e) => list.slice(e.start, e.end))).toEqual(['1.0', '{"x":"]"}', '","']);
    });
    test('is fast enough for a large value', () => {
        const large = `[${Array.from({ length: 200_000 }, (_, i) => `{"id":${i},"s":"some text ${i}"}`).join(',')}]`;
        const started = performance.now();
        wholeValue(large);
        expect(performance.now() - started).toBeLessThan(3000);
    });
});

describe('format', () => {
    test.each(VALID)('keeps %s', (text) => {
        expect(minify(pretty(text))).toBe(minify(text));
        expect(JSON.parse(pretty(text))).toEqual(JSON.parse(text));
    });
    test('one member a line', () => {
        expect(pretty('{"a":[1.0,{}],"b":{"c":"{,}"},"d":[]}')).toBe(
            '{\n  "a": [\n    1.0,\n    {}\n  ],\n  "b": {\n    "c": "{,}"\n  },\n  "d": []\n}',
        );
    });
    test('keeps spellings', () => {
        expect(minify('[ 1e400, 1.00, -0, "\\u0041", 12345678901234567890 ]')).toBe('[1e400,1.00,-0,"\\u0041",12345678901234567890]');
    });
});

describe('tree', () => {
    const text = '{"a":[10,20,{"b":1.0}],"c":"x"}';
    test('shows the root closed and open', () => {
        const tree = new JsonTree(text);
        expect(tree.lines(new Set()).map((l) => [l.open, l.childCount])).toEqual([[false, 2]]);
        const open = tree.openAtFirst(100);
        expect(tree.lines(open).map((l) => `${' '.repeat(l.node.depth)}${l.node.label ?? ''}`)).toEqual(['', ' "a"', '  0', '  1', '  2', '   "b"', ' "c"']);
    });
    test('opens a level only if it fits', () => {
        const wide = new JsonTree(`{"list":[${'1,'.repeat(999)}1],"small":[1]}`);
        const lines = wide.lines(wide.openAtFirst(50));
        expect(lines.map((l) => l.open)).toEqual([true, false, true, null]);
        expect(lines[1]?.childCount).toBe(1000);
    });
    test('has nothing to open in an empty object', () => {
        expect(new JsonTree('{}').lines(new Set([0]))).toMatchObject([{ open: null, childCount: 0 }]);
    });
});
