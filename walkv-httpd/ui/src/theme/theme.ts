// SPDX-License-Identifier: MIT
// Light, dark, or what the system says. early.js does the same before the first paint; the name of the setting is
// known to both.
import { useSyncExternalStore } from 'react';
import { createStore, useStore } from '@/lib/store';

export type Theme = 'light' | 'dark' | 'system';

const SETTING = 'walkv.theme';
const systemDark = matchMedia('(prefers-color-scheme: dark)');

function load(): Theme {
    try {
        const saved = localStorage.getItem(SETTING);
        return saved === 'light' || saved === 'dark' ? saved : 'system';
    } catch {
        return 'system';
    }
}

const chosen = createStore<Theme>(load());

function isDark(): boolean {
    return chosen.get() === 'dark' || (chosen.get() === 'system' && systemDark.matches);
}

function apply(): void {
    document.documentElement.classList.toggle('dark', isDark());
}

chosen.subscribe(apply);
systemDark.addEventListener('change', apply);
addEventListener('storage', (event) => {
    if (event.key === SETTING) chosen.set(load());
});

export function setTheme(theme: Theme): void {
    try {
        if (theme === 'system') localStorage.removeItem(SETTING);
        else localStorage.setItem(SETTING, theme);
    } catch {
        // Storage is switched off: the choice lasts as long as the page.
    }
    chosen.set(theme);
}

export function useTheme(): Theme {
    return useStore(chosen);
}

function subscribe(listener: () => void): () => void {
    const stop = chosen.subscribe(listener);
    systemDark.addEventListener('change', listener);
    return () => {
        stop();
        systemDark.removeEventListener('change', listener);
    };
}

export function useDark(): boolean {
    return useSyncExternalStore(subscribe, isDark);
}
