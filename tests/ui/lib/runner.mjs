// SPDX-License-Identifier: MIT
// A small runner: each test has a store of its own, and one browser is for all of them. Not node:test, so that the browser is
// started once, and that what Ctrl-C has to clear away is known in one place.
import { chromium } from 'playwright-core';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from './session.mjs';
import { closeAllNow } from './walkv.mjs';

const TEST_TIMEOUT_MS = 120_000;
const AT_ONCE = 3; // they wait more than they compute

export const counts = { passed: 0, failed: 0, skipped: 0 };
const tests = [];
let browser = null;
let stopping = false;

export class Skip extends Error {}

/** `options`: what Session takes, `timeoutMs`, `alone` for a test with no others beside it, and `store: false` for one that
 * starts its own. */
export function test(name, options, body) {
    tests.push(typeof options === 'function' ? { name, options: {}, body: options } : { name, options, body });
}

export function say(text) {
    process.stdout.write(`${text}\n`);
}

function withTimeout(promise, ms) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not done after ${ms} ms`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function runOne(browser, { name, options, body }) {
    const session = new Session(browser, options);
    const began = Date.now();
    try {
        await withTimeout(
            (async () => {
                await session.start();
                await body(session);
                await session.check();
            })(),
            options.timeoutMs ?? TEST_TIMEOUT_MS,
        );
        counts.passed += 1;
        say(`ok      ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
        if (stopping) return; // no wonder
        if (error instanceof Skip) {
            counts.skipped += 1;
            say(`skipped ${name}: ${error.message}`);
        } else {
            counts.failed += 1;
            await session.keepEvidence(name);
            say(`FAILED  ${name}\n${String(error.stack ?? error).replace(/^/gm, '        ')}`);
            for (const line of session.story()) say(`        ${line}`);
        }
    } finally {
        await session.close();
    }
}

/** Runs the tests whose names have one of `wanted` in them, or all. */
export async function runTests(executablePath, wanted) {
    // Where a browser puts what it keeps of its user: fonts, certificates, crashes.
    const home = mkdtempSync(join(tmpdir(), 'walkv-ui-home-'));
    mkdirSync(join(home, 'tmp'));
    const end = () => {
        closeAllNow();
        rmSync(home, { recursive: true, force: true });
    };
    process.on('exit', end);
    try {
        browser = await chromium.launch({
            executablePath,
            headless: true,
            handleSIGINT: false, // main.mjs does
            handleSIGTERM: false,
            handleSIGHUP: false,
            env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
            args: [
                '--no-sandbox', // which root cannot have, and it sees nothing but our own pages
                '--disable-gpu',
                '--disable-dev-shm-usage', // 64 MiB in many containers
                '--disable-background-networking',
                '--disable-component-update',
                '--disable-sync',
                '--no-first-run',
            ],
        });
        say(`browser: chromium ${browser.version()}`);
        const chosen = tests.filter((one) => wanted.length === 0 || wanted.some((part) => one.name.includes(part)));
        const waiting = chosen.filter((one) => !one.options.alone);
        const work = async () => {
            for (let one = waiting.shift(); one && !stopping; one = waiting.shift()) await runOne(browser, one);
        };
        await Promise.all(Array.from({ length: AT_ONCE }, work));
        for (const one of chosen) if (one.options.alone && !stopping) await runOne(browser, one);
    } finally {
        await closeBrowser();
        process.off('exit', end);
        end();
    }
}

/** It ends by itself as well when the pipe to it breaks; this is faster, and removes its files. */
export async function closeBrowser() {
    stopping = true;
    await withTimeout(Promise.resolve(browser?.close()), 5_000).catch(() => undefined);
}
