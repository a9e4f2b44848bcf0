// SPDX-License-Identifier: MIT
// node EmbedUi.mjs DIRECTORY OUT: writes the C source of `ui_files` (walkv-httpd/embedded.h): all files under DIRECTORY,
// as they are and compressed, with the type that each is sent as. What stands in assets/ has a hash of its content in its
// name, so it never changes.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPES = {
    html: 'text/html; charset=utf-8',
    js: 'text/javascript; charset=utf-8',
    css: 'text/css; charset=utf-8',
    svg: 'image/svg+xml',
    png: 'image/png',
    ico: 'image/vnd.microsoft.icon',
    webmanifest: 'application/manifest+json',
    json: 'application/json',
    woff2: 'font/woff2',
    txt: 'text/plain; charset=utf-8',
};

const [directory, out] = process.argv.slice(2);

function filesUnder(path) {
    return readdirSync(join(directory, path), { withFileTypes: true })
        .flatMap((entry) => (entry.isDirectory() ? filesUnder(posix.join(path, entry.name)) : [posix.join(path, entry.name)]))
        .sort();
}

function array(name, bytes) {
    const lines = bytes.toString('hex').match(/.{1,48}/g) ?? [];
    return `static const unsigned char ${name}[${bytes.length}] = {\n${lines.map((line) => line.replace(/../g, '0x$&,')).join('\n')}\n};\n`;
}

const files = filesUnder('').map((path, index) => {
    const type = TYPES[path.slice(path.lastIndexOf('.') + 1)];
    if (!type) throw new Error(`${path}: no type is known for it; add one to EmbedUi.mjs`);
    const plain = readFileSync(join(directory, path));
    const packed = gzipSync(plain, { level: 9 });
    const smaller = packed.length < plain.length;
    const hash = createHash('sha256').update(plain).digest('hex').slice(0, 16);
    const immutable = path.startsWith('assets/');
    return {
        arrays: array(`plain_${index}`, plain) + (smaller ? array(`packed_${index}`, packed) : ''),
        entry:
            `    {"/${path}", "${type}", ${immutable}, {{(const char *)plain_${index}, sizeof plain_${index}}, "\\"${hash}\\""},\n` +
            `     {{${smaller ? `(const char *)packed_${index}, sizeof packed_${index}` : '"", 0'}}, "\\"${hash}-gzip\\""}},\n`,
    };
});
if (!files.length) throw new Error(`${directory}: there is nothing in it`);

writeFileSync(
    out,
    `/* Made by cmake/EmbedUi.mjs from what the build of walkv-httpd/ui has made. */
#include "embedded.h"

${files.map((file) => file.arrays).join('\n')}
const struct embedded_file ui_files[] = {
${files.map((file) => file.entry).join('')}};
const unsigned ui_file_count = ${files.length};
`,
);
