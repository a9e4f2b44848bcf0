// SPDX-License-Identifier: MIT
// Puts a small classic script, under a hashed name, at the head of the page: it runs before the first paint, which
// a module cannot, and needs no 'unsafe-inline', which a script in the page would.
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

const DEV_PATH = '/@early.js';

export function earlyScript(file: string): Plugin {
    let building = false;
    let ref = '';
    let fileName = '';
    return {
        name: 'walkv-early-script',
        configResolved(config) {
            building = config.command === 'build';
        },
        configureServer(server) {
            server.middlewares.use(DEV_PATH, (_req, res) => {
                res.setHeader('Content-Type', 'text/javascript');
                res.end(readFileSync(file));
            });
        },
        buildStart() {
            if (!building) return;
            this.addWatchFile(file);
            const source = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/\s*/g, '');
            ref = this.emitFile({ type: 'asset', name: 'early.js', source });
        },
        generateBundle() {
            fileName = this.getFileName(ref);
        },
        transformIndexHtml: {
            order: 'post',
            handler() {
                const src = building ? `./${fileName}` : DEV_PATH;
                return [{ tag: 'script', attrs: { src }, injectTo: 'head-prepend' }];
            },
        },
    };
}
