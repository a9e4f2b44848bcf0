// SPDX-License-Identifier: MIT
import { Slot } from '@radix-ui/react-slot';
import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';
import { cn } from '@/lib/cn';

const look = cva(
    'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap select-none transition-colors disabled:pointer-events-none disabled:opacity-50 [&_svg]:size-4 [&_svg]:shrink-0',
    {
        variants: {
            tone: {
                plain: 'border border-line bg-surface text-ink hover:bg-sunken',
                accent: 'bg-accent text-accent-ink hover:bg-accent-strong',
                quiet: 'text-soft hover:bg-sunken hover:text-ink',
                danger: 'border border-line bg-surface text-bad hover:bg-bad-wash',
                alarm: 'bg-bad text-bad-ink hover:opacity-90',
            },
            size: {
                normal: 'h-8 px-3 text-sm',
                small: 'h-7 px-2 text-xs',
                icon: 'size-8',
                smallIcon: 'size-7',
            },
        },
        defaultVariants: { tone: 'plain', size: 'normal' },
    },
);

export interface ButtonProps extends ComponentProps<'button'>, VariantProps<typeof look> {
    asChild?: boolean;
}

export function Button({ className, tone, size, asChild, type = 'button', ...rest }: ButtonProps) {
    const Part = asChild ? Slot : 'button';
    return <Part className={cn(look({ tone, size }), className)} {...(asChild ? {} : { type })} {...rest} />;
}
