// SPDX-License-Identifier: MIT
// What one page does is seen by the others, over one stream for all tabs of a browser.
import assert from 'node:assert/strict';
import { until } from '../lib/walkv.mjs';
import { test } from '../lib/runner.mjs';
import { createKey, keyRow, queueRow, saved, toast, valueText } from '../lib/ui.mjs';

test('live: two pages show the same, and share one stream', { expect: [/404/] }, async (t) => {
    await t.walkv.set('old', '"before"');
    const one = await t.open('#/keys?key=old');
    const two = await t.open('#/keys?key=old');
    await valueText(two, 'before');
    await one.bringToFront(); // a page behind others draws slowly
    await createKey(one, 'new', '1');
    await toast(one, 'new created');
    await keyRow(two, 'new').waitFor();
    // The value on the screen, too.
    await keyRow(one, 'old').click();
    await one.getByRole('button', { name: 'Edit' }).click();
    await one.getByRole('textbox', { name: 'Value' }).fill('"after"');
    await one.getByRole('button', { name: 'Save' }).click();
    await saved(one, 'old');
    await valueText(two, 'after');
    // And back.
    await two.bringToFront();
    await two.getByRole('button', { name: 'Delete this key' }).click();
    await keyRow(one, 'old').waitFor({ state: 'hidden' });
    assert.equal(t.eventRequests.length, 1);
});

test('live: the stream passes on when the tab that reads it is closed', async (t) => {
    const one = await t.open('#/keys');
    const two = await t.open('#/keys');
    // The first may come with the list itself; of the others it is told, and so of where the stream stands.
    for (const key of ['first', 'seen', 'seen-too']) {
        await t.walkv.set(key, '1');
        await keyRow(two, key).waitFor();
    }
    await one.close();
    await t.walkv.set('later', '1');
    await keyRow(two, 'later').waitFor();
    await t.connection(two, 'Live');
    assert.equal(t.eventRequests.length, 2);
    // It went on where the other was.
    assert.match((await t.eventRequests[1].allHeaders())['last-event-id'] ?? '', /^\d+$/);
});

test('live: queues, between two pages', async (t) => {
    await t.walkv.enqueue('jobs', '"a"');
    const one = await t.open('#/queues?queue=jobs');
    const two = await t.open('#/queues?queue=jobs');
    await queueRow(two, 'jobs').getByText('1', { exact: true }).waitFor();
    await one.bringToFront();
    await one.keyboard.press('e');
    await one.getByRole('textbox', { name: 'New item' }).fill('"b"');
    await one.getByRole('button', { name: 'Add to the end' }).click();
    await queueRow(two, 'jobs').getByText('2', { exact: true }).waitFor();
    await two.getByRole('listbox', { name: 'Items' }).getByText('"b"', { exact: true }).waitFor();
    await two.bringToFront();
    await two.getByRole('button', { name: 'Dequeue' }).click();
    await queueRow(one, 'jobs').getByText('1', { exact: true }).waitFor();
    await until(async () => (await one.getByRole('listbox', { name: 'Items' }).getByRole('option').count()) === 1, 'one item');
    await t.walkv.enqueue('fresh', '1');
    for (const page of [one, two]) await queueRow(page, 'fresh').waitFor();
});

test('live: a thousand writes in one go arrive as they are in the end', async (t) => {
    const page = await t.open('#/keys');
    const lines = Array.from({ length: 1000 }, (_, i) => `{"key":"k${String(i).padStart(4, '0')}","value":${i}}\n`).join('');
    await t.walkv.ctl('--quiet', 'import', t.walkv.file('many.jsonl', lines));
    // Too many to be told one by one: the list is read again from its beginning.
    await page.getByText(/1,000 keys$|of 1,000$/).waitFor();
    await page.getByRole('listbox', { name: 'Keys' }).focus();
    await until(async () => {
        await page.keyboard.press('End');
        return (await keyRow(page, 'k0999').count()) === 1;
    }, 'the last key');
    await page.getByText('1,000 keys', { exact: true }).waitFor();
    assert.equal(t.eventRequests.length, 1);
});

test('live: a page that was away for longer than the history reads everything anew', { walkvd: { change_history: '100' } }, async (t) => {
    await t.walkv.set('first', '1');
    const page = await t.open('#/keys');
    await keyRow(page, 'first').waitFor();
    t.expect(/ERR_INTERNET_DISCONNECTED/);
    await t.context.setOffline(true);
    // A stream that is open stays so in an offline context: break it.
    t.expect(/ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION/);
    t.walkv.httpd.signal('SIGTERM');
    await t.walkv.httpd.ended;
    await t.walkv.startHttpd();
    await t.connection(page, /Unreachable|Reconnecting/);
    for (let i = 0; i < 150; i += 1) await t.walkv.set(`k${i}`, '1');
    await t.walkv.delete('first');
    await t.context.setOffline(false);
    await t.connection(page, 'Live');
    await page.getByText('150 keys', { exact: true }).waitFor();
    await keyRow(page, 'first').waitFor({ state: 'hidden' });
});
