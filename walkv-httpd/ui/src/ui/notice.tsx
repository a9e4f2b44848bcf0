// SPDX-License-Identifier: MIT
// What stands where content would be: nothing yet, still loading, or failed.
import { CircleAlert, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiError, describe } from '@/api/errors';
import { askForToken } from '@/api/token';
import { cn } from '@/lib/cn';
import { Button } from './button';

interface EmptyProps {
    icon: LucideIcon;
    title: string;
    children?: ReactNode;
    action?: ReactNode;
}

export function Empty({ icon: Icon, title, children, action }: EmptyProps) {
    return (
        <div className="flex h-full flex-col items-center justify-center gap-2 p-8 text-center">
            <Icon aria-hidden className="size-7 text-edge" strokeWidth={1.5} />
            <p className="font-medium">{title}</p>
            {children && <div className="max-w-sm text-sm text-soft">{children}</div>}
            {action && <div className="mt-2 flex gap-2">{action}</div>}
        </div>
    );
}

export function Failed({ error, retry, what }: { error: unknown; retry?: () => void; what: string }) {
    const { title, detail } = describe(error);
    const wantsToken = error instanceof ApiError && (error.status === 401 || error.status === 403);
    return (
        <div role="alert" className="flex h-full flex-col items-center justify-center gap-2 p-8 text-center">
            <CircleAlert aria-hidden className="size-7 text-warn" strokeWidth={1.5} />
            <p className="font-medium">{what}</p>
            <p className="max-w-md text-sm break-words text-soft">
                {title}
                {detail && <span className="mono block text-xs">{detail}</span>}
            </p>
            <div className="mt-2 flex gap-2">
                {retry && <Button onClick={retry}>Try again</Button>}
                {wantsToken && <Button onClick={askForToken}>Enter an access token</Button>}
            </div>
        </div>
    );
}

export function Skeleton({ className }: { className?: string }) {
    return <span aria-hidden className={cn('animate-breathe block rounded bg-line', className)} />;
}

/** Lines that will be a list. */
export function SkeletonRows({ count = 12, label }: { count?: number; label: string }) {
    return (
        <div role="status" aria-label={label} className="flex flex-col gap-3 p-3">
            {Array.from({ length: count }, (_, i) => (
                <Skeleton key={i} className={cn('h-3.5', ['w-3/5', 'w-2/5', 'w-4/5', 'w-1/2'][i % 4])} />
            ))}
        </div>
    );
}
