// SPDX-License-Identifier: MIT
// Everything that can be done with keys, each looked at through the API as well.
import assert from 'node:assert/strict';
import { run, until } from '../lib/walkv.mjs';
import { test } from '../lib/runner.mjs';
import { createKey, keyRow, openKey, saved, toast, valueText } from '../lib/ui.mjs';

test('keys: a key is created', async (t) => {
    const page = await t.open('#/keys');
    await page.getByText('No keys yet').waitFor();
    await createKey(page, 'user:1', '{"name": "Ada", "age": 36}');
    await toast(page, 'user:1 created');
    await keyRow(page, 'user:1').waitFor();
    assert.equal(await t.walkv.value('user:1'), '{"name":"Ada","age":36}');
    assert.match(page.url(), /#\/keys\?key=user%3A1$/);
    await page.getByRole('treeitem').filter({ hasText: /"name":\s*"Ada"/ }).waitFor();
});

test('keys: a string is written as it is', async (t) => {
    const page = await t.open('#/keys');
    const text = 'He said "x" \\ and\nwent on';
    await createKey(page, 'note', text, { mode: 'As string' });
    await toast(page, 'note created');
    assert.equal(await t.walkv.value('note'), JSON.stringify(text));
});

test('keys: create never overwrites', { expect: [/412/] }, async (t) => {
    await t.walkv.set('taken', '"first"');
    const page = await t.open('#/keys');
    await createKey(page, 'taken', '"second"');
    await page.getByRole('alert').filter({ hasText: 'There is a key of this name already' }).waitFor();
    assert.equal(await t.walkv.value('taken'), '"first"');
    await page.getByRole('button', { name: 'Open it' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.getByRole('region', { name: 'Value' }).filter({ hasText: 'first' }).waitFor();
});

test('keys: what is not valid JSON is not sent', async (t) => {
    const page = await t.open('#/keys');
    await page.getByRole('button', { name: 'New key', exact: true }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Key', { exact: true }).fill('k');
    for (const [text, problem] of [['{"a":1,}', /line 1, column 8/i], ['01', /line 1/i], ['nul', /line 1/i], ['"a" "b"', /line 1, column 5/i]]) {
        await dialog.getByRole('textbox', { name: 'Value' }).fill(text);
        await dialog.getByText(problem).waitFor();
        assert.ok(await dialog.getByRole('button', { name: 'Create' }).isDisabled(), text);
    }
    await dialog.getByRole('textbox', { name: 'Value' }).fill('1e400');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await toast(page, 'k created');
    assert.equal(await t.walkv.value('k'), '1e400');
});

test('keys: names over 500 bytes are refused before they are sent', async (t) => {
    const page = await t.open('#/keys');
    await page.getByRole('button', { name: 'New key', exact: true }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Value' }).fill('1');
    await dialog.getByLabel('Key', { exact: true }).fill('ä'.repeat(251));
    await dialog.getByText('at most 500 bytes, and this has 502').waitFor();
    assert.ok(await dialog.getByRole('button', { name: 'Create' }).isDisabled());
    await dialog.getByLabel('Key', { exact: true }).fill('ä'.repeat(250));
    await dialog.getByRole('button', { name: 'Create' }).click();
    await until(async () => (await t.walkv.value('ä'.repeat(250))) === '1', 'the key');
});

test('keys: a key is edited', async (t) => {
    await t.walkv.set('doc', '{"z":1,"a":[true,null]}');
    const page = await openKey(t, 'doc');
    await page.getByRole('button', { name: 'Edit' }).click();
    const area = page.getByRole('textbox', { name: 'Value' });
    assert.equal(await area.inputValue(), '{\n  "z": 1,\n  "a": [\n    true,\n    null\n  ]\n}');
    await area.fill('{"z": 2, "a": []}');
    await page.getByRole('button', { name: 'Save' }).click();
    await toast(page, 'doc saved');
    assert.equal(await t.walkv.value('doc'), '{"z":2,"a":[]}');
    await page.getByRole('treeitem').filter({ hasText: /"z":\s*2/ }).waitFor();
});

test('keys: Ctrl+Enter saves, Cancel does not', async (t) => {
    await t.walkv.set('k', '1');
    const page = await openKey(t, 'k');
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('textbox', { name: 'Value' }).fill('2');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await valueText(page, '1');
    assert.equal(await t.walkv.value('k'), '1');
    await page.keyboard.press('e');
    const area = page.getByRole('textbox', { name: 'Value' });
    await area.fill('3');
    await area.press('Control+Enter');
    await saved(page, 'k');
    assert.equal(await t.walkv.value('k'), '3');
});

test('keys: numbers stay as they were written', async (t) => {
    const text = '{"big":12345678901234567890,"one":1.0,"huge":1e400,"neg":-0,"z":"\\u0000","a":1E+2}';
    await t.walkv.set('numbers', text);
    const page = await openKey(t, 'numbers');
    for (const part of ['12345678901234567890', '1.0', '1e400', '-0', '1E+2']) await page.getByRole('treeitem').getByText(part, { exact: true }).waitFor();
    await page.getByRole('radio', { name: 'Raw' }).click();
    await valueText(page, text);
    // Saved with another member, nothing else has changed.
    await page.getByRole('button', { name: 'Edit' }).click();
    const area = page.getByRole('textbox', { name: 'Value' });
    await area.fill((await area.inputValue()).replace(/\}$/, ',"more":0.10}'));
    await page.getByRole('button', { name: 'Save' }).click();
    await saved(page, 'numbers');
    assert.equal(await t.walkv.value('numbers'), text.replace(/\}$/, ',"more":0.10}'));
});

// The news of a delete may be here before its answer, and is looked into: hence 404.
test('keys: delete, and undo', { expect: [/404/] }, async (t) => {
    const text = '{"big":12345678901234567890,"s":"\\u0041"}';
    await t.walkv.set('gone', text);
    await t.walkv.set('other', '1');
    const page = await openKey(t, 'gone');
    await page.getByRole('button', { name: 'Delete this key' }).click();
    await toast(page, 'gone deleted');
    await keyRow(page, 'gone').waitFor({ state: 'hidden' });
    assert.equal(await t.walkv.value('gone'), null);
    assert.deepEqual(await t.walkv.keys(), ['other']);
    await page.getByRole('button', { name: 'Undo' }).click();
    await toast(page, 'gone is back');
    await keyRow(page, 'gone').waitFor();
    assert.equal(await t.walkv.value('gone'), text);
});

test('keys: undo leaves what somebody else has made meanwhile', { expect: [/412|404/] }, async (t) => {
    await t.walkv.set('k', '"mine"');
    const page = await openKey(t, 'k');
    await page.getByRole('button', { name: 'Delete this key' }).click();
    await toast(page, 'k deleted');
    await t.walkv.set('k', '"theirs"');
    await page.getByRole('button', { name: 'Undo' }).click();
    await toast(page, 'Somebody has created this key again');
    assert.equal(await t.walkv.value('k'), '"theirs"');
});

test('keys: delete takes what is shown and nothing newer', { expect: [/412/] }, async (t) => {
    await t.walkv.set('k', '"old"');
    const page = await openKey(t, 'k');
    // The page must not hear of the change before it sends: hold its reads back.
    await page.route('**/api/kv/k', (route) => (route.request().method() === 'GET' ? undefined : route.continue()));
    await t.walkv.set('k', '"new"');
    await page.getByRole('button', { name: 'Delete this key' }).click();
    await toast(page, 'The key has changed since it was shown');
    assert.equal(await t.walkv.value('k'), '"new"');
    await page.unroute('**/api/kv/k');
});

async function conflict(t, theirs) {
    await t.walkv.set('k', '{"n":1,"same":true}');
    const page = await openKey(t, 'k');
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('textbox', { name: 'Value' }).fill('{"n":2,"same":true}');
    if (theirs === null) await t.walkv.delete('k');
    else await t.walkv.set('k', theirs);
    await page.getByText('This key has changed since you began').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').filter({ hasText: 'while you edited it' }).waitFor();
    await page.getByRole('region', { name: 'Yours' }).filter({ hasText: '"n": 2' }).waitFor();
    assert.equal(await t.walkv.value('k'), theirs, 'nothing is saved yet');
    return page;
}

test('keys: a conflict shows both versions; overwrite', { expect: [/412/] }, async (t) => {
    const page = await conflict(t, '{"n":3,"same":true}');
    await page.getByRole('region', { name: /Stored now, version \d+/ }).filter({ hasText: '"n": 3' }).waitFor();
    await page.getByRole('button', { name: 'Overwrite with yours' }).click();
    await saved(page, 'k');
    assert.equal(await t.walkv.value('k'), '{"n":2,"same":true}');
});

test('keys: a conflict; take theirs', { expect: [/412/] }, async (t) => {
    const page = await conflict(t, '{"n":3,"same":true}');
    await page.getByRole('button', { name: 'Take theirs' }).click();
    await page.getByRole('treeitem').filter({ hasText: /"n":\s*3/ }).waitFor();
    assert.equal(await t.walkv.value('k'), '{"n":3,"same":true}');
});

test('keys: a conflict; merge by hand', { expect: [/412/] }, async (t) => {
    const page = await conflict(t, '{"n":1,"same":true,"new":0}');
    await page.getByRole('button', { name: 'Merge by hand' }).click();
    await page.getByRole('region', { name: /Theirs, version \d+/ }).filter({ hasText: '"new": 0' }).waitFor();
    await page.getByRole('textbox', { name: 'Value' }).fill('{"n":2,"same":true,"new":0}');
    await page.getByRole('button', { name: 'Save' }).click();
    await saved(page, 'k');
    assert.equal(await t.walkv.value('k'), '{"n":2,"same":true,"new":0}');
});

test('keys: a conflict twice: the second change is not lost either', { expect: [/412/] }, async (t) => {
    const page = await conflict(t, '{"n":3,"same":true}');
    await t.walkv.set('k', '{"n":4,"same":true}');
    await page.getByRole('button', { name: 'Overwrite with yours' }).click();
    await page.getByRole('region', { name: /Stored now, version \d+/ }).filter({ hasText: '"n": 4' }).waitFor();
    assert.equal(await t.walkv.value('k'), '{"n":4,"same":true}');
});

test('keys: a conflict with a delete', { expect: [/412/, /404/] }, async (t) => {
    const page = await conflict(t, null);
    await page.getByText('There is nothing stored under this key now').waitFor();
    await page.getByRole('button', { name: 'Create it again' }).click();
    await saved(page, 'k');
    assert.equal(await t.walkv.value('k'), '{"n":2,"same":true}');
});

test('keys: copy the value, the key, and as curl', { expect: [/404/] }, async (t) => {
    const key = "it's a/key with 100% \"quotes\" & $HOME ü";
    const text = '{"q":"it\'s \\"x\\" $HOME `id`","n":12345678901234567890}';
    await t.walkv.set(key, text);
    const page = await openKey(t, key);
    await t.takeClipboard();
    const copy = async (entry) => {
        await page.evaluate(() => navigator.clipboard.writeText('nothing'));
        await page.getByRole('button', { name: 'Copy' }).click();
        await page.getByRole('menuitem', { name: entry }).click();
        return until(async () => {
            const copied = await t.clipboard(page);
            return copied !== 'nothing' && copied;
        }, `${entry} to be in the clipboard`);
    };
    assert.equal(await copy('Copy the value'), text);
    assert.equal(await copy('Copy the key'), key);
    const get = await copy('Copy as curl: get');
    assert.equal(await run(['sh', '-c', get]), `{"success":true,"key":${JSON.stringify(key)},"value":${text}}`);
    const set = await copy('Copy as curl: set');
    await t.walkv.delete(key);
    await run(['sh', '-c', set]);
    assert.equal(await t.walkv.value(key), text);
});

test('keys: search goes by the beginning, and is a part of the address', async (t) => {
    for (const key of ['a', 'user:1', 'user:2', 'User:3', 'zz']) await t.walkv.set(key, '1');
    const page = await t.open('#/keys');
    await keyRow(page, 'zz').waitFor();
    await page.getByLabel('Keys that begin with').fill('user:');
    await keyRow(page, 'a').waitFor({ state: 'hidden' });
    await page.getByText('2 keys', { exact: true }).waitFor();
    assert.match(page.url(), /prefix=user%3A/);
    // What comes is found by it, too.
    await t.walkv.set('user:15', '1');
    await keyRow(page, 'user:15').waitFor();
    await t.walkv.set('other', '1');
    await page.reload();
    await page.getByText('3 keys', { exact: true }).waitFor();
    await page.getByLabel('Keys that begin with').fill('nobody');
    await page.getByText('No key begins with this').waitFor();
    await page.getByLabel('Clear the search').click();
    await keyRow(page, 'other').waitFor();
});

test('keys: the tree opens folders by a chosen separator', async (t) => {
    for (const key of ['plain', 'user:1', 'user:1:name', 'user:2', 'a/b', 'a/c']) await t.walkv.set(key, `"${key}"`);
    const page = await t.open('#/keys');
    await page.getByRole('radio', { name: 'Tree' }).click();
    const rows = () => page.getByRole('tree', { name: 'Keys' }).getByRole('treeitem');
    await rows().filter({ hasText: 'user:' }).waitFor();
    assert.equal(await rows().count(), 4); // a/b, a/c, plain, user:
    await rows().filter({ hasText: 'user:' }).click();
    await rows().filter({ hasText: '1:' }).waitFor();
    await rows().filter({ hasText: /^2/ }).click();
    await valueText(page, 'user:2');
    await page.getByLabel('Folders end with').selectOption('/');
    await rows().filter({ hasText: 'a/' }).click();
    await rows().filter({ hasText: /^c/ }).click();
    await valueText(page, 'a/c');
    // Somebody else adds one.
    await t.walkv.set('a/d', '1');
    await rows().filter({ hasText: /^d/ }).waitFor();
});

test('keys: a large value is shown in part until asked for', async (t) => {
    await t.walkv.set('large', JSON.stringify('x'.repeat(600_000)));
    const page = await openKey(t, 'large');
    await page.getByText('This value is large').waitFor();
    const shown = async () => (await page.locator('article pre').innerText()).length;
    assert.ok((await shown()) < 20_000);
    await page.getByRole('button', { name: /Show all/ }).click();
    await until(async () => (await page.locator('article pre').evaluate((e) => e.textContent.length)) === 600_000, 'all of it');
});

test('keys: a key that is gone says so', { expect: [/404/] }, async (t) => {
    const page = await t.open('#/keys?key=nobody');
    await page.getByText('There is no such key').waitFor();
    await t.walkv.set('nobody', '"here"');
    await valueText(page, 'here');
});

test('keys: a draft outlives a look at another key', async (t) => {
    await t.walkv.set('one', '1');
    await t.walkv.set('two', '2');
    const page = await openKey(t, 'one');
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('textbox', { name: 'Value' }).fill('111');
    await keyRow(page, 'two').click();
    await valueText(page, '2');
    await keyRow(page, 'one').click();
    assert.equal(await page.getByRole('textbox', { name: 'Value' }).inputValue(), '111');
    await page.getByRole('button', { name: 'Save' }).click();
    await saved(page, 'one');
    assert.equal(await t.walkv.value('one'), '111');
});
