// SPDX-License-Identifier: MIT
// What the docs need of /openapi.json: its operations by tag, with everything that is referred to put in its place.

type Json = Record<string, unknown>;

export interface Parameter {
    name: string;
    place: string;
    required: boolean;
    description: string;
    example: string;
}

export interface Answer {
    status: string;
    description: string;
    codes: string[];
    example: string;
}

export interface Operation {
    id: string;
    method: string;
    /** With {key} or {queue} in it. */
    path: string;
    tag: string;
    summary: string;
    description: string;
    parameters: Parameter[];
    /** An example, '' when there is none, null when the operation takes no body. */
    body: string | null;
    answers: Answer[];
    isStream: boolean;
}

export interface Section {
    name: string;
    description: string;
    operations: Operation[];
}

/** HEAD and OPTIONS are the same everywhere. */
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

function isObject(value: unknown): value is Json {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectOf(value: unknown): Json {
    return isObject(value) ? value : {};
}

function textOf(value: unknown): string {
    return typeof value === 'string' ? value : '';
}

class Reader {
    constructor(private readonly root: Json) {}

    at(value: unknown): Json {
        let found = objectOf(value);
        for (let hops = 0; typeof found.$ref === 'string' && hops < 8; hops += 1) {
            const path = found.$ref.replace(/^#\//, '').split('/');
            found = objectOf(path.reduce<unknown>((part, name) => objectOf(part)[name.replaceAll('~1', '/').replaceAll('~0', '~')], this.root));
        }
        return found;
    }

    private media(holder: Json): Json {
        return objectOf(objectOf(holder.content)['application/json']);
    }

    private example(media: Json): string {
        if ('example' in media) return JSON.stringify(media.example);
        const [first] = Object.values(objectOf(media.examples));
        return isObject(first) ? JSON.stringify(this.at(first).value) : '';
    }

    parameter(value: unknown): Parameter {
        const p = this.at(value);
        const example = p.example ?? objectOf(p.schema).example ?? '';
        return {
            name: textOf(p.name),
            place: textOf(p.in),
            required: p.required === true,
            description: textOf(p.description),
            example: typeof example === 'string' ? example : JSON.stringify(example),
        };
    }

    answer(status: string, value: unknown): Answer {
        const r = this.at(value);
        const media = this.media(r);
        const code = objectOf(objectOf(this.at(media.schema).properties).code);
        const codes = Array.isArray(code.enum) ? code.enum.filter((c): c is string => typeof c === 'string') : [];
        return {
            status,
            description: textOf(r.description),
            codes: typeof code.const === 'string' ? [code.const] : codes,
            example: this.example(media),
        };
    }

    body(value: unknown): string | null {
        if (value === undefined) return null;
        const body = this.at(value);
        return body.required === true ? this.example(this.media(body)) : null;
    }
}

function operationOf(reader: Reader, method: string, path: string, item: Json, op: Json): Operation {
    const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
    const responses = Object.entries(objectOf(op.responses));
    const [tag] = list(op.tags);
    return {
        id: textOf(op.operationId) || `${method} ${path}`,
        method: method.toUpperCase(),
        path,
        tag: textOf(tag),
        summary: textOf(op.summary),
        description: textOf(op.description),
        parameters: [...list(item.parameters), ...list(op.parameters)].map((p) => reader.parameter(p)),
        body: reader.body(op.requestBody),
        answers: responses.map(([status, value]) => reader.answer(status, value)),
        isStream: responses.some(([, value]) => 'text/event-stream' in objectOf(reader.at(value).content)),
    };
}

export function readOpenApi(document: unknown): Section[] {
    const root = objectOf(document);
    const reader = new Reader(root);
    const operations: Operation[] = [];
    for (const [path, value] of Object.entries(objectOf(root.paths)))
        for (const method of METHODS) {
            const op = objectOf(value)[method];
            if (isObject(op)) operations.push(operationOf(reader, method, path, objectOf(value), op));
        }
    const tags = Array.isArray(root.tags) ? root.tags.map(objectOf) : [];
    return tags
        .map((tag) => ({
            name: textOf(tag.name),
            description: textOf(tag.description),
            operations: operations.filter((op) => op.tag === tag.name),
        }))
        .filter((section) => section.operations.length > 0);
}

/** Names for trying things out, which nobody misses. */
const TRIAL: Record<string, string> = { key: 'try:1', queue: 'try' };
const TRIAL_QUERY: Record<string, string> = { listKeys: 'limit=5', listQueues: 'sizes=true', listItems: 'limit=5' };

/** What to ask for at first: a path with names in it, and few results. */
export function trialPath(op: Operation): string {
    const path = op.path.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(TRIAL[name] ?? name)).replaceAll('%3A', ':');
    const query = TRIAL_QUERY[op.id];
    return query ? `${path}?${query}` : path;
}

export function trialBody(op: Operation): string {
    return op.body?.includes('"key"') ? op.body.replace(/"key":"[^"]*"/, `"key":"${TRIAL.key}"`) : (op.body ?? '');
}
