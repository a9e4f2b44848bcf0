// SPDX-License-Identifier: MIT
// Pictures of every page, for people to look at: build/test/ui/*.png. They are not compared with anything.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { OUT } from '../lib/session.mjs';
import { test } from '../lib/runner.mjs';
import { keyRow, queueRow } from '../lib/ui.mjs';

const USER = JSON.stringify({ name: 'Ada Lovelace', email: 'ada@example.org', born: 1815, active: true, roles: ['admin', 'author'], address: { city: 'London', zip: null } });

/** A store in which something has happened. */
async function fill(walkv) {
    const lines = [];
    for (let i = 1; i <= 240; i += 1) lines.push(`{"key":"user:${i}","value":${USER}}`);
    for (const name of ['mail', 'limits', 'theme', 'features']) lines.push(`{"key":"config:${name}","value":{"on":true,"rate":12345678901234567890,"price":1.0}}`);
    for (let i = 1; i <= 60; i += 1) lines.push(`{"key":"session:${(i * 2654435761).toString(16)}","value":"${i}"}`);
    for (let i = 1; i <= 37; i += 1) lines.push(`{"queue":"jobs:mail","value":{"to":"user${i}@example.org","template":"welcome","tries":${i % 3}}}`);
    for (let i = 1; i <= 4; i += 1) lines.push(`{"queue":"jobs:thumbnails","value":"image-${i}.png"}`);
    lines.push('{"queue":"dead-letters"}');
    await walkv.ctl('--quiet', 'import', walkv.file('fill.jsonl', `${lines.join('\n')}\n`));
    await walkv.ctl('checkpoint');
}

for (const colorScheme of ['light', 'dark'])
    for (const phone of [false, true])
        test(`pictures: ${colorScheme}, ${phone ? 'phone' : 'desktop'}`, { colorScheme, phone, expect: [/412/] }, async (t) => {
            mkdirSync(OUT, { recursive: true });
            await fill(t.walkv);
            const shoot = async (page, name) => {
                await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((a) => a.effect.getComputedTiming().iterations !== Infinity).map((a) => a.finished)));
                await page.screenshot({ path: join(OUT, `${name}-${colorScheme}-${phone ? 'phone' : 'desktop'}.png`) });
            };
            const page = await t.open();
            // Traffic, for the charts to have something to draw.
            const until = Date.now() + 3000;
            for (let i = 0; Date.now() < until; i += 1) {
                await t.walkv.set(`session:${i % 50}`, String(i));
                if (i % 3 === 0) await t.walkv.enqueue('jobs:mail', '{"to":"later@example.org"}');
            }
            await page.getByRole('region', { name: 'Durability' }).waitFor();
            await shoot(page, 'overview');
            await page.goto(`${t.walkv.url}#/keys${phone ? '' : '?key=user%3A100'}`);
            if (phone) await keyRow(page, 'config:mail').waitFor();
            else await page.getByRole('tree', { name: 'Value' }).waitFor();
            await shoot(page, 'keys');
            await page.goto(`${t.walkv.url}#/keys?view=tree&key=user%3A100`);
            await page.getByRole('tree', { name: 'Value' }).waitFor();
            await shoot(page, 'key');
            await page.getByRole('button', { name: 'Edit' }).click();
            await page.getByRole('textbox', { name: 'Value' }).fill(USER.replace('1815', '1816'));
            await t.walkv.set('user:100', USER.replace('London', 'Paris'));
            await page.getByText('This key has changed since you began').waitFor();
            await page.getByRole('button', { name: 'Save' }).click();
            await page.getByRole('button', { name: 'Overwrite with yours' }).waitFor();
            await shoot(page, 'conflict');
            await page.getByRole('button', { name: 'Take theirs' }).click();
            await page.goto(`${t.walkv.url}#/keys`);
            await page.getByRole('listbox', { name: 'Keys' }).waitFor();
            await page.keyboard.press('n');
            const dialog = page.getByRole('dialog');
            await dialog.getByLabel('Key', { exact: true }).fill('user:241');
            await dialog.getByRole('textbox', { name: 'Value' }).fill('{"name": "Grace", }');
            await shoot(page, 'new-key');
            await page.keyboard.press('Escape');
            await page.goto(`${t.walkv.url}#/queues${phone ? '' : '?queue=jobs%3Amail'}`);
            await queueRow(page, 'jobs:mail').waitFor();
            await shoot(page, 'queues');
            await page.goto(`${t.walkv.url}#/queues?queue=jobs%3Amail`);
            await page.getByRole('button', { name: 'Dequeue' }).click();
            await page.getByRole('region', { name: 'Taken from the queue' }).waitFor();
            await page.getByRole('button', { name: 'Enqueue' }).click();
            await shoot(page, 'queue');
            await page.goto(`${t.walkv.url}#/docs`);
            await page.getByRole('article', { name: 'GET /api/kv', exact: true }).getByRole('button').first().click();
            await page.getByRole('button', { name: 'Run' }).click();
            await page.getByRole('region', { name: 'Body of the answer' }).waitFor();
            await shoot(page, 'docs');
            if (!phone) {
                await page.keyboard.press('?');
                await page.getByRole('dialog').waitFor();
                await shoot(page, 'help');
            }
        });
