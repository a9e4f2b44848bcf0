// SPDX-License-Identifier: MIT
import { ThemeSwitch } from '@/theme/theme-switch';
import { TopNav } from './nav';
import icon from './icon.svg';

export function Header() {
    return (
        <header className="flex h-12 shrink-0 items-center gap-3 border-b border-line bg-surface px-3 md:gap-5 md:px-5">
            <a href="#/" className="flex items-center gap-2 font-semibold tracking-tight">
                <img src={icon} alt="" className="size-6" />
                walkv
            </a>
            <TopNav />
            <div className="ml-auto flex items-center gap-2">
                <ThemeSwitch />
            </div>
        </header>
    );
}
