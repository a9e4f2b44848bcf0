// SPDX-License-Identifier: MIT
// A window above the page. It closes with Escape, and the focus goes back to where it was.
import * as Parts from '@radix-ui/react-dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { cn } from '@/lib/cn';
import { Button } from './button';
import { useFocusBack } from './focus-back';

/** To the first place to write in, and not to the button that closes. */
function focusFirstInput(event: Event) {
    const first = event.currentTarget instanceof Element && event.currentTarget.querySelector<HTMLElement>('input:not([type=checkbox]),textarea');
    if (!first) return;
    event.preventDefault();
    first.focus();
}

interface Props {
    open: boolean;
    onClose: () => void;
    title: ReactNode;
    description?: ReactNode;
    children: ReactNode;
    wide?: boolean;
}

/** Is there for as long as it is open. */
export function Dialog({ open, onClose, title, description, children, wide }: Props) {
    const giveFocusBack = useFocusBack();
    return (
        <Parts.Root open={open} onOpenChange={(next) => !next && onClose()}>
            <Parts.Portal>
                <Parts.Overlay className="animate-appear fixed inset-0 z-40 bg-shade" />
                <Parts.Content
                    onOpenAutoFocus={focusFirstInput}
                    onCloseAutoFocus={giveFocusBack}
                    {...(description ? {} : { 'aria-describedby': undefined })}
                    className={cn(
                        'animate-rise fixed top-1/2 left-1/2 z-40 flex max-h-[calc(100dvh-2rem)] w-[calc(100vw-1.5rem)] -translate-x-1/2 -translate-y-1/2 flex-col rounded-xl border border-line bg-surface shadow-2xl focus:outline-none',
                        wide ? 'max-w-4xl' : 'max-w-lg',
                    )}
                >
                    <div className="flex items-start gap-3 px-5 pt-4 pb-3">
                        <div className="min-w-0 flex-1">
                            <Parts.Title className="text-base font-semibold break-words">{title}</Parts.Title>
                            {description && <Parts.Description className="mt-0.5 text-sm text-soft">{description}</Parts.Description>}
                        </div>
                        <Parts.Close asChild>
                            <Button tone="quiet" size="smallIcon" aria-label="Close">
                                <X aria-hidden />
                            </Button>
                        </Parts.Close>
                    </div>
                    <div className="scroll-thin min-h-0 flex-1 overflow-y-auto px-5 pb-5">{children}</div>
                </Parts.Content>
            </Parts.Portal>
        </Parts.Root>
    );
}

export function DialogButtons({ children }: { children: ReactNode }) {
    return <div className="mt-4 flex flex-wrap justify-end gap-2">{children}</div>;
}
