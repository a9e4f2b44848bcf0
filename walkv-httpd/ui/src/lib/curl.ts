// SPDX-License-Identifier: MIT
// A request as a command for a POSIX shell. An access token is not written into it, but named: $WALKV_TOKEN.

/** One word of a shell, whatever is in it. */
export function shellQuote(text: string): string {
    return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export interface CurlRequest {
    method: string;
    url: string;
    headers?: Record<string, string>;
    body?: string;
    withToken?: boolean;
}

export function curlCommand({ method, url, headers = {}, body, withToken }: CurlRequest): string {
    const words = ['curl', '-sS'];
    if (/\/(?:\.|%2e){1,2}(?:\/|\?|$)/i.test(url)) words.push('--path-as-is');
    if (method !== 'GET') words.push('-X', method);
    words.push(shellQuote(url));
    if (withToken) words.push('-H', '"Authorization: Bearer $WALKV_TOKEN"');
    for (const [name, value] of Object.entries(headers)) words.push('-H', shellQuote(`${name}: ${value}`));
    if (body !== undefined) words.push('-H', shellQuote('Content-Type: application/json'), '--data-raw', shellQuote(body));
    return words.join(' ');
}
