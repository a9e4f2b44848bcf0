// SPDX-License-Identifier: MIT
import * as Parts from '@radix-ui/react-tooltip';
import type { ReactNode } from 'react';

export const TooltipProvider = Parts.Provider;

export function Tooltip({ text, side = 'bottom', children }: { text: ReactNode; side?: 'top' | 'bottom'; children: ReactNode }) {
    return (
        <Parts.Root>
            <Parts.Trigger asChild>{children}</Parts.Trigger>
            <Parts.Portal>
                <Parts.Content
                    side={side}
                    sideOffset={6}
                    collisionPadding={8}
                    className="animate-appear z-50 max-w-72 rounded-md border border-line bg-surface px-2.5 py-1.5 text-xs text-ink shadow-lg"
                >
                    {text}
                </Parts.Content>
            </Parts.Portal>
        </Parts.Root>
    );
}
