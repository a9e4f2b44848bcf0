// SPDX-License-Identifier: MIT
// Under a path of a reverse proxy that other things are served beside.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon, freePort, until } from '../lib/walkv.mjs';
import { Skip, test } from '../lib/runner.mjs';
import { createKey, keyRow, queueRow, toast, valueText } from '../lib/ui.mjs';

const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path));

/** In the foreground, as one process, with nothing outside of the directory of the store. */
async function nginx(walkv) {
    if (!NGINX) throw new Skip('nginx is not installed (scripts/install-deps test)');
    const directory = join(walkv.dir, 'nginx');
    mkdirSync(directory);
    const port = await freePort();
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${directory}/${kind};`).join('\n');
    const configuration = walkv.file(
        'nginx.conf',
        `daemon off;
master_process off;
pid ${directory}/pid;
error_log stderr warn;
events { worker_connections 256; }
http {
  access_log off;
  ${temp}
  map $request_uri $walkv_path { "~^/exact(/.*)$" $1; }
  server {
    listen 127.0.0.1:${port};
    location /tools/store/ {
      proxy_pass http://127.0.0.1:${walkv.port}/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_buffering off;
    }
    # The path as it came: the other way decodes it, and a key with a slash in it becomes two segments.
    location /exact/ {
      proxy_pass http://127.0.0.1:${walkv.port}$walkv_path;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_buffering off;
    }
    location / { return 404; }
  }
}
`,
    );
    const proxy = new Daemon('nginx', [NGINX, '-e', 'stderr', '-p', directory, '-c', configuration]);
    walkv.daemons.push(proxy);
    const base = `http://127.0.0.1:${port}/`;
    await until(async () => {
        if (!proxy.running) throw new Error(`nginx has ended:\n${proxy.log}`);
        return fetch(`${base}tools/store/readyz`).then((reply) => reply.ok).catch(() => false);
    }, 'nginx to answer');
    return base;
}

test('proxy: under a path of nginx, live', async (t) => {
    const base = `${await nginx(t.walkv)}tools/store/`;
    const outside = [];
    t.context.on('request', (request) => {
        if (!request.url().startsWith(base)) outside.push(request.url());
    });
    await t.walkv.set('k', '"through nginx"');
    const page = await t.open('#/keys?key=k', { base });
    await valueText(page, 'through nginx');
    await createKey(page, 'a b', '1');
    await toast(page, 'a b created');
    assert.equal(await t.walkv.value('a b'), '1');
    await t.walkv.set('live', '1');
    await keyRow(page, 'live').waitFor();
    await t.takeClipboard();
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('menuitem', { name: 'Copy as curl: get' }).click();
    await toast(page, 'Command copied');
    assert.ok((await t.clipboard(page)).includes(`${base}api/kv/`));
    await page.getByRole('link', { name: 'Queues' }).first().click();
    await page.getByText('No queues yet').waitFor();
    await t.walkv.enqueue('q', '1');
    await queueRow(page, 'q').waitFor();
    await page.getByRole('link', { name: 'Docs' }).first().click();
    await page.getByText(`${base}api/`).waitFor();
    await page.reload();
    await page.getByRole('article').first().waitFor();
    await page.getByRole('link', { name: 'Overview' }).first().click();
    await page.getByRole('region', { name: 'Durability' }).waitFor();
    assert.deepEqual(outside, []);
    assert.equal(t.eventRequests.length, 2); // one before the reload, one after it
});

test('proxy: slashes in keys, where nginx passes the path on as it came', async (t) => {
    const base = `${await nginx(t.walkv)}exact/`;
    const page = await t.open('#/keys', { base });
    for (const key of ['a/b', '../up', '%2F?#', 'ü/']) {
        await createKey(page, key, JSON.stringify(key));
        await toast(page, `${key} created`);
        assert.equal(await t.walkv.value(key), JSON.stringify(key));
    }
});
