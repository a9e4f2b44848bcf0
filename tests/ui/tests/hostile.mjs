// SPDX-License-Identifier: MIT
// What is stored may have been stored by anybody. It is text on every page, and never markup or script.
import assert from 'node:assert/strict';
import { test } from '../lib/runner.mjs';
import { keyRow, queueRow, valueText } from '../lib/ui.mjs';

const SCRIPTS = [
    '<img src=x onerror="window.stolen=1">',
    '<script>window.stolen=1</script>',
    '</script><script>window.stolen=1</script>',
    'javascript:window.stolen=1',
    '"><svg onload=window.stolen=1>',
    "'-window.stolen=1-'",
    '{{constructor.constructor("window.stolen=1")()}}',
    '${window.stolen=1}',
    '<a href="javascript:window.stolen=1" autofocus onfocus=window.stolen=1>x</a>',
    '<style>*{display:none}</style>',
];
const ODD = ['\u202egnp.exe', 'zero\u200bwidth', 'x'.repeat(500), '"quoted" \'and\' `so`', '../../etc/passwd', '%2e%2e%2f%00', 'a b\tc\nd', '😀 ünï', '__proto__', 'constructor', ' ', '#?&=+%'];

async function nothingRan(page, what) {
    assert.equal(await page.evaluate(() => window.stolen), undefined, what);
    assert.equal(await page.locator('img[src="x"], svg[onload], style:not(head style), #root script, a[href^="javascript"]').count(), 0, what);
}

const shownAs = (text) => text.replace(/[\p{Cc}\u200b\u202e]/gu, (c) => ({ '\n': '\\n', '\t': '\\t' })[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

test('hostile: keys and values are shown as text', async (t) => {
    const names = [...SCRIPTS, ...ODD];
    for (const name of names) await t.walkv.set(name, JSON.stringify({ [name]: name, list: [name] }));
    const page = await t.open('#/keys');
    for (const name of names) {
        await keyRow(page, shownAs(name)).click();
        await page.getByRole('heading', { name: shownAs(name).trim() || 'x', level: 2 }).waitFor({ timeout: name.trim() ? 10_000 : 1 }).catch((error) => {
            if (name.trim()) throw error; // a blank has no name to be found by
        });
        await page.getByRole('tree', { name: 'Value' }).getByRole('treeitem').nth(3).waitFor();
        await page.getByRole('article').getByRole('radio', { name: 'Indented' }).click();
        const indented = await page.getByRole('region', { name: 'Value' }).locator('pre').textContent();
        assert.ok(indented.includes('"list": ['), name);
        await page.getByRole('article').getByRole('radio', { name: 'Raw' }).click();
        const raw = await page.getByRole('region', { name: 'Value' }).locator('pre').textContent();
        assert.equal(raw, shownAs(JSON.stringify({ [name]: name, list: [name] })));
        await nothingRan(page, name);
    }
    // U+202E is written out, so that it turns nothing around.
    assert.ok(!(await page.locator('body').textContent()).includes('\u202e'));
    // As folders, too.
    await page.getByRole('radio', { name: 'Tree' }).first().click();
    await page.getByLabel('Folders end with').selectOption('.');
    await page.getByRole('tree', { name: 'Keys' }).waitFor();
    await nothingRan(page, 'the tree');
});

test('hostile: strings, looked at, edited, deleted, in messages', { expect: [/404/] }, async (t) => {
    for (const [i, text] of SCRIPTS.slice(0, 6).entries()) {
        await t.walkv.set(text, JSON.stringify(text));
        const page = i === 0 ? await t.open('#/keys') : t.context.pages()[0];
        await keyRow(page, text).click();
        await valueText(page, text);
        await page.getByRole('button', { name: 'Edit' }).click();
        const area = page.getByRole('textbox', { name: 'Value' });
        assert.equal(await area.inputValue(), JSON.stringify(text));
        await area.fill(JSON.stringify(`${text}${text}`));
        await area.press('Control+Enter');
        await area.waitFor({ state: 'detached' });
        await valueText(page, `${text}${text}`);
        await page.getByRole('button', { name: 'Delete this key' }).click();
        await keyRow(page, text).waitFor({ state: 'hidden' });
        await nothingRan(page, text);
    }
    assert.deepEqual(await t.walkv.keys(), []);
});

test('hostile: queues and items', async (t) => {
    const names = [...SCRIPTS.slice(0, 6), ...ODD.slice(0, 4)];
    for (const name of names) await t.walkv.enqueue(name, JSON.stringify(name));
    const page = await t.open('#/queues');
    for (const name of names) {
        await queueRow(page, shownAs(name)).click();
        const item = page.getByRole('listbox', { name: 'Items' }).getByRole('option').first();
        await item.click();
        await page.getByRole('region', { name: /^Item / }).waitFor();
        await nothingRan(page, name);
        await page.getByRole('button', { name: 'More' }).click();
        await page.getByRole('menuitem', { name: 'Forget…' }).click();
        await page.getByRole('alertdialog').waitFor();
        await nothingRan(page, name);
        await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }).click();
    }
});

test('hostile: addresses', { expect: [/404/] }, async (t) => {
    const page = await t.context.newPage();
    for (const hash of [
        '#/keys?key=%3Cimg%20src%3Dx%20onerror%3D%22window.stolen%3D1%22%3E',
        '#/keys?prefix=%22%3E%3Cscript%3Ewindow.stolen%3D1%3C%2Fscript%3E',
        '#/keys?view=tree&sep=%3Cimg%20src%3Dx%20onerror%3Dwindow.stolen%3D1%3E',
        '#/queues?queue=javascript%3Awindow.stolen%3D1',
        '#javascript:window.stolen=1',
        '#/%3Cscript%3E',
        '#/keys?key=%E0%A4%A',
        '#/keys?key=..',
        '#/keys?key=.',
    ]) {
        await page.goto(t.walkv.url + hash);
        await page.reload();
        await t.connection(page, 'Live');
        await nothingRan(page, hash);
        assert.equal(await page.getByText('This page could not be shown').count(), 0, hash);
    }
});

test('hostile: the policy would stop it all the same', { expect: [/Content Security Policy|securitypolicyviolation|request failed: GET x: csp/] }, async (t) => {
    const page = await t.open();
    const before = t.complaints.length;
    await page.evaluate(() => {
        const image = document.createElement('div');
        image.innerHTML = '<img src="x:" onerror="window.stolen=1"><style>body{display:none}</style>';
        document.body.append(image);
        const script = document.createElement('script');
        script.textContent = 'window.stolen = 1';
        document.body.append(script);
        const other = document.createElement('script');
        other.src = 'data:text/javascript,window.stolen=1';
        document.body.append(other);
    });
    await page.waitForTimeout(300);
    assert.equal(await page.evaluate(() => window.stolen), undefined);
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).display), 'block');
    const reports = t.complaints.slice(before).filter((text) => text.includes('securitypolicyviolation'));
    for (const directive of ['script-src-attr', 'script-src-elem', 'style-src-elem']) assert.ok(reports.some((text) => text.includes(directive)), `${directive} in ${reports}`);
});
