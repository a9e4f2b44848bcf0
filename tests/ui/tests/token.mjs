// SPDX-License-Identifier: MIT
// Access tokens: asked for when the server wants one, kept in this tab, given up again.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD, run, Walkv } from '../lib/walkv.mjs';
import { test } from '../lib/runner.mjs';
import { createKey, keyRow, queueRow, toast, valueText } from '../lib/ui.mjs';

const WALKVCTL = join(BUILD, 'walkvd', 'walkvctl');

/** A store that wants tokens, and those: {admin, reader, few}. */
async function guarded(t) {
    const directory = mkdtempSync(join(tmpdir(), 'walkv-ui-tokens-'));
    try {
        const tokens = {};
        let lines = '';
        for (const [name, ...options] of [
            ['admin', '--scope', 'admin'],
            ['reader', '--scope', 'read'],
            ['few', '--scope', 'write', '--keys', 'mine:*'],
        ]) {
            const made = JSON.parse(await run([WALKVCTL, '--json', 'token', 'new', name, ...options]));
            tokens[name] = made.token;
            lines += `${made.line}\n`;
        }
        const file = join(directory, 'tokens');
        writeFileSync(file, lines, { mode: 0o600 });
        t.walkv = new Walkv({ walkvd: { auth_tokens_file: file }, httpd: { auth_tokens_file: file } });
        await t.walkv.start();
        t.walkv.token = tokens.admin;
        return tokens;
    } finally {
        rmSync(directory, { recursive: true, force: true });
    }
}

async function enter(page, token) {
    const dialog = page.getByRole('dialog', { name: 'Access token' });
    await dialog.getByLabel('Token').fill(token);
    await dialog.getByRole('button', { name: 'Use this token' }).click();
}

test('token: the page asks, and goes on where it was', { store: false, expect: [/401/] }, async (t) => {
    const tokens = await guarded(t);
    await t.walkv.set('k', '"secret"');
    const page = await t.open('#/keys?key=k', { live: false });
    const dialog = page.getByRole('dialog', { name: 'Access token' });
    await dialog.waitFor();
    assert.equal(await page.getByText('secret').count(), 0);
    await page.keyboard.type('wkv_nobody'); // where the focus is
    await page.keyboard.press('Enter');
    await dialog.getByText('is not known to the server').waitFor();
    await enter(page, tokens.admin);
    await dialog.waitFor({ state: 'hidden' });
    await valueText(page, 'secret');
    await t.connection(page, 'Live');
    await createKey(page, 'new', '1');
    await toast(page, 'new created');
    assert.equal(await t.walkv.value('new'), '1');
    // In the header and nowhere else.
    assert.ok(!page.url().includes(tokens.admin));
    assert.ok(!(await page.content()).includes(tokens.admin));
    assert.equal(await page.evaluate(() => JSON.stringify(localStorage)).then((text) => text.includes('wkv_')), false);
    // It lasts over a reload, and a live update comes with it.
    await page.reload();
    await t.connection(page, 'Live');
    await t.walkv.set('later', '1');
    await keyRow(page, 'later').waitFor();
    // As curl it is named and not written.
    await t.takeClipboard();
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('menuitem', { name: 'Copy as curl: get' }).click();
    await toast(page, 'Command copied');
    const command = await t.clipboard(page);
    assert.match(command, /Authorization: Bearer \$WALKV_TOKEN/);
    assert.ok(!command.includes(tokens.admin));

    await page.getByRole('button', { name: 'Forget the access token' }).click();
    await dialog.waitFor();
    await dialog.getByRole('button', { name: 'Not now' }).click();
    await page.getByRole('button', { name: 'Token' }).first().waitFor();
    assert.equal(await page.getByText('secret').count(), 0);
});

test('token: a token that may only read is told so', { store: false, expect: [/401/, /403/] }, async (t) => {
    const tokens = await guarded(t);
    await t.walkv.set('k', '1');
    const page = await t.open('#/keys?key=k', { live: false });
    await enter(page, tokens.reader);
    await valueText(page, '1');
    await t.connection(page, 'Live');
    await createKey(page, 'new', '1');
    await page.getByRole('alert').filter({ hasText: /token/i }).waitFor();
    assert.equal(await t.walkv.value('new'), null);
});

test('token: a token for some keys sees those', { store: false, expect: [/401/, /403/] }, async (t) => {
    const tokens = await guarded(t);
    await t.walkv.set('mine:1', '"yes"');
    await t.walkv.set('other', '"no"');
    await t.walkv.enqueue('q', '1');
    const page = await t.open('#/keys', { live: false });
    await enter(page, tokens.few);
    await keyRow(page, 'mine:1').click();
    await valueText(page, 'yes');
    assert.equal(await keyRow(page, 'other').count(), 0);
    await page.getByRole('link', { name: 'Queues' }).first().click();
    await page.getByRole('heading', { name: 'Queues', level: 1 }).waitFor({ state: 'attached' });
    assert.equal(await queueRow(page, 'q').count(), 0);
    await page.getByRole('link', { name: 'Overview' }).first().click();
    assert.equal(await page.getByText('This page could not be shown').count(), 0);
});
