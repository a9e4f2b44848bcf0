// SPDX-License-Identifier: MIT
// A queue begins with its first item, so both are asked for.
import { useId, useState } from 'react';
import { describe } from '@/api/errors';
import { enqueue } from '@/api/queues';
import { outcomeOf, type Draft } from '@/json/draft';
import { ValueInput } from '@/json/value-input';
import { isAddressable, nameProblem } from '@/lib/utf8';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { Input } from '@/ui/field';
import { sayDone } from '@/ui/toasts';

interface Props {
    taken: string[];
    onClose: () => void;
    onOpen: (queue: string) => void;
}

export default function NewQueue({ taken, onClose, onOpen }: Props) {
    const id = useId();
    const [name, setName] = useState('');
    const [draft, setDraft] = useState<Draft>({ text: '', mode: 'json' });
    const [busy, setBusy] = useState(false);
    const [failure, setFailure] = useState('');
    const outcome = outcomeOf(draft);
    const problem = isAddressable(name) ? nameProblem(name) : 'Browsers cannot ask for this name: use another client for it';
    const exists = taken.includes(name);

    const submit = async () => {
        if (problem !== null || !outcome.ok || busy) return;
        setBusy(true);
        setFailure('');
        try {
            await enqueue(name, outcome.json);
            sayDone(exists ? 'Item added' : 'Queue created');
            onOpen(name);
        } catch (error) {
            const { title, detail } = describe(error);
            setFailure(detail ? `${title} (${detail})` : title);
        } finally {
            setBusy(false);
        }
    };

    return (
        <Dialog open onClose={onClose} title="New queue" description="A queue begins with its first item.">
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    void submit();
                }}
                className="flex flex-col gap-3"
            >
                <div>
                    <label htmlFor={id} className="text-sm font-medium">
                        Queue
                    </label>
                    <Input
                        id={id}
                        className="mono mt-1"
                        value={name}
                        onChange={(event) => setName(event.target.value)}
                        autoComplete="off"
                        autoCapitalize="off"
                        spellCheck={false}
                        placeholder="mail"
                        aria-invalid={name !== '' && problem !== null}
                        aria-describedby={`${id}-problem`}
                    />
                    <p id={`${id}-problem`} className="mt-1 min-h-4 text-xs">
                        {name !== '' && problem ? <span className="text-bad">{problem}</span> : null}
                        {exists && <span className="text-soft">There is a queue of this name: the item goes to its end.</span>}
                    </p>
                </div>
                <ValueInput label="First item" draft={draft} onChange={setDraft} onSubmit={() => void submit()} />
                {failure && (
                    <p role="alert" className="rounded-md bg-bad-wash px-3 py-2 text-sm text-bad">
                        {failure}
                    </p>
                )}
                <DialogButtons>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button type="submit" tone="accent" disabled={problem !== null || !outcome.ok || busy}>
                        {busy ? 'Adding…' : exists ? 'Add' : 'Create'}
                    </Button>
                </DialogButtons>
            </form>
        </Dialog>
    );
}
