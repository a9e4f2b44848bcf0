// SPDX-License-Identifier: MIT
// What the store is doing, now and in the last minutes.
import { TriangleAlert } from 'lucide-react';
import { lazy, Suspense, useMemo } from 'react';
import { useStatus, type Status } from '@/api/status';
import { routeHash } from '@/lib/route';
import { useStore } from '@/lib/store';
import { bytes, count, duration, percent, percentText, plural, rate, shortCount } from '@/lib/units';
import { Badge } from '@/ui/badge';
import { Failed, Skeleton } from '@/ui/notice';
import { Fact, Facts, Panel } from '@/ui/panel';
import { history } from './history';
import type { Line } from './line-chart';
import { columns } from './samples';
import { Meter, Tile } from './tile';

const LineChart = lazy(() => import('./line-chart').then((m) => ({ default: m.LineChart })));

const RATE_LINES: Line[] = [
    { label: 'operations', color: 'accent', fill: true },
    { label: 'syncs to disk', color: 'soft' },
];
const LOG_LINES: Line[] = [{ label: 'log', color: 'accent', fill: true }];
const VIEW_LINES: Line[] = [{ label: 'in use', color: 'accent', fill: true }];
const ITEM_LINES: Line[] = [{ label: 'items waiting', color: 'accent', fill: true }];

const START_KINDS = {
    warm: 'Warm: the view in memory was still good',
    cold: 'Cold: from snapshot and log',
    new: 'New store',
};

const STORAGE = {
    disk_full: 'The disk is full: writes that add data are refused with 507. Deletes and dequeues still work.',
    view_full: 'The read view is full: writes that add data are refused with 507. Deletes and dequeues still work.',
};

function Tiles({ status, operations }: { status: Status | undefined; operations: number | null }) {
    const s = status;
    const used = s?.view_used_bytes;
    const size = s?.view_size_bytes ?? 0;
    return (
        <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
            <Tile name="Operations" value={s && rate(operations ?? 0)} unit="/s">
                {s?.operations !== undefined && `${count(s.operations)} since start`}
            </Tile>
            <Tile name="Keys" value={s?.keys === undefined ? s && '–' : shortCount(s.keys)} href={routeHash('keys')}>
                {s?.key_bytes !== undefined && bytes(s.key_bytes)}
            </Tile>
            <Tile name="Queued items" value={s?.items === undefined ? s && '–' : shortCount(s.items)} href={routeHash('queues')}>
                {s?.queues !== undefined && `in ${plural(s.queues, 'queue')}, ${bytes(s.item_bytes ?? 0)}`}
            </Tile>
            <Tile name="View in use" value={used === undefined ? s && '–' : percentText(used, size)}>
                {used !== undefined && `${bytes(used)} of ${bytes(size)}`}
                {used !== undefined && <Meter label="View in use" part={percent(used, size)} />}
            </Tile>
        </div>
    );
}

function ChartBox({ children }: { children: React.ReactNode }) {
    return <Suspense fallback={<Skeleton className="h-48 w-full opacity-40" />}>{children}</Suspense>;
}

function Charts() {
    const { samples } = useStore(history);
    const rates = useMemo(() => columns(samples, ['operations', 'syncs']), [samples]);
    const log = useMemo(() => columns(samples, ['walBytes']), [samples]);
    const view = useMemo(() => columns(samples, ['viewBytes']), [samples]);
    const items = useMemo(() => columns(samples, ['items']), [samples]);
    return (
        <>
            <Panel title="Operations per second">
                <ChartBox>
                    <LineChart label="Operations per second" lines={RATE_LINES} data={rates} format={rate} height={210} />
                </ChartBox>
            </Panel>
            <div className="grid gap-3 md:grid-cols-3">
                <Panel title="Log on disk">
                    <ChartBox>
                        <LineChart label="Log on disk" lines={LOG_LINES} data={log} format={bytes} height={130} atLeast={4096} binary />
                    </ChartBox>
                </Panel>
                <Panel title="View">
                    <ChartBox>
                        <LineChart label="View in use" lines={VIEW_LINES} data={view} format={bytes} height={130} atLeast={4096} binary />
                    </ChartBox>
                </Panel>
                <Panel title="Queues">
                    <ChartBox>
                        <LineChart label="Items waiting" lines={ITEM_LINES} data={items} format={shortCount} height={130} />
                    </ChartBox>
                </Panel>
            </div>
        </>
    );
}

