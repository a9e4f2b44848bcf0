// SPDX-License-Identifier: MIT
// Quantities for people: counts, bytes, rates and durations.

const GROUPED = new Intl.NumberFormat('en-US');
const SHORT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function count(n: number): string {
    return GROUPED.format(n);
}

export function shortCount(n: number): string {
    return Math.abs(n) < 10_000 ? GROUPED.format(n) : SHORT.format(n);
}

/** `noun` in the right number: "1 key", "2,000 keys". */
export function plural(n: number, noun: string, nouns = `${noun}s`): string {
    return `${count(n)} ${n === 1 ? noun : nouns}`;
}

export function bytes(n: number): string {
    let unit = 0;
    let size = n;
    while (size >= 1024 && unit < UNITS.length - 1) {
        size /= 1024;
        unit += 1;
    }
    const digits = unit === 0 || size >= 100 ? 0 : 1;
    return `${size.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

/** Per second: whole numbers from 10 on, one decimal below. */
export function rate(perSecond: number): string {
    if (perSecond < 0.05) return '0';
    return perSecond < 10 ? perSecond.toFixed(1) : shortCount(Math.round(perSecond));
}

export function duration(ms: number): string {
    if (ms < 1000) return `${Math.round(ms)} ms`;
    const seconds = ms / 1000;
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    if (seconds < 60) return `${Math.floor(seconds)} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return `${hours} h ${minutes % 60} min`;
    return `${Math.floor(hours / 24)} days`;
}

export function percent(part: number, whole: number): number {
    return whole > 0 ? (part / whole) * 100 : 0;
}

export function percentText(part: number, whole: number): string {
    const p = percent(part, whole);
    return `${p > 0 && p < 0.1 ? '<0.1' : p.toFixed(p < 10 ? 1 : 0)} %`;
}
