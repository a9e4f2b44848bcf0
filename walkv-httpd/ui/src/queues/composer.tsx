// SPDX-License-Identifier: MIT
// Where an item is written. It stays open, for the next one.
import { useState } from 'react';
import { enqueue } from '@/api/queues';
import { outcomeOf, type Draft } from '@/json/draft';
import { ValueInput } from '@/json/value-input';
import { plural } from '@/lib/units';
import { Button } from '@/ui/button';
import { sayDone, sayFailed } from '@/ui/toasts';

export function Composer({ queue, onClose, onChanged }: { queue: string; onClose: () => void; onChanged: () => void }) {
    const [draft, setDraft] = useState<Draft>({ text: '', mode: 'json' });
    const [busy, setBusy] = useState(false);
    const outcome = outcomeOf(draft);
    const submit = async () => {
        if (!outcome.ok || busy) return;
        setBusy(true);
        try {
            const size = await enqueue(queue, outcome.json);
            sayDone('Item added', `${plural(size, 'item')} in the queue`);
            setDraft({ ...draft, text: '' });
            onChanged();
        } catch (error) {
            sayFailed('The item was not added', error);
        } finally {
            setBusy(false);
        }
    };
    return (
        <form
            onSubmit={(event) => {
                event.preventDefault();
                void submit();
            }}
            className="shrink-0 border-b border-line bg-sunken px-4 py-3"
        >
            <ValueInput label="New item" draft={draft} onChange={setDraft} onSubmit={() => void submit()} autoFocus />
            <div className="flex justify-end gap-2">
                <Button onClick={onClose}>Close</Button>
                <Button type="submit" tone="accent" disabled={!outcome.ok || busy}>
                    {busy ? 'Adding…' : 'Add to the end'}
                </Button>
            </div>
        </form>
    );
}
