// SPDX-License-Identifier: MIT
// What the first page costs: index.html, what it names, and what the overview then loads, compressed.
// usage: check-size.mjs [directory of the build], default dist
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const LIMIT_BYTES = 200 * 1024;
const LOADED_BY_THE_OVERVIEW = /^line-chart-/;
const root = process.argv[2] ?? 'dist';

const html = await readFile(join(root, 'index.html'), 'utf8');
const paths = new Set(['index.html', ...[...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map((m) => m[1])]);
for (const name of await readdir(join(root, 'assets'))) if (LOADED_BY_THE_OVERVIEW.test(name)) paths.add(`assets/${name}`);

// Chunks that others share are imported by name.
for (const path of paths)
    if (path.endsWith('.js'))
        for (const [, name] of (await readFile(join(root, path), 'utf8')).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g))
            paths.add(`assets/${name}`);

let total = 0;
for (const path of paths) {
    const size = gzipSync(await readFile(join(root, path)), { level: 9 }).length;
    total += size;
    console.log(`${String(size).padStart(8)} ${path}`);
}
console.log(`${String(total).padStart(8)} bytes for the first page, compressed; the limit is ${LIMIT_BYTES}`);
if (total > LIMIT_BYTES) process.exitCode = 1;
