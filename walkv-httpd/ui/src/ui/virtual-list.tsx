// SPDX-License-Identifier: MIT
// A list of which only the visible rows exist. Browsers cannot scroll over more than some ten million pixels, so a longer
// list is put on a shorter track: dragging the scroll bar goes `scale` times as far, the wheel as far as always.
import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useId, useLayoutEffect, useRef, type HTMLAttributes, type KeyboardEvent, type ReactNode } from 'react';
import { cn } from '@/lib/cn';

const TRACK_MAX_PX = 8_000_000;
const SETTLED_MS = 120;
const NEAR_END_ROWS = 40;

interface Props {
    label: string;
    count: number;
    rowHeight: number;
    row: (index: number) => ReactNode;
    role?: 'listbox' | 'tree';
    rowAttributes?: (index: number) => HTMLAttributes<HTMLDivElement>;
    /** The row that keys act on; -1: none. */
    active: number;
    selected?: number;
    onActive: (index: number) => void;
    onOpen: (index: number) => void;
    onNearEnd?: () => void;
    /** For keys that this list does not know. */
    onKey?: (event: KeyboardEvent, index: number) => void;
    className?: string;
}

type List = Virtualizer<HTMLDivElement, Element>;

/** Offsets in the list to offsets on the track and back. */
function useTrack(total: number) {
    const state = useRef({ offset: 0, expected: 0, scale: 1, report: null as ((offset: number, scrolling: boolean) => void) | null });
    const element = useRef<HTMLDivElement>(null);
    const layer = useRef<HTMLDivElement>(null);
    const firstStart = useRef(0);
    const track = Math.min(total, TRACK_MAX_PX);

    const place = useCallback(() => {
        const { offset, scale } = state.current;
        const scrollTop = scale === 1 ? offset : (element.current?.scrollTop ?? 0);
        if (layer.current) layer.current.style.transform = `translateY(${firstStart.current - offset + scrollTop}px)`;
    }, []);

    const moveTo = useCallback(
        (wanted: number) => {
            const view = element.current;
            if (!view) return;
            const s = state.current;
            s.offset = Math.max(0, Math.min(wanted, total - view.clientHeight));
            view.scrollTop = s.offset / s.scale;
            s.expected = view.scrollTop;
            s.report?.(s.offset, false);
            place();
        },
        [total, place],
    );

    const observe = useCallback(
        (_list: List, report: (offset: number, scrolling: boolean) => void) => {
            const view = element.current;
            if (!view) return;
            const s = state.current;
            s.report = report;
            let settled: ReturnType<typeof setTimeout> | undefined;
            const onScroll = () => {
                if (s.scale === 1) s.offset = view.scrollTop;
                else if (Math.abs(view.scrollTop - s.expected) >= 1) s.offset = view.scrollTop * s.scale;
                s.expected = view.scrollTop;
                report(s.offset, true);
                place();
                clearTimeout(settled);
                settled = setTimeout(() => report(s.offset, false), SETTLED_MS);
            };
            report(s.offset, false);
            view.addEventListener('scroll', onScroll, { passive: true });
            return () => {
                clearTimeout(settled);
                view.removeEventListener('scroll', onScroll);
                s.report = null;
            };
        },
        [place],
    );

    useLayoutEffect(() => {
        const view = element.current;
        if (!view) return;
        const s = state.current;
        const scale = total > track ? (total - view.clientHeight) / (track - view.clientHeight) : 1;
        if (scale !== s.scale) {
            s.scale = scale;
            view.scrollTop = s.offset / scale;
            s.expected = view.scrollTop;
        }
        place();
        if (scale === 1) return;
        const onWheel = (event: WheelEvent) => {
            if (event.ctrlKey) return;
            event.preventDefault();
            moveTo(s.offset + event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1));
        };
        view.addEventListener('wheel', onWheel, { passive: false });
        return () => view.removeEventListener('wheel', onWheel);
    }, [total, track, place, moveTo]);

    /** Scrolls as little as it takes to show a row. Not scrollToIndex(), which knows nothing of the track. */
    const reveal = useCallback(
        (start: number, height: number) => {
            const view = element.current;
            if (!view) return;
            const { offset } = state.current;
            if (start < offset) moveTo(start);
            else if (start + height > offset + view.clientHeight) moveTo(start + height - view.clientHeight);
        },
        [moveTo],
    );

    return { element, layer, firstStart, track, place, moveTo, reveal, observe };
}

