// SPDX-License-Identifier: MIT
// Sends a request of the docs to this server and shows all that comes back.
import { Play } from 'lucide-react';
import { useId, useState } from 'react';
import { describe } from '@/api/errors';
import { call, urlOf, type Method, type Reply } from '@/api/http';
import { token } from '@/api/token';
import { copyText } from '@/lib/clipboard';
import { curlCommand } from '@/lib/curl';
import { bytes, duration } from '@/lib/units';
import { utf8Bytes, visible } from '@/lib/utf8';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Input, Textarea } from '@/ui/field';
import { trialBody, trialPath, type Operation } from './openapi';

const SHOWN_CHARS = 20_000;

type Result = { reply: Reply } | { error: unknown };

/** In a header of a request: the names that this operation knows, and what they are at first. */
function headersOf(op: Operation): string[] {
    return op.parameters.filter((p) => p.place === 'header').map((p) => p.name);
}

function Outcome({ result }: { result: Result }) {
    if ('error' in result) return <p className="text-sm text-bad">{describe(result.error).title}</p>;
    const { status, headers, text, durationMs } = result.reply;
    const shown = text.slice(0, SHOWN_CHARS);
    return (
        <div className="flex flex-col gap-2">
            <p className="numbers flex flex-wrap items-center gap-2 text-xs text-soft">
                <Badge tone={status < 300 ? 'good' : status < 500 ? 'warn' : 'bad'}>{status}</Badge>
                {duration(durationMs)}, {bytes(utf8Bytes(text))}
            </p>
            <details className="text-xs">
                <summary className="text-soft">Headers</summary>
                <pre className="mono scroll-thin mt-1 overflow-x-auto text-xs" tabIndex={0}>
                    {[...headers].map(([name, value]) => `${name}: ${visible(value)}`).join('\n')}
                </pre>
            </details>
            <pre tabIndex={0} aria-label="Body of the answer" role="region" className="mono scroll-thin max-h-72 overflow-auto rounded-md border border-line bg-sunken p-3 break-all whitespace-pre-wrap">
                {shown ? visible(shown) : '(no body)'}
                {text.length > SHOWN_CHARS && '…'}
            </pre>
        </div>
    );
}

export function Runner({ op }: { op: Operation }) {
    const id = useId();
    const [path, setPath] = useState(() => trialPath(op));
    const [body, setBody] = useState(() => trialBody(op));
    const [headers, setHeaders] = useState<Record<string, string>>({});
    const [result, setResult] = useState<Result | null>(null);
    const [busy, setBusy] = useState(false);
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
    const hasBody = op.body !== null;
    const relative = path.replace(/^\/+/, '');

    const run = async () => {
        setBusy(true);
        try {
            const reply = await call(op.method as Method, relative, { headers: given, anyStatus: true, ...(hasBody ? { body } : {}) });
            setResult({ reply });
        } catch (error) {
            setResult({ error });
        } finally {
            setBusy(false);
        }
    };
    const copy = () =>
        void copyText(
            curlCommand({ method: op.method, url: urlOf(relative), headers: given, withToken: token.get() !== '', ...(hasBody ? { body } : {}) }),
            'Command',
        );

    return (
        <form
            onSubmit={(event) => {
                event.preventDefault();
                if (!op.isStream) void run();
            }}
            className="flex flex-col gap-2 rounded-lg border border-line p-3"
        >
            <div className="flex flex-wrap items-center gap-2">
                <span className="mono text-xs font-semibold text-soft">{op.method}</span>
                <div className="min-w-40 flex-1">
                    <Input className="mono" aria-label="Path" value={path} onChange={(event) => setPath(event.target.value)} spellCheck={false} autoComplete="off" />
                </div>
                {!op.isStream && (
                    <Button type="submit" tone="accent" disabled={busy}>
                        <Play aria-hidden />
                        {busy ? 'Running…' : 'Run'}
                    </Button>
                )}
                <Button onClick={copy}>Copy as curl</Button>
            </div>
            {op.isStream && <p className="text-xs text-soft">This answer has no end: watch it with curl, and -N so that it is not held back.</p>}
            {headersOf(op).length > 0 && (
                <details className="text-xs">
                    <summary className="text-soft">Headers of the request</summary>
                    <div className="mt-2 grid gap-2 sm:grid-cols-2">
                        {headersOf(op).map((name) => (
                            <label key={name} className="flex flex-col gap-1 text-soft">
                                {name}
                                <Input className="mono" value={headers[name] ?? ''} onChange={(event) => setHeaders({ ...headers, [name]: event.target.value })} autoComplete="off" spellCheck={false} />
                            </label>
                        ))}
                    </div>
                </details>
            )}
            {hasBody && (
                <div>
                    <label htmlFor={id} className="text-xs text-soft">
                        Body
                    </label>
                    <Textarea id={id} className="mono mt-1" rows={2} value={body} onChange={(event) => setBody(event.target.value)} spellCheck={false} />
                </div>
            )}
            <div aria-live="polite">{result && <Outcome result={result} />}</div>
        </form>
    );
}
