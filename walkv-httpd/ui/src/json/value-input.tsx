// SPDX-License-Identifier: MIT
// Where a value is written. What is wrong with it is said while writing, with its line and column.
import { useId, useRef, type KeyboardEvent } from 'react';
import { Button } from '@/ui/button';
import { Textarea } from '@/ui/field';
import { Segments } from '@/ui/segments';
import { outcomeOf, type Draft } from './draft';
import { pretty } from './format';

const MODES = [
    { value: 'json', label: 'JSON' },
    { value: 'string', label: 'As string' },
] as const;

interface Props {
    label: string;
    draft: Draft;
    onChange: (draft: Draft) => void;
    onSubmit: () => void;
    /** As high as there is room for. */
    fill?: boolean;
    autoFocus?: boolean;
}

export function ValueInput({ label, draft, onChange, onSubmit, fill, autoFocus }: Props) {
    const id = useId();
    const area = useRef<HTMLTextAreaElement>(null);
    const outcome = outcomeOf(draft);
    const problem = !outcome.ok && draft.text !== '' ? outcome : null;
    const onKeyDown = (event: KeyboardEvent) => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        onSubmit();
    };
    const goToProblem = () => {
        const at = problem?.offset;
        if (at === null || at === undefined) return;
        area.current?.focus();
        area.current?.setSelectionRange(at, Math.min(at + 1, draft.text.length));
    };
    return (
        <div className={fill ? 'flex h-full min-h-0 flex-col' : 'flex flex-col'}>
            <div className="mb-1.5 flex items-center gap-2">
                <label htmlFor={id} className="text-sm font-medium">
                    {label}
                </label>
                <span className="ml-auto flex items-center gap-2">
                    {draft.mode === 'json' && outcome.ok && (
                        <Button size="small" tone="quiet" onClick={() => onChange({ ...draft, text: pretty(draft.text) })}>
                            Indent
                        </Button>
                    )}
                    <Segments label="Write the value as" value={draft.mode} onChange={(mode) => onChange({ ...draft, mode })} choices={MODES} />
                </span>
            </div>
            <Textarea
                ref={area}
                id={id}
                value={draft.text}
                onChange={(event) => onChange({ ...draft, text: event.target.value })}
                onKeyDown={onKeyDown}
                aria-invalid={problem !== null}
                aria-describedby={`${id}-problem`}
                spellCheck={false}
                autoCapitalize="off"
                autoComplete="off"
                autoFocus={autoFocus}
                rows={fill ? undefined : 7}
                placeholder={draft.mode === 'json' ? '{"name": "Ada"}' : 'Any text'}
                className={fill ? 'mono min-h-24 flex-1 resize-none' : 'mono'}
            />
            <p id={`${id}-problem`} role="status" className="mt-1 min-h-5 text-xs">
                {problem ? (
                    <button type="button" onClick={goToProblem} className="text-left text-bad underline-offset-2 hover:underline">
                        {problem.problem}
                    </button>
                ) : (
                    <span className="text-soft pointer-coarse:hidden">Ctrl+Enter sends it.</span>
                )}
            </p>
        </div>
    );
}
