// SPDX-License-Identifier: MIT
// The frame around the pages. Each page is loaded when it is first opened.
import { OverviewPage } from '@/overview/overview-page';
import { useRoute } from '@/lib/route';
import { Toaster } from '@/ui/toaster';
import { TooltipProvider } from '@/ui/tooltip';
import { Header } from './header';
import { BottomNav } from './nav';

export function App() {
    const { page } = useRoute();
    return (
        <TooltipProvider delayDuration={250}>
            <div className="flex h-dvh flex-col">
                <Header />
                <main className="min-h-0 flex-1">{page === 'overview' && <OverviewPage />}</main>
                <BottomNav />
            </div>
            <Toaster />
        </TooltipProvider>
    );
}
