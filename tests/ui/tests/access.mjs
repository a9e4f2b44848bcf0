// SPDX-License-Identifier: MIT
// axe-core on every page and on what opens above them, light and dark, at the width of a desktop and of a phone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from '../lib/runner.mjs';
import { keyRow, queueRow, toast } from '../lib/ui.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// While a menu is open the rest of the page is out of reach, and with it what these rules look for.
const OF_WHOLE_PAGES = { region: { enabled: false }, 'landmark-one-main': { enabled: false }, 'page-has-heading-one': { enabled: false } };

/** All rules of axe-core, those of good practice as well. */
async function accessible(page, where, rules = {}) {
    // What has just opened is not quite there yet, and half a colour has half a contrast.
    await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((a) => a.effect.getComputedTiming().iterations !== Infinity).map((a) => a.finished)));
    await page.evaluate(AXE);
    const { violations } = await page.evaluate((given) => window.axe.run(document, { resultTypes: ['violations'], rules: given }), rules);
    const lines = violations.flatMap(({ id, help, nodes }) =>
        nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 200)} ${node.any.map((check) => check.message).join('; ')}`),
    );
    assert.deepEqual(lines, [], where);
}

async function fill(walkv) {
    await walkv.set('user:1', '{"name":"Ada","age":36,"ok":true,"none":null,"list":[1,2.50,"three"],"about":"a text that is a good deal longer than sixty characters, to have a place below"}');
    await walkv.set('user:2', '"text\\nof two lines"');
    await walkv.set('config/a', '1');
    await walkv.enqueue('jobs', '{"n":1}');
    await walkv.enqueue('jobs', '{"n":2}');
    await walkv.enqueue('empty', '1');
    await walkv.dequeue('empty');
}

const LOOKS = [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { colorScheme: 'light', phone: true }],
];

for (const [look, options] of LOOKS)
    test(`access: ${look}`, { ...options, expect: [/412|404/] }, async (t) => {
        await fill(t.walkv);
        const page = await t.open();
        const go = async (hash) => {
            await page.evaluate((to) => {
                location.hash = to;
            }, hash);
        };
        await page.getByRole('region', { name: 'Durability' }).waitFor();
        await page.locator('canvas').nth(3).waitFor();
        await accessible(page, 'overview');

        await go('#/keys');
        await keyRow(page, 'user:1').waitFor();
        await accessible(page, 'keys');
        await go('#/keys?view=tree');
        await page.getByRole('treeitem').filter({ hasText: 'user:' }).click();
        await page.getByRole('treeitem').filter({ hasText: /^1/ }).waitFor();
        await accessible(page, 'tree of keys');
        await go('#/keys?key=user%3A1');
        await page.getByRole('tree', { name: 'Value' }).getByRole('treeitem').filter({ hasText: 'about' }).click();
        await page.getByRole('region', { name: 'The chosen part' }).waitFor();
        await accessible(page, 'a key');
        await page.getByRole('button', { name: 'Copy' }).first().click();
        await page.getByRole('menu').waitFor();
        await accessible(page, 'menu', OF_WHOLE_PAGES);
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Edit' }).click();
        await page.getByRole('textbox', { name: 'Value' }).fill('{"name":');
        await accessible(page, 'editor with a mistake');
        await page.getByRole('textbox', { name: 'Value' }).fill('{"name":"Eve"}');
        await t.walkv.set('user:1', '{"name":"Bob"}');
        await page.getByText('This key has changed since you began').waitFor();
        await accessible(page, 'editor of what has changed');
        await page.getByRole('button', { name: 'Save' }).click();
        await page.getByRole('button', { name: 'Overwrite with yours' }).waitFor();
        await accessible(page, 'conflict');
        await page.getByRole('button', { name: 'Overwrite with yours' }).click();
        await toast(page, 'user:1 saved');
        await accessible(page, 'message');
        await page.getByRole('button', { name: 'Delete this key' }).click();
        await toast(page, 'user:1 deleted');
        await accessible(page, 'message with undo');
        await go('#/keys?key=nobody');
        await page.getByText('There is no such key').waitFor();
        await accessible(page, 'no such key');
        await go('#/keys?prefix=nobody');
        await page.getByText('No key begins with this').waitFor();
        await accessible(page, 'nothing found');
        await page.keyboard.press('n');
        await page.getByRole('dialog').waitFor();
        await accessible(page, 'new key');
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'hidden' });

        await go('#/queues');
        await queueRow(page, 'jobs').waitFor();
        await accessible(page, 'queues');
        await go('#/queues?queue=jobs');
        await page.getByRole('button', { name: 'Enqueue' }).click();
        await page.getByRole('listbox', { name: 'Items' }).getByRole('option').first().click();
        await page.getByRole('region', { name: /^Item/ }).waitFor();
        await accessible(page, 'a queue');
        await page.getByRole('button', { name: 'More' }).click();
        await page.getByRole('menuitem', { name: 'Forget…' }).click();
        await page.getByRole('alertdialog').waitFor();
        await accessible(page, 'confirmation');
        await page.keyboard.press('Escape');
        await go('#/queues?queue=empty');
        await page.getByText('Nothing waits here').waitFor();
        await accessible(page, 'an empty queue');

        await go('#/docs');
        await page.getByRole('article').first().waitFor();
        await accessible(page, 'docs');
        const card = page.getByRole('article', { name: 'GET /api/kv', exact: true });
        await card.getByRole('button', { expanded: false }).click();
        await card.getByRole('button', { name: 'Run' }).click();
        await card.getByRole('region', { name: 'Body of the answer' }).waitFor();
        await accessible(page, 'docs, run');
        await page.keyboard.press('?');
        await page.getByRole('dialog').waitFor();
        await accessible(page, 'help');
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: /^Connection/ }).focus();
        await page.getByRole('tooltip').waitFor();
        await accessible(page, 'hint');

        t.expect(/503/);
        await t.walkv.walkvd.kill();
        await t.connection(page, 'Store restarting');
        await accessible(page, 'outage');
    });