export function VirtualList(props: Props) {
    const { label, count, rowHeight, row, role = 'listbox', rowAttributes, active, selected, onActive, onOpen, onNearEnd, onKey, className } = props;
    const id = useId();
    const { element, layer, firstStart, track, place, moveTo, reveal, observe } = useTrack(count * rowHeight);
    const list = useVirtualizer<HTMLDivElement, Element>({
        count,
        getScrollElement: () => element.current,
        estimateSize: () => rowHeight,
        overscan: 8,
        observeElementOffset: observe,
        scrollToFn: (offset, { adjustments = 0 }) => moveTo(offset + adjustments),
    });
    const items = list.getVirtualItems();
    const lastVisible = items.at(-1)?.index ?? 0;
    firstStart.current = items[0]?.start ?? 0;
    useLayoutEffect(place);

    useEffect(() => {
        if (count > 0 && lastVisible >= count - NEAR_END_ROWS) onNearEnd?.();
    }, [count, lastVisible, onNearEnd]);

    const shown = useRef(-1);
    useEffect(() => {
        if (active >= 0 && active < count && shown.current !== active) reveal(active * rowHeight, rowHeight);
        shown.current = active;
    }, [active, count, rowHeight, reveal]);

    const pageRows = Math.max(1, Math.floor((element.current?.clientHeight ?? 0) / rowHeight) - 1);
    const moves: Record<string, number> = {
        ArrowDown: active + 1,
        ArrowUp: Math.max(0, active - 1),
        PageDown: active + pageRows,
        PageUp: active - pageRows,
        Home: 0,
        End: count - 1,
    };
    const onKeyDown = (event: KeyboardEvent) => {
        const to = moves[event.key];
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (to !== undefined && count > 0) {
            event.preventDefault();
            onActive(Math.max(0, Math.min(to, count - 1)));
        } else if (event.key === 'Enter' && active >= 0) {
            event.preventDefault();
            onOpen(active);
        } else {
            onKey?.(event, active);
        }
    };

    return (
        <div
            ref={element}
            role={role}
            aria-label={label}
            aria-activedescendant={active >= 0 && items.some((item) => item.index === active) ? `${id}-${active}` : undefined}
            tabIndex={0}
            onKeyDown={onKeyDown}
            className={cn('group scroll-thin relative h-full overflow-y-auto overscroll-contain -outline-offset-2', className)}
        >
            <div role="presentation" className="relative w-full" style={{ height: track }}>
                <div ref={layer} role="presentation" className="absolute inset-x-0 top-0">
                    {items.map(({ index }) => (
                        <div
                            key={index}
                            id={`${id}-${index}`}
                            role={role === 'tree' ? 'treeitem' : 'option'}
                            aria-selected={index === selected}
                            aria-setsize={count}
                            aria-posinset={index + 1}
                            onClick={() => {
                                onActive(index);
                                onOpen(index);
                            }}
                            style={{ height: rowHeight }}
                            className={cn(
                                'flex w-full min-w-0 cursor-pointer items-center border-l-2 px-3',
                                index === selected ? 'border-accent bg-accent-wash' : 'border-transparent hover:bg-sunken',
                                index === active && 'group-focus-visible:ring-2 group-focus-visible:ring-accent group-focus-visible:ring-inset',
                                index === active && index !== selected && 'bg-sunken',
                            )}
                            {...rowAttributes?.(index)}
                        >
                            {row(index)}
                        </div>
                    ))}
                </div>
            </div>
        </div>
    );
}
