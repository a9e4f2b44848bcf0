// SPDX-License-Identifier: MIT
// Asks for an access token, when the server wants one.
import { useId, useState } from 'react';
import { declineToken, enterToken, question, token } from '@/api/token';
import { useStore } from '@/lib/store';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { Input } from '@/ui/field';

export default function TokenDialog() {
    const { state, rejected } = useStore(question);
    const current = useStore(token);
    const id = useId();
    const [text, setText] = useState('');
    const clean = text.trim();
    const valid = /^[\x21-\x7e]+$/.test(clean);
    return (
        <Dialog
            open={state === 'asked'}
            onClose={declineToken}
            title="Access token"
            description="This server answers only with an access token. It is kept in this tab until you close it."
        >
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    if (!valid) return;
                    enterToken(clean);
                    setText('');
                }}
            >
                <label htmlFor={id} className="text-sm font-medium">
                    Token
                </label>
                <Input
                    id={id}
                    type="password"
                    className="mono mt-1"
                    value={text}
                    onChange={(e) => setText(e.target.value)}
                    autoComplete="off"
                    spellCheck={false}
                    placeholder="wkv_…"
                    aria-describedby={`${id}-note`}
                />
                <p id={`${id}-note`} className="mt-1.5 text-xs text-soft">
                    {rejected && rejected === current ? (
                        <span className="text-bad">The token that was used is not known to the server. </span>
                    ) : null}
                    <code>walkvctl token new</code> makes one.
                </p>
                <DialogButtons>
                    <Button onClick={declineToken}>Not now</Button>
                    <Button type="submit" tone="accent" disabled={!valid}>
                        Use this token
                    </Button>
                </DialogButtons>
            </form>
        </Dialog>
    );
}
