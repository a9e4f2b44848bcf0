// SPDX-License-Identifier: MIT
// How the UI is built and tested. `base` is relative, so the result works under any path of a reverse proxy.
// WALKV_TARGET names the walkv that `npm run dev` and `npm run preview` pass requests on to.
import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { earlyScript } from './build/early-script';
import { strictStyles } from './build/strict-styles';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const target = process.env.WALKV_TARGET ?? 'http://127.0.0.1:4000';
const toWalkv = { target, changeOrigin: true };
const proxy = { '/api': toWalkv, '/readyz': toWalkv, '/livez': toWalkv, '/healthz': toWalkv, '/openapi.json': toWalkv };

export default defineConfig({
    base: './',
    plugins: [react(), tailwindcss(), earlyScript(path('src/theme/early.js')), strictStyles(path('src/lib/style-singleton.ts'))],
    resolve: { alias: { '@': path('src') } },
    server: { proxy },
    preview: { proxy },
    build: {
        target: 'es2022',
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        sourcemap: false,
        emptyOutDir: true,
        // vite reads a thousand at once, which is more than a process may have open in many a container.
        rollupOptions: { maxParallelFileOps: 100 },
    },
    test: { environment: 'node', include: ['tests/**/*.test.ts'], setupFiles: ['tests/setup.ts'] },
});
