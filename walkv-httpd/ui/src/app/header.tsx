// SPDX-License-Identifier: MIT
import { CircleHelp, KeyRound, LogOut } from 'lucide-react';
import { askForToken, forgetToken, question, token } from '@/api/token';
import { useStore } from '@/lib/store';
import { ThemeSwitch } from '@/theme/theme-switch';
import { Button } from '@/ui/button';
import { Connection } from './connection';
import icon from './icon.svg';
import { TopNav } from './nav';

function TokenButton() {
    const has = useStore(token) !== '';
    const { state } = useStore(question);
    if (has)
        return (
            <Button tone="quiet" size="icon" onClick={forgetToken} aria-label="Forget the access token" title="Forget the access token">
                <LogOut aria-hidden />
            </Button>
        );
    if (state !== 'declined') return null;
    return (
        <Button size="small" onClick={askForToken}>
            <KeyRound aria-hidden />
            Token
        </Button>
    );
}

export function Header({ onHelp }: { onHelp: () => void }) {
    return (
        <header className="flex h-12 shrink-0 items-center gap-3 border-b border-line bg-surface px-3 md:gap-5 md:px-5">
            <a href="#/" className="flex items-center gap-2 font-semibold tracking-tight">
                <img src={icon} alt="" className="size-6" />
                walkv
            </a>
            <TopNav />
            <div className="ml-auto flex items-center gap-1.5">
                <Connection />
                <TokenButton />
                <ThemeSwitch />
                <Button tone="quiet" size="icon" className="max-md:hidden" onClick={onHelp} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">
                    <CircleHelp aria-hidden />
                </Button>
            </div>
        </header>
    );
}
