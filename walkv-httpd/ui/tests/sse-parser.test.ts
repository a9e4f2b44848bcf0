// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { SseParser, type SseMessage } from '@/live/sse-parser';

const bytes = (text: string) => new TextEncoder().encode(text);
const parse = (text: string) => new SseParser().push(bytes(text));

describe('SseParser', () => {
    test('id, event, data', () => {
        expect(parse('id: 7\nevent: set\ndata: {"key":"a"}\n\n')).toEqual([{ id: '7', event: 'set', data: '{"key":"a"}' }]);
    });
    test('comments and unknown fields say nothing', () => {
        expect(parse(': hello\nfoo: bar\n\n:\n\n')).toEqual([]);
    });
    test('several lines of data, and one blank after the colon', () => {
        expect(parse('data:a\ndata:  b\ndata\n\n')).toEqual([{ id: '', event: 'message', data: 'a\n b\n' }]);
    });
    test('an id stays for later messages, and may be taken back', () => {
        expect(parse('id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n').map((m) => m.id)).toEqual(['1', '1', '']);
        expect(parse('id: 1\nid: 2\0\ndata: a\n\n').map((m) => m.id)).toEqual(['1']);
    });
    test('a named event without data', () => {
        expect(parse('event: reset\n\n')).toEqual([{ id: '', event: 'reset', data: '' }]);
    });
    test('retry', () => {
        const parser = new SseParser();
        parser.push(bytes('retry: 1500\nretry: soon\n\n'));
        expect(parser.retryMs).toBe(1500);
    });
    test('what is not finished is not handed on', () => {
        const parser = new SseParser('41');
        expect(parser.push(bytes('id: 42\ndata: a'))).toEqual([]);
        expect(parser.push(bytes('\n'))).toEqual([]);
        expect(parser.push(bytes('\n'))).toEqual([{ id: '42', event: 'message', data: 'a' }]);
    });
    test.each(['\n', '\r\n', '\r'])('cut at any byte, with %j', (newline) => {
        const text = [': c', 'id: 1', 'event: set', 'data: {"key":"é😀"}', '', 'id: 2', 'data: x', 'data: y', '', '', ''].join(newline);
        const whole = bytes(text);
        const wanted = [
            { id: '1', event: 'set', data: '{"key":"é😀"}' },
            { id: '2', event: 'message', data: 'x\ny' },
        ];
        for (let i = 0; i <= whole.length; i += 1)
            for (const j of [i, Math.min(i + 1, whole.length), Math.min(i + 2, whole.length)]) {
                const parser = new SseParser();
                const got: SseMessage[] = [whole.slice(0, i), whole.slice(i, j), whole.slice(j)].flatMap((part) => parser.push(part));
                expect(got).toEqual(wanted);
            }
        const slowly = new SseParser();
        expect([...whole].flatMap((byte) => slowly.push(Uint8Array.of(byte)))).toEqual(wanted);
    });
});
