// SPDX-License-Identifier: MIT
import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';
import { cn } from '@/lib/cn';

const look = cva('inline-flex items-center gap-1 rounded px-1.5 py-px text-xs font-medium whitespace-nowrap', {
    variants: {
        tone: {
            plain: 'bg-sunken text-soft',
            accent: 'bg-accent-wash text-accent',
            good: 'bg-good-wash text-good',
            warn: 'bg-warn-wash text-warn',
            bad: 'bg-bad-wash text-bad',
        },
    },
    defaultVariants: { tone: 'plain' },
});

export function Badge({ className, tone, ...rest }: ComponentProps<'span'> & VariantProps<typeof look>) {
    return <span className={cn(look({ tone }), className)} {...rest} />;
}
