// SPDX-License-Identifier: MIT
// A live chart. uPlot draws on a canvas, so its colours are read from the style sheet whenever the theme changes.
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useDark } from '@/theme/theme';

export interface Line {
    label: string;
    /** The name of a colour in styles.css. */
    color: 'accent' | 'soft' | 'good' | 'warn';
    fill?: boolean;
}

interface Props {
    label: string;
    lines: Line[];
    /** Times in seconds, then one column per line. */
    data: (number | null)[][];
    format: (value: number) => string;
    height?: number;
    /** The axis goes up to this at least, so that nothing happening does not look like much. */
    atLeast?: number;
    /** Bytes: steps are powers of two, so that they are whole KiB and MiB. */
    binary?: boolean;
}

/** What is shown: all there is, from a minute to five. */
const WINDOW_MIN_SECONDS = 60;
const WINDOW_MAX_SECONDS = 300;
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, i) => 2 ** i);

function timeRange(plot: uPlot): [number, number] {
    const times = plot.data[0] as number[];
    const last = times.at(-1) ?? Date.now() / 1000;
    const span = last - (times[0] ?? last);
    return [last - Math.min(WINDOW_MAX_SECONDS, Math.max(WINDOW_MIN_SECONDS, span)), last];
}

function make(target: HTMLElement, { lines, format, height = 180, atLeast = 5, binary = false }: Omit<Props, 'data' | 'label'>, width: number): uPlot {
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis: uPlot.Axis = {
        stroke: color('soft'),
        font,
        ticks: { show: false },
        grid: { stroke: color('line'), width: 1 },
    };
    return new uPlot(
        {
            width,
            height,
            padding: [8, 8, 0, 0],
            legend: { show: false },
            cursor: { show: true, y: false, points: { size: 6 }, drag: { x: false, y: false } },
            scales: {
                x: { time: true, range: timeRange },
                y: { range: (_u, _min, max) => [0, Math.max((max ?? 0) * 1.15, atLeast)] },
            },
            axes: [
                { ...axis, grid: { show: false }, size: 26, space: 70, values: [[1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 0]] },
                { ...axis, size: 62, space: 34, ...(binary ? { incrs: POWERS_OF_TWO } : {}), values: (_u, ticks) => ticks.map((t) => format(t)) },
            ],
            series: [
                {},
                ...lines.map((line) => ({
                    label: line.label,
                    stroke: color(line.color),
                    width: 1.5,
                    points: { show: false },
                    ...(line.fill ? { fill: `color-mix(in srgb, ${color(line.color)} 12%, transparent)` } : {}),
                })),
            ],
        },
        undefined,
        target,
    );
}

export function LineChart({ label, lines, data, format, height, atLeast, binary }: Props) {
    const target = useRef<HTMLDivElement>(null);
    const chart = useRef<uPlot | null>(null);
    const latest = useRef(data);
    const dark = useDark();
    latest.current = data;

    useEffect(() => {
        const element = target.current;
        if (!element) return;
        const made = make(element, { lines, format, height, atLeast, binary }, element.clientWidth);
        chart.current = made;
        made.setData(latest.current as uPlot.AlignedData);
        const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: made.height }));
        observer.observe(element);
        return () => {
            observer.disconnect();
            made.destroy();
            chart.current = null;
        };
        // `lines` and `format` are constants of the caller's module.
    }, [lines, format, height, atLeast, binary, dark]);

    useEffect(() => {
        chart.current?.setData(data as uPlot.AlignedData);
    }, [data]);

    const lastOf = (i: number) => data[i + 1]?.at(-1) ?? null;
    return (
        <figure className="min-w-0">
            <div ref={target} aria-hidden className="min-w-0 overflow-hidden" />
            <figcaption className="flex flex-wrap gap-x-4 text-xs text-soft">
                <span className="sr-only">{label}: </span>
                {lines.map((line, i) => {
                    const value = lastOf(i);
                    return (
                        <span key={line.label} className="inline-flex items-center gap-1.5">
                            <span aria-hidden className={`h-0.5 w-3 rounded-full ${SWATCH[line.color]}`} />
                            {line.label}
                            <span className="numbers text-ink">
                                {value === null ? '–' : format(value)}
                            </span>
                        </span>
                    );
                })}
            </figcaption>
        </figure>
    );
}

const SWATCH = { accent: 'bg-accent', soft: 'bg-soft', good: 'bg-good', warn: 'bg-warn' };
