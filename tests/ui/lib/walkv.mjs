// SPDX-License-Identifier: MIT
// The real daemons in a temporary directory, on a free port, and the API as it is asked without a browser. Nothing here
// ends a process that it did not start.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const BUILD = resolve(process.env.WALKV_BUILD ?? join(ROOT, 'build', 'release'));
const WALKVD = join(BUILD, 'walkvd', 'walkvd');
const WALKVCTL = join(BUILD, 'walkvd', 'walkvctl');
const HTTPD = join(BUILD, 'walkv-httpd', 'walkv-httpd');

const PATIENCE_MS = 30_000; // how long anything may take before a test gives up; never how long a test takes
const ALARMING = /AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|\bpanic\b|Assertion/;

/** Calls `condition` until it returns something true, and returns that. */
export async function until(condition, what, patienceMs = PATIENCE_MS) {
    const giveUp = Date.now() + patienceMs;
    for (;;) {
        const result = await condition();
        if (result) return result;
        if (Date.now() > giveUp) throw new Error(`waited ${patienceMs} ms for ${what}`);
        await sleep(15);
    }
}

export function freePort() {
    return new Promise((done, failed) => {
        const server = createServer().once('error', failed);
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => done(port));
        });
    });
}

/** The pids of the children of a process, oldest first. */
export function childrenOf(pid) {
    const found = [];
    for (const entry of readdirSync('/proc')) {
        if (!/^\d+$/.test(entry)) continue;
        try {
            const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
            const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
            if (Number(fields[1]) === pid && fields[0] !== 'Z') found.push([Number(fields[19]), Number(entry)]);
        } catch {
            // It has ended meanwhile.
        }
    }
    return found.sort((a, b) => a[0] - b[0]).map(([, child]) => child);
}

export function signal(pid, name) {
    try {
        process.kill(pid, name);
    } catch (error) {
        if (error.code !== 'ESRCH') throw error;
    }
}

/** A process that was started here, and what it writes. */
export class Daemon {
    log = '';

    constructor(name, argv, options = {}) {
        this.name = name;
        this.process = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'ignore', 'pipe'], ...options });
        this.pid = this.process.pid;
        this.ended = new Promise((done) => {
            this.process.once('error', (error) => {
                this.log += `${error}\n`;
                done(-1);
            });
            this.process.once('close', (status, by) => done(status ?? by));
        });
        this.process.stderr.setEncoding('utf8').on('data', (text) => (this.log += text));
    }

    get running() {
        return this.pid !== undefined && this.process.exitCode === null && this.process.signalCode === null;
    }

    signal(name) {
        if (this.running) signal(this.pid, name);
    }

    async waitFor(pattern) {
        await until(() => {
            if (pattern.test(this.log)) return true;
            if (!this.running) throw new Error(`${this.name} ended before ${pattern}:\n${this.log}`);
            return false;
        }, `${this.name}: ${pattern}`);
    }

    async kill() {
        this.signal('SIGKILL');
        await this.ended;
    }
}

