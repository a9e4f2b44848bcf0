// SPDX-License-Identifier: MIT
// Themes, phones, keys of the keyboard, and those who want no motion.
import assert from 'node:assert/strict';
import { until } from '../lib/walkv.mjs';
import { test } from '../lib/runner.mjs';
import { createKey, keyRow, queueRow, toast, valueText } from '../lib/ui.mjs';

const isDark = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).every((part) => Number(part) < 60));

test('look: dark, light, system; remembered, and known to other tabs', async (t) => {
    const page = await t.open();
    const other = await t.open('#/keys');
    await page.bringToFront();
    assert.equal(await isDark(page), false);
    await page.emulateMedia({ colorScheme: 'dark' });
    await until(() => isDark(page), 'the dark of the system');
    await page.emulateMedia({ colorScheme: 'light' });
    await until(async () => !(await isDark(page)), 'the light of the system');

    await page.getByRole('radio', { name: 'Dark theme' }).click();
    await until(() => isDark(page), 'dark');
    await until(() => isDark(other), 'dark in the other tab');
    await page.reload();
    await t.connection(page, 'Live');
    assert.equal(await isDark(page), true);
    assert.equal(await page.getByRole('radio', { name: 'Dark theme' }).isChecked(), true);

    await page.getByRole('radio', { name: 'Light theme' }).click();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.reload();
    await t.connection(page, 'Live');
    assert.equal(await isDark(page), false);

    await page.getByRole('radio', { name: 'Theme of the system' }).click();
    await until(() => isDark(page), 'the dark of the system again');
});

test('look: the theme is there at the first paint', { colorScheme: 'dark' }, async (t) => {
    const page = await t.context.newPage();
    // Before the application has run there is nothing but the page itself, in the right colour.
    await page.route('**/assets/index-*.js', (route) => setTimeout(() => void route.continue().catch(() => undefined), 700));
    await page.goto(t.walkv.url, { waitUntil: 'commit' });
    await page.waitForFunction(() => document.documentElement.classList.contains('dark') && document.styleSheets.length > 0);
    assert.equal(await page.locator('#root').evaluate((root) => root.childElementCount), 0);
    assert.equal(await isDark(page), true);
    await t.connection(page, 'Live');
});

/** Nothing is wider than the screen, but what scrolls by itself. */
async function fits(page, where) {
    const { width, inner, wide } = await page.evaluate(() => ({
        width: document.documentElement.scrollWidth,
        inner: window.innerWidth,
        wide: [...document.querySelectorAll('button,a,input,textarea,h1,h2,[role=dialog]')]
            .filter((element) => element.checkVisibility() && !element.closest('.sr-only') && !element.closest('pre,.uplot') && !element.matches('.sr-only'))
            .filter((element) => element.getBoundingClientRect().right > window.innerWidth + 1)
            .map((element) => element.outerHTML.slice(0, 120)),
    }));
    assert.ok(width <= inner, `${where}: ${width} pixels in ${inner}`);
    assert.deepEqual(wide, [], where);
}

