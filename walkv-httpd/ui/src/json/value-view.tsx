// SPDX-License-Identifier: MIT
// A stored value, looked at in one of several ways. A large one is shown in part until the reader wants all of it.
import { useMemo, useState } from 'react';
import { bytes } from '@/lib/units';
import { utf8Bytes } from '@/lib/utf8';
import { Button } from '@/ui/button';
import { Segments } from '@/ui/segments';
import { pretty } from './format';
import { JsonTreeView } from './json-tree-view';
import { RawView } from './raw-view';
import { kindAt } from './scan';

type Look = 'tree' | 'text' | 'pretty' | 'raw';

const GUARD_BYTES = 256 * 1024;
const HEAD_CHARS = 16 * 1024;

const TREE_LOOKS = [
    { value: 'tree', label: 'Tree' },
    { value: 'pretty', label: 'Indented' },
    { value: 'raw', label: 'Raw' },
] as const;
const STRING_LOOKS = [
    { value: 'text', label: 'Text' },
    { value: 'raw', label: 'Raw' },
] as const;
const OTHER_LOOKS = [{ value: 'raw', label: 'Raw' }] as const;

function looksOf(text: string): readonly { value: Look; label: string }[] {
    const kind = kindAt(text, 0);
    if (kind === 'object' || kind === 'array') return TREE_LOOKS;
    return kind === 'string' ? STRING_LOOKS : OTHER_LOOKS;
}

function Body({ text, look }: { text: string; look: Look }) {
    const shown = useMemo(() => {
        if (look === 'pretty') return pretty(text);
        return look === 'text' ? (JSON.parse(text) as string) : text;
    }, [text, look]);
    if (look === 'tree') return <JsonTreeView key={text} text={text} />;
    return <RawView text={shown} label="Value" lines={look !== 'raw'} />;
}

export function ValueView({ text, aside }: { text: string; aside?: React.ReactNode }) {
    const looks = looksOf(text);
    const [wanted, setWanted] = useState<Look | null>(null);
    const [all, setAll] = useState(false);
    const size = useMemo(() => utf8Bytes(text), [text]);
    const look = looks.find(({ value }) => value === wanted)?.value ?? looks[0]?.value ?? 'raw';
    const guarded = size > GUARD_BYTES && !all;
    return (
        <div className="flex h-full min-h-0 flex-col">
            <div className="flex shrink-0 flex-wrap items-center gap-2 border-b border-line px-4 py-2">
                {!guarded && looks.length > 1 && <Segments label="Show the value as" value={look} onChange={setWanted} choices={looks} />}
                <span className="numbers text-xs text-soft">{bytes(size)}</span>
                <span className="ml-auto flex items-center gap-2">{aside}</span>
            </div>
            <div className="min-h-0 flex-1">
                {guarded ? (
                    <div className="flex h-full flex-col">
                        <div className="flex flex-wrap items-center gap-3 bg-warn-wash px-4 py-2 text-sm text-warn">
                            This value is large. Here is its beginning.
                            <Button size="small" onClick={() => setAll(true)}>
                                Show all {bytes(size)}
                            </Button>
                        </div>
                        <div className="min-h-0 flex-1">
                            <RawView text={`${text.slice(0, HEAD_CHARS)}…`} label="The beginning of the value" />
                        </div>
                    </div>
                ) : (
                    <Body text={text} look={look} />
                )}
            </div>
        </div>
    );
}
