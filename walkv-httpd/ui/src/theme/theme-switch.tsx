// SPDX-License-Identifier: MIT
import * as Group from '@radix-ui/react-toggle-group';
import { Monitor, Moon, Sun } from 'lucide-react';
import { setTheme, useTheme, type Theme } from './theme';

const CHOICES = [
    { theme: 'light', label: 'Light theme', icon: Sun },
    { theme: 'system', label: 'Theme of the system', icon: Monitor },
    { theme: 'dark', label: 'Dark theme', icon: Moon },
] as const;

export function ThemeSwitch() {
    const theme = useTheme();
    return (
        <Group.Root
            type="single"
            value={theme}
            onValueChange={(value) => value && setTheme(value as Theme)}
            aria-label="Theme"
            className="flex rounded-md border border-line p-0.5"
        >
            {CHOICES.map(({ theme: value, label, icon: Icon }) => (
                <Group.Item
                    key={value}
                    value={value}
                    aria-label={label}
                    title={label}
                    className="flex size-6.5 items-center justify-center rounded text-soft transition-colors hover:text-ink data-[state=on]:bg-accent-wash data-[state=on]:text-accent"
                >
                    <Icon aria-hidden className="size-3.5" />
                </Group.Item>
            ))}
        </Group.Root>
    );
}
