// SPDX-License-Identifier: MIT
// The API as this server describes it, with requests that can be run.
import { useQuery } from '@tanstack/react-query';
import { Search, SearchX } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { call, urlOf } from '@/api/http';
import { useHotkeys } from '@/lib/hotkeys';
import { Input } from '@/ui/field';
import { Empty, Failed, SkeletonRows } from '@/ui/notice';
import { readOpenApi, type Section } from './openapi';
import { OperationCard } from './operation-card';

const TITLES: Record<string, string> = { keys: 'Keys and values', queues: 'Queues', service: 'Service' };

function matching(sections: Section[], filter: string): Section[] {
    const words = filter.toLowerCase().split(/\s+/);
    return sections
        .map((section) => ({
            ...section,
            operations: section.operations.filter((op) => {
                const text = `${op.method} ${op.path} ${op.summary} ${op.description}`.toLowerCase();
                return words.every((word) => text.includes(word));
            }),
        }))
        .filter((section) => section.operations.length > 0);
}

export default function DocsPage() {
    const { data, error, isPending, refetch } = useQuery({
        queryKey: ['openapi'],
        queryFn: async ({ signal }) => readOpenApi(JSON.parse((await call('GET', 'openapi.json', { signal })).text)),
        staleTime: Infinity,
    });
    const [filter, setFilter] = useState('');
    const search = useRef<HTMLInputElement>(null);
    const sections = useMemo(() => matching(data ?? [], filter), [data, filter]);
    useHotkeys({ '/': () => search.current?.select() });

    if (isPending) return <SkeletonRows label="Loading the description of the API" />;
    if (!data) return <Failed error={error} what="The description of the API could not be read" retry={() => void refetch()} />;
    return (
        <div className="scroll-thin h-full overflow-y-auto">
            <div className="mx-auto flex max-w-4xl flex-col gap-6 p-3 md:p-5">
                <div className="flex flex-col gap-3">
                    <h1 className="text-lg font-semibold">The API</h1>
                    <p className="max-w-prose text-sm text-soft">
                        Everything here goes to this very server: <code className="break-all text-ink">{urlOf('api/')}</code>. The examples use the key{' '}
                        <code className="text-ink">try:1</code> and the queue <code className="text-ink">try</code>. For tools there is the{' '}
                        <a href={urlOf('openapi.json')} className="text-accent underline underline-offset-2">
                            OpenAPI document
                        </a>
                        .
                    </p>
                    <div role="search" className="relative">
                        <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-soft" />
                        <Input
                            ref={search}
                            className="pl-8"
                            value={filter}
                            onChange={(event) => setFilter(event.target.value)}
                            onKeyDown={(event) => {
                                if (event.key !== 'Escape') return;
                                event.preventDefault();
                                if (filter) setFilter('');
                                else search.current?.blur();
                            }}
                            placeholder="Search the API…"
                            aria-label="Search the API"
                            autoComplete="off"
                        />
                    </div>
                </div>
                {sections.length === 0 && <Empty icon={SearchX} title="Nothing here matches" />}
                {sections.map((section) => (
                    <section key={section.name} aria-label={TITLES[section.name] ?? section.name} className="flex flex-col gap-2">
                        <h2 className="font-semibold">{TITLES[section.name] ?? section.name}</h2>
                        {section.description !== `${TITLES[section.name] ?? ''}.` && <p className="text-sm text-soft">{section.description}</p>}
                        {section.operations.map((op) => (
                            <OperationCard key={op.id} op={op} />
                        ))}
                    </section>
                ))}
            </div>
        </div>
    );
}
