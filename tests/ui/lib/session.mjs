// SPDX-License-Identifier: MIT
// What one test has: a store, and pages that watch themselves. Everything that a page complains of, and every request that
// fails, must have been expected by the test.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, Walkv } from './walkv.mjs';

export const OUT = join(ROOT, 'build', 'test', 'ui');

// Before any script of the page. Chromium reports a violation of the policy on its console as well; this one comes even
// where a page would swallow it. `stolen` is what the hostile values of the tests try to set.
function watch() {
    document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`securitypolicyviolation: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
    window.addEventListener('unhandledrejection', (event) => console.error(`unhandledrejection: ${event.reason}`));
}

// All pages of a browser share one clipboard, so it is for one test at a time.
let clipboardFree = Promise.resolve();

export class Session {
    complaints = [];
    eventRequests = [];
    events = [];
    contexts = [];
    walkv = null;

    constructor(browser, options) {
        this.browser = browser;
        this.options = options;
        this.expected = [...(options.expect ?? [])];
        this.began = Date.now();
    }

    async start() {
        if (this.options.store !== false) this.walkv = await new Walkv(this.options).start();
        this.context = await this.newContext(this.options);
    }

    note(text) {
        this.events.push(`${String(Date.now() - this.began).padStart(6)} ms ${text}`);
    }

    complain(text) {
        this.note(text);
        this.complaints.push(text);
    }

    /** From now on such complaints are no reason to fail. */
    expect(...patterns) {
        this.expected.push(...patterns);
    }

    /** A browser of its own, as far as a page can tell. */
    async newContext({ viewport = { width: 1280, height: 800 }, phone = false, ...more } = {}) {
        const { colorScheme = 'light', reducedMotion } = more;
        const context = await this.browser.newContext({
            viewport: phone ? { width: 360, height: 740 } : viewport,
            isMobile: phone,
            hasTouch: phone,
            colorScheme,
            locale: 'en-GB',
            ...(reducedMotion ? { reducedMotion } : {}),
        });
        context.setDefaultTimeout(20_000);
        this.contexts.push(context);
        await context.grantPermissions(['clipboard-read', 'clipboard-write']);
        await context.addInitScript(watch);
        context.on('console', (message) => {
            if (message.type() === 'error' || message.type() === 'warning') this.complain(`console ${message.type()}: ${message.text()} (${message.location().url})`);
        });
        context.on('weberror', (error) => this.complain(`page error: ${error.error().stack ?? error.error()}`));
        context.on('request', (request) => {
            if (new URL(request.url()).pathname.endsWith('/api/events')) this.eventRequests.push(request);
        });
        context.on('requestfailed', (request) => {
            const why = request.failure()?.errorText ?? '';
            // A page that no longer wants an answer says so.
            if (why !== 'net::ERR_ABORTED') this.complain(`request failed: ${request.method()} ${request.url()} ${why}`);
        });
        context.on('response', (response) => {
            if (response.status() >= 400) this.complain(`response: ${response.request().method()} ${response.url()} ${response.status()}`);
        });
        context.on('dialog', (dialog) => {
            if (dialog.type() !== 'beforeunload') this.complain(`dialog: ${dialog.type()} ${dialog.message()}`);
            dialog.accept().catch(() => undefined);
        });
        return context;
    }

    /** A new page at `hash`, when it is there and its stream is open. */
    async open(hash = '#/', { context = this.context, base = this.walkv.url, live = true } = {}) {
        const page = await context.newPage();
        await page.goto(base + hash);
        if (live) await this.connection(page, 'Live');
        return page;
    }

    /** Waits until the page says so of its connection. */
    async connection(page, label, timeout = 15_000) {
        await page.getByTestId('connection').filter({ hasText: label }).waitFor({ timeout });
    }

    /** Before anything is copied. Until the end of the test. */
    async takeClipboard() {
        const before = clipboardFree;
        clipboardFree = new Promise((done) => {
            this.giveClipboard = done;
        });
        await before;
    }

    async clipboard(page) {
        return page.evaluate(() => navigator.clipboard.readText());
    }

    story() {
        return this.events.slice(-40);
    }

    async check() {
        // What the pages had to say last.
        for (const context of this.contexts) for (const page of context.pages()) await page.evaluate(() => new Promise((done) => setTimeout(done, 0)));
        const bad = this.complaints.filter((text) => !this.expected.some((pattern) => pattern.test(text)));
        if (bad.length > 0) throw new Error(`nobody expected:\n${bad.join('\n')}`);
        this.walkv?.check();
    }

    /** Pictures of what a failed test has seen last. */
    async keepEvidence(name) {
        mkdirSync(OUT, { recursive: true });
        let n = 0;
        for (const context of this.contexts)
            for (const page of context.pages()) {
                n += 1;
                const path = join(OUT, `failed-${name.replace(/\W+/g, '-')}-${n}.png`);
                await page.screenshot({ path, timeout: 5_000 }).catch(() => undefined);
                this.note(`see ${path}`);
            }
    }

    async close() {
        this.giveClipboard?.();
        for (const context of this.contexts) await context.close().catch(() => undefined);
        await this.walkv?.close();
    }
}
