// SPDX-License-Identifier: MIT
// A titled box, and a list of facts in it.
import type { ComponentProps, ReactNode } from 'react';
import { cn } from '@/lib/cn';

interface PanelProps extends Omit<ComponentProps<'section'>, 'title'> {
    title: string;
    aside?: ReactNode;
}

export function Panel({ title, aside, className, children, ...rest }: PanelProps) {
    return (
        <section aria-label={title} className={cn('min-w-0 rounded-lg border border-line bg-surface', className)} {...rest}>
            <header className="flex min-h-9 items-center justify-between gap-3 px-4 pt-3">
                <h2 className="text-sm font-semibold">{title}</h2>
                {aside}
            </header>
            <div className="px-4 pt-2 pb-3">{children}</div>
        </section>
    );
}

export function Facts({ children }: { children: ReactNode }) {
    return <dl className="divide-y divide-line">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
    return (
        <div className="flex min-w-0 items-baseline justify-between gap-4 py-1.5 text-sm">
            <dt className="shrink-0 text-soft">{name}</dt>
            <dd className="numbers min-w-0 truncate text-right">{children}</dd>
        </div>
    );
}
