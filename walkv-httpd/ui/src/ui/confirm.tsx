// SPDX-License-Identifier: MIT
// Asks before something that cannot be undone. With `typed` the reader has to write that name first.
import * as Parts from '@radix-ui/react-alert-dialog';
import { useId, useState, type ReactNode } from 'react';
import { Button } from './button';
import { Input } from './field';
import { useFocusBack } from './focus-back';

interface Props {
    open: boolean;
    onClose: () => void;
    onConfirm: () => void;
    title: string;
    children: ReactNode;
    action: string;
    typed?: string | undefined;
}

function Body({ onConfirm, title, children, action, typed }: Omit<Props, 'open' | 'onClose'>) {
    const id = useId();
    const [text, setText] = useState('');
    const ready = typed === undefined || text === typed;
    return (
        <form
            onSubmit={(event) => {
                event.preventDefault();
                if (ready) onConfirm();
            }}
        >
            <Parts.Title className="text-base font-semibold break-words">{title}</Parts.Title>
            <Parts.Description asChild>
                <div className="mt-1.5 text-sm text-soft">{children}</div>
            </Parts.Description>
            {typed !== undefined && (
                <div className="mt-3">
                    <label htmlFor={id} className="text-sm">
                        Write <code className="rounded bg-sunken px-1 break-all">{typed}</code> to go on
                    </label>
                    <Input id={id} className="mono mt-1" value={text} onChange={(e) => setText(e.target.value)} autoComplete="off" spellCheck={false} />
                </div>
            )}
            <div className="mt-5 flex justify-end gap-2">
                <Parts.Cancel asChild>
                    <Button>Cancel</Button>
                </Parts.Cancel>
                <Button type="submit" tone="alarm" disabled={!ready}>
                    {action}
                </Button>
            </div>
        </form>
    );
}

function Window(props: Omit<Props, 'open' | 'onClose'>) {
    const giveFocusBack = useFocusBack();
    return (
        <Parts.Content
            onCloseAutoFocus={giveFocusBack}
            className="animate-rise fixed top-1/2 left-1/2 z-40 w-[calc(100vw-1.5rem)] max-w-md -translate-x-1/2 -translate-y-1/2 rounded-xl border border-line bg-surface p-5 shadow-2xl focus:outline-none"
        >
            <Body {...props} />
        </Parts.Content>
    );
}

export function Confirm({ open, onClose, ...rest }: Props) {
    return (
        <Parts.Root open={open} onOpenChange={(next) => !next && onClose()}>
            <Parts.Portal>
                <Parts.Overlay className="animate-appear fixed inset-0 z-40 bg-shade" />
                <Window {...rest} />
            </Parts.Portal>
        </Parts.Root>
    );
}
