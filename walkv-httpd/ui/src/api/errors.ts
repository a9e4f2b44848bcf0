// SPDX-License-Identifier: MIT
// The two ways in which a request fails: walkv said no, or nobody answered.

export class ApiError extends Error {
    override readonly name = 'ApiError';
    constructor(
        readonly status: number,
        /** The word for programs, "precondition_failed". */
        readonly code: string,
        sentence: string,
        readonly requestId: string | null = null,
    ) {
        super(sentence);
    }
}

export class UnreachableError extends Error {
    override readonly name = 'UnreachableError';
    constructor(readonly timedOut = false) {
        super(timedOut ? 'walkv did not answer in time' : 'walkv cannot be reached');
    }
}

/** Reads a failure out of an answer. What a proxy answers need not be JSON. */
export function failureOf(status: number, text: string, requestId: string | null): ApiError {
    try {
        const body = JSON.parse(text) as { error?: unknown; code?: unknown; request_id?: unknown };
        if (typeof body.error === 'string' && typeof body.code === 'string')
            return new ApiError(status, body.code, body.error, typeof body.request_id === 'string' ? body.request_id : requestId);
    } catch {
        // Not from walkv.
    }
    return new ApiError(status, `http_${status}`, `The server answered with status ${status}, and not as walkv does`, requestId);
}

export function isStatus(error: unknown, status: number): error is ApiError {
    return error instanceof ApiError && error.status === status;
}

/** A sentence, and what stands below it. */
export function describe(error: unknown): { title: string; detail: string } {
    if (error instanceof ApiError) {
        const id = error.status >= 500 && error.requestId ? `, request ${error.requestId}` : '';
        return { title: error.message, detail: `${error.status} ${error.code}${id}` };
    }
    if (error instanceof Error) return { title: error.message, detail: '' };
    return { title: 'Something went wrong', detail: String(error) };
}
