// SPDX-License-Identifier: MIT
// One number that matters, with what it means below.
import type { ReactNode } from 'react';
import { Skeleton } from '@/ui/notice';
import { cn } from '@/lib/cn';

interface Props {
    name: string;
    value: string | undefined;
    unit?: string;
    children?: ReactNode;
    href?: string;
    className?: string;
}

export function Tile({ name, value, unit, children, href, className }: Props) {
    const body = (
        <>
            <span className="text-xs text-soft">{name}</span>
            {value === undefined ? (
                <Skeleton className="my-1.5 h-5 w-20" />
            ) : (
                <span className="numbers flex items-baseline gap-1 text-2xl leading-8 font-semibold tracking-tight">
                    {value}
                    {unit && <span className="text-sm font-normal text-soft">{unit}</span>}
                </span>
            )}
            <span className="numbers min-h-4 truncate text-xs text-soft">{children}</span>
        </>
    );
    const look = cn('flex min-w-0 flex-col rounded-lg border border-line bg-surface px-4 py-3', className);
    return href ? (
        <a href={href} className={cn(look, 'transition-colors hover:border-edge')}>
            {body}
        </a>
    ) : (
        <div className={look}>{body}</div>
    );
}

export function Meter({ label, part }: { label: string; part: number }) {
    const width = `${Math.min(100, Math.max(part > 0 ? 1 : 0, part))}%`;
    return (
        <span
            role="meter"
            aria-label={label}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(part)}
            className="mt-1.5 block h-1 overflow-hidden rounded-full bg-line"
        >
            <span className={cn('block h-full rounded-full', part > 90 ? 'bg-bad' : part > 75 ? 'bg-warn' : 'bg-accent')} style={{ width }} />
        </span>
    );
}
