// SPDX-License-Identifier: MIT
// A choice of a few, all of which can be seen.
import * as Group from '@radix-ui/react-toggle-group';
import type { LucideIcon } from 'lucide-react';
import { cn } from '@/lib/cn';

interface Props<T extends string> {
    label: string;
    value: T;
    onChange: (value: T) => void;
    choices: readonly { value: T; label: string; icon?: LucideIcon }[];
    className?: string;
}

export function Segments<T extends string>({ label, value, onChange, choices, className }: Props<T>) {
    return (
        <Group.Root
            type="single"
            value={value}
            onValueChange={(next) => next && onChange(next as T)}
            aria-label={label}
            className={cn('inline-flex shrink-0 rounded-md border border-line bg-surface p-0.5', className)}
        >
            {choices.map(({ value: choice, label: text, icon: Icon }) => (
                <Group.Item
                    key={choice}
                    value={choice}
                    {...(Icon ? { 'aria-label': text, title: text } : {})}
                    className="flex h-6.5 min-w-6.5 items-center justify-center gap-1 rounded px-2 text-xs font-medium text-soft transition-colors hover:text-ink data-[state=on]:bg-accent-wash data-[state=on]:text-accent"
                >
                    {Icon ? <Icon aria-hidden className="size-3.5" /> : text}
                </Group.Item>
            ))}
        </Group.Root>
    );
}
