// SPDX-License-Identifier: MIT
// What the reader writes into.
import type { ComponentProps } from 'react';
import { cn } from '@/lib/cn';

const LOOK =
    'w-full rounded-md border border-edge/60 bg-surface text-ink outline-offset-0 transition-colors focus-visible:border-accent focus-visible:outline-1 aria-invalid:border-bad';

export function Input({ className, ...rest }: ComponentProps<'input'>) {
    return <input className={cn(LOOK, 'h-8 px-2.5 text-sm', className)} {...rest} />;
}

export function Textarea({ className, ...rest }: ComponentProps<'textarea'>) {
    return <textarea className={cn(LOOK, 'scroll-thin px-2.5 py-2 text-sm', className)} {...rest} />;
}

export function Select({ className, ...rest }: ComponentProps<'select'>) {
    return <select className={cn(LOOK, 'h-8 w-auto px-1.5 text-sm', className)} {...rest} />;
}
