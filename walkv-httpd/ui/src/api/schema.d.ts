// SPDX-License-Identifier: MIT
// Made by `npm run make-api` from ../../openapi.json: change that, not this.
export interface paths {
    "/api/kv": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All keys and values, in byte order of the keys */
        get: operations["listKeys"];
        put?: never;
        /** Store a value under the key that the body names */
        post: operations["setKeyNamedInBody"];
        delete?: never;
        /** The methods of this path */
        options: operations["optionsKeys"];
        /** The headers alone */
        head: operations["headKeys"];
        patch?: never;
        trace?: never;
    };
    "/api/kv/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The key, percent-decoded exactly once: %2F is a slash in it.
                 * @example user:1
                 */
                key: components["parameters"]["key"];
            };
            cookie?: never;
        };
        /** The value of a key */
        get: operations["getKey"];
        /** Create or replace */
        put: operations["putKey"];
        /** Create or replace */
        post: operations["setKey"];
        /** Delete a key */
        delete: operations["deleteKey"];
        /** The methods of this path */
        options: operations["optionsKey"];
        /** The headers alone */
        head: operations["headKey"];
        /** Replace the value of a key that exists */
        patch: operations["patchKey"];
        trace?: never;
    };
    "/api/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All queues, in byte order of their names */
        get: operations["listQueues"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsQueues"];
        /** The headers alone */
        head: operations["headQueues"];
        patch?: never;
        trace?: never;
    };
    "/api/queue/{queue}/enqueue": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Add an item at the end; the first one makes the queue */
        post: operations["enqueue"];
        delete?: never;
        /** The methods of this path */
        options: operations["optionsEnqueue"];
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/queue/{queue}/dequeue": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take the first item, for good
         * @description A client that must not lose the item when its connection breaks sends an Idempotency-Key, and asks again with it.
         */
        post: operations["dequeue"];
        delete?: never;
        /** The methods of this path */
        options: operations["optionsDequeue"];
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/queue/{queue}/peek": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        /** The first item, which stays */
        get: operations["peek"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsPeek"];
        /** The headers alone */
        head: operations["headPeek"];
        patch?: never;
        trace?: never;
    };
    "/api/queue/{queue}/size": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        /** The number of items; 0 for a queue that does not exist */
        get: operations["getQueueSize"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsQueueSize"];
        /** The headers alone */
        head: operations["headQueueSize"];
        patch?: never;
        trace?: never;
    };
    "/api/queue/{queue}/items": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        /** A page of the items, which stay */
        get: operations["listItems"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsItems"];
        /** The headers alone */
        head: operations["headItems"];
        patch?: never;
        trace?: never;
    };
    "/api/queue/{queue}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove all items; the name stays listed unless it is forgotten */
        delete: operations["clearQueue"];
        /** The methods of this path */
        options: operations["optionsQueue"];
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Versions, sequence numbers, counts and sizes */
        get: operations["getStatus"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsStatus"];
        /** The headers alone */
        head: operations["headStatus"];
        patch?: never;
        trace?: never;
    };
    "/api/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What changes, as server-sent events
         * @description What changes from now on, or behind Last-Event-ID, as server-sent events, without an end. The id of an event is the sequence number (LSN) of the write, as in Walkv-Lsn. Kinds: set, delete, with the key; enqueue, dequeue, clear, with the queue and its size after it; created is true when the key or the queue was not there before, forgotten when the queue is no longer listed. Values are not in them. reset says that what happened in between is not known any more: read everything anew; what follows happened after lsn. The stream begins with retry and id alone, and after 15 s of silence there is a comment with an id, up to which nothing was left out.
         */
        get: operations["watchEvents"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsEvents"];
        /** The headers alone */
        head: operations["headEvents"];
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Alive: the event loop of the worker turns */
        get: operations["isLive"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsLive"];
        /** The headers alone */
        head: operations["headLive"];
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Ready: the read view is attached and walkvd answers */
        get: operations["isReady"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsReady"];
        /** The headers alone */
        head: operations["headReady"];
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The same as /readyz */
        get: operations["isHealthy"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsHealthy"];
        /** The headers alone */
        head: operations["headHealthy"];
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["getDescription"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsDescription"];
        /** The headers alone */
        head: operations["headDescription"];
        patch?: never;
        trace?: never;
    };
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The web UI
         * @description One page, for browsers, from the memory of the worker. What it loads is in /assets. 404 where walkv-httpd was built without it. No access token is asked for: there is no data in it, and what it shows it asks the API for.
         */
        get: operations["getUi"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsUi"];
        /** The headers alone */
        head: operations["headUi"];
        patch?: never;
        trace?: never;
    };
    "/index.html": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The web UI
         * @description The same as /.
         */
        get: operations["getUiIndex"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsUiIndex"];
        /** The headers alone */
        head: operations["headUiIndex"];
        patch?: never;
        trace?: never;
    };
    "/assets/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The name of a file of the web UI, as the page has it.
                 * @example index-DhgVj8a-.js
                 */
                file: components["parameters"]["file"];
            };
            cookie?: never;
        };
        /**
         * A file of the web UI
         * @description The page says which there are. Another content has another name.
         */
        get: operations["getUiAsset"];
        put?: never;
        post?: never;
        delete?: never;
        /** The methods of this path */
        options: operations["optionsUiAsset"];
        /** The headers alone */
        head: operations["headUiAsset"];
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Any JSON value, null included, up to max_value_size bytes as JSON text and 512 levels deep. What comes back is the text that was stored, without white space between its parts: digits of numbers and the order of members are kept, so use a parser that keeps them if they matter. */
        Value: unknown;
        /** @description The name of a key or a queue: 1 to 500 bytes of UTF-8 without NUL. */
        Name: string;
        /** @description The version of a key: the sequence number (LSN) of its last write. */
        Version: number;
        /** @description Names the request in the access log and in the log of the worker; the X-Request-Id of the request, if it had a usable one. */
        RequestId: string;
        /** @description What is wrong, for people. Programs look at code. */
        Sentence: string;
        Count: number;
        /** @description Other members are ignored; of members with one name the last counts. */
        ValueBody: {
            value: components["schemas"]["Value"];
        };
        /** @description Other members are ignored; of members with one name the last counts. */
        KeyValueBody: {
            key: components["schemas"]["Name"];
            value: components["schemas"]["Value"];
        };
        KeyValue: {
            /** @constant */
            success: true;
            key: components["schemas"]["Name"];
            value: components["schemas"]["Value"];
        };
        KeyOnly: {
            /** @constant */
            success: true;
            key: components["schemas"]["Name"];
        };
        /** @description next stands there when limit cut the list: pass it as after. */
        KeyValues: {
            /** @constant */
            success: true;
            /** @description Keys in byte order. */
            data: {
                [key: string]: components["schemas"]["Value"];
            };
            next?: components["schemas"]["Name"];
        };
        /** @description With keys=only. */
        KeyNames: {
            /** @constant */
            success: true;
            keys: components["schemas"]["Name"][];
            next?: components["schemas"]["Name"];
        };
        QueueNames: {
            /** @constant */
            success: true;
            /** @description In byte order. */
            queues: components["schemas"]["Name"][];
            count: components["schemas"]["Count"];
            /** @description With sizes=true: the number of items by queue. */
            sizes?: {
                [key: string]: components["schemas"]["Count"];
            };
        };
        QueueItem: {
            /** @constant */
            success: true;
            queue: components["schemas"]["Name"];
            value: components["schemas"]["Value"];
        };
        QueueEnqueued: {
            /** @constant */
            success: true;
            queue: components["schemas"]["Name"];
            value: components["schemas"]["Value"];
            /** @description The number of items after it. */
            size: number;
        };
        QueueSize: {
            /** @constant */
            success: true;
            queue: components["schemas"]["Name"];
            size: components["schemas"]["Count"];
        };
        QueueOnly: {
            /** @constant */
            success: true;
            queue: components["schemas"]["Name"];
        };
        QueueItems: {
            /** @constant */
            success: true;
            queue: components["schemas"]["Name"];
            items: {
                id: number;
                value: components["schemas"]["Value"];
            }[];
            /** @description When limit cut the list: pass it as after. */
            next?: number;
        };
        /** @description Whole events: lines, each kind with the members of its data in this order, and an empty line behind each. */
        Events: string;
        Alive: {
            /** @constant */
            success: true;
            /** @constant */
            status: "alive";
        };
        Ready: {
            /** @constant */
            success: true;
            /** @constant */
            status: "ready";
        };
        Status: {
            /** @constant */
            success: true;
            /**
             * @description unreachable: what follows is what the read view alone knows.
             * @enum {unknown}
             */
            walkvd: "running" | "unreachable";
            /** @enum {unknown} */
            view: "attached" | "not attached";
            /** @description The version of walkvd. */
            version?: string;
            store_id?: string;
            /** @enum {unknown} */
            wal_sync?: "sync" | "async";
            /** @enum {unknown} */
            start_kind?: "warm" | "cold" | "new";
            /**
             * @description Other than ok: writes that add data are answered with 507.
             * @enum {unknown}
             */
            storage?: "ok" | "disk_full" | "view_full";
            /** @description Of walkvd. */
            pid?: number;
            uptime_ms?: components["schemas"]["Count"];
            generation?: components["schemas"]["Count"];
            /** @description The last sequence number that readers see. */
            applied_lsn?: number;
            /** @description The last one that is known to be on disk. */
            durable_lsn?: number;
            /** @description Of the newest snapshot; 0: none yet. */
            checkpoint_lsn?: number;
            /** @description Since it was finished; 0 with none. */
            checkpoint_age_ms?: number;
            /** @description 0 or 1. */
            checkpoint_running?: number;
            /** @description Since the start. */
            checkpoint_failures?: number;
            keys?: components["schemas"]["Count"];
            /** @description Keys and their values. */
            key_bytes?: number;
            queues?: components["schemas"]["Count"];
            items?: components["schemas"]["Count"];
            item_bytes?: components["schemas"]["Count"];
            idempotency_entries?: components["schemas"]["Count"];
            /** @description Outcomes that were dropped before idempotency_window was over, for want of room. */
            idempotency_evicted?: number;
            wal_segments?: components["schemas"]["Count"];
            /** @description On disk, preallocated room included. */
            wal_bytes?: number;
            wal_since_checkpoint_bytes?: components["schemas"]["Count"];
            wal_since_checkpoint_ops?: components["schemas"]["Count"];
            snapshots?: components["schemas"]["Count"];
            /** @description Of the newest. */
            snapshot_bytes?: number;
            view_size_bytes?: components["schemas"]["Count"];
            view_used_bytes?: components["schemas"]["Count"];
            view_reserved_bytes?: components["schemas"]["Count"];
            /** @description Connected now. */
            workers?: number;
            /** @description Since the start, as operations and syncs. */
            batches?: number;
            operations?: components["schemas"]["Count"];
            syncs?: components["schemas"]["Count"];
            recovery_ms?: components["schemas"]["Count"];
            recovery_replayed_ops?: components["schemas"]["Count"];
            recovery_torn_bytes?: components["schemas"]["Count"];
            /** @description The worker that answered. */
            worker: {
                id: components["schemas"]["Count"];
                pid: number;
                version: string;
                uptime_ms: components["schemas"]["Count"];
                connections: number;
                requests: components["schemas"]["Count"];
            };
        };
    };
    responses: {
        /** @description The request is not right. After one that is not valid HTTP (bad_request) the connection is closed. */
        BadRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "bad_request" | "invalid_json" | "invalid_key" | "value_required" | "invalid_parameter";
                    /** @description With invalid_json. */
                    line?: number;
                    /** @description In characters. */
                    column?: number;
                };
            };
        };
        /** @description A token is needed, and none was sent, or one that is not known. */
        Unauthorized: {
            headers: {
                /** @example Bearer */
                "WWW-Authenticate": string;
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "This needs an access token",
                 *       "code": "unauthorized"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "unauthorized";
                };
            };
        };
        /** @description The token, or the origin of a web page, does not allow this. */
        Forbidden: {
            headers: {
                "Walkv-Lsn": components["headers"]["WalkvLsnIfAsked"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "This token does not allow this",
                 *       "code": "forbidden"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "forbidden" | "cross_site";
                };
            };
        };
        /** @description There is no such key. */
        KeyNotFound: {
            headers: {
                "Walkv-Lsn": components["headers"]["WalkvLsnIfAsked"];
                "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "Key not found",
                 *       "code": "not_found"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "not_found";
                };
            };
        };
        /** @description The queue is empty, or there is none. */
        QueueEmpty: {
            headers: {
                "Walkv-Lsn": components["headers"]["WalkvLsnIfAsked"];
                "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "Queue is empty or does not exist",
                 *       "code": "queue_empty"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "queue_empty";
                };
            };
        };
        /** @description There is no such queue. */
        QueueNotFound: {
            headers: {
                "Walkv-Lsn": components["headers"]["WalkvLsnIfAsked"];
                "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "Queue does not exist",
                 *       "code": "queue_not_found"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "queue_not_found";
                };
            };
        };
        /** @description The page. */
        Page: {
            headers: {
                ETag: components["headers"]["FileTag"];
                "Content-Security-Policy": components["headers"]["ContentSecurityPolicy"];
                "Cross-Origin-Opener-Policy": components["headers"]["SameOriginOnly"];
                "Cross-Origin-Resource-Policy": components["headers"]["SameOriginOnly"];
                "Referrer-Policy": components["headers"]["ReferrerPolicy"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example <!doctype html>
                 *     <html lang="en">...</html>
                 */
                "text/html": string;
            };
        };
        /** @description What GET would answer. */
        PageHead: {
            headers: {
                ETag: components["headers"]["FileTag"];
                "Content-Security-Policy": components["headers"]["ContentSecurityPolicy"];
                "Cross-Origin-Opener-Policy": components["headers"]["SameOriginOnly"];
                "Cross-Origin-Resource-Policy": components["headers"]["SameOriginOnly"];
                "Referrer-Policy": components["headers"]["ReferrerPolicy"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description It has not changed. */
        PageNotModified: {
            headers: {
                ETag: components["headers"]["FileTag"];
                "Content-Security-Policy": components["headers"]["ContentSecurityPolicy"];
                "Cross-Origin-Opener-Policy": components["headers"]["SameOriginOnly"];
                "Cross-Origin-Resource-Policy": components["headers"]["SameOriginOnly"];
                "Referrer-Policy": components["headers"]["ReferrerPolicy"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description The file. */
        Asset: {
            headers: {
                "Cache-Control": components["headers"]["CacheForEver"];
                ETag: components["headers"]["FileTag"];
                "Content-Security-Policy": components["headers"]["ContentSecurityPolicy"];
                "Cross-Origin-Opener-Policy": components["headers"]["SameOriginOnly"];
                "Cross-Origin-Resource-Policy": components["headers"]["SameOriginOnly"];
                "Referrer-Policy": components["headers"]["ReferrerPolicy"];
                [name: string]: unknown;
            };
            content: {
                /** @example export {}; */
                "text/javascript": string;
                /** @example body { margin: 0 } */
                "text/css": string;
                /** @example <svg xmlns="http://www.w3.org/2000/svg"/> */
                "image/svg+xml": string;
            };
        };
        /** @description What GET would answer. */
        AssetHead: {
            headers: {
                "Cache-Control": components["headers"]["CacheForEver"];
                ETag: components["headers"]["FileTag"];
                "Content-Security-Policy": components["headers"]["ContentSecurityPolicy"];
                "Cross-Origin-Opener-Policy": components["headers"]["SameOriginOnly"];
                "Cross-Origin-Resource-Policy": components["headers"]["SameOriginOnly"];
                "Referrer-Policy": components["headers"]["ReferrerPolicy"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description It has not changed. */
        AssetNotModified: {
            headers: {
                "Cache-Control": components["headers"]["CacheForEver"];
                ETag: components["headers"]["FileTag"];
                "Content-Security-Policy": components["headers"]["ContentSecurityPolicy"];
                "Cross-Origin-Opener-Policy": components["headers"]["SameOriginOnly"];
                "Cross-Origin-Resource-Policy": components["headers"]["SameOriginOnly"];
                "Referrer-Policy": components["headers"]["ReferrerPolicy"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description There is nothing at this path. */
        NoRoute: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "There is nothing at this path",
                 *       "code": "no_route"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "no_route";
                };
            };
        };
        /** @description The path has other methods. */
        MethodNotAllowed: {
            headers: {
                Allow: components["headers"]["Allow"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "This path does not have this method",
                 *       "code": "method_not_allowed"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "method_not_allowed";
                };
            };
        };
        /** @description Headers or body came too slowly. The connection is closed. */
        RequestTimeout: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "The request came too slowly",
                 *       "code": "request_timeout"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "request_timeout";
                };
            };
        };
        /** @description If-Match or If-None-Match does not hold. Nothing was done. */
        PreconditionFailed: {
            headers: {
                ETag: components["headers"]["ETagIfAny"];
                "Walkv-Lsn": components["headers"]["WalkvLsnIfAsked"];
                "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "precondition_failed";
                    /** @description The version that the key has now; null: there is no such key. */
                    version: components["schemas"]["Version"] | null;
                };
            };
        };
        /** @description The body or the value is too large. It may be answered before the body is read, and the connection closed. */
        TooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "The value is too large",
                 *       "code": "too_large",
                 *       "limit": 1048576
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "too_large";
                    /** @description The limit in bytes. */
                    limit: number;
                };
            };
        };
        /** @description The request line is longer than 8 KiB. The connection is closed. */
        UriTooLong: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "The request line is longer than 8 KiB",
                 *       "code": "uri_too_long"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "uri_too_long";
                };
            };
        };
        /** @description The body is not application/json. */
        UnsupportedMediaType: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "The body must be sent as Content-Type: application/json",
                 *       "code": "unsupported_media_type"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "unsupported_media_type";
                };
            };
        };
        /** @description An Expect other than 100-continue. The connection is closed. */
        ExpectationFailed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "Only Expect: 100-continue is supported",
                 *       "code": "expectation_failed"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "expectation_failed";
                };
            };
        };
        /** @description Host is not one of allowed_hosts. */
        WrongHost: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "This server does not answer for this host name; see allowed_hosts",
                 *       "code": "wrong_host"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "wrong_host";
                };
            };
        };
        /** @description The Idempotency-Key was used for another request. Nothing was done. */
        IdempotencyMismatch: {
            headers: {
                "Walkv-Lsn": components["headers"]["WalkvLsnIfAsked"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "This Idempotency-Key was used for another request: another method, path or body",
                 *       "code": "idempotency_mismatch"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "idempotency_mismatch";
                };
            };
        };
        /** @description More than 16 KiB or 64 header fields. The connection is closed. */
        HeadersTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "The header fields are too large",
                 *       "code": "headers_too_large"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "headers_too_large";
                };
            };
        };
        /** @description A bug of walkv. The log of the worker has the same request_id. */
        Internal: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "This is a bug in walkv; the log has more",
                 *       "code": "internal",
                 *       "request_id": "ebfd03498b9b-1"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "internal";
                    request_id: components["schemas"]["RequestId"];
                };
            };
        };
        /** @description A transfer coding other than chunked, or an unknown method. The connection is closed. */
        NotImplemented: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "This is not implemented",
                 *       "code": "not_implemented",
                 *       "request_id": "ebfd03498b9b-1"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "not_implemented";
                    request_id: components["schemas"]["RequestId"];
                };
            };
        };
        /** @description unavailable: the store cannot be reached; nothing was done. outcome_unknown: the write was sent and its answer lost; ask again with the same Idempotency-Key. */
        Unavailable: {
            headers: {
                "Retry-After": components["headers"]["RetryAfter"];
                "Walkv-Lsn": components["headers"]["WalkvLsnIfAsked"];
                "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "unavailable" | "outcome_unknown";
                    request_id: components["schemas"]["RequestId"];
                };
            };
        };
        /** @description Neither HTTP/1.0 nor HTTP/1.1. The connection is closed. */
        VersionNotSupported: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "Only HTTP/1.0 and HTTP/1.1 are spoken here",
                 *       "code": "version_not_supported",
                 *       "request_id": "ebfd03498b9b-1"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "version_not_supported";
                    request_id: components["schemas"]["RequestId"];
                };
            };
        };
        /** @description Disk or view full. Nothing was done; deletes and dequeues still work. */
        StorageFull: {
            headers: {
                "Retry-After": components["headers"]["RetryAfter"];
                "Walkv-Lsn": components["headers"]["WalkvLsnIfAsked"];
                "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": false,
                 *       "error": "The store is full; deletes and dequeues still work",
                 *       "code": "storage_full",
                 *       "request_id": "ebfd03498b9b-1"
                 *     }
                 */
                "application/json": {
                    /** @constant */
                    success: false;
                    error: components["schemas"]["Sentence"];
                    /** @enum {unknown} */
                    code: "storage_full";
                    request_id: components["schemas"]["RequestId"];
                };
            };
        };
        /** @description The key still has a version that If-None-Match names. */
        KeyNotModified: {
            headers: {
                ETag: components["headers"]["ETag"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description The methods of this path. */
        Methods: {
            headers: {
                Allow: components["headers"]["Allow"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description Stored; the key was there before. */
        KeyStored: {
            headers: {
                ETag: components["headers"]["ETag"];
                "Walkv-Lsn": components["headers"]["WalkvLsn"];
                "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": true,
                 *       "key": "myKey",
                 *       "value": "newValue"
                 *     }
                 */
                "application/json": components["schemas"]["KeyValue"];
            };
        };
        /** @description Stored; the key was not there before. */
        KeyCreated: {
            headers: {
                ETag: components["headers"]["ETag"];
                "Walkv-Lsn": components["headers"]["WalkvLsn"];
                "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "success": true,
                 *       "key": "myKey",
                 *       "value": "newValue"
                 *     }
                 */
                "application/json": components["schemas"]["KeyValue"];
            };
        };
    };
    parameters: {
        /**
         * @description The key, percent-decoded exactly once: %2F is a slash in it.
         * @example user:1
         */
        key: components["schemas"]["Name"];
        /**
         * @description The queue, percent-decoded exactly once: %2F is a slash in it.
         * @example myQueue
         */
        queue: components["schemas"]["Name"];
        /**
         * @description Only keys that begin with it.
         * @example user:
         */
        prefix: string;
        /**
         * @description Only keys that begin with it, all when it is empty; and the queue that queue names.
         * @example user:
         */
        eventsPrefix: string;
        /**
         * @description Only this queue; and the keys that prefix names.
         * @example myQueue
         */
        eventsQueue: components["schemas"]["Name"];
        /**
         * @description Go on behind this event. Empty or missing: from now on.
         * @example 377
         */
        lastEventId: string;
        /** @description Only keys behind this one in byte order, which need not exist. */
        afterKey: string;
        /** @description The length of a page, which is one consistent moment. Without it everything is streamed, consistent piece by piece; no key is shown twice. A page may be cut before its limit when it has 4 MiB. */
        keysLimit: number;
        /** @description Names alone, without values. */
        keysOnly: "only";
        /** @description The number of items of each queue as well. */
        sizes: boolean;
        /** @description No longer list the name, either. */
        forget: boolean;
        /** @description Only items behind the one with this id. */
        afterItem: number;
        /** @description The length of a page. */
        itemsLimit: number;
        /**
         * @description The result of the first request with this key is kept with the write itself for idempotency_window (24 h) and returned for every repeat, so that a request whose answer was lost can be sent again. One key belongs to one request: method, target and body.
         * @example 4d1c7c0a-order-17
         */
        idempotencyKey: string;
        /**
         * @description Write only if the key has this version, or, with *, if it exists.
         * @example "17"
         */
        ifMatch: string;
        /** @description Write only if the key does not exist. */
        ifNoneMatchStar: "*";
        /**
         * @description The name of a file of the web UI, as the page has it.
         * @example index-DhgVj8a-.js
         */
        file: string;
        /**
         * @description Answer 304 if it still has one of these entity tags.
         * @example "17"
         */
        ifNoneMatch: string;
    };
    requestBodies: {
        Value: {
            content: {
                /**
                 * @example {
                 *       "value": "newValue"
                 *     }
                 */
                "application/json": components["schemas"]["ValueBody"];
            };
        };
        KeyValue: {
            content: {
                /**
                 * @example {
                 *       "key": "user:1",
                 *       "value": {
                 *         "name": "Ada"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["KeyValueBody"];
            };
        };
        /** @description None is needed. What is sent must be JSON, and is ignored. */
        Ignored: {
            content: {
                "application/json": unknown;
            };
        };
    };
    headers: {
        /** @description Tells nginx to pass events on as they come; nginx keeps it to itself. */
        AccelBuffering: "no";
        /**
         * @description The version of the key, in quotes. For If-Match and If-None-Match.
         * @example "17"
         */
        ETag: string;
        /**
         * @description The version of the key, in quotes, if there is such a key.
         * @example "17"
         */
        ETagIfAny: string;
        /**
         * @description Changes with the document.
         * @example "4be3f2c1a09d8e77"
         */
        DocumentTag: string;
        /**
         * @description Changes with the file; another one when it is compressed.
         * @example "b99db6a35c5c1df0-gzip"
         */
        FileTag: string;
        /** @description Another content would have another name. */
        CacheForEver: "public, max-age=31536000, immutable";
        /** @description Everything from this server, nothing inline, and in nobody's frame. */
        ContentSecurityPolicy: string;
        SameOriginOnly: "same-origin";
        ReferrerPolicy: "no-referrer";
        /**
         * @description The sequence number at which the write became durable.
         * @example 17
         */
        WalkvLsn: number;
        /**
         * @description When walkvd refused the write: the last sequence number before it.
         * @example 17
         */
        WalkvLsnIfAsked: number;
        /** @description This is the result of the first request with the same Idempotency-Key; nothing was done again. */
        IdempotencyReplayed: "true";
        /**
         * @description Seconds after which it makes sense to ask again.
         * @example 1
         */
        RetryAfter: number;
        /**
         * @description The methods of this path.
         * @example GET, HEAD, OPTIONS
         */
        Allow: string;
        /** @description no-cache for what has an ETag that is not the version of a key, no-store for everything else. */
        CacheControl: "no-store" | "no-cache";
        ContentTypeOptions: "nosniff";
        RequestIdOfResponse: components["schemas"]["RequestId"];
        /** @description What the response depends on: Origin where some origins are allowed, Accept-Encoding where it can be compressed. */
        Vary: string;
        /** @description Large lists are compressed for whoever accepts it. */
        ContentEncoding: "gzip";
        /** @description The origin of the request, if cors_allowed_origins names it; with it come the other Access-Control fields. */
        AllowOrigin: string;
        AllowedByCors: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listKeys: {
        parameters: {
            query?: {
                /**
                 * @description Only keys that begin with it.
                 * @example user:
                 */
                prefix?: components["parameters"]["prefix"];
                /** @description Only keys behind this one in byte order, which need not exist. */
                after?: components["parameters"]["afterKey"];
                /** @description The length of a page, which is one consistent moment. Without it everything is streamed, consistent piece by piece; no key is shown twice. A page may be cut before its limit when it has 4 MiB. */
                limit?: components["parameters"]["keysLimit"];
                /** @description Names alone, without values. */
                keys?: components["parameters"]["keysOnly"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Streamed, unless there is a limit. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyValues"] | components["schemas"]["KeyNames"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    setKeyNamedInBody: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Write only if the key has this version, or, with *, if it exists.
                 * @example "17"
                 */
                "If-Match"?: components["parameters"]["ifMatch"];
                /** @description Write only if the key does not exist. */
                "If-None-Match"?: components["parameters"]["ifNoneMatchStar"];
                /**
                 * @description The result of the first request with this key is kept with the write itself for idempotency_window (24 h) and returned for every repeat, so that a request whose answer was lost can be sent again. One key belongs to one request: method, target and body.
                 * @example 4d1c7c0a-order-17
                 */
                "Idempotency-Key"?: components["parameters"]["idempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: components["requestBodies"]["KeyValue"];
        responses: {
            200: components["responses"]["KeyStored"];
            201: components["responses"]["KeyCreated"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            412: components["responses"]["PreconditionFailed"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            422: components["responses"]["IdempotencyMismatch"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
            507: components["responses"]["StorageFull"];
        };
    };
    optionsKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headKeys: {
        parameters: {
            query?: {
                /**
                 * @description Only keys that begin with it.
                 * @example user:
                 */
                prefix?: components["parameters"]["prefix"];
                /** @description Only keys behind this one in byte order, which need not exist. */
                after?: components["parameters"]["afterKey"];
                /** @description The length of a page, which is one consistent moment. Without it everything is streamed, consistent piece by piece; no key is shown twice. A page may be cut before its limit when it has 4 MiB. */
                limit?: components["parameters"]["keysLimit"];
                /** @description Names alone, without values. */
                keys?: components["parameters"]["keysOnly"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Streamed, unless there is a limit. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    getKey: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Answer 304 if it still has one of these entity tags.
                 * @example "17"
                 */
                "If-None-Match"?: components["parameters"]["ifNoneMatch"];
            };
            path: {
                /**
                 * @description The key, percent-decoded exactly once: %2F is a slash in it.
                 * @example user:1
                 */
                key: components["parameters"]["key"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The value and its version. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "key": "myKey",
                     *       "value": "myValue"
                     *     }
                     */
                    "application/json": components["schemas"]["KeyValue"];
                };
            };
            304: components["responses"]["KeyNotModified"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["KeyNotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    putKey: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Write only if the key has this version, or, with *, if it exists.
                 * @example "17"
                 */
                "If-Match"?: components["parameters"]["ifMatch"];
                /** @description Write only if the key does not exist. */
                "If-None-Match"?: components["parameters"]["ifNoneMatchStar"];
                /**
                 * @description The result of the first request with this key is kept with the write itself for idempotency_window (24 h) and returned for every repeat, so that a request whose answer was lost can be sent again. One key belongs to one request: method, target and body.
                 * @example 4d1c7c0a-order-17
                 */
                "Idempotency-Key"?: components["parameters"]["idempotencyKey"];
            };
            path: {
                /**
                 * @description The key, percent-decoded exactly once: %2F is a slash in it.
                 * @example user:1
                 */
                key: components["parameters"]["key"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Value"];
        responses: {
            200: components["responses"]["KeyStored"];
            201: components["responses"]["KeyCreated"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            412: components["responses"]["PreconditionFailed"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            422: components["responses"]["IdempotencyMismatch"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
            507: components["responses"]["StorageFull"];
        };
    };
    setKey: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Write only if the key has this version, or, with *, if it exists.
                 * @example "17"
                 */
                "If-Match"?: components["parameters"]["ifMatch"];
                /** @description Write only if the key does not exist. */
                "If-None-Match"?: components["parameters"]["ifNoneMatchStar"];
                /**
                 * @description The result of the first request with this key is kept with the write itself for idempotency_window (24 h) and returned for every repeat, so that a request whose answer was lost can be sent again. One key belongs to one request: method, target and body.
                 * @example 4d1c7c0a-order-17
                 */
                "Idempotency-Key"?: components["parameters"]["idempotencyKey"];
            };
            path: {
                /**
                 * @description The key, percent-decoded exactly once: %2F is a slash in it.
                 * @example user:1
                 */
                key: components["parameters"]["key"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Value"];
        responses: {
            200: components["responses"]["KeyStored"];
            201: components["responses"]["KeyCreated"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            412: components["responses"]["PreconditionFailed"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            422: components["responses"]["IdempotencyMismatch"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
            507: components["responses"]["StorageFull"];
        };
    };
    deleteKey: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Write only if the key has this version, or, with *, if it exists.
                 * @example "17"
                 */
                "If-Match"?: components["parameters"]["ifMatch"];
                /** @description Write only if the key does not exist. */
                "If-None-Match"?: components["parameters"]["ifNoneMatchStar"];
                /**
                 * @description The result of the first request with this key is kept with the write itself for idempotency_window (24 h) and returned for every repeat, so that a request whose answer was lost can be sent again. One key belongs to one request: method, target and body.
                 * @example 4d1c7c0a-order-17
                 */
                "Idempotency-Key"?: components["parameters"]["idempotencyKey"];
            };
            path: {
                /**
                 * @description The key, percent-decoded exactly once: %2F is a slash in it.
                 * @example user:1
                 */
                key: components["parameters"]["key"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone. */
            200: {
                headers: {
                    "Walkv-Lsn": components["headers"]["WalkvLsn"];
                    "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "key": "myKey"
                     *     }
                     */
                    "application/json": components["schemas"]["KeyOnly"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["KeyNotFound"];
            408: components["responses"]["RequestTimeout"];
            412: components["responses"]["PreconditionFailed"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            422: components["responses"]["IdempotencyMismatch"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
            507: components["responses"]["StorageFull"];
        };
    };
    optionsKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The key, percent-decoded exactly once: %2F is a slash in it.
                 * @example user:1
                 */
                key: components["parameters"]["key"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headKey: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Answer 304 if it still has one of these entity tags.
                 * @example "17"
                 */
                "If-None-Match"?: components["parameters"]["ifNoneMatch"];
            };
            path: {
                /**
                 * @description The key, percent-decoded exactly once: %2F is a slash in it.
                 * @example user:1
                 */
                key: components["parameters"]["key"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The value and its version. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            304: components["responses"]["KeyNotModified"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["KeyNotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    patchKey: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Write only if the key has this version, or, with *, if it exists.
                 * @example "17"
                 */
                "If-Match"?: components["parameters"]["ifMatch"];
                /**
                 * @description The result of the first request with this key is kept with the write itself for idempotency_window (24 h) and returned for every repeat, so that a request whose answer was lost can be sent again. One key belongs to one request: method, target and body.
                 * @example 4d1c7c0a-order-17
                 */
                "Idempotency-Key"?: components["parameters"]["idempotencyKey"];
            };
            path: {
                /**
                 * @description The key, percent-decoded exactly once: %2F is a slash in it.
                 * @example user:1
                 */
                key: components["parameters"]["key"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Value"];
        responses: {
            200: components["responses"]["KeyStored"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["KeyNotFound"];
            408: components["responses"]["RequestTimeout"];
            412: components["responses"]["PreconditionFailed"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            422: components["responses"]["IdempotencyMismatch"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
            507: components["responses"]["StorageFull"];
        };
    };
    listQueues: {
        parameters: {
            query?: {
                /** @description The number of items of each queue as well. */
                sizes?: components["parameters"]["sizes"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Streamed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueNames"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsQueues: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headQueues: {
        parameters: {
            query?: {
                /** @description The number of items of each queue as well. */
                sizes?: components["parameters"]["sizes"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Streamed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    enqueue: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The result of the first request with this key is kept with the write itself for idempotency_window (24 h) and returned for every repeat, so that a request whose answer was lost can be sent again. One key belongs to one request: method, target and body.
                 * @example 4d1c7c0a-order-17
                 */
                "Idempotency-Key"?: components["parameters"]["idempotencyKey"];
            };
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Value"];
        responses: {
            /** @description It is in the queue. */
            200: {
                headers: {
                    "Walkv-Lsn": components["headers"]["WalkvLsn"];
                    "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "queue": "myQueue",
                     *       "value": "item1",
                     *       "size": 5
                     *     }
                     */
                    "application/json": components["schemas"]["QueueEnqueued"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            422: components["responses"]["IdempotencyMismatch"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
            507: components["responses"]["StorageFull"];
        };
    };
    optionsEnqueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    dequeue: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The result of the first request with this key is kept with the write itself for idempotency_window (24 h) and returned for every repeat, so that a request whose answer was lost can be sent again. One key belongs to one request: method, target and body.
                 * @example 4d1c7c0a-order-17
                 */
                "Idempotency-Key"?: components["parameters"]["idempotencyKey"];
            };
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: components["requestBodies"]["Ignored"];
        responses: {
            /** @description The item, which is no longer in the queue. */
            200: {
                headers: {
                    "Walkv-Lsn": components["headers"]["WalkvLsn"];
                    "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "queue": "myQueue",
                     *       "value": "item1"
                     *     }
                     */
                    "application/json": components["schemas"]["QueueItem"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["QueueEmpty"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            422: components["responses"]["IdempotencyMismatch"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
            507: components["responses"]["StorageFull"];
        };
    };
    optionsDequeue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    peek: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The item. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "queue": "myQueue",
                     *       "value": "item1"
                     *     }
                     */
                    "application/json": components["schemas"]["QueueItem"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["QueueEmpty"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsPeek: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headPeek: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The item. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["QueueEmpty"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    getQueueSize: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The number. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "queue": "myQueue",
                     *       "size": 5
                     *     }
                     */
                    "application/json": components["schemas"]["QueueSize"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsQueueSize: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headQueueSize: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The number. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    listItems: {
        parameters: {
            query?: {
                /** @description Only items behind the one with this id. */
                after?: components["parameters"]["afterItem"];
                /** @description The length of a page. */
                limit?: components["parameters"]["itemsLimit"];
            };
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Items in their order, each with the id that it keeps. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "queue": "myQueue",
                     *       "items": [
                     *         {
                     *           "id": 17,
                     *           "value": "item1"
                     *         }
                     *       ],
                     *       "next": 17
                     *     }
                     */
                    "application/json": components["schemas"]["QueueItems"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["QueueNotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsItems: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headItems: {
        parameters: {
            query?: {
                /** @description Only items behind the one with this id. */
                after?: components["parameters"]["afterItem"];
                /** @description The length of a page. */
                limit?: components["parameters"]["itemsLimit"];
            };
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Items in their order, each with the id that it keeps. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["QueueNotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    clearQueue: {
        parameters: {
            query?: {
                /** @description No longer list the name, either. */
                forget?: components["parameters"]["forget"];
            };
            header?: {
                /**
                 * @description The result of the first request with this key is kept with the write itself for idempotency_window (24 h) and returned for every repeat, so that a request whose answer was lost can be sent again. One key belongs to one request: method, target and body.
                 * @example 4d1c7c0a-order-17
                 */
                "Idempotency-Key"?: components["parameters"]["idempotencyKey"];
            };
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The items are gone. */
            200: {
                headers: {
                    "Walkv-Lsn": components["headers"]["WalkvLsn"];
                    "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "queue": "myQueue"
                     *     }
                     */
                    "application/json": components["schemas"]["QueueOnly"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["QueueNotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            422: components["responses"]["IdempotencyMismatch"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
            507: components["responses"]["StorageFull"];
        };
    };
    optionsQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The queue, percent-decoded exactly once: %2F is a slash in it.
                 * @example myQueue
                 */
                queue: components["parameters"]["queue"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    getStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What walkvd says; while it is away, what the read view knows. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What walkvd says; while it is away, what the read view knows. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    watchEvents: {
        parameters: {
            query?: {
                /**
                 * @description Only keys that begin with it, all when it is empty; and the queue that queue names.
                 * @example user:
                 */
                prefix?: components["parameters"]["eventsPrefix"];
                /**
                 * @description Only this queue; and the keys that prefix names.
                 * @example myQueue
                 */
                queue?: components["parameters"]["eventsQueue"];
            };
            header?: {
                /**
                 * @description Go on behind this event. Empty or missing: from now on.
                 * @example 377
                 */
                "Last-Event-ID"?: components["parameters"]["lastEventId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stream. It ends when the worker stops or the access token is taken away: ask again with Last-Event-ID. */
            200: {
                headers: {
                    "X-Accel-Buffering": components["headers"]["AccelBuffering"];
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["Events"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsEvents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headEvents: {
        parameters: {
            query?: {
                /**
                 * @description Only keys that begin with it, all when it is empty; and the queue that queue names.
                 * @example user:
                 */
                prefix?: components["parameters"]["eventsPrefix"];
                /**
                 * @description Only this queue; and the keys that prefix names.
                 * @example myQueue
                 */
                queue?: components["parameters"]["eventsQueue"];
            };
            header?: {
                /**
                 * @description Go on behind this event. Empty or missing: from now on.
                 * @example 377
                 */
                "Last-Event-ID"?: components["parameters"]["lastEventId"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What GET would begin with. */
            200: {
                headers: {
                    "X-Accel-Buffering": components["headers"]["AccelBuffering"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    isLive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "status": "alive"
                     *     }
                     */
                    "application/json": components["schemas"]["Alive"];
                };
            };
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsLive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headLive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    isReady: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "status": "ready"
                     *     }
                     */
                    "application/json": components["schemas"]["Ready"];
                };
            };
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsReady: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headReady: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    isHealthy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "success": true,
                     *       "status": "ready"
                     *     }
                     */
                    "application/json": components["schemas"]["Ready"];
                };
            };
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsHealthy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headHealthy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            503: components["responses"]["Unavailable"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    getDescription: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Answer 304 if it still has one of these entity tags.
                 * @example "17"
                 */
                "If-None-Match"?: components["parameters"]["ifNoneMatch"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1. */
            200: {
                headers: {
                    ETag: components["headers"]["DocumentTag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        openapi: string;
                    };
                };
            };
            /** @description It has not changed. */
            304: {
                headers: {
                    ETag: components["headers"]["DocumentTag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsDescription: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headDescription: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Answer 304 if it still has one of these entity tags.
                 * @example "17"
                 */
                "If-None-Match"?: components["parameters"]["ifNoneMatch"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1. */
            200: {
                headers: {
                    ETag: components["headers"]["DocumentTag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description It has not changed. */
            304: {
                headers: {
                    ETag: components["headers"]["DocumentTag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    getUi: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Answer 304 if it still has one of these entity tags.
                 * @example "17"
                 */
                "If-None-Match"?: components["parameters"]["ifNoneMatch"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            304: components["responses"]["PageNotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NoRoute"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsUi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headUi: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Answer 304 if it still has one of these entity tags.
                 * @example "17"
                 */
                "If-None-Match"?: components["parameters"]["ifNoneMatch"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["PageHead"];
            304: components["responses"]["PageNotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NoRoute"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    getUiIndex: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Answer 304 if it still has one of these entity tags.
                 * @example "17"
                 */
                "If-None-Match"?: components["parameters"]["ifNoneMatch"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            304: components["responses"]["PageNotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NoRoute"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsUiIndex: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headUiIndex: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Answer 304 if it still has one of these entity tags.
                 * @example "17"
                 */
                "If-None-Match"?: components["parameters"]["ifNoneMatch"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["PageHead"];
            304: components["responses"]["PageNotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NoRoute"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    getUiAsset: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Answer 304 if it still has one of these entity tags.
                 * @example "17"
                 */
                "If-None-Match"?: components["parameters"]["ifNoneMatch"];
            };
            path: {
                /**
                 * @description The name of a file of the web UI, as the page has it.
                 * @example index-DhgVj8a-.js
                 */
                file: components["parameters"]["file"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Asset"];
            304: components["responses"]["AssetNotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NoRoute"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    optionsUiAsset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The name of a file of the web UI, as the page has it.
                 * @example index-DhgVj8a-.js
                 */
                file: components["parameters"]["file"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Methods"];
            400: components["responses"]["BadRequest"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
    headUiAsset: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Answer 304 if it still has one of these entity tags.
                 * @example "17"
                 */
                "If-None-Match"?: components["parameters"]["ifNoneMatch"];
            };
            path: {
                /**
                 * @description The name of a file of the web UI, as the page has it.
                 * @example index-DhgVj8a-.js
                 */
                file: components["parameters"]["file"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AssetHead"];
            304: components["responses"]["AssetNotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NoRoute"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["TooLarge"];
            414: components["responses"]["UriTooLong"];
            417: components["responses"]["ExpectationFailed"];
            421: components["responses"]["WrongHost"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            501: components["responses"]["NotImplemented"];
            505: components["responses"]["VersionNotSupported"];
        };
    };
}
