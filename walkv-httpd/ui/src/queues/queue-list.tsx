// SPDX-License-Identifier: MIT
// The queues with their sizes and rates.
import { cn } from '@/lib/cn';
import { rate, shortCount } from '@/lib/units';
import { visible } from '@/lib/utf8';
import { VirtualList } from '@/ui/virtual-list';
import type { Rates } from './rates';

const ROW_PX = 36;

interface Props {
    names: string[];
    sizes: Map<string, number>;
    ratesOf: (queue: string) => Rates | null;
    selected: string | undefined;
    active: string | undefined;
    onActive: (queue: string) => void;
    onOpen: (queue: string) => void;
}

const COLUMNS = 'grid w-full min-w-0 grid-cols-[minmax(0,1fr)_4.5rem_4rem_4rem] items-center gap-2';

function Rate({ value }: { value: number | undefined }) {
    const still = value === undefined || value < 0.05;
    return <span className={cn('numbers text-right text-xs', still ? 'text-soft' : 'text-ink')}>{value === undefined ? '–' : `${rate(value)}/s`}</span>;
}

export function QueueList({ names, sizes, ratesOf, selected, active, onActive, onOpen }: Props) {
    const at = (index: number, then: (queue: string) => void) => {
        const name = names[index];
        if (name !== undefined) then(name);
    };
    return (
        <div className="flex h-full flex-col">
            <div aria-hidden className={cn(COLUMNS, 'h-7 shrink-0 border-b border-line pr-3 pl-3.5 text-xs text-soft')}>
                <span>Queue</span>
                <span className="text-right">Items</span>
                <span className="text-right">In</span>
                <span className="text-right">Out</span>
            </div>
            <div className="min-h-0 flex-1">
                <VirtualList
                    label="Queues"
                    count={names.length}
                    rowHeight={ROW_PX}
                    active={active === undefined ? -1 : names.indexOf(active)}
                    selected={selected === undefined ? -1 : names.indexOf(selected)}
                    onActive={(index) => at(index, onActive)}
                    onOpen={(index) => at(index, onOpen)}
                    row={(index) => {
                        const name = names[index] ?? '';
                        const rates = ratesOf(name);
                        const size = sizes.get(name) ?? 0;
                        return (
                            <span className={COLUMNS}>
                                <span className="mono truncate whitespace-pre">{visible(name)}</span>
                                <span className={cn('numbers text-right font-medium', size === 0 && 'text-soft')}>{shortCount(size)}</span>
                                <Rate value={rates?.in} />
                                <Rate value={rates?.out} />
                            </span>
                        );
                    }}
                />
            </div>
        </div>
    );
}
