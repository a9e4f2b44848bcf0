// SPDX-License-Identifier: MIT
// What is said after a write.
import { toast } from 'sonner';
import { describe } from '@/api/errors';

const UNDO_MS = 12_000;

export function sayDone(title: string, detail?: string): void {
    toast.success(title, detail ? { description: detail } : {});
}

export function sayFailed(what: string, error: unknown): void {
    const { title, detail } = describe(error);
    toast.error(what, { description: detail ? `${title} (${detail})` : title });
}

export function offerUndo(title: string, undo: () => void): void {
    toast(title, { duration: UNDO_MS, action: { label: 'Undo', onClick: undo } });
}
