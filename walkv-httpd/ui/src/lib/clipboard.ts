// SPDX-License-Identifier: MIT
// Copies text, also on pages that came over plain http, where navigator.clipboard is missing.
import { toast } from 'sonner';

function copyBySelection(text: string): boolean {
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('aria-hidden', 'true');
    area.style.position = 'fixed';
    area.style.opacity = '0';
    const host = document.querySelector('[role=dialog],[role=alertdialog]') ?? document.body;
    host.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
}

export async function copyText(text: string, what: string): Promise<void> {
    let done = false;
    try {
        await navigator.clipboard.writeText(text);
        done = true;
    } catch {
        done = copyBySelection(text);
    }
    if (done) toast.success(`${what} copied`);
    else toast.error('The browser did not let this be copied');
}
