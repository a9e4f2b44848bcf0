// SPDX-License-Identifier: MIT
// The access token of this tab. It is kept for as long as the tab lives, and never leaves it but in the header of
// a request. A request that was refused for want of a token waits here until the reader has entered one.
import { createStore } from '@/lib/store';

const SETTING = 'walkv.token';

function load(): string {
    try {
        return sessionStorage.getItem(SETTING) ?? '';
    } catch {
        return '';
    }
}

export const token = createStore(load());

export type Question = 'none' | 'asked' | 'declined';
/** Whether the reader is being asked for a token, and why: `rejected` is the one that was not good enough. */
export const question = createStore<{ state: Question; rejected: string }>({ state: 'none', rejected: '' });

let waiting: ((entered: boolean) => void)[] = [];

function answer(entered: boolean): void {
    const all = waiting;
    waiting = [];
    for (const resolve of all) resolve(entered);
}

export function enterToken(text: string): void {
    try {
        sessionStorage.setItem(SETTING, text);
    } catch {
        // Storage is switched off: the token lasts as long as the page.
    }
    question.set({ state: 'none', rejected: '' });
    token.set(text);
    answer(true);
}

export function forgetToken(): void {
    try {
        sessionStorage.removeItem(SETTING);
    } catch {
        // See above.
    }
    token.set('');
}

export function declineToken(): void {
    question.set({ ...question.get(), state: 'declined' });
    answer(false);
}

export function askForToken(): void {
    question.set({ ...question.get(), state: 'asked' });
}

/** After a 401 with the token `used`. True: there is another token now, try again. */
export function tokenRefused(used: string): Promise<boolean> {
    if (token.get() !== used) return Promise.resolve(true);
    if (question.get().state === 'declined') return Promise.resolve(false);
    question.set({ state: 'asked', rejected: used });
    return new Promise((resolve) => waiting.push(resolve));
}
