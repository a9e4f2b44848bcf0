// SPDX-License-Identifier: MIT
// The shortcuts, and a switch for them.
import { useId } from 'react';
import { setShortcutsOn, shortcutsOn } from '@/lib/hotkeys';
import { useStore } from '@/lib/store';
import { Dialog } from '@/ui/dialog';

const SHORTCUTS: [string, [string[], string][]][] = [
    [
        'Anywhere',
        [
            [['?'], 'This help'],
            [['g', 'o'], 'Overview'],
            [['g', 'k'], 'Keys'],
            [['g', 'q'], 'Queues'],
            [['g', 'd'], 'Docs'],
            [['Esc'], 'Close, go back'],
        ],
    ],
    [
        'In lists',
        [
            [['/'], 'Search'],
            [['j'], 'Next'],
            [['k'], 'Previous'],
            [['Enter'], 'Open'],
            [['n'], 'New key or queue'],
        ],
    ],
    [
        'On a key or queue',
        [
            [['e'], 'Edit; add an item'],
            [['Ctrl', 'Enter'], 'Save, send'],
        ],
    ],
];

export default function Help({ onClose }: { onClose: () => void }) {
    const id = useId();
    const on = useStore(shortcutsOn);
    return (
        <Dialog open onClose={onClose} title="Keyboard shortcuts">
            <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
                {SHORTCUTS.map(([title, rows]) => (
                    <section key={title} aria-label={title}>
                        <h3 className="mb-1 text-xs font-medium text-soft">{title}</h3>
                        <dl className="divide-y divide-line">
                            {rows.map(([keys, what]) => (
                                <div key={what} className="flex items-center justify-between gap-3 py-1 text-sm">
                                    <dt className="order-last flex gap-1">
                                        {keys.map((key) => (
                                            <kbd key={key} className="rounded border border-line bg-sunken px-1.5 text-xs leading-5">
                                                {key}
                                            </kbd>
                                        ))}
                                    </dt>
                                    <dd>{what}</dd>
                                </div>
                            ))}
                        </dl>
                    </section>
                ))}
            </div>
            <label htmlFor={id} className="mt-5 flex items-center gap-2 text-sm">
                <input id={id} type="checkbox" checked={on} onChange={(e) => setShortcutsOn(e.target.checked)} className="size-4 accent-accent" />
                Shortcuts of single keys
            </label>
        </Dialog>
    );
}
