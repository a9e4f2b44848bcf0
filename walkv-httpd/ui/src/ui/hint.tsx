// SPDX-License-Identifier: MIT
// A sentence below a button, for who points at it or reaches it with the keyboard. Escape puts it away.
import { useState, type ReactNode } from 'react';

export function Hint({ text, children }: { text: string; children: ReactNode }) {
    const [open, setOpen] = useState(false);
    return (
        <span
            className="relative inline-flex"
            onPointerEnter={() => setOpen(true)}
            onPointerLeave={() => setOpen(false)}
            onFocus={() => setOpen(true)}
            onBlur={() => setOpen(false)}
            onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}
        >
            {children}
            {open && (
                <span
                    role="tooltip"
                    className="animate-appear absolute top-full right-0 z-30 mt-1 w-64 max-w-[80vw] rounded-md border border-line bg-surface px-3 py-2 text-xs text-ink shadow-lg max-md:-right-20"
                >
                    {text}
                </span>
            )}
        </span>
    );
}
