// SPDX-License-Identifier: MIT
// Everything that can be done with queues.
import assert from 'node:assert/strict';
import { run, until } from '../lib/walkv.mjs';
import { test } from '../lib/runner.mjs';
import { queueRow, toast, valueText } from '../lib/ui.mjs';

async function openQueue(t, name) {
    const page = await t.open(`#/queues?${new URLSearchParams({ queue: name })}`);
    await page.getByRole('article').getByRole('button', { name: 'Dequeue' }).waitFor();
    return page;
}

/** The texts of the items on the page, the next one first. */
async function itemTexts(page) {
    return page.getByRole('listbox', { name: 'Items' }).getByRole('option').locator('.mono').allTextContents();
}

async function itemsBecome(page, wanted) {
    await until(async () => JSON.stringify(await itemTexts(page)) === JSON.stringify(wanted), `the items to be ${wanted}`).catch(async (error) => {
        throw new Error(`${error.message}; they are ${await itemTexts(page)}`);
    });
}

async function menu(page, entry) {
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: entry }).click();
}

test('queues: a queue begins with its first item', async (t) => {
    const page = await t.open('#/queues');
    await page.getByText('No queues yet').waitFor();
    await page.getByRole('button', { name: /New/ }).first().click();
    const dialog = page.getByRole('dialog', { name: 'New queue' });
    await dialog.getByLabel('Queue', { exact: true }).fill('mail');
    await dialog.getByRole('textbox', { name: 'First item' }).fill('{"to": "ada"}');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await toast(page, 'Queue created');
    await queueRow(page, 'mail').waitFor();
    assert.deepEqual(await t.walkv.queues(), { mail: 1 });
    assert.deepEqual(await t.walkv.items('mail'), [{ to: 'ada' }]);
    await itemsBecome(page, ['{"to":"ada"}']);
});

test('queues: a new queue whose name is taken adds to it, and says so before', async (t) => {
    await t.walkv.enqueue('mail', '1');
    const page = await t.open('#/queues');
    await queueRow(page, 'mail').waitFor();
    await page.keyboard.press('n');
    const dialog = page.getByRole('dialog', { name: 'New queue' });
    await dialog.getByLabel('Queue', { exact: true }).fill('mail');
    await dialog.getByText('There is a queue of this name: the item goes to its end').waitFor();
    await dialog.getByRole('textbox', { name: 'First item' }).fill('2');
    await dialog.getByRole('button', { name: 'Add' }).click();
    await toast(page, 'Item added');
    assert.deepEqual(await t.walkv.items('mail'), [1, 2]);
});

test('queues: enqueue and dequeue, in order, exactly', async (t) => {
    await t.walkv.enqueue('q', '12345678901234567890');
    const page = await openQueue(t, 'q');
    await page.getByRole('button', { name: 'Enqueue' }).click();
    const area = page.getByRole('textbox', { name: 'New item' });
    await area.fill('{"n": 1.0}');
    await area.press('Control+Enter');
    await toast(page, '2 items in the queue');
    await area.fill('null');
    await page.getByRole('button', { name: 'Add to the end' }).click();
    await toast(page, '3 items in the queue');
    await itemsBecome(page, ['12345678901234567890', '{"n":1.0}', 'null']);
    await page.getByRole('button', { name: 'Close', exact: true }).click();

    for (const [text, left] of [['12345678901234567890', 2], ['{"n":1.0}', 1], ['null', 0]]) {
        await page.getByRole('button', { name: 'Dequeue' }).click();
        const taken = page.getByRole('region', { name: 'Taken from the queue' });
        await taken.waitFor();
        if (text.startsWith('{')) await taken.getByRole('radio', { name: 'Raw' }).click();
        await taken.locator('pre').filter({ hasText: text }).waitFor();
        await until(async () => (await t.walkv.queues()).q === left, `${left} left`);
        if (left > 0) await itemsBecome(page, ['12345678901234567890', '{"n":1.0}', 'null'].slice(-left));
    }
    await page.getByText('Nothing waits here').waitFor();
    t.expect(/404/);
    await page.getByRole('button', { name: 'Dequeue' }).click();
    await toast(page, 'Nothing to take');
    assert.deepEqual(await t.walkv.queues(), { q: 0 });
});

test('queues: peek takes nothing', async (t) => {
    await t.walkv.enqueue('q', '"first"');
    await t.walkv.enqueue('q', '"second"');
    const page = await openQueue(t, 'q');
    await page.getByRole('button', { name: 'Peek' }).click();
    await page.getByRole('region', { name: 'Next in the queue' }).waitFor();
    await valueText(page, 'first');
    await page.getByRole('button', { name: 'Close the item' }).click();
    assert.deepEqual(await t.walkv.items('q'), ['first', 'second']);
    await menu(page, 'Peek');
    await page.getByRole('region', { name: 'Next in the queue' }).waitFor();
    assert.deepEqual(await t.walkv.items('q'), ['first', 'second']);
});

