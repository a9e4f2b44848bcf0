// SPDX-License-Identifier: MIT
// Makes src/api/schema.d.ts from the OpenAPI document of the server, or checks that it is up to date.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const document = new URL('../../openapi.json', import.meta.url);
const output = new URL('../src/api/schema.d.ts', import.meta.url);
const head = '// SPDX-License-Identifier: MIT\n// Made by `npm run make-api` from ../../openapi.json: change that, not this.\n';

const wanted = head + astToString(await openapiTS(document, { alphabetize: false }));
if (process.argv.includes('--write')) {
    await writeFile(output, wanted);
} else if ((await readFile(output, 'utf8').catch(() => '')) !== wanted) {
    console.error('src/api/schema.d.ts is not what openapi.json says: npm run make-api');
    process.exit(1);
} else {
    console.log('src/api/schema.d.ts is up to date');
}
