// SPDX-License-Identifier: MIT
// walkvd and workers are killed while a page is open: it says so, nothing is lost, and it goes on by itself.
import assert from 'node:assert/strict';
import { childrenOf, signal, until } from '../lib/walkv.mjs';
import { test } from '../lib/runner.mjs';
import { createKey, keyRow, queueRow, toast, valueText } from '../lib/ui.mjs';

const CUT_OFF = [/ERR_CONNECTION_(RESET|REFUSED|CLOSED)|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_SOCKET_NOT_CONNECTED/];
const AWAY = [...CUT_OFF, /503/];
const GONE = /404/; // the news of a delete may be here before its answer, and is looked into

test('outage: walkvd is killed and comes back', { expect: AWAY }, async (t) => {
    for (let i = 0; i < 20; i += 1) await t.walkv.set(`k${i}`, String(i));
    const page = await t.open('#/keys?key=k7');
    await valueText(page, '7');
    await t.walkv.walkvd.kill();
    await t.connection(page, 'Store restarting');
    // Reads go on: another key, and a list that was not read before.
    await keyRow(page, 'k11').click();
    await valueText(page, '11');
    await page.getByLabel('Keys that begin with').fill('k1');
    await page.getByText('11 keys', { exact: true }).waitFor();
    // A write waits, and is done when it is back: once.
    await createKey(page, 'k1-written-meanwhile', '"kept"');
    await page.getByRole('button', { name: 'Creating…' }).waitFor();
    await t.walkv.startWalkvd();
    await toast(page, 'k1-written-meanwhile created');
    await t.connection(page, 'Live');
    assert.equal(await t.walkv.value('k1-written-meanwhile'), '"kept"');
    assert.equal((await t.walkv.keys()).length, 21);
    // Live again: what others do is seen.
    await t.walkv.set('k1-by-others', '1');
    await keyRow(page, 'k1-by-others').waitFor();
});

test('outage: walkvd is killed in the middle of what the page does; nothing twice, nothing lost', { expect: AWAY }, async (t) => {
    await t.walkv.enqueue('q', '"first"');
    const page = await t.open('#/queues?queue=q');
    await page.getByRole('button', { name: 'Enqueue' }).click();
    const area = page.getByRole('textbox', { name: 'New item' });
    const wanted = ['first'];
    for (let round = 0; round < 3; round += 1) {
        for (let i = 0; i < 3; i += 1) {
            await area.fill(`"${round}.${i}"`);
            await area.press('Control+Enter');
            if (i === 1) {
                await t.walkv.walkvd.kill();
                await t.walkv.startWalkvd();
            }
            await until(async () => (await area.inputValue()) === '', 'the item to be added');
            wanted.push(`${round}.${i}`);
        }
    }
    assert.deepEqual(await t.walkv.items('q'), wanted);
    for (const [i, item] of wanted.entries()) {
        await page.getByRole('button', { name: 'Dequeue' }).click();
        if (i % 4 === 1) {
            await t.walkv.walkvd.kill();
            await t.walkv.startWalkvd();
        }
        await page.getByRole('region', { name: 'Taken from the queue' }).locator('pre').filter({ hasText: item }).waitFor();
        await until(() => page.getByRole('button', { name: 'Dequeue' }).isEnabled(), 'the answer');
    }
    assert.deepEqual(await t.walkv.items('q'), []);
});

test('outage: one worker of two is killed, then the other', { workers: 2, expect: AWAY }, async (t) => {
    await t.walkv.set('k', '0');
    const page = await t.open('#/keys?key=k');
    const killed = [];
    for (let round = 1; round <= 2; round += 1) {
        const victim = childrenOf(t.walkv.httpd.pid).find((pid) => !killed.includes(pid));
        killed.push(victim);
        signal(victim, 'SIGKILL');
        await createKey(page, `k${round}`, String(round));
        await toast(page, `k${round} created`);
        await keyRow(page, `k${round}`).waitFor();
        await t.walkv.set(`other${round}`, '1');
        await keyRow(page, `other${round}`).waitFor();
        await t.connection(page, 'Live');
        await until(() => childrenOf(t.walkv.httpd.pid).length === 2, 'two workers again');
    }
    assert.deepEqual(await t.walkv.keys(), ['k', 'k1', 'k2', 'other1', 'other2']);
    // The stream broke with the worker that it came from, and went on behind its last event.
    assert.ok(t.eventRequests.length >= 2);
    for (const request of t.eventRequests.slice(1)) assert.match((await request.allHeaders())['last-event-id'] ?? '', /^\d+$/);
});

test('outage: no worker answers, then they are back', { expect: AWAY }, async (t) => {
    await t.walkv.enqueue('q', '1');
    const page = await t.open('#/queues');
    await queueRow(page, 'q').waitFor();
    t.walkv.httpd.signal('SIGTERM');
    await t.walkv.httpd.ended;
    await t.connection(page, 'Unreachable');
    await page.getByText('walkv cannot be reached').waitFor();
    await queueRow(page, 'q').waitFor(); // what was read last
    await t.walkv.startHttpd();
    await t.connection(page, 'Live');
    await page.getByText('walkv cannot be reached').waitFor({ state: 'hidden' });
    await t.walkv.enqueue('q2', '1');
    await queueRow(page, 'q2').waitFor();
});

/** The next write of the page arrives and is done, but its answer does not come back. */
async function loseOneAnswer(page) {
    let lost = 0;
    await page.route('**/api/**', async (route) => {
        if (route.request().method() === 'GET' || lost > 0) return route.fallback();
        lost += 1;
        await route.fetch();
        await route.abort('connectionreset');
    });
    return async () => {
        assert.equal(lost, 1);
        await page.unroute('**/api/**');
    };
}

test('outage: an answer is lost, and what it was about is not done twice', { expect: [...CUT_OFF, GONE] }, async (t) => {
    await t.walkv.enqueue('q', '"first"');
    const page = await t.open('#/queues?queue=q');
    let found = await loseOneAnswer(page);
    await page.getByRole('button', { name: 'Enqueue' }).click();
    await page.getByRole('textbox', { name: 'New item' }).fill('"second"');
    await page.getByRole('textbox', { name: 'New item' }).press('Control+Enter');
    await toast(page, '2 items in the queue');
    await found();
    assert.deepEqual(await t.walkv.items('q'), ['first', 'second']);

    found = await loseOneAnswer(page);
    await page.getByRole('button', { name: 'Dequeue' }).click();
    await page.getByRole('region', { name: 'Taken from the queue' }).locator('pre').filter({ hasText: 'first' }).waitFor();
    await found();
    assert.deepEqual(await t.walkv.items('q'), ['second']);

    // Done the first time, so the second time the key is there: no reason to say that it could not be created.
    await page.getByRole('link', { name: 'Keys' }).first().click();
    await page.getByText('No keys yet').waitFor();
    found = await loseOneAnswer(page);
    await createKey(page, 'k', '1');
    await toast(page, 'k created');
    await found();

    found = await loseOneAnswer(page);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('textbox', { name: 'Value' }).fill('2');
    await page.getByRole('button', { name: 'Save' }).click();
    await toast(page, 'k saved');
    await found();
    assert.equal(await t.walkv.value('k'), '2');

    found = await loseOneAnswer(page);
    await page.getByRole('button', { name: 'Delete this key' }).click();
    await toast(page, 'k deleted');
    await found();
    assert.equal(await t.walkv.value('k'), null);
});
