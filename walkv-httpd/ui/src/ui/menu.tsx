// SPDX-License-Identifier: MIT
import * as Parts from '@radix-ui/react-dropdown-menu';
import type { ReactNode } from 'react';

interface Entry {
    label: string;
    run: () => void;
    danger?: boolean;
}

/** `children` is the button that opens it. */
export function Menu({ entries, children }: { entries: Entry[]; children: ReactNode }) {
    return (
        <Parts.Root modal={false}>
            <Parts.Trigger asChild>{children}</Parts.Trigger>
            <Parts.Portal container={document.getElementById('main')}>
                <Parts.Content
                    align="end"
                    sideOffset={4}
                    collisionPadding={8}
                    className="animate-appear z-50 min-w-44 rounded-lg border border-line bg-surface p-1 shadow-lg"
                >
                    {entries.map(({ label, run, danger }) => (
                        <Parts.Item
                            key={label}
                            onSelect={run}
                            className={`cursor-pointer rounded-md px-2.5 py-1.5 text-sm outline-none data-highlighted:bg-sunken ${danger ? 'text-bad' : ''}`}
                        >
                            {label}
                        </Parts.Item>
                    ))}
                </Parts.Content>
            </Parts.Portal>
        </Parts.Root>
    );
}
