// SPDX-License-Identifier: MIT
// What the first page costs: index.html, what it names, and all that the overview then loads, compressed.
// usage: check-size.mjs [directory of the build], default dist
import { readFile } from 'node:fs/promises';
import { join, dirname, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';

const LIMIT_BYTES = 200 * 1024;
const root = process.argv[2] ?? 'dist';
const FIRST_PAGE = /(overview-page|line-chart)[^/]*\.js$/;

const seen = new Map();
async function take(path) {
    if (seen.has(path)) return;
    const bytes = await readFile(join(root, path));
    seen.set(path, { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length });
    if (!/\.(html|js)$/.test(path)) return;
    const text = bytes.toString();
    const names = path.endsWith('.html')
        ? [...text.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map((m) => m[1])
        : [
              ...[...text.matchAll(/(?:from|import)\s*"(\.\/[^"]+)"/g)].map((m) => normalize(join(dirname(path), m[1]))),
              ...[...text.matchAll(/"(assets\/[^"]+\.(?:js|css))"/g)]
                  .map((m) => m[1])
                  .filter((name) => FIRST_PAGE.test(name) || FIRST_PAGE.test(name.replace(/css$/, 'js'))),
          ];
    for (const name of names) await take(name);
}

await take('index.html');
let total = 0;
for (const [path, size] of seen) {
    total += size.gzip;
    console.log(`${String(size.gzip).padStart(8)} ${path}`);
}
console.log(`${String(total).padStart(8)} bytes for the first page, compressed; the limit is ${LIMIT_BYTES}`);
if (total > LIMIT_BYTES) process.exit(1);
