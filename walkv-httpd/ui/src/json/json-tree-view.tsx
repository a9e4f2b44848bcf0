// SPDX-License-Identifier: MIT
// A value as a tree. Every piece of it is a text node: whatever a value says, it is shown and never run.
import { ChevronRight } from 'lucide-react';
import { useMemo, useState, type KeyboardEvent } from 'react';
import { cn } from '@/lib/cn';
import { copyText } from '@/lib/clipboard';
import { plural } from '@/lib/units';
import { visible } from '@/lib/utf8';
import { Button } from '@/ui/button';
import { VirtualList } from '@/ui/virtual-list';
import type { Kind } from './scan';
import { JsonTree, type JsonLine } from './tree';

const ROW_PX = 24;
const INDENT_PX = 18;
const OPEN_AT_FIRST = 300;
const LINE_CHARS = 400;
/** Longer ones get a place of their own below, when they are chosen. */
const SHORT_CHARS = 60;

const COLORS: Record<Kind, string> = {
    string: 'text-json-string',
    number: 'text-json-number',
    true: 'text-json-word',
    false: 'text-json-word',
    null: 'text-json-word',
    object: 'text-soft',
    array: 'text-soft',
};

function summary({ node, childCount }: JsonLine): string {
    if (node.kind === 'object') return childCount ? `{ ${plural(childCount, 'member')} }` : '{}';
    return childCount ? `[ ${plural(childCount, 'element')} ]` : '[]';
}

function Line({ line, tree }: { line: JsonLine; tree: JsonTree }) {
    const { node, open } = line;
    const nested = node.kind === 'object' || node.kind === 'array';
    return (
        <span className="mono flex w-full min-w-0 items-center" style={{ paddingLeft: node.depth * INDENT_PX }}>
            <span aria-hidden className="flex w-5 shrink-0">
                {open !== null && <ChevronRight className={cn('size-4 text-soft transition-transform', open && 'rotate-90')} />}
            </span>
            {node.label !== null && (
                <span className={cn('mr-2 max-w-[60%] shrink-0 truncate whitespace-pre', typeof node.label === 'number' ? 'text-soft' : 'text-json-name')}>
                    {typeof node.label === 'number' ? node.label : visible(node.label)}
                    <span className="text-soft">:</span>
                </span>
            )}
            <span className={cn('truncate whitespace-pre', COLORS[node.kind])}>
                {nested ? !open && summary(line) : visible(tree.text.slice(node.start, Math.min(node.end, node.start + LINE_CHARS)))}
                {nested && open && (node.kind === 'object' ? '{' : '[')}
            </span>
        </span>
    );
}

/** `text` is valid JSON. */
export function JsonTreeView({ text }: { text: string }) {
    const tree = useMemo(() => new JsonTree(text), [text]);
    const [open, setOpen] = useState(() => tree.openAtFirst(OPEN_AT_FIRST));
    const [active, setActive] = useState(-1);
    const lines = useMemo(() => tree.lines(open), [tree, open]);
    const chosen = lines[active];
    const toggle = (line: JsonLine | undefined, to?: boolean) => {
        if (line?.open === null || line === undefined || line.open === to) return;
        const next = new Set(open);
        if (!next.delete(line.node.start)) next.add(line.node.start);
        setOpen(next);
    };
    const onKey = (event: KeyboardEvent, index: number) => {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
        event.preventDefault();
        const line = lines[index];
        const isOpening = event.key === 'ArrowRight';
        if (line && line.open !== null && line.open !== isOpening) return toggle(line, isOpening);
        if (isOpening || !line) return;
        for (let i = index - 1; i >= 0; i -= 1) if ((lines[i]?.node.depth ?? 0) < line.node.depth) return setActive(i);
    };
    const source = chosen && chosen.open === null ? tree.source(chosen.node) : '';
    return (
        <div className="flex h-full min-h-0 flex-col">
            <div className="min-h-0 flex-1">
                <VirtualList
                    label="Value"
                    role="tree"
                    count={lines.length}
                    rowHeight={ROW_PX}
                    active={Math.min(active, lines.length - 1)}
                    onActive={setActive}
                    onOpen={(index) => toggle(lines[index])}
                    onKey={onKey}
                    rowAttributes={(index) => {
                        const line = lines[index];
                        return { 'aria-level': (line?.node.depth ?? 0) + 1, ...(line && line.open !== null ? { 'aria-expanded': line.open } : {}) };
                    }}
                    row={(index) => {
                        const line = lines[index];
                        return line && <Line line={line} tree={tree} />;
                    }}
                />
            </div>
            {source.length > SHORT_CHARS && (
                <div className="scroll-thin flex max-h-[40%] shrink-0 items-start gap-2 overflow-auto border-t border-line bg-sunken px-4 py-2" tabIndex={0} role="region" aria-label="The chosen part">
                    <pre className="mono min-w-0 flex-1 break-all whitespace-pre-wrap">{visible(source.slice(0, 20_000))}</pre>
                    <Button size="small" onClick={() => void copyText(source, 'The chosen part')}>
                        Copy
                    </Button>
                </div>
            )}
        </div>
    );
}
