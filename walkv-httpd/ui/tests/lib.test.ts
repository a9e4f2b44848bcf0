// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { curlCommand, shellQuote } from '@/lib/curl';
import { parseRoute, routeHash } from '@/lib/route';
import { bytes, duration, percentText, plural, rate } from '@/lib/units';
import { compareUtf8, isAddressable, nameProblem, pathSegment, visible } from '@/lib/utf8';

describe('utf8', () => {
    test('order is that of the bytes', () => {
        const names = ['', 'a', 'a\0', 'ab', 'b', 'z', '\u007f', '\u0080', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10000}a', '😀', '\u{10ffff}'];
        const byBytes = [...names].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
        expect([...names].reverse().sort(compareUtf8)).toEqual(byBytes);
        expect(compareUtf8('same', 'same')).toBe(0);
    });
    test('names', () => {
        expect(nameProblem('a/b')).toBeNull();
        expect(nameProblem('')).toMatch('at least one');
        expect(nameProblem('a\0')).toMatch('NUL');
        expect(nameProblem('\ud800')).toMatch('half');
        expect(nameProblem('é'.repeat(250))).toBeNull();
        expect(nameProblem('é'.repeat(250) + 'a')).toMatch('501');
        expect([isAddressable('.'), isAddressable('..'), isAddressable('...')]).toEqual([false, false, true]);
        expect(pathSegment('a/b c?#%\'"😀')).toBe("a%2Fb%20c%3F%23%25'%22%F0%9F%98%80");
    });
    test('nothing hides', () => {
        expect(visible('a\nb\u202ec\u007f')).toBe('a\\nb\\u202ec\\u007f');
    });
});

describe('curl', () => {
    test.each(["it's", '$(reboot) `x` "y" \\', 'a\nb', '', '!x', '-n', 'é😀', '~', '*'])('a shell reads %j as it is', (text) => {
        expect(execFileSync('sh', ['-c', `printf %s. ${shellQuote(text).replace(/^-/, "''-")}`], { encoding: 'utf8' })).toBe(`${text}.`);
    });
    test('a command', () => {
        expect(curlCommand({ method: 'GET', url: 'http://h:1/api/kv/user%3A1' })).toBe('curl -sS http://h:1/api/kv/user%3A1');
        expect(curlCommand({ method: 'PUT', url: "http://h/api/kv/it's", body: '{"value":"\'"}', withToken: true })).toBe(
            `curl -sS -X PUT 'http://h/api/kv/it'\\''s' -H "Authorization: Bearer $WALKV_TOKEN" -H 'Content-Type: application/json' --data-raw '{"value":"'\\''"}'`,
        );
        expect(curlCommand({ method: 'GET', url: 'http://h/api/kv/..' })).toContain('--path-as-is');
    });
});

describe('route', () => {
    test.each(['a', 'a/b', 'x y&z=1#?', '😀', '%2F', '+'])('brings %j back', (key) => {
        expect(parseRoute(routeHash('keys', { key }))).toEqual({ page: 'keys', params: { key } });
    });
    test('unknown pages are the overview', () => {
        expect(parseRoute('')).toEqual({ page: 'overview', params: {} });
        expect(parseRoute('#/nothing?x=1').page).toBe('overview');
        expect(routeHash('overview')).toBe('#/');
    });
});

describe('units', () => {
    test.each([
        [bytes(0), '0 B'], [bytes(1023), '1023 B'], [bytes(1536), '1.5 KiB'], [bytes(67_108_864), '64.0 MiB'],
        [rate(0), '0'], [rate(0.25), '0.3'], [rate(1234.4), '1,234'],
        [duration(32), '32 ms'], [duration(5500), '5.5 s'], [duration(65_000), '1 min 5 s'], [duration(7_260_000), '2 h 1 min'],
        [percentText(0, 10), '0.0 %'], [percentText(1, 100_000), '<0.1 %'], [percentText(50, 100), '50 %'],
        [plural(1, 'key'), '1 key'], [plural(2000, 'key'), '2,000 keys'],
    ])('%s', (got, wanted) => expect(got).toBe(wanted));
});
