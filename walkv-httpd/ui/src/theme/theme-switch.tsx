// SPDX-License-Identifier: MIT
import { Monitor, Moon, Sun } from 'lucide-react';
import { Segments } from '@/ui/segments';
import { setTheme, useTheme } from './theme';

const CHOICES = [
    { value: 'light', label: 'Light theme', icon: Sun },
    { value: 'system', label: 'Theme of the system', icon: Monitor },
    { value: 'dark', label: 'Dark theme', icon: Moon },
] as const;

export function ThemeSwitch() {
    return <Segments label="Theme" value={useTheme()} onChange={setTheme} choices={CHOICES} />;
}
