// SPDX-License-Identifier: MIT
// The ways to the pages: in the header, and at the foot of a phone.
import { Activity, BookOpen, KeyRound, ListOrdered } from 'lucide-react';
import { routeHash, useRoute, type Page } from '@/lib/route';
import { cn } from '@/lib/cn';

const LINKS: { page: Page; label: string; icon: typeof Activity }[] = [
    { page: 'overview', label: 'Overview', icon: Activity },
    { page: 'keys', label: 'Keys', icon: KeyRound },
    { page: 'queues', label: 'Queues', icon: ListOrdered },
    { page: 'docs', label: 'Docs', icon: BookOpen },
];

export function TopNav() {
    const { page } = useRoute();
    return (
        <nav aria-label="Pages" className="hidden h-full items-stretch gap-1 md:flex">
            {LINKS.map((link) => (
                <a
                    key={link.page}
                    href={routeHash(link.page)}
                    aria-current={page === link.page ? 'page' : undefined}
                    className={cn(
                        'relative flex items-center px-3 text-sm font-medium -outline-offset-2 transition-colors',
                        page === link.page
                            ? 'text-ink after:absolute after:inset-x-3 after:-bottom-px after:h-0.5 after:rounded-full after:bg-accent'
                            : 'text-soft hover:text-ink',
                    )}
                >
                    {link.label}
                </a>
            ))}
        </nav>
    );
}

export function BottomNav() {
    const { page } = useRoute();
    return (
        <nav aria-label="Pages" className="grid shrink-0 grid-cols-4 border-t border-line bg-surface md:hidden">
            {LINKS.map(({ page: to, label, icon: Icon }) => (
                <a
                    key={to}
                    href={routeHash(to)}
                    aria-current={page === to ? 'page' : undefined}
                    className={cn(
                        'flex flex-col items-center gap-0.5 py-2 text-xs font-medium -outline-offset-2',
                        page === to ? 'text-accent' : 'text-soft',
                    )}
                >
                    <Icon aria-hidden className="size-5" strokeWidth={1.75} />
                    {label}
                </a>
            ))}
        </nav>
    );
}
