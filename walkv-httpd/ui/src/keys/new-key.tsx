// SPDX-License-Identifier: MIT
// A new key. One that is there already is never replaced from here.
import { useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { describe, isStatus } from '@/api/errors';
import { setValue, type StoredValue } from '@/api/kv';
import { outcomeOf, type Draft } from '@/json/draft';
import { ValueInput } from '@/json/value-input';
import { isAddressable, nameProblem } from '@/lib/utf8';
import { VALUE } from '@/live/queries';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { Input } from '@/ui/field';
import { sayDone } from '@/ui/toasts';
import { shortName } from './key-actions';

interface Props {
    prefix: string;
    onClose: () => void;
    onOpen: (key: string) => void;
}

export default function NewKey({ prefix, onClose, onOpen }: Props) {
    const client = useQueryClient();
    const id = useId();
    const [name, setName] = useState(prefix);
    const [draft, setDraft] = useState<Draft>({ text: '', mode: 'json' });
    const [busy, setBusy] = useState(false);
    const [failure, setFailure] = useState<{ text: string; exists: boolean } | null>(null);
    const outcome = outcomeOf(draft);
    const problem = isAddressable(name) ? nameProblem(name) : 'Browsers cannot ask for this name: use another client for it';

    const submit = async () => {
        if (problem !== null || !outcome.ok || busy) return;
        setBusy(true);
        setFailure(null);
        try {
            const { version } = await setValue(name, outcome.json, 'absent');
            client.setQueryData<StoredValue>([VALUE, name], { text: outcome.json, version });
            sayDone(`${shortName(name)} created`);
            onOpen(name);
        } catch (error) {
            const { title, detail } = describe(error);
            if (isStatus(error, 412)) setFailure({ text: 'There is a key of this name already, and it was left as it is.', exists: true });
            else setFailure({ text: detail ? `${title} (${detail})` : title, exists: false });
        } finally {
            setBusy(false);
        }
    };

    return (
        <Dialog open onClose={onClose} title="New key">
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    void submit();
                }}
                className="flex flex-col gap-3"
            >
                <div>
                    <label htmlFor={id} className="text-sm font-medium">
                        Key
                    </label>
                    <Input
                        id={id}
                        className="mono mt-1"
                        value={name}
                        onChange={(event) => setName(event.target.value)}
                        autoComplete="off"
                        autoCapitalize="off"
                        spellCheck={false}
                        placeholder="user:1"
                        aria-invalid={name !== '' && problem !== null}
                        aria-describedby={`${id}-problem`}
                    />
                    <p id={`${id}-problem`} className="mt-1 min-h-4 text-xs text-bad">
                        {name !== '' && problem}
                    </p>
                </div>
                <ValueInput label="Value" draft={draft} onChange={setDraft} onSubmit={() => void submit()} />
                {failure && (
                    <p role="alert" className="rounded-md bg-bad-wash px-3 py-2 text-sm text-bad">
                        {failure.text}{' '}
                        {failure.exists && (
                            <button type="button" className="font-medium underline underline-offset-2" onClick={() => onOpen(name)}>
                                Open it
                            </button>
                        )}
                    </p>
                )}
                <DialogButtons>
                    <Button onClick={onClose}>Cancel</Button>
                    <Button type="submit" tone="accent" disabled={problem !== null || !outcome.ok || busy}>
                        {busy ? 'Creating…' : 'Create'}
                    </Button>
                </DialogButtons>
            </form>
        </Dialog>
    );
}
