// SPDX-License-Identifier: MIT
// One request of the API: what it does, what it takes, what it answers, and a place to try it.
import { ChevronRight } from 'lucide-react';
import { useState } from 'react';
import { cn } from '@/lib/cn';
import { Badge } from '@/ui/badge';
import type { Answer, Operation, Parameter } from './openapi';
import { Runner } from './runner';

const METHOD_TONES: Record<string, 'accent' | 'good' | 'warn' | 'bad'> = { GET: 'accent', POST: 'good', PUT: 'good', PATCH: 'good', DELETE: 'bad' };

function Parameters({ parameters }: { parameters: Parameter[] }) {
    if (parameters.length === 0) return null;
    return (
        <section aria-label="Parameters">
            <h4 className="mb-1 text-xs font-medium text-soft">Takes</h4>
            <ul className="divide-y divide-line text-sm">
                {parameters.map((p) => (
                    <li key={p.place + p.name} className="flex flex-wrap gap-x-3 py-1.5">
                        <code className="w-40 shrink-0 break-all">{p.name}</code>
                        <span className="w-14 shrink-0 text-soft">{p.place}</span>
                        <span className="min-w-48 flex-1 text-soft">{p.description}</span>
                    </li>
                ))}
            </ul>
        </section>
    );
}

function Answers({ answers }: { answers: Answer[] }) {
    return (
        <section aria-label="Answers">
            <h4 className="mb-1 text-xs font-medium text-soft">Answers</h4>
            <ul className="divide-y divide-line text-sm">
                {answers.map((a) => (
                    <li key={a.status} className="flex flex-wrap gap-x-3 py-1.5">
                        <span className={cn('numbers w-9 shrink-0', a.status < '300' ? 'text-good' : a.status < '500' ? 'text-ink' : 'text-warn')}>{a.status}</span>
                        <span className="min-w-48 flex-1 text-soft">
                            {a.description}
                            {a.codes.map((code) => (
                                <code key={code} className="ml-1.5 text-xs text-ink">
                                    {code}
                                </code>
                            ))}
                            {a.status < '300' && a.example && <code className="mt-0.5 block text-xs break-all text-ink">{a.example}</code>}
                        </span>
                    </li>
                ))}
            </ul>
        </section>
    );
}

export function OperationCard({ op }: { op: Operation }) {
    const [open, setOpen] = useState(false);
    return (
        <article id={op.id} aria-label={`${op.method} ${op.path}`} className="scroll-mt-3 rounded-lg border border-line bg-surface">
            <h3>
                <button
                    type="button"
                    aria-expanded={open}
                    onClick={() => setOpen(!open)}
                    className="flex w-full flex-wrap items-center gap-x-3 gap-y-0.5 rounded-lg px-3 py-2.5 text-left hover:bg-sunken"
                >
                    <ChevronRight aria-hidden className={cn('size-4 shrink-0 text-soft transition-transform', open && 'rotate-90')} />
                    <Badge tone={METHOD_TONES[op.method] ?? 'warn'} className="w-14 justify-center">
                        {op.method}
                    </Badge>
                    <code className="break-all">{op.path}</code>
                    <span className="text-sm text-soft">{op.summary}</span>
                </button>
            </h3>
            {open && (
                <div className="flex flex-col gap-4 px-4 pt-1 pb-4">
                    {op.description && <p className="max-w-prose text-sm text-soft">{op.description}</p>}
                    <Runner op={op} />
                    <Parameters parameters={op.parameters} />
                    <Answers answers={op.answers} />
                </div>
            )}
        </article>
    );
}