test('queues: items are browsed, over pages of the server', async (t) => {
    const lines = Array.from({ length: 2500 }, (_, i) => `{"queue":"long","value":"item ${i}"}\n`).join('');
    await t.walkv.ctl('--quiet', 'import', t.walkv.file('items.jsonl', lines));
    const page = await openQueue(t, 'long');
    const list = page.getByRole('listbox', { name: 'Items' });
    await list.getByText('"item 0"', { exact: true }).waitFor();
    await list.focus();
    // Until all of them have been read.
    await until(async () => {
        await page.keyboard.press('End');
        return (await list.getByText('"item 2499"', { exact: true }).count()) === 1;
    }, 'the last item');
    await list.getByText('"item 2499"', { exact: true }).click();
    await page.getByRole('region', { name: /^Item \d+/ }).waitFor();
    await valueText(page, 'item 2499');
    assert.deepEqual(await t.walkv.queues(), { long: 2500 });
});

test('queues: clear asks, and leaves the name', async (t) => {
    await t.walkv.enqueue('q', '1');
    await t.walkv.enqueue('q', '2');
    const page = await openQueue(t, 'q');
    await menu(page, 'Clear…');
    const ask = page.getByRole('alertdialog');
    await ask.getByText('2 waiting items are removed for good').waitFor();
    await ask.getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual(await t.walkv.queues(), { q: 2 });
    await menu(page, 'Clear…');
    await ask.getByRole('button', { name: 'Remove all items' }).click();
    await toast(page, 'Queue cleared');
    assert.deepEqual(await t.walkv.queues(), { q: 0 });
    await queueRow(page, 'q').waitFor();
    await page.getByText('Nothing waits here').waitFor();
});

test('queues: forget wants the name written when items wait', async (t) => {
    await t.walkv.enqueue('important', '1');
    await t.walkv.enqueue('other', '1');
    const page = await openQueue(t, 'important');
    await menu(page, 'Forget…');
    const ask = page.getByRole('alertdialog');
    const go = ask.getByRole('button', { name: 'Forget the queue' });
    assert.ok(await go.isDisabled());
    await ask.getByRole('textbox').fill('importan');
    await page.keyboard.press('Enter');
    assert.ok(await go.isDisabled());
    assert.deepEqual(await t.walkv.queues(), { important: 1, other: 1 });
    await ask.getByRole('textbox').fill('important');
    await go.click();
    await toast(page, 'Queue forgotten');
    await queueRow(page, 'important').waitFor({ state: 'hidden' });
    assert.deepEqual(await t.walkv.queues(), { other: 1 });
    assert.match(page.url(), /#\/queues$/);
});

test('queues: an empty queue is forgotten with a click', async (t) => {
    await t.walkv.enqueue('q', '1');
    await t.walkv.dequeue('q');
    const page = await openQueue(t, 'q');
    await menu(page, 'Forget…');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Forget the queue' }).click();
    await toast(page, 'Queue forgotten');
    assert.deepEqual(await t.walkv.queues(), {});
});

test('queues: the list has sizes, can be searched, and shows rates', async (t) => {
    for (let i = 0; i < 3; i += 1) await t.walkv.enqueue('jobs', String(i));
    await t.walkv.enqueue('mail', '1');
    const page = await t.open('#/queues');
    await queueRow(page, 'jobs').getByText('3', { exact: true }).waitFor();
    await page.getByText('2 queues, 4 items wait').waitFor();
    await page.getByLabel('Queues with this in their name').fill('ai');
    await queueRow(page, 'jobs').waitFor({ state: 'hidden' });
    await queueRow(page, 'mail').waitFor();
    await page.getByLabel('Queues with this in their name').fill('');
    // Something happens all the time.
    let going = true;
    const busy = (async () => {
        for (let i = 0; going; i += 1) await t.walkv.enqueue('mail', String(i));
    })();
    await queueRow(page, 'mail').getByText(/[1-9][\d,.]*\/s/).first().waitFor();
    going = false;
    await busy;
    const { mail } = await t.walkv.queues();
    await page.getByText(`2 queues, ${(mail + 3).toLocaleString('en')} items wait`).waitFor();
});

test('queues: copy as curl', async (t) => {
    const name = "it's a/queue";
    await t.walkv.enqueue(name, '"there"');
    const page = await openQueue(t, name);
    await t.takeClipboard();
    await menu(page, 'Copy as curl: enqueue');
    await toast(page, 'Command copied');
    const enqueue = await t.clipboard(page);
    assert.equal(await run(['sh', '-c', enqueue]), `{"success":true,"queue":${JSON.stringify(name)},"value":"item","size":2}`);
    await menu(page, 'Copy as curl: dequeue');
    const dequeue = await until(async () => {
        const text = await t.clipboard(page);
        return text !== enqueue && text;
    }, 'the other command');
    assert.equal(await run(['sh', '-c', dequeue]), `{"success":true,"queue":${JSON.stringify(name)},"value":"there"}`);
});
