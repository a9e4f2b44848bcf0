// SPDX-License-Identifier: MIT
// Two libraries add <style> elements while they run, which `style-src 'self'` forbids:
//
//   sonner                  adds its whole style sheet when it is loaded. That call is taken out here; the sheet is
//                           imported by ui/toaster.tsx like any other. If a new version does it in another way, the
//                           build fails, so that it is seen here and not in somebody's browser.
//   react-style-singleton   adds the rules of the scroll lock behind dialogs. lib/style-singleton.ts takes its place
//                           and uses a constructed style sheet, which the policy allows.
import type { Plugin } from 'vite';

const SONNER = /\/node_modules\/sonner\/dist\/index\.mjs$/;
const SONNER_CALL = /^__insertCSS\(.*\);$/m;
const SONNER_FUNCTION = /function __insertCSS\(code\) \{[\s\S]*?\n\}/;

export function strictStyles(singleton: string): Plugin {
    return {
        name: 'walkv-strict-styles',
        enforce: 'pre',
        config: () => ({
            resolve: { alias: [{ find: /^react-style-singleton$/, replacement: singleton }] },
            optimizeDeps: { exclude: ['sonner'] },
        }),
        transform(code, id) {
            if (!SONNER.test(id.split('?')[0] ?? '')) return null;
            if (!SONNER_CALL.test(code) || !SONNER_FUNCTION.test(code))
                this.error('sonner no longer adds its styles with __insertCSS: see build/strict-styles.ts');
            return { code: code.replace(SONNER_CALL, '').replace(SONNER_FUNCTION, ''), map: null };
        },
    };
}