test('look: everything can be reached on a phone', { phone: true }, async (t) => {
    await t.walkv.set('user:1', '{"name":"Ada","about":"a long line of text that goes on and on and on and on and on and on"}');
    await t.walkv.set('k'.repeat(300), '1');
    await t.walkv.enqueue('jobs', '{"n":1}');
    const page = await t.open();
    await fits(page, 'overview');
    const nav = page.getByRole('navigation', { name: 'Pages' });
    await nav.getByRole('link', { name: 'Keys' }).tap();
    await keyRow(page, 'user:1').waitFor();
    await fits(page, 'keys');
    await keyRow(page, 'user:1').tap();
    await page.getByRole('treeitem').filter({ hasText: 'Ada' }).waitFor();
    await fits(page, 'a key');
    assert.equal(await keyRow(page, 'user:1').isVisible(), false, 'one after the other');
    await page.getByRole('button', { name: 'Edit' }).tap();
    await page.getByRole('textbox', { name: 'Value' }).fill('"changed"');
    await fits(page, 'editor');
    await page.getByRole('button', { name: 'Save' }).tap();
    await toast(page, 'user:1 saved');
    await valueText(page, 'changed');
    await fits(page, 'with a message');
    await page.getByRole('button', { name: 'Back to the list' }).tap();
    await keyRow(page, 'k'.repeat(300)).waitFor();
    await page.getByRole('button', { name: /^New/ }).first().tap();
    await page.getByRole('dialog').waitFor();
    await fits(page, 'new key');
    await page.keyboard.press('Escape');
    await createKey(page, 'phone', '1');
    await toast(page, 'phone created');
    assert.equal(await t.walkv.value('phone'), '1');

    await nav.getByRole('link', { name: 'Queues' }).tap();
    await queueRow(page, 'jobs').waitFor();
    await fits(page, 'queues');
    await queueRow(page, 'jobs').tap();
    await fits(page, 'a queue');
    await page.getByRole('button', { name: 'More' }).tap();
    await fits(page, 'menu of a queue');
    await page.getByRole('menuitem', { name: 'Peek' }).tap();
    await page.getByRole('region', { name: 'Next in the queue' }).waitFor();
    await fits(page, 'peek');
    await page.getByRole('button', { name: 'Dequeue' }).tap();
    await page.getByText('Nothing waits here').waitFor();
    assert.deepEqual(await t.walkv.queues(), { jobs: 0 });

    await nav.getByRole('link', { name: 'Docs' }).tap();
    await page.getByRole('article').first().getByRole('button').first().tap();
    await fits(page, 'docs');
    await nav.getByRole('link', { name: 'Overview' }).tap();
    await page.getByRole('region', { name: 'Durability' }).waitFor();
});

