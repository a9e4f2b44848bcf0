// SPDX-License-Identifier: MIT
// JSON text as lines of a tree that can be opened and closed. Children are found when their parent is opened, so a large
// value costs what is looked at.
import { elements, kindAt, members, wholeValue, type Kind, type Span } from './scan';

export interface JsonNode extends Span {
    kind: Kind;
    /** The name of a member as it is written, or the number of an element. */
    label: string | number | null;
    depth: number;
}

export interface JsonLine {
    node: JsonNode;
    /** null: nothing to open. */
    open: boolean | null;
    /** Of objects and arrays. */
    childCount: number;
}

function nodeAt(text: string, span: Span, label: JsonNode['label'], depth: number): JsonNode {
    return { ...span, kind: kindAt(text, span.start), label, depth };
}

export class JsonTree {
    readonly root: JsonNode;
    private readonly known = new Map<number, JsonNode[]>();

    /** Throws JsonError when `text` is not valid. */
    constructor(readonly text: string) {
        this.root = nodeAt(text, wholeValue(text), null, 0);
    }

    children(node: JsonNode): JsonNode[] {
        const known = this.known.get(node.start);
        if (known) return known;
        const found: JsonNode[] = [];
        if (node.kind === 'object')
            for (const m of members(this.text, node.start))
                found.push(nodeAt(this.text, m.value, this.text.slice(m.name.start, m.name.end), node.depth + 1));
        else if (node.kind === 'array')
            for (const e of elements(this.text, node.start)) found.push(nodeAt(this.text, e, found.length, node.depth + 1));
        this.known.set(node.start, found);
        return found;
    }

    source(node: Span): string {
        return this.text.slice(node.start, node.end);
    }

    /** What can be seen when the nodes that begin at `open` are open. */
    lines(open: ReadonlySet<number>): JsonLine[] {
        const lines: JsonLine[] = [];
        const pending: JsonNode[] = [this.root];
        for (let node = pending.pop(); node; node = pending.pop()) {
            const nested = node.kind === 'object' || node.kind === 'array';
            const children = nested ? this.children(node) : [];
            const isOpen = children.length > 0 ? open.has(node.start) : null;
            lines.push({ node, open: isOpen, childCount: children.length });
            if (isOpen) for (let i = children.length - 1; i >= 0; i -= 1) pending.push(children[i] as JsonNode);
        }
        return lines;
    }

    /** The nodes to open at first: level by level, as long as not more than `limit` lines come of it. */
    openAtFirst(limit: number): Set<number> {
        const open = new Set<number>();
        let level = [this.root];
        let lineCount = 1;
        while (level.length > 0) {
            const next: JsonNode[] = [];
            for (const node of level) {
                if (node.kind !== 'object' && node.kind !== 'array') continue;
                const children = this.children(node);
                if (lineCount + children.length > limit && node !== this.root) continue;
                lineCount += children.length;
                open.add(node.start);
                next.push(...children.slice(0, limit));
            }
            level = lineCount < limit ? next : [];
        }
        return open;
    }
}

