// SPDX-License-Identifier: MIT
// The keys: a list or a tree of them on the left, one of them on the right; on a phone one after the other.
import { List, ListTree, Plus, Search, X } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { listKeys } from '@/api/kv';
import { useStatus } from '@/api/status';
import { cn } from '@/lib/cn';
import { useHotkeys } from '@/lib/hotkeys';
import { navigate, parseRoute, useRoute } from '@/lib/route';
import { count } from '@/lib/units';
import { followBatches } from '@/live/live';
import { Button } from '@/ui/button';
import { Input, Select } from '@/ui/field';
import { Empty } from '@/ui/notice';
import { Segments } from '@/ui/segments';
import { KeyDetail } from './key-detail';
import { KeyList } from './key-list';
import { KeyPages } from './key-pages';
import { KeyTreeView, rowName } from './key-tree-view';
import { TreeModel } from './tree-model';

const NewKey = lazy(() => import('./new-key'));

const SEARCH_MS = 180;
const SEPARATORS = [':', '/', '.', '-', '_'];
const VIEWS = [
    { value: 'list', label: 'List', icon: List },
    { value: 'tree', label: 'Tree', icon: ListTree },
] as const;

function useKeyPages(prefix: string, enabled: boolean): KeyPages {
    const pages = useMemo(() => new KeyPages(prefix, (after, limit, signal) => listKeys(prefix, after, limit, signal)), [prefix]);
    useEffect(() => {
        if (!enabled) return;
        pages.more();
        const stop = followBatches((batch) => pages.apply(batch));
        return () => {
            stop();
            pages.stop();
        };
    }, [pages, enabled]);
    return pages;
}

function useTree(prefix: string, separator: string, enabled: boolean): TreeModel {
    const model = useMemo(() => (enabled ? new TreeModel(prefix, separator) : new TreeModel('', separator)), [prefix, separator, enabled]);
    useEffect(() => {
        if (!enabled) return;
        void model.load(model.root);
        const stop = followBatches((batch) => model.apply(batch));
        return () => {
            stop();
            model.stop();
        };
    }, [model, enabled]);
    return model;
}

function PrefixSearch({ prefix, onChange }: { prefix: string; onChange: (prefix: string) => void }) {
    const [text, setText] = useState(prefix);
    const input = useRef<HTMLInputElement>(null);
    const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
    const [seen, setSeen] = useState(prefix);
    if (seen !== prefix) {
        setSeen(prefix);
        setText(prefix);
    }
    useHotkeys({ '/': () => input.current?.select() });
    const change = (next: string, now = false) => {
        setText(next);
        clearTimeout(timer.current);
        if (now) onChange(next);
        else timer.current = setTimeout(() => onChange(next), SEARCH_MS);
    };
    useEffect(() => () => clearTimeout(timer.current), []);
    return (
        <div role="search" className="relative min-w-0 flex-1">
            <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-soft" />
            <Input
                ref={input}
                className="mono pr-8 pl-8"
                value={text}
                onChange={(event) => change(event.target.value)}
                onKeyDown={(event) => {
                    if (event.key === 'Enter') change(text, true);
                    if (event.key !== 'Escape') return;
                    event.preventDefault();
                    if (text) change('', true);
                    else input.current?.blur();
                }}
                placeholder="Keys that begin with…"
                aria-label="Keys that begin with"
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
            />
            {text && (
                <button type="button" aria-label="Clear the search" onClick={() => change('', true)} className="absolute top-1 right-1 flex size-6 items-center justify-center rounded text-soft hover:text-ink">
                    <X aria-hidden className="size-4" />
                </button>
            )}
        </div>
    );
}

/** How many keys there are, and how many of them have been read. */
function Count({ pages }: { pages: KeyPages }) {
    const { count: read, complete, loading, error } = useSyncExternalStore(pages.subscribe, pages.getSnapshot);
    const total = useStatus().data?.keys;
    const known = complete ? read : pages.prefix === '' && total !== undefined ? Math.max(total, read) : undefined;
    return (
        <div className="numbers flex h-9 shrink-0 items-center gap-2 border-t border-line px-3 text-xs text-soft">
            <span role="status">
                {error && read > 0 ? 'Reading on has failed. ' : ''}
                {complete ? `${count(read)} ${read === 1 ? 'key' : 'keys'}` : `${count(read)} read${known === undefined ? ', there are more' : ` of ${count(known)}`}`}
            </span>
            {!complete && (
                <Button size="small" tone="quiet" className="ml-auto" onClick={loading ? () => pages.stop() : error ? pages.retry : pages.all}>
                    {loading ? 'Stop' : error ? 'Try again' : 'Read all'}
                </Button>
            )}
        </div>
    );
}

