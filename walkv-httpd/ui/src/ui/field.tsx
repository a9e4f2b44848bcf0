// SPDX-License-Identifier: MIT
// What the reader writes into.
import type { ComponentProps } from 'react';
import { cn } from '@/lib/cn';

const LOOK =
    'rounded-md border border-edge/60 bg-surface text-ink outline-offset-0 transition-colors focus-visible:border-accent focus-visible:outline-1 aria-invalid:border-bad';

export function Input({ className, ...rest }: ComponentProps<'input'>) {
    return <input className={cn(LOOK, 'h-8 w-full px-2.5', className)} {...rest} />;
}

export function Textarea({ className, ...rest }: ComponentProps<'textarea'>) {
    return <textarea className={cn(LOOK, 'scroll-thin w-full px-2.5 py-2', className)} {...rest} />;
}

export function Select({ className, ...rest }: ComponentProps<'select'>) {
    return <select className={cn(LOOK, 'h-8 px-1.5 text-sm', className)} {...rest} />;
}
