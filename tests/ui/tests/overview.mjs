// SPDX-License-Identifier: MIT
// What the store says of itself, and the API with examples that run.
import assert from 'node:assert/strict';
import { run } from '../lib/walkv.mjs';
import { test } from '../lib/runner.mjs';
import { toast } from '../lib/ui.mjs';

test('overview: the figures are those of the status, and follow it', async (t) => {
    for (let i = 0; i < 5; i += 1) await t.walkv.set(`k${i}`, '1');
    await t.walkv.enqueue('q', '1');
    await t.walkv.enqueue('q', '2');
    const page = await t.open();
    const tile = (name) => page.getByRole('main').locator('a,div,section').filter({ hasText: new RegExp(`^${name}`) }).last();
    await tile('Keys').getByText('5', { exact: true }).waitFor();
    await tile('Queued items').getByText('2', { exact: true }).waitFor();
    await tile('Queued items').getByText(/in 1 queue/).waitFor();
    const status = JSON.parse((await t.walkv.must('GET', 'api/status')).text);
    for (const title of ['Durability', 'Last start', 'Workers']) await page.getByRole('region', { name: title }).waitFor();
    await page.getByText(status.store_id).waitFor();
    assert.equal(await page.getByRole('region', { name: 'Durability' }).getByText('sync', { exact: true }).count(), 1);
    await t.walkv.set('k5', '1');
    await tile('Keys').getByText('6', { exact: true }).waitFor();
    await t.walkv.must('PUT', 'api/kv/k6', { body: '{"value":1}' });
    await t.walkv.ctl('checkpoint');
    await page.getByRole('region', { name: 'Durability' }).getByText(/ago$/).waitFor();
    // The charts are drawn, with a text for who cannot see them.
    await page.getByRole('region', { name: 'Operations per second' }).locator('canvas').waitFor();
    const drawn = await page.getByRole('region', { name: 'Operations per second' }).locator('canvas').evaluate((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.some((byte) => byte !== 0);
    });
    assert.ok(drawn);
});

test('overview: goes on from its tiles', async (t) => {
    await t.walkv.set('k', '1');
    const page = await t.open();
    await page.getByRole('main').getByRole('link', { name: /Keys/ }).click();
    await page.getByRole('heading', { name: 'Keys', level: 1 }).waitFor({ state: 'attached' });
    await page.goBack();
    await page.getByRole('main').getByRole('link', { name: /Queued items/ }).click();
    await page.getByRole('heading', { name: 'Queues', level: 1 }).waitFor({ state: 'attached' });
    assert.equal(await page.title(), 'Queues · walkv');
});

test('docs: every operation of the server is there, and its example runs', { expect: [/ 4\d\d$/, /status of 4\d\d/] }, async (t) => {
    const document = JSON.parse((await t.walkv.must('GET', 'openapi.json')).text);
    const wanted = Object.entries(document.paths).flatMap(([path, item]) =>
        ['get', 'post', 'put', 'patch', 'delete'].filter((method) => item[method]).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const page = await t.open('#/docs');
    await page.getByRole('article').first().waitFor();
    const shown = await page.getByRole('article').evaluateAll((cards) => cards.map((card) => card.getAttribute('aria-label')));
    assert.deepEqual([...shown].sort(), [...wanted].sort());

    const answers = {};
    for (const name of shown) {
        const card = page.getByRole('article', { name, exact: true });
        await card.getByRole('button', { expanded: false }).click();
        const runButton = card.getByRole('button', { name: 'Run' });
        if ((await runButton.count()) === 0) continue; // a stream has no end
        await runButton.click();
        await card.getByRole('region', { name: 'Body of the answer' }).waitFor();
        answers[name] = Number(await card.locator('[aria-live] p > *').first().textContent());
        await card.getByRole('button', { expanded: true }).first().click();
    }
    // In the order of the document each finds what those before it have made, or says that it is not there.
    for (const [name, status] of Object.entries(answers)) assert.ok(status < 300 || status === 404, `${name}: ${status}`);
    assert.ok(Object.values(answers).filter((status) => status < 300).length > Object.keys(answers).length / 2, JSON.stringify(answers));
});

test('docs: an example can be changed, and copied as curl', async (t) => {
    const page = await t.open('#/docs');
    await page.getByLabel('Search the API').fill('put kv');
    const card = page.getByRole('article', { name: 'PUT /api/kv/{key}', exact: true });
    await card.waitFor();
    assert.equal(await page.getByRole('article').count(), 1);
    await card.getByRole('button', { expanded: false }).click();
    await card.getByLabel('Path').fill('/api/kv/from%20the%20docs');
    await card.getByLabel('Body', { exact: true }).fill('{"value": 12345678901234567890}');
    await card.getByRole('button', { name: 'Run' }).click();
    await card.getByRole('region', { name: 'Body of the answer' }).getByText('{"success":true,"key":"from the docs","value":12345678901234567890}').waitFor();
    assert.equal(await t.walkv.value('from the docs'), '12345678901234567890');
    await t.takeClipboard();
    await card.getByRole('button', { name: 'Copy as curl' }).click();
    await toast(page, 'Command copied');
    await t.walkv.delete('from the docs');
    await run(['sh', '-c', await t.clipboard(page)]);
    assert.equal(await t.walkv.value('from the docs'), '12345678901234567890');
});
