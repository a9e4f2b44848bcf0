// SPDX-License-Identifier: MIT
// Somebody else has changed a key while it was being edited: both sides, and what to do about it.
import { GitMerge } from 'lucide-react';
import { useMemo } from 'react';
import type { StoredValue } from '@/api/kv';
import { cn } from '@/lib/cn';
import { visible } from '@/lib/utf8';
import { pretty } from '@/json/format';
import { Button } from '@/ui/button';
import { differingLines } from './line-diff';

interface Props {
    mine: string;
    /** null: the key is gone. */
    theirs: StoredValue | null;
    busy: boolean;
    onOverwrite: () => void;
    onTakeTheirs: () => void;
    onMerge: () => void;
    onBack: () => void;
}

export function Side({ title, lines, marked, tone }: { title: string; lines: string[]; marked: Set<number>; tone: 'mine' | 'theirs' }) {
    return (
        <section aria-label={title} className="flex min-h-40 min-w-0 flex-1 flex-col">
            <h3 className="px-3 py-1.5 text-xs font-medium text-soft">{title}</h3>
            <pre tabIndex={0} className="mono scroll-thin min-h-0 flex-1 overflow-auto border-t border-line py-2 -outline-offset-2">
                {lines.map((line, i) => (
                    <span key={i} className={cn('block px-3 break-all whitespace-pre-wrap', marked.has(i) && (tone === 'mine' ? 'bg-accent-wash' : 'bg-warn-wash'))}>
                        {visible(line) || ' '}
                    </span>
                ))}
            </pre>
        </section>
    );
}

export function ConflictView({ mine, theirs, busy, onOverwrite, onTakeTheirs, onMerge, onBack }: Props) {
    const sides = useMemo(() => {
        const left = pretty(mine).split('\n');
        const right = theirs ? pretty(theirs.text).split('\n') : [];
        return { left, right, ...differingLines(left, right) };
    }, [mine, theirs]);
    return (
        <div className="flex h-full min-h-0 flex-col">
            <div role="alert" className="flex items-center gap-2 border-b border-line bg-warn-wash px-4 py-2 text-sm text-warn">
                <GitMerge aria-hidden className="size-4 shrink-0" />
                {theirs
                    ? `This key was changed while you edited it; it now has version ${theirs.version ?? '?'}. Nothing is saved yet.`
                    : 'This key was deleted while you edited it. Nothing is saved yet.'}
            </div>
            <div className="flex min-h-0 flex-1 flex-col divide-y divide-line overflow-auto md:flex-row md:divide-x md:divide-y-0">
                <Side title="Yours" lines={sides.left} marked={sides.inLeft} tone="mine" />
                {theirs ? (
                    <Side title={`Stored now, version ${theirs.version ?? '?'}`} lines={sides.right} marked={sides.inRight} tone="theirs" />
                ) : (
                    <p className="flex flex-1 items-center justify-center p-6 text-sm text-soft">There is nothing stored under this key now.</p>
                )}
            </div>
            <div className="flex shrink-0 flex-wrap justify-end gap-2 border-t border-line px-4 py-3">
                <Button tone="quiet" onClick={onBack}>
                    Back
                </Button>
                <Button onClick={onTakeTheirs}>{theirs ? 'Take theirs' : 'Leave it deleted'}</Button>
                {theirs && <Button onClick={onMerge}>Merge by hand</Button>}
                <Button tone="accent" disabled={busy} onClick={onOverwrite}>
                    {theirs ? 'Overwrite with yours' : 'Create it again'}
                </Button>
            </div>
        </div>
    );
}