test('keyboard: pages, lists, search and help', async (t) => {
    for (const key of ['a', 'b', 'c']) await t.walkv.set(key, `"value of ${key}"`);
    await t.walkv.enqueue('q1', '1');
    await t.walkv.enqueue('q2', '1');
    const page = await t.open();
    const press = async (...keys) => {
        for (const key of keys) await page.keyboard.press(key);
    };
    await press('g', 'k');
    await keyRow(page, 'a').waitFor();
    assert.match(page.url(), /#\/keys$/);
    await press('j', 'j', 'j', 'k', 'Enter');
    await valueText(page, 'value of b');
    await press('Escape');
    await page.getByText('Choose a key').waitFor();

    await press('/');
    assert.ok(await page.getByLabel('Keys that begin with').evaluate((input) => input === document.activeElement));
    await page.keyboard.type('c'); // and no shortcut
    await keyRow(page, 'a').waitFor({ state: 'hidden' });
    await press('Escape');
    await keyRow(page, 'a').waitFor();
    await press('Escape');
    assert.ok(await page.getByLabel('Keys that begin with').evaluate((input) => input !== document.activeElement));

    await press('?');
    const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await help.waitFor();
    await press('g', 'q'); // nothing, while it is open
    assert.match(page.url(), /#\/keys/);
    await press('Escape');
    await help.waitFor({ state: 'hidden' });

    await press('n');
    await page.getByRole('dialog', { name: 'New key' }).waitFor();
    await page.keyboard.type('gq'); // into the name
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });

    await press('g', 'q');
    await queueRow(page, 'q1').waitFor();
    await press('j', 'j', 'Enter');
    await page.getByRole('heading', { name: 'q2' }).waitFor();
    await press('e');
    await page.getByRole('textbox', { name: 'New item' }).fill('"by keyboard"');
    await press('Control+Enter');
    await toast(page, '2 items in the queue');
    await press('g'); // into the text
    await press('g', 'd');
    assert.match(page.url(), /#\/queues/);
    await page.getByRole('textbox', { name: 'New item' }).press('Escape');
    await page.getByRole('textbox', { name: 'New item' }).waitFor({ state: 'hidden' });
    await press('g', 'd');
    await page.getByRole('heading', { name: 'The API' }).waitFor();
    await press('g', 'o');
    await page.getByRole('region', { name: 'Durability' }).waitFor();
});

test('keyboard: single keys can be switched off, and that is remembered', async (t) => {
    const page = await t.open();
    await page.keyboard.press('?');
    await page.getByLabel('Shortcuts of single keys').uncheck();
    await page.keyboard.press('Escape');
    await page.reload();
    await t.connection(page, 'Live');
    await page.keyboard.press('g');
    await page.keyboard.press('k');
    await page.keyboard.press('?');
    assert.equal(await page.getByRole('dialog').count(), 0);
    assert.match(page.url(), /#\/$/);
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await page.getByLabel('Shortcuts of single keys').check();
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('k');
    await page.getByText('No keys yet').waitFor();
});

test('keyboard: all with Tab and Enter, and the focus comes back', async (t) => {
    await t.walkv.set('k', '1');
    const page = await t.open('#/keys');
    await keyRow(page, 'k').waitFor();
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim());
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Skip to the content');
    const seen = [];
    for (let i = 0; i < 20 && seen.at(-1) !== 'Keys'; i += 1) {
        await page.keyboard.press('Tab');
        seen.push(await focused());
        if (seen.at(-1) === 'Keys' && (await page.evaluate(() => document.activeElement.getAttribute('role'))) !== 'listbox') seen.push('the link');
    }
    for (const name of ['Queues', 'Docs', 'Keyboard shortcuts', 'Keys that begin with', 'New', 'Keys']) assert.ok(seen.includes(name), `${name} in ${seen}`);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await valueText(page, '1');
    const edit = page.getByRole('button', { name: 'Copy' });
    await edit.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menu').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'hidden' });
    assert.equal(await focused(), 'Copy');
    const add = page.getByRole('button', { name: /^New/ }).first();
    await add.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    assert.ok(await page.getByRole('dialog').getByLabel('Key', { exact: true }).evaluate((input) => input === document.activeElement));
    // Tab stays inside.
    for (let i = 0; i < 12; i += 1) {
        await page.keyboard.press('Tab');
        assert.ok(await page.evaluate(() => document.activeElement.closest('[role=dialog]') !== null));
    }
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await until(async () => (await focused()) === 'New', 'the focus to come back from the dialog', 2_000);
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await until(async () => (await focused()) === 'Keyboard shortcuts', 'the focus to come back from the help', 2_000);
    // A confirmation that was asked for by a menu.
    await t.walkv.enqueue('q', '1');
    await page.goto(`${t.walkv.url}#/queues?queue=q`);
    await page.getByRole('button', { name: 'More' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Clear…' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog').waitFor();
    assert.equal(await focused(), 'Cancel');
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
    await until(async () => (await focused()) === 'More', 'the focus to come back from the confirmation', 2_000);
    assert.deepEqual(await t.walkv.queues(), { q: 1 });
});

/** How long the longest animation is that runs at some moment while `act` does its work. */
async function longestAnimation(page, act) {
    await page.evaluate(() => {
        window.longest = 0;
        const look = () => {
            for (const animation of document.getAnimations()) {
                const { duration, iterations } = animation.effect.getComputedTiming();
                window.longest = Math.max(window.longest, Number(duration) * (iterations === Infinity ? 1000 : 1));
            }
            window.looking = requestAnimationFrame(look);
        };
        look();
    });
    await act();
    return page.evaluate(() => {
        cancelAnimationFrame(window.looking);
        return window.longest;
    });
}

async function manyThings(t, page) {
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await createKey(page, 'k', '{"a":{"b":1}}');
    await toast(page, 'k created');
    await page.getByRole('treeitem').first().click();
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Delete this key' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await toast(page, 'k is back');
    t.expect(/503/);
    await t.walkv.walkvd.kill();
    await t.connection(page, 'Store restarting');
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await t.walkv.startWalkvd();
    await t.connection(page, 'Live');
}

test('motion: there is some', { expect: [/404/] }, async (t) => {
    const page = await t.open('#/keys');
    assert.ok((await longestAnimation(page, () => manyThings(t, page))) > 100);
});

test('motion: there is none for who wants none', { reducedMotion: 'reduce', expect: [/404/] }, async (t) => {
    const page = await t.open('#/keys');
    const longest = await longestAnimation(page, () => manyThings(t, page));
    assert.ok(longest <= 1, `an animation of ${longest} ms`);
});
