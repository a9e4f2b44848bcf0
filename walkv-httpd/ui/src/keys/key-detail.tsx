// SPDX-License-Identifier: MIT
// One key: its value, its version, and what can be done with it.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ArrowLeft, Copy, FileQuestion, Pencil, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { isStatus } from '@/api/errors';
import { getValue } from '@/api/kv';
import { ValueView } from '@/json/value-view';
import { copyText } from '@/lib/clipboard';
import { useHotkeys } from '@/lib/hotkeys';
import { isAddressable, visible } from '@/lib/utf8';
import { VALUE } from '@/live/queries';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Menu } from '@/ui/menu';
import { Empty, Failed, SkeletonRows } from '@/ui/notice';
import { copyCurl, deleteWithUndo } from './key-actions';
import { hasDraft, KeyEditor } from './key-editor';

interface Props {
    name: string;
    onClose: () => void;
}

export function KeyDetail({ name, onClose }: Props) {
    const client = useQueryClient();
    const [editing, setEditing] = useState(() => hasDraft(name));
    const { data: stored, error, isPending, refetch } = useQuery({
        queryKey: [VALUE, name],
        queryFn: ({ signal }) => getValue(name, signal),
    });
    const gone = isStatus(error, 404);
    const shown = gone ? undefined : stored;
    const canWrite = shown !== undefined && isAddressable(name);
    useHotkeys({
        e: () => canWrite && setEditing(true),
        Escape: () => !editing && onClose(),
    });

    return (
        <article aria-label={`Key ${visible(name)}`} className="flex h-full min-h-0 flex-col bg-surface">
            <header className="flex shrink-0 flex-wrap items-start gap-2 border-b border-line px-3 py-2 md:px-4">
                <Button tone="quiet" size="icon" className="md:hidden" aria-label="Back to the list" onClick={onClose}>
                    <ArrowLeft aria-hidden />
                </Button>
                <h2 className="mono max-h-24 min-w-0 flex-1 basis-40 overflow-y-auto py-1.5 font-semibold break-all">{visible(name)}</h2>
                {shown?.version && <Badge className="mt-2" title="The sequence number of its last write">v{shown.version}</Badge>}
                {shown && !editing && (
                    <div className="flex items-center gap-1.5">
                        <Menu
                            entries={[
                                { label: 'Copy the value', run: () => void copyText(shown.text, 'Value') },
                                { label: 'Copy the key', run: () => void copyText(name, 'Key') },
                                { label: 'Copy as curl: get', run: () => copyCurl(name) },
                                { label: 'Copy as curl: set', run: () => copyCurl(name, shown.text) },
                            ]}
                        >
                            <Button>
                                <Copy aria-hidden />
                                Copy
                            </Button>
                        </Menu>
                        <Button disabled={!canWrite} onClick={() => setEditing(true)} title="Edit (e)">
                            <Pencil aria-hidden />
                            Edit
                        </Button>
                        <Button
                            tone="danger"
                            size="icon"
                            disabled={!canWrite}
                            aria-label="Delete this key"
                            title="Delete this key"
                            onClick={() => void deleteWithUndo(client, name, shown).then((done) => done && onClose())}
                        >
                            <Trash2 aria-hidden />
                        </Button>
                    </div>
                )}
            </header>
            {shown && !isAddressable(name) && (
                <p className="shrink-0 bg-warn-wash px-4 py-2 text-sm text-warn">
                    Browsers take this name out of an address. It can be read here; to change it use <code>curl --path-as-is</code>.
                </p>
            )}
            <div className="min-h-0 flex-1">
                {editing && stored ? (
                    <KeyEditor name={name} stored={gone ? { text: stored.text, version: null } : stored} onDone={() => setEditing(false)} />
                ) : gone ? (
                    <Empty icon={FileQuestion} title="There is no such key">
                        It may have been deleted since the list was read.
                    </Empty>
                ) : shown ? (
                    <ValueView text={shown.text} />
                ) : isPending ? (
                    <SkeletonRows label="Loading the value" count={8} />
                ) : (
                    <Failed error={error} what="The value could not be read" retry={() => void refetch()} />
                )}
            </div>
        </article>
    );
}
