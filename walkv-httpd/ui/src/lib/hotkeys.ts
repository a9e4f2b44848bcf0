// SPDX-License-Identifier: MIT
// Shortcuts of one key, or of two after each other ("g k"). They do nothing while the reader types, while a dialog is
// open, or when they are switched off (in the help: WCAG 2.1.4).
import { useEffect, useRef } from 'react';
import { createStore } from './store';

const SETTING = 'walkv.shortcuts';
const SEQUENCE_MS = 1000;

type Bindings = Record<string, () => void>;

function load(): boolean {
    try {
        return localStorage.getItem(SETTING) !== 'off';
    } catch {
        return true;
    }
}

export const shortcutsOn = createStore(load());

export function setShortcutsOn(on: boolean): void {
    try {
        if (on) localStorage.removeItem(SETTING);
        else localStorage.setItem(SETTING, 'off');
    } catch {
        // Lasts as long as the page, then.
    }
    shortcutsOn.set(on);
}

const layers: { current: Bindings }[] = [];
let first = '';
let firstAt = 0;

function isTyping(target: EventTarget | null): boolean {
    return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Enter presses what has the focus, before it is a shortcut. */
function isPressing({ key, target }: KeyboardEvent): boolean {
    return key === 'Enter' && target instanceof Element && target.closest('button,a,summary,[role=option],[role=treeitem]') !== null;
}

function bound(keys: string): (() => void) | undefined {
    for (let i = layers.length - 1; i >= 0; i -= 1) {
        const run = layers[i]?.current[keys];
        if (run) return run;
    }
    return undefined;
}

function onKeyDown(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector('[role=dialog],[role=alertdialog],[role=menu]')) return;
    if (event.key !== 'Escape' && (isTyping(event.target) || !shortcutsOn.get())) return;
    if (isPressing(event)) return;
    const sequence = first && event.timeStamp - firstAt < SEQUENCE_MS ? `${first} ${event.key}` : '';
    const run = (sequence && bound(sequence)) || bound(event.key);
    first = event.key === 'g' ? 'g' : '';
    firstAt = event.timeStamp;
    if (!run) return;
    first = '';
    event.preventDefault();
    run();
}

/** Later layers go before earlier ones: a page before the frame. */
export function useHotkeys(bindings: Bindings): void {
    const layer = useRef(bindings);
    useEffect(() => {
        layer.current = bindings;
    });
    useEffect(() => {
        if (layers.length === 0) addEventListener('keydown', onKeyDown);
        layers.push(layer);
        return () => {
            layers.splice(layers.indexOf(layer), 1);
            if (layers.length === 0) removeEventListener('keydown', onKeyDown);
        };
    }, []);
}
