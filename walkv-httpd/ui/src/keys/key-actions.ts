// SPDX-License-Identifier: MIT
// What can be done with a key, with what is said about it.
import type { QueryClient } from '@tanstack/react-query';
import { isStatus } from '@/api/errors';
import { urlOf } from '@/api/http';
import { deleteKey, keyPath, setValue, valueBody, type StoredValue } from '@/api/kv';
import { token } from '@/api/token';
import { copyText } from '@/lib/clipboard';
import { curlCommand } from '@/lib/curl';
import { visible } from '@/lib/utf8';
import { VALUE } from '@/live/queries';
import { offerUndo, sayDone, sayFailed } from '@/ui/toasts';

export function shortName(name: string): string {
    const text = visible(name);
    return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

async function putBack(client: QueryClient, key: string, text: string): Promise<void> {
    try {
        await setValue(key, text, 'absent');
        sayDone(`${shortName(key)} is back`);
    } catch (error) {
        if (isStatus(error, 412)) sayFailed('Not put back', new Error('Somebody has created this key again, and it was left as it is'));
        else sayFailed('Not put back', error);
    }
    await client.invalidateQueries({ queryKey: [VALUE, key] });
}

/** Deletes what the reader sees, and nothing newer. */
export async function deleteWithUndo(client: QueryClient, key: string, shown: StoredValue): Promise<boolean> {
    try {
        await deleteKey(key, shown.version === null ? 'none' : { version: shown.version });
    } catch (error) {
        if (isStatus(error, 412)) sayFailed('Not deleted', new Error('The key has changed since it was shown. Look at it again'));
        else sayFailed(`${shortName(key)} was not deleted`, error);
        await client.invalidateQueries({ queryKey: [VALUE, key] });
        return false;
    }
    client.removeQueries({ queryKey: [VALUE, key] });
    offerUndo(`${shortName(key)} deleted`, () => void putBack(client, key, shown.text));
    return true;
}

export function copyCurl(key: string, text?: string): void {
    const command = curlCommand({
        method: text === undefined ? 'GET' : 'PUT',
        url: urlOf('') + keyPath(key),
        withToken: token.get() !== '',
        ...(text === undefined ? {} : { body: valueBody(text) }),
    });
    void copyText(command, 'Command');
}