/** Runs a program to its end, and returns its output; throws when its exit status is not 0. */
export async function run(argv, input = '') {
    const child = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    child.stdin.on('error', () => undefined).end(input);
    const status = await new Promise((done, failed) => child.once('error', failed).once('close', done));
    if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${err}`);
    return out;
}

function flags(settings) {
    return Object.entries(settings).map(([name, value]) => `--${name.replaceAll('_', '-')}=${value}`);
}

let serial = 0;
const stores = new Set();

/** For the end of the program, however it comes: no time to wait. */
export function closeAllNow() {
    for (const store of stores) store.closeNow();
}

/** One walkvd and one `walkv-httpd --workers N`, with a data directory, a socket and a view of their own. */
export class Walkv {
    daemons = [];
    token = '';

    constructor({ workers = 1, walkvd = {}, httpd = {} } = {}) {
        serial += 1;
        this.dir = mkdtempSync(join(tmpdir(), 'walkv-ui-'));
        this.data = join(this.dir, 'data');
        this.socket = join(this.dir, 'walkvd.sock');
        this.view = `/dev/shm/walkv-ui-${process.pid}-${serial}`;
        this.workers = workers;
        this.walkvdFlags = { view_grace: '10ms', view_size: '256MiB', ...walkvd };
        this.httpdFlags = httpd;
        mkdirSync(this.data, { mode: 0o700 });
        stores.add(this);
    }

    get url() {
        return `http://127.0.0.1:${this.port}/`;
    }

    async startWalkvd() {
        const places = { data_dir: this.data, socket_path: this.socket, view_path: this.view };
        this.walkvd = new Daemon('walkvd', [WALKVD, ...flags({ ...places, ...this.walkvdFlags })]);
        this.daemons.push(this.walkvd);
        await this.walkvd.waitFor(/\bready\b/);
    }

    async startHttpd() {
        const places = { listen: `127.0.0.1:${this.port}`, workers: this.workers, socket_path: this.socket, view_path: this.view };
        this.httpd = new Daemon('walkv-httpd', [HTTPD, ...flags({ ...places, ...this.httpdFlags })]);
        this.daemons.push(this.httpd);
        await this.ready();
    }

    async ready() {
        await until(async () => {
            if (!this.httpd.running) throw new Error(`walkv-httpd has ended:\n${this.httpd.log}`);
            try {
                return (await fetch(`${this.url}readyz`)).status === 200;
            } catch {
                return false;
            }
        }, '/readyz to be 200');
    }

    async start() {
        this.port = await freePort();
        await this.startWalkvd();
        await this.startHttpd();
        return this;
    }

    /** A file in the directory of this store. */
    file(name, text) {
        const path = join(this.dir, name);
        writeFileSync(path, text, { mode: 0o600 });
        return path;
    }

    ctl(...argv) {
        return run([WALKVCTL, '--socket', this.socket, ...argv]);
    }

    /** Throws when a daemon has reported a bug of its own. */
    check() {
        for (const daemon of this.daemons) if (ALARMING.test(daemon.log)) throw new Error(`${daemon.name} reported a bug:\n${daemon.log}`);
    }

    closeNow() {
        stores.delete(this);
        for (const daemon of this.daemons) {
            const children = daemon.running ? childrenOf(daemon.pid) : [];
            daemon.signal('SIGKILL');
            for (const pid of children) signal(pid, 'SIGKILL');
        }
        this.removeFiles();
    }

    removeFiles() {
        const folder = dirname(this.view);
        if (existsSync(folder))
            for (const name of readdirSync(folder)) {
                const rest = name.startsWith(basename(this.view)) ? name.slice(basename(this.view).length) : '1';
                if (!/^\d/.test(rest)) rmSync(join(folder, name), { force: true });
            }
        rmSync(this.dir, { recursive: true, force: true });
    }

    async close() {
        this.closeNow();
        await Promise.all(this.daemons.map((daemon) => daemon.ended));
        this.removeFiles(); // what they wrote while they were ending
    }

    // --- the API ---

    async ask(method, path, { body, headers = {} } = {}) {
        const response = await fetch(this.url + path, {
            method,
            headers: {
                ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
                ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}),
                ...headers,
            },
            ...(body === undefined ? {} : { body }),
        });
        return { status: response.status, headers: response.headers, text: await response.text() };
    }

    async must(method, path, options) {
        const reply = await this.ask(method, path, options);
        if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
        return reply;
    }

    /** `text` is the JSON text of the value. */
    async set(key, text) {
        await this.must('PUT', `api/kv/${encodeURIComponent(key)}`, { body: `{"value":${text}}` });
    }

    /** The JSON text as it was stored, or null. */
    async value(key) {
        const { status, text } = await this.ask('GET', `api/kv/${encodeURIComponent(key)}`);
        if (status === 404) return null;
        const start = `{"success":true,"key":${JSON.stringify(key)},"value":`;
        if (!text.startsWith(start)) throw new Error(`${key}: ${status} ${text}`);
        return text.slice(start.length, -1);
    }

    async keys() {
        return JSON.parse((await this.must('GET', 'api/kv?keys=only')).text).keys;
    }

    async delete(key) {
        await this.must('DELETE', `api/kv/${encodeURIComponent(key)}`);
    }

    async enqueue(queue, text) {
        await this.must('POST', `api/queue/${encodeURIComponent(queue)}/enqueue`, { body: `{"value":${text}}` });
    }

    async dequeue(queue) {
        await this.must('POST', `api/queue/${encodeURIComponent(queue)}/dequeue`);
    }

    /** {name: size} */
    async queues() {
        return JSON.parse((await this.must('GET', 'api/queue?sizes=true')).text).sizes;
    }

    /** The values of the items that wait, as Node has them. */
    async items(queue) {
        const { status, text } = await this.ask('GET', `api/queue/${encodeURIComponent(queue)}/items`);
        return status === 404 ? null : JSON.parse(text).items.map((item) => item.value);
    }
}
