// SPDX-License-Identifier: MIT
// The frame around the pages. A page other than the overview is loaded when it is first opened.
import { useQueryClient } from '@tanstack/react-query';
import { Component, lazy, Suspense, useEffect, useState, type ReactNode } from 'react';
import { question, token } from '@/api/token';
import { useHotkeys } from '@/lib/hotkeys';
import { navigate, useRoute, type Page } from '@/lib/route';
import { useStore } from '@/lib/store';
import { startLive } from '@/live/live';
import { followQueries } from '@/live/queries';
import { OverviewPage } from '@/overview/overview-page';
import { Failed, SkeletonRows } from '@/ui/notice';
import { UnreachableBanner } from './connection';
import { Header } from './header';
import { BottomNav } from './nav';

const KeysPage = lazy(() => import('@/keys/keys-page'));
const QueuesPage = lazy(() => import('@/queues/queues-page'));
const DocsPage = lazy(() => import('@/docs/docs-page'));
const Help = lazy(() => import('./help'));
const TokenDialog = lazy(() => import('./token-dialog'));
const Toaster = lazy(() => import('@/ui/toaster'));

const TITLES: Record<Page, string> = { overview: 'walkv', keys: 'Keys · walkv', queues: 'Queues · walkv', docs: 'Docs · walkv' };

/** A page that fails, or cannot be loaded, leaves the frame standing. */
class Guard extends Component<{ children: ReactNode }, { error: unknown }> {
    override state = { error: null as unknown };
    static getDerivedStateFromError(error: unknown) {
        return { error };
    }
    override render() {
        const { error } = this.state;
        if (error === null) return this.props.children;
        return <Failed error={error} what="This page could not be shown" retry={() => location.reload()} />;
    }
}

function Pages({ page }: { page: Page }) {
    if (page === 'keys') return <KeysPage />;
    if (page === 'queues') return <QueuesPage />;
    if (page === 'docs') return <DocsPage />;
    return <OverviewPage />;
}

export function App() {
    const { page } = useRoute();
    const [help, setHelp] = useState(false);
    const asked = useStore(question).state === 'asked';
    const [changes, setChanges] = useState(false);
    const client = useQueryClient();
    // Nothing on the overview has a message to give.
    if (page !== 'overview' && !changes) setChanges(true);

    useEffect(startLive, []);
    useEffect(() => followQueries(client), [client]);
    useEffect(() => token.subscribe(() => void client.resetQueries()), [client]);
    useEffect(() => {
        document.title = TITLES[page];
    }, [page]);
    useHotkeys({
        '?': () => setHelp(true),
        'g o': () => navigate('overview'),
        'g k': () => navigate('keys'),
        'g q': () => navigate('queues'),
        'g d': () => navigate('docs'),
    });

    return (
        <>
            <a
                href="#main"
                onClick={(event) => {
                    event.preventDefault();
                    document.getElementById('main')?.focus();
                }}
                className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-md focus:bg-surface focus:px-3 focus:py-1.5"
            >
                Skip to the content
            </a>
            <div className="flex h-dvh flex-col">
                <Header onHelp={() => setHelp(true)} />
                <UnreachableBanner />
                <main id="main" tabIndex={-1} className="min-h-0 flex-1 outline-none">
                    <Guard key={page}>
                        <Suspense fallback={<SkeletonRows label="Loading the page" />}>
                            <Pages page={page} />
                        </Suspense>
                    </Guard>
                </main>
                <BottomNav />
            </div>
            <Suspense>
                {asked && <TokenDialog />}
                {help && <Help onClose={() => setHelp(false)} />}
            </Suspense>
            <Suspense>{changes && <Toaster />}</Suspense>
        </>
    );
}
