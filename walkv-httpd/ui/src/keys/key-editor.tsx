// SPDX-License-Identifier: MIT
// Editing one key. What is saved replaces the version that was opened and no other; if there is another one by then,
// both are shown. Drafts live as long as the page, so looking at another key loses nothing.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { isStatus } from '@/api/errors';
import { getValue, setValue, type Condition, type StoredValue } from '@/api/kv';
import { outcomeOf, type Draft } from '@/json/draft';
import { pretty } from '@/json/format';
import { ValueInput } from '@/json/value-input';
import { VALUE } from '@/live/queries';
import { Button } from '@/ui/button';
import { sayDone, sayFailed } from '@/ui/toasts';
import { ConflictView, Side } from './conflict-view';
import { shortName } from './key-actions';

interface Edit {
    draft: Draft;
    /** The version that this replaces; null: none, the key was gone. */
    base: string | null;
    /** What was stored then. */
    original: string;
}

const edits = new Map<string, Edit>();

export function hasDraft(key: string): boolean {
    return edits.has(key);
}

addEventListener('beforeunload', (event) => {
    if (edits.size > 0) event.preventDefault();
});

function begin(stored: StoredValue): Edit {
    const text = pretty(stored.text);
    return { draft: { text, mode: 'json' }, base: stored.version, original: text };
}

interface Clash { theirs: StoredValue | null; mine: string }

interface Props {
    name: string;
    stored: StoredValue;
    onDone: () => void;
}

export function KeyEditor({ name, stored, onDone }: Props) {
    const client = useQueryClient();
    const [edit, setEdit] = useState(() => edits.get(name) ?? begin(stored));
    const [clash, setClash] = useState<Clash | null>(null);
    const [beside, setBeside] = useState<StoredValue | null>(null);
    const [busy, setBusy] = useState(false);
    const outcome = outcomeOf(edit.draft);

    useEffect(() => {
        if (edit.draft.text === edit.original) edits.delete(name);
        else edits.set(name, edit);
    }, [name, edit]);

    const close = () => {
        edits.delete(name);
        onDone();
    };

    const save = async (condition: Condition) => {
        if (!outcome.ok || busy) return;
        setBusy(true);
        try {
            const { version } = await setValue(name, outcome.json, condition);
            client.setQueryData<StoredValue>([VALUE, name], { text: outcome.json, version });
            sayDone(`${shortName(name)} saved`, version ? `Version ${version}` : undefined);
            close();
        } catch (error) {
            if (isStatus(error, 412)) await showClash(outcome.json);
            else sayFailed(`${shortName(name)} was not saved`, error);
        } finally {
            setBusy(false);
        }
    };

    const showClash = async (mine: string) => {
        try {
            const theirs = await getValue(name);
            client.setQueryData<StoredValue>([VALUE, name], theirs);
            setClash({ theirs, mine });
        } catch (error) {
            if (isStatus(error, 404)) setClash({ theirs: null, mine });
            else sayFailed('The other version could not be read', error);
        }
    };

    const submit = () => void save(edit.base === null ? 'absent' : { version: edit.base });

    if (clash) {
        const { theirs } = clash;
        return (
            <ConflictView
                mine={clash.mine}
                theirs={theirs}
                busy={busy}
                onOverwrite={() => void save(theirs?.version ? { version: theirs.version } : 'absent')}
                onTakeTheirs={() => {
                    void client.invalidateQueries({ queryKey: [VALUE, name] });
                    close();
                }}
                onMerge={() => {
                    setBeside(theirs);
                    setEdit({ ...edit, base: theirs?.version ?? null });
                    setClash(null);
                }}
                onBack={() => setClash(null)}
            />
        );
    }
    return (
        <form
            className="flex h-full min-h-0 flex-col"
            onSubmit={(event) => {
                event.preventDefault();
                submit();
            }}
        >
            {stored.version !== edit.base && (
                <p role="status" className="shrink-0 border-b border-line bg-warn-wash px-4 py-2 text-sm text-warn">
                    This key has changed since you began. Saving will show you both versions.
                </p>
            )}
            <div className="flex min-h-0 flex-1 flex-col md:flex-row">
                <div className="min-h-0 min-w-0 flex-1 px-4 py-3">
                    <ValueInput label="Value" draft={edit.draft} onChange={(draft) => setEdit({ ...edit, draft })} onSubmit={submit} fill autoFocus />
                </div>
                {beside && (
                    <div className="flex min-h-0 min-w-0 flex-1 border-line max-md:border-t md:border-l">
                        <Side title={`Theirs, version ${beside.version ?? '?'}`} lines={pretty(beside.text).split('\n')} marked={new Set()} tone="theirs" />
                    </div>
                )}
            </div>
            <div className="flex shrink-0 items-center justify-end gap-2 border-t border-line px-4 py-3">
                <Button onClick={close}>Cancel</Button>
                <Button type="submit" tone="accent" disabled={!outcome.ok || busy}>
                    {busy ? 'Saving…' : 'Save'}
                </Button>
            </div>
        </form>
    );
}