function LogFacts({ s }: { s: Status }) {
    const hasCheckpoint = (s.checkpoint_lsn ?? 0) > 0;
    return (
        <Panel title="Durability">
            <Facts>
                <Fact name="Sync">
                    <Badge tone={s.wal_sync === 'async' ? 'warn' : 'good'}>{s.wal_sync ?? 'unknown'}</Badge>
                </Fact>
                <Fact name="Durable up to LSN">{s.durable_lsn === undefined ? '–' : count(s.durable_lsn)}</Fact>
                <Fact name="Log on disk">
                    {s.wal_bytes === undefined ? '–' : `${bytes(s.wal_bytes)} in ${plural(s.wal_segments ?? 0, 'segment')}`}
                </Fact>
                <Fact name="Last checkpoint">
                    {s.checkpoint_running === 1 ? (
                        <Badge tone="accent">running now</Badge>
                    ) : hasCheckpoint ? (
                        `${duration(s.checkpoint_age_ms ?? 0)} ago`
                    ) : (
                        'none yet'
                    )}
                </Fact>
                <Fact name="Operations since">
                    {s.wal_since_checkpoint_ops === undefined
                        ? '–'
                        : `${count(s.wal_since_checkpoint_ops)}, ${bytes(s.wal_since_checkpoint_bytes ?? 0)}`}
                </Fact>
                <Fact name="Snapshots">
                    {s.snapshots === undefined ? '–' : `${s.snapshots}${s.snapshots > 0 ? `, newest ${bytes(s.snapshot_bytes ?? 0)}` : ''}`}
                </Fact>
                {(s.checkpoint_failures ?? 0) > 0 && (
                    <Fact name="Failed checkpoints">
                        <Badge tone="bad">{s.checkpoint_failures}</Badge>
                    </Fact>
                )}
            </Facts>
        </Panel>
    );
}

function StartFacts({ s }: { s: Status }) {
    return (
        <Panel title="Last start">
            <Facts>
                <Fact name="Kind">
                    {s.start_kind ? <span title={START_KINDS[s.start_kind]}>{START_KINDS[s.start_kind].split(':')[0]}</span> : '–'}
                </Fact>
                <Fact name="Recovery took">{s.recovery_ms === undefined ? '–' : duration(s.recovery_ms)}</Fact>
                <Fact name="Operations replayed">{s.recovery_replayed_ops === undefined ? '–' : count(s.recovery_replayed_ops)}</Fact>
                <Fact name="Torn tail cut">{s.recovery_torn_bytes === undefined ? '–' : bytes(s.recovery_torn_bytes)}</Fact>
                <Fact name="Running for">{s.uptime_ms === undefined ? '–' : duration(s.uptime_ms)}</Fact>
                <Fact name="Version">{s.version ?? s.worker.version}</Fact>
            </Facts>
        </Panel>
    );
}

function WorkerFacts({ s }: { s: Status }) {
    return (
        <Panel title="Workers">
            <Facts>
                <Fact name="Connected">{s.workers ?? '–'}</Fact>
                <Fact name="This answer from">{`worker ${s.worker.id}, pid ${s.worker.pid}`}</Fact>
                <Fact name="Its connections">{count(s.worker.connections)}</Fact>
                <Fact name="Its requests">{count(s.worker.requests)}</Fact>
                <Fact name="Retry answers kept">{s.idempotency_entries === undefined ? '–' : count(s.idempotency_entries)}</Fact>
                <Fact name="Store">
                    <span className="mono text-xs" title={s.store_id}>
                        {s.store_id ?? '–'}
                    </span>
                </Fact>
            </Facts>
        </Panel>
    );
}

export function OverviewPage() {
    const { data: s, error, refetch } = useStatus(true);
    const { samples } = useStore(history);
    if (!s && error) return <Failed error={error} what="The status could not be read" retry={() => void refetch()} />;
    const storage = s?.storage && s.storage !== 'ok' ? STORAGE[s.storage] : undefined;
    return (
        <div className="scroll-thin h-full overflow-y-auto" tabIndex={-1}>
            <div className="mx-auto flex max-w-7xl flex-col gap-3 p-3 md:p-5">
                <h1 className="sr-only">Overview</h1>
                {storage && (
                    <p role="alert" className="flex items-center gap-2 rounded-lg bg-bad-wash px-4 py-3 text-sm text-bad">
                        <TriangleAlert aria-hidden className="size-4 shrink-0" />
                        {storage}
                    </p>
                )}
                <Tiles status={s} operations={samples.at(-1)?.operations ?? null} />
                <Charts />
                {s && (
                    <div className="grid gap-3 md:grid-cols-3">
                        <LogFacts s={s} />
                        <StartFacts s={s} />
                        <WorkerFacts s={s} />
                    </div>
                )}
            </div>
        </div>
    );
}
