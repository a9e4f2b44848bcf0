// SPDX-License-Identifier: MIT
// Text as it is, in pieces: the browser lays out only those that can be seen.
import { useMemo } from 'react';
import { cn } from '@/lib/cn';
import { visible } from '@/lib/utf8';

const PIECE_CHARS = 16_384;

function piecesOf(text: string): string[] {
    const pieces: string[] = [];
    for (let at = 0; at < text.length; ) {
        let end = Math.min(text.length, at + PIECE_CHARS);
        // Not between the halves of a character.
        if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1] ?? '')) end += 1;
        pieces.push(text.slice(at, end));
        at = end;
    }
    return pieces;
}

/** `lines`: line feeds and tabs of the text are shown as such, and not as escapes. */
function show(piece: string, lines: boolean): string {
    return lines ? piece.split(/([\n\t])/).map((part, i) => (i % 2 ? part : visible(part))).join('') : visible(piece);
}

export function RawView({ text, label, lines = false, className }: { text: string; label: string; lines?: boolean; className?: string }) {
    const pieces = useMemo(() => piecesOf(text), [text]);
    return (
        <div tabIndex={0} role="region" aria-label={label} className={cn('scroll-thin h-full overflow-auto -outline-offset-2', className)}>
            <pre className="mono px-4 py-3 break-all whitespace-pre-wrap">
                {pieces.map((piece, i) => (
                    <span key={i} className={pieces.length > 1 ? 'block [contain-intrinsic-size:auto_40rem] [content-visibility:auto]' : undefined}>
                        {show(piece, lines)}
                    </span>
                ))}
            </pre>
        </div>
    );
}