export default function KeysPage() {
    const { params } = useRoute();
    const { prefix = '', key, sep } = params;
    const separator = sep && SEPARATORS.includes(sep) ? sep : ':';
    const view = params.view === 'tree' ? 'tree' : 'list';
    const [active, setActive] = useState(key);
    const [creating, setCreating] = useState(false);
    const pages = useKeyPages(prefix, view === 'list');
    const tree = useTree(prefix, separator, view === 'tree');

    // From where the reader is now, which is not where this was rendered when a timer calls it.
    const go = (change: Record<string, string | undefined>, replace = false) =>
        navigate('keys', { ...parseRoute(location.hash).params, ...change }, replace);
    const open = (name: string) => {
        setActive(name);
        setCreating(false);
        go({ key: name });
    };
    const move = (by: 1 | -1) => {
        if (view === 'list') {
            const next = pages.at((active === undefined ? -1 : pages.indexOf(active)) + by) ?? pages.at(0);
            if (next !== undefined) setActive(next);
        } else {
            const rows = tree.getRows();
            const next = rows[rows.findIndex((row) => rowName(row) === active) + by] ?? rows[0];
            if (next) setActive(rowName(next));
        }
    };
    const openActive = () => {
        if (active === undefined) return;
        if (view === 'list') return open(active);
        const row = tree.getRows().find((other) => rowName(other) === active);
        if (row?.kind === 'entry' && row.entry.kind === 'folder') tree.toggle(row.entry.prefix);
        else if (row?.kind === 'entry') open(active);
    };
    useHotkeys({ j: () => move(1), k: () => move(-1), Enter: openActive, n: () => setCreating(true) });

    const create = (
        <Button tone="accent" onClick={() => setCreating(true)}>
            <Plus aria-hidden />
            New key
        </Button>
    );
    return (
        <div className="flex h-full min-h-0">
            <h1 className="sr-only">Keys</h1>
            <section aria-label="List of keys" className={cn('flex h-full min-h-0 w-full flex-col border-line bg-surface md:w-96 md:border-r lg:w-[27rem]', key !== undefined && 'max-md:hidden')}>
                <div className="flex shrink-0 flex-col gap-2 border-b border-line p-2">
                    <div className="flex gap-2">
                        <PrefixSearch prefix={prefix} onChange={(next) => go({ prefix: next }, true)} />
                        <Button tone="accent" onClick={() => setCreating(true)} title="New key (n)">
                            <Plus aria-hidden />
                            New
                        </Button>
                    </div>
                    <div className="flex items-center gap-2">
                        <Segments label="Show the keys as" value={view} onChange={(next) => go({ view: next === 'list' ? undefined : next }, true)} choices={VIEWS} />
                        {view === 'tree' && (
                            <label className="flex items-center gap-1.5 text-xs text-soft">
                                Folders end with
                                <Select value={separator} onChange={(event) => go({ sep: event.target.value }, true)}>
                                    {SEPARATORS.map((s) => (
                                        <option key={s}>{s}</option>
                                    ))}
                                </Select>
                            </label>
                        )}
                    </div>
                </div>
                <div className="min-h-0 flex-1">
                    {view === 'list' ? (
                        <KeyList key={prefix} pages={pages} selected={key} active={active} onActive={setActive} onOpen={open} create={create} />
                    ) : (
                        <KeyTreeView key={`${separator}${prefix}`} model={tree} selected={key} active={active} onActive={setActive} onOpen={open} create={create} />
                    )}
                </div>
                {view === 'list' && <Count pages={pages} />}
            </section>
            <section aria-label="The chosen key" className={cn('h-full min-h-0 min-w-0 flex-1', key === undefined && 'max-md:hidden')}>
                {key === undefined ? (
                    <Empty icon={Search} title="Choose a key">
                        <kbd>j</kbd> and <kbd>k</kbd> move through the list, <kbd>Enter</kbd> opens, <kbd>/</kbd> searches.
                    </Empty>
                ) : (
                    <KeyDetail key={key} name={key} onClose={() => go({ key: undefined })} />
                )}
            </section>
            <Suspense>{creating && <NewKey prefix={prefix} onClose={() => setCreating(false)} onOpen={open} />}</Suspense>
        </div>
    );
}
