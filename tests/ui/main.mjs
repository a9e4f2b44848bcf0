// SPDX-License-Identifier: MIT
// The checks of the UI's sources, then the UI in a browser. See README.md.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = join(HERE, '..', '..');
const UI = join(ROOT, 'walkv-httpd', 'ui');
const VITEST_REPORT = join(ROOT, 'build', 'test', 'ui', 'vitest.json');

const total = { passed: 0, failed: 0, skipped: 0 };
const children = new Set();

function say(text) {
    process.stdout.write(`${text}\n`);
}

// Whoever reads has gone: go on to the end, where everything is cleared away.
process.stdout.on('error', () => undefined);

let clearing = false;
for (const [name, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]])
    process.on(name, () => {
        if (clearing) return;
        clearing = true;
        for (const child of children) {
            try {
                process.kill(-child.pid, 'SIGTERM');
            } catch {
                // It has just ended.
            }
        }
        void stopBrowser().finally(() => process.exit(status)); // at exit the daemons are killed and their files removed
    });
let stopBrowser = () => Promise.resolve();

/** Runs a command in a group of its own, which a signal to us ends as well. Shows its output if it fails. */
function command(cwd, argv) {
    return new Promise((done) => {
        const child = spawn(argv[0], argv.slice(1), { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', CI: '1' } });
        let out = '';
        children.add(child);
        for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
        child.once('error', (error) => {
            children.delete(child);
            done({ ok: false, out: String(error) });
        });
        child.once('close', (status) => {
            children.delete(child);
            done({ ok: status === 0, out });
        });
    });
}

async function counted(what, cwd, argv) {
    const began = Date.now();
    const { ok, out } = await command(cwd, argv);
    total[ok ? 'passed' : 'failed'] += 1;
    say(`${ok ? 'ok     ' : 'FAILED '} ${what} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    if (!ok) say(out.replace(/^/gm, '        '));
    return ok;
}

/** npm writes node_modules/.package-lock.json last, and CMake installs into the same place. */
function installed(directory) {
    const mark = join(directory, 'node_modules', '.package-lock.json');
    return existsSync(mark) && statSync(mark).mtimeMs >= statSync(join(directory, 'package-lock.json')).mtimeMs;
}

async function install(directory) {
    if (installed(directory)) return true;
    const { ok, out } = await command(directory, ['npm', 'ci', '--ignore-scripts']);
    if (!ok) {
        total.failed += 1;
        say(`FAILED  npm ci in ${directory}\n${out}`);
    }
    return ok;
}

async function checkSources() {
    if (!(await install(UI))) return;
    await counted('ui: lint', UI, ['npm', 'run', '--silent', 'lint']);
    await counted('ui: typecheck', UI, ['npm', 'run', '--silent', 'typecheck']);
    await counted('ui: check-api', UI, ['npm', 'run', '--silent', 'check-api']);
    mkdirSync(join(VITEST_REPORT, '..'), { recursive: true });
    rmSync(VITEST_REPORT, { force: true });
    const { ok, out } = await command(UI, ['npm', 'test', '--silent', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${VITEST_REPORT}`]);
    try {
        const report = JSON.parse(readFileSync(VITEST_REPORT, 'utf8'));
        total.passed += report.numPassedTests;
        total.failed += report.numFailedTests;
        total.skipped += report.numPendingTests + report.numTodoTests;
        if (!ok && report.numFailedTests === 0) total.failed += 1;
        say(`${ok ? 'ok     ' : 'FAILED '} ui: vitest: ${report.numPassedTests} passed, ${report.numFailedTests} failed`);
    } catch {
        total.failed += 1;
        say('FAILED  ui: vitest ended without a report');
    }
    if (!ok) say(out.replace(/^/gm, '        '));
}

function findBrowser() {
    for (const path of [process.env.WALKV_CHROMIUM, '/usr/bin/chromium']) {
        try {
            accessSync(path ?? '', constants.X_OK);
            return path;
        } catch {
            // The next one.
        }
    }
    return null;
}

async function testInBrowser(names) {
    const browser = findBrowser();
    if (browser === null) {
        total.skipped += 1;
        say('skipped the browser tests: chromium is not there (scripts/install-deps test)');
        return;
    }
    if (!(await install(HERE))) return;
    const { runTests, counts, closeBrowser } = await import('./lib/runner.mjs');
    stopBrowser = closeBrowser;
    await import('./tests/index.mjs');
    try {
        await runTests(browser, names);
    } catch (error) {
        total.failed += 1;
        say(`FAILED  ${error.stack ?? error}`);
    }
    for (const name of Object.keys(counts)) total[name] += counts[name];
}

const argv = process.argv.slice(2);
const onlyBrowser = argv[0] === '--browser';
const onlySources = argv[0] === '--sources';
const names = argv.filter((arg) => !arg.startsWith('--'));
if (!onlyBrowser && names.length === 0) await checkSources();
if (!onlySources && !clearing) await testInBrowser(names);
if (clearing) await new Promise(() => undefined); // the end has been called for
say(`ui: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
