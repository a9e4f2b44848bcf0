// SPDX-License-Identifier: MIT
import { useEffect, useReducer, useRef } from 'react';
import { useStore } from '@/lib/store';
import { followBatches, streamState } from '@/live/live';
import { RateMeter, type Rates } from './rates';

const seconds = () => performance.now() / 1000;

/** The rates of any queue, renewed every second while something happens. Without events: null. */
export function useRates(): (queue: string) => Rates | null {
    const meter = useRef<RateMeter>(null);
    meter.current ??= new RateMeter(seconds());
    const [, again] = useReducer((n: number) => n + 1, 0);
    const hasEvents = useStore(streamState) === 'live';
    useEffect(() => {
        const stop = followBatches((batch) => {
            for (const [queue, { enqueued, dequeued }] of batch.queues) meter.current?.record(queue, enqueued, dequeued, seconds());
        });
        const timer = setInterval(() => {
            if (meter.current?.active(seconds())) again();
        }, 1000);
        return () => {
            stop();
            clearInterval(timer);
        };
    }, []);
    return (queue) => (hasEvents ? (meter.current?.of(queue, seconds()) ?? null) : null);
}
