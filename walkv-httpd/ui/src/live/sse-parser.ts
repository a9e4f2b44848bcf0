// SPDX-License-Identifier: MIT
// Reads a stream of server-sent events (HTML standard, section 9.2) from bytes that may be cut anywhere. EventSource is not
// used because it cannot send an access token.

export interface SseMessage {
    event: string;
    data: string;
    /** The last id that was seen, this message's or an earlier one's. */
    id: string;
}

export class SseParser {
    private readonly decoder = new TextDecoder();
    private line = '';
    private afterReturn = false;
    private event = '';
    private data: string[] = [];
    private id: string;
    /** What the server wants clients to wait before they connect again, in ms. */
    retryMs: number | null = null;

    constructor(lastId = '') {
        this.id = lastId;
    }

    push(bytes: Uint8Array): SseMessage[] {
        const messages: SseMessage[] = [];
        const decoded = this.decoder.decode(bytes, { stream: true });
        if (decoded === '') return messages;
        const text = this.afterReturn && decoded.startsWith('\n') ? decoded.slice(1) : decoded;
        this.afterReturn = decoded.endsWith('\r');
        const lines = text.split(/\r\n|\r|\n/);
        lines.forEach((part, i) => {
            this.line += part;
            if (i === lines.length - 1) return;
            const message = this.takeLine(this.line);
            this.line = '';
            if (message) messages.push(message);
        });
        return messages;
    }

    /** Also from blocks that say nothing but an id: up to there nothing was missed. */
    get lastId(): string {
        return this.id;
    }

    private takeLine(line: string): SseMessage | null {
        if (line === '') return this.dispatch();
        const colon = line.indexOf(':');
        if (colon === 0) return null;
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
        if (field === 'data') this.data.push(value);
        else if (field === 'event') this.event = value;
        else if (field === 'id' && !value.includes('\0')) this.id = value;
        else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
        return null;
    }

    /** Unlike EventSource this hands on a named event without data: `event: reset` says all there is to say. */
    private dispatch(): SseMessage | null {
        const { event, data } = this;
        this.event = '';
        this.data = [];
        if (data.length === 0 && event === '') return null;
        return { event: event || 'message', data: data.join('\n'), id: this.id };
    }
}
