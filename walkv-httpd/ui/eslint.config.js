// SPDX-License-Identifier: MIT
// What is stored in walkv is shown as text and never as markup: the rules at the end keep it so.
import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import tseslint from 'typescript-eslint';

const markup = 'Values come from strangers: show them as text nodes only.';
const dynamicCode = 'The Content-Security-Policy forbids code made from text.';

export default tseslint.config(
    { ignores: ['dist', 'node_modules', 'src/api/schema.d.ts'] },
    js.configs.recommended,
    ...tseslint.configs.strict,
    ...tseslint.configs.stylistic,
    {
        files: ['src/**/*.{ts,tsx}', 'tests/**/*.ts', 'build/**/*.ts', 'vite.config.ts'],
        languageOptions: { globals: globals.browser },
        plugins: { 'react-hooks': hooks },
        rules: {
            'react-hooks/rules-of-hooks': 'error',
            'react-hooks/exhaustive-deps': 'error',
            '@typescript-eslint/consistent-type-imports': 'error',
            '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
            '@typescript-eslint/no-non-null-assertion': 'error',
            eqeqeq: ['error', 'always'],
            'no-console': 'error',
            'no-eval': 'error',
            'no-implied-eval': 'error',
            'no-new-func': 'error',
            'no-restricted-syntax': [
                'error',
                { selector: 'JSXAttribute[name.name="dangerouslySetInnerHTML"]', message: markup },
                { selector: 'Property[key.name="dangerouslySetInnerHTML"]', message: markup },
                { selector: 'JSXOpeningElement[name.name=/^(style|script|iframe|object|embed)$/]', message: markup },
                {
                    selector:
                        'MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML|srcdoc|createContextualFragment)$/]',
                    message: markup,
                },
                { selector: 'CallExpression[callee.object.name="document"][callee.property.name="write"]', message: markup },
                { selector: 'NewExpression[callee.name="DOMParser"]', message: markup },
                { selector: 'NewExpression[callee.name="Function"]', message: dynamicCode },
            ],
        },
    },
    {
        files: ['scripts/**/*.mjs', 'eslint.config.js'],
        languageOptions: { globals: globals.node },
    },
    {
        files: ['src/theme/early.js'],
        languageOptions: { globals: globals.browser, sourceType: 'script' },
        rules: { 'no-var': 'off', '@typescript-eslint/no-unused-vars': 'off' },
    },
);
