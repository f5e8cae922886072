/** Made from the OpenAPI document by `npm run client`: edit what the document is made from, not this. */
export interface paths {
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process answers */
        get: operations["live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
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
        /** Whether everything that requests need is available */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Metrics for Prometheus */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sensors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List sensors by id
         * @description All filters must hold: of `label` each one that is given, of any other that repeats one of its values. A page may end before its limit where metadata is large.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["listSensors"];
        /**
         * Register or replace many sensors
         * @description A JSON array, or one item per line as `application/x-ndjson`, which is answered in the same form: one result per line, and the counts last. At most
         *     50000 items. Each is accepted or refused by itself; with `Prefer: return=minimal` the answer lists only the refused ones. A field that an item leaves out is reset; sensors that the request does not name stay as they are.
         *
         *     Needs the scope `sensors:write`.
         */
        put: operations["putSensors"];
        /**
         * Register a sensor
         * @description Needs the scope `sensors:write`.
         */
        post: operations["createSensor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sensors/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One sensor and its state
         * @description Needs the scope `sensors:read`.
         */
        get: operations["getSensor"];
        /**
         * Register a sensor, or replace what an operator may set
         * @description With `If-None-Match: *` it only registers, with `If-Match` it only replaces; without either it does whichever applies.
         *
         *     Needs the scope `sensors:write`.
         */
        put: operations["replaceSensor"];
        post?: never;
        /**
         * Delete a sensor
         * @description Its history stays readable, unless `history=delete` removes it as well, with its dead letters and the deliveries that ended; changes that are already owed to a webhook are still delivered. If the sensor is registered again under its id, the numbers of its changes continue.
         *
         *     Needs the scope `sensors:write`.
         */
        delete: operations["deleteSensor"];
        options?: never;
        head?: never;
        /**
         * Edit a sensor by JSON Merge Patch
         * @description Needs the scope `sensors:write`.
         */
        patch: operations["patchSensor"];
        trace?: never;
    };
    "/v1/sensors/{id}/reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A sensor's reports, newest first
         * @description Readable after the sensor was deleted, too. A page may end before its limit where attributes are large.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["listReports"];
        put?: never;
        /**
         * Report a status
         * @description The answer comes once the broker has stored it. A report with the same `id` within two days has no effect.
         *
         *     Needs the scope `reports:write`.
         */
        post: operations["postReport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report many statuses
         * @description A JSON array, or one item per line as `application/x-ndjson`, which is answered in the same form: one result per line, and the counts last. At most
         *     50000 items. Each is accepted or refused by itself; with `Prefer: return=minimal` the answer lists only the refused ones. An item is accepted once the broker has stored it.
         *
         *     Needs the scope `reports:write`.
         */
        post: operations["postReports"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Changes of all sensors, oldest first
         * @description Each sensor's in their order, and all of them about as they were recorded; `since` and `until` count by that. A page looks at some
         *     thousand changes and a few MiB at most, so with a filter it may hold fewer than there are: go on while there is a `nextCursor`.
         *
         *     `cursor` is where to go on later, or to follow the live stream from. `order=desc&limit=1` gives that of the present.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["listChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sensors/{id}/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A sensor's changes, oldest first
         * @description `since` and `until` count by when a change occurred; a page of a range looks at some thousand changes at most, so go on while there is a
         *     `nextCursor`. Readable after the sensor was deleted, too.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["listSensorChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/changes/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Changes as they are recorded, as server-sent events
         * @description Begins now, or after `Last-Event-ID` or `cursor`, which every list of changes gives. The id of an event is such a cursor, so a client
         *     that reconnects with the last one, to any node, misses nothing and gets nothing twice.
         *
         *     `change`: the data is an item of the list. `gap`: `missed` changes after the cursor are no longer kept; the stream goes on at the oldest that are.
         *     `slow`, `shutdown`, `unauthorized`: the last event of a stream that the server ends; reconnect with its `cursor`, except after `unauthorized`.
         *     While there is nothing to send, an id without an event comes every 15 seconds.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["watchChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sensors/{id}/uptime": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How long a sensor was online, and in which status
         * @description Of the last 24 hours by default; an `until` in the future counts as now. Only the time since the first report of the present registration is judged, as far back as its changes are kept. Status and severity count from the moment that the sensor named; an outage begins at the missed deadline and ends when the sensor is heard again. A status continues while the sensor is offline. At most 366 days, 200000 changes and 1000 statuses.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["getUptime"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/sensors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All sensors as a file, by id
         * @description One item per line, as NDJSON or CSV with a header. It is read while it is sent: each line is whole, but they are not all of one moment. An export that cannot be completed is cut off, so that HTTP clients fail; in NDJSON the last line is then a Problem under `error`. At most 4 run on a node at once, 2 of one caller.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["exportSensors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All changes as a file, oldest first
         * @description One item per line, as NDJSON or CSV with a header. It is read while it is sent: each line is whole, but they are not all of one moment. An export that cannot be completed is cut off, so that HTTP clients fail; in NDJSON the last line is then a Problem under `error`. At most 4 run on a node at once, 2 of one caller.
         *
         *     `since` and `until` count by when a change was recorded; the other parameters filter as a webhook's filter does.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["exportChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List webhooks by id
         * @description A page may end before its limit where filters are large.
         *
         *     Needs the scope `webhooks:read`.
         */
        get: operations["listWebhooks"];
        put?: never;
        /**
         * Register a webhook
         * @description It gets every matching change that is recorded from now on. Its `secret` is shown only in this answer.
         *
         *     Needs the scope `webhooks:write`.
         */
        post: operations["createWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One webhook
         * @description Needs the scope `webhooks:read`.
         */
        get: operations["getWebhook"];
        put?: never;
        post?: never;
        /**
         * Delete a webhook
         * @description Deliveries that are still pending end as failed; all stay readable.
         *
         *     Needs the scope `webhooks:write`.
         */
        delete: operations["deleteWebhook"];
        options?: never;
        head?: never;
        /**
         * Edit, pause, disable or enable a webhook
         * @description Needs the scope `webhooks:write`.
         */
        patch: operations["patchWebhook"];
        trace?: never;
    };
    "/v1/webhooks/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test event, once
         * @description It is sent exactly as a delivery would be: in the webhook's format, with its headers and certificate.
         *
         *     Needs the scope `webhooks:write`.
         */
        post: operations["testWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Why a webhook was told of a change, or was not
         * @description Judged by the webhook as it was when the change was recorded. Also works for a deleted webhook.
         *
         *     Needs the scope `webhooks:read`.
         */
        get: operations["explainChange"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign with a new key
         * @description The previous keys go on signing for the overlap, so that receivers can switch over. `secret` is shown only in this answer.
         *
         *     Needs the scope `webhooks:write`.
         */
        post: operations["rotateSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/keys/{keyId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End a key at once
         * @description It signs nothing more. The last one that signs stays: rotate first.
         *
         *     Needs the scope `webhooks:write`.
         */
        delete: operations["endKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/webhook-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The public keys that verify a webhook's `v1a` signatures */
        get: operations["getWebhookKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send the deliveries of a period again
         * @description Starts a job that makes each of them due again, under its `webhook-id`. A webhook has one such job at a time.
         *
         *     Needs the scope `deliveries:write`.
         */
        post: operations["replayWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/replays": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List replays, newest first
         * @description Needs the scope `webhooks:read`.
         */
        get: operations["listReplays"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/replays/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One replay and its progress
         * @description Needs the scope `webhooks:read`.
         */
        get: operations["getReplay"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/replays/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop a replay
         * @description What it has already made due is still sent. A replay that has ended stays as it is.
         *
         *     Needs the scope `deliveries:write`.
         */
        post: operations["cancelReplay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List deliveries, newest first
         * @description `since` and `until` count by when a delivery was planned.
         *
         *     Needs the scope `webhooks:read`.
         */
        get: operations["listDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One delivery and its attempts
         * @description Needs the scope `webhooks:read`.
         */
        get: operations["getDelivery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a delivery again, now
         * @description Under the same `webhook-id`, whatever its state.
         *
         *     Needs the scope `deliveries:write`.
         */
        post: operations["retryDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List dead letters, newest first
         * @description A page may end before its limit where payloads are large, or hold less where sensors were deleted with their history. Not for a token that is limited to some sensors.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["listDeadLetters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One dead letter with its bytes
         * @description Not for a token that is limited to some sensors.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["getDeadLetter"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Publish its payload again, once the cause is fixed
         * @description Not for a token that is limited to some sensors.
         *
         *     Needs the scope `reports:write`.
         */
        post: operations["replayDeadLetter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/statuses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the statuses whose severity is known
         * @description Those that are built in, and those that operators set. Any other status is `unknown` unless its report says otherwise.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["listStatuses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/statuses/{status}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One status
         * @description Needs the scope `sensors:read`.
         */
        get: operations["getStatus"];
        /**
         * Set a status's severity
         * @description Applies to every report that is processed afterwards, on every node, and to none that was processed before: no state changes by itself. At most 1000 statuses are set.
         *
         *     Needs the scope `sensors:write`.
         */
        put: operations["putStatus"];
        post?: never;
        /**
         * Undo what was set for a status
         * @description A built-in status gets its own severity back; any other is `unknown` from then on, unless its report says otherwise.
         *
         *     Needs the scope `sensors:write`.
         */
        delete: operations["deleteStatus"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List tokens by id
         * @description Needs the scope `admin`.
         */
        get: operations["listTokens"];
        put?: never;
        /**
         * Make a token
         * @description Needs the scope `admin`.
         */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One token
         * @description Everything except the token itself, which is never shown again.
         *
         *     Needs the scope `admin`.
         */
        get: operations["getToken"];
        put?: never;
        post?: never;
        /**
         * Revoke a token
         * @description It stops working at once on this node, and within a second on every other one.
         *
         *     Needs the scope `admin`.
         */
        delete: operations["deleteToken"];
        options?: never;
        head?: never;
        /**
         * Rename a token, or change its expiry
         * @description The edit is in effect on every node within a second. Neither its scopes nor the sensors that it reaches can be edited.
         *
         *     Needs the scope `admin`.
         */
        patch: operations["patchToken"];
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who edited what, newest first
         * @description Every edit is written down before it is made. All filters must hold; a page may hold less than its `limit` and have a next one.
         *
         *     Needs the scope `admin`.
         */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/incidents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List incidents, things that should never happen, newest first
         * @description Not for a token that is limited to some sensors.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["listIncidents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/incidents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One incident
         * @description Not for a token that is limited to some sensors.
         *
         *     Needs the scope `sensors:read`.
         */
        get: operations["getIncident"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AcceptedReport: {
            index: number;
            /** @constant */
            status: 202;
            stream: string;
            sequence: number;
            duplicate: boolean;
        };
        Attempt: {
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            at: string;
            durationMs: number;
            statusCode: number | null;
            /** @description Why it failed; null when it did not. */
            error: string | null;
            /** @description The beginning of the response body. */
            response: string | null;
        };
        AuditEntry: {
            id: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            at: string;
            actor: {
                /** @description `admin`: ADMIN_TOKEN. `cli`: the command line, straight in the database. `start`: the very first start. */
                kind: "admin" | "token" | "jwt" | "cli" | "start";
                /** @description A token's id; of a JSON Web Token its subject and issuer. */
                id: string;
                name: string;
            };
            operation: string;
            /** @description The id of what was edited or made. */
            target: string | null;
            requestId: string;
            /** @description Where the request came from. */
            address: string | null;
            /** @description The status of the answer; null if the outcome is unknown. */
            status: number | null;
            /** @description `fields`: what the body named. `body`: of what holds no secrets. `streamed`: the type of a list that was read as it came. `query`, `params`. */
            detail: {
                [key: string]: unknown;
            };
        };
        /** @description Several deliveries in one request. */
        Batch: {
            maxItems: number;
            /** @description How long the first delivery may wait for others. */
            maxWaitMs: number;
        };
        /** @description The last line. */
        BulkSummary: {
            accepted: number;
            refused: number;
            /** @description Why the body was not read to its end. The items listed were processed, none after them was. */
            stopped: {
                status: number;
                detail: string;
            } | null;
        };
        /** @description The `data` of a webhook. */
        Change: {
            /** @description Identifies the change everywhere: in deliveries, reports and explanations. */
            changeId: string;
            /** @description Case-sensitive. */
            sensorId: string;
            /** @description As it was at that moment. */
            sensor: {
                name: string;
                labels: {
                    [key: string]: string;
                };
            };
            /** @description Counts the sensor's changes from 1, without gaps. */
            revision: number;
            /** @description `status`: the status or its severity moved. Else `availability`. */
            kind: "status" | "availability";
            from: components["schemas"]["Condition"];
            to: components["schemas"]["Condition"];
            /** @description `timeout`: a missed heartbeat. */
            cause: "report" | "timeout" | "operator";
            /**
             * Format: date-time
             * @description The time of its report, or the deadline that was missed.
             */
            occurredAt: string;
            /**
             * Format: date-time
             * @description When the service found out.
             */
            detectedAt: string;
            /** @description How long the state in `from` had lasted; null for the first change. */
            previousDurationMs: number | null;
            /** @description From the report that caused it; null if no report did. */
            report: {
                value: number | null;
                message: string | null;
                attributes: {
                    [key: string]: unknown;
                } | null;
            } | null;
        };
        /** @description PEM, for mutual TLS. `certificate` may be a chain; `ca` is whom the endpoint's own certificate must come from. */
        ClientCertificate: {
            certificate: string;
            key: string;
            ca?: string | null;
        };
        Condition: {
            status: string | null;
            severity: ("ok" | "warning" | "critical" | "unknown") | null;
            availability: "pending" | "online" | "offline";
        };
        DeadLetter: {
            id: string;
            subject: string;
            stream: string;
            sequence: number;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            receivedAt: string;
            reason: string;
            payloadBase64: string;
        };
        Delivery: {
            /** @description The `webhook-id` that the receiver sees. */
            id: string;
            webhookId: string;
            /** @description Null for an operational event. */
            changeId: string | null;
            /** @description Of the operational event that it carries; null for a change. */
            eventId: string | null;
            sensorId: string | null;
            revision: number;
            state: "pending" | "delivered" | "failed" | "suppressed" | "coalesced" | "skipped";
            reason: string | null;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            plannedAt: string;
            nextAttemptAt: string | null;
            /** @description The last 100, in their order. */
            attempts: components["schemas"]["Attempt"][];
        };
        /** @description `delivery` is null if none is owed, none is planned yet, or it is no longer kept. */
        Explanation: {
            /** @description `matched`: the webhook gets it. `notThere`: the webhook was made after the change, or deleted before it. `events`: it does not ask for changes. Otherwise the clause of its filter that excluded the change. */
            because: "matched" | "notThere" | "events" | "filter.initial" | "filter.kinds" | "filter.from" | "filter.to" | "filter.minSeverity" | "filter.direction" | "filter.sensorIds" | "filter.labels";
            version: number | null;
            delivery: components["schemas"]["Delivery"] | null;
        };
        /** @description All its fields must hold; left out, every change is told but a first report that is `ok`. At most 131072 bytes of JSON. */
        Filter: {
            sensorIds?: string[];
            /** @description For each label: its value, a list of values of which it has one, or null where the sensor must not have it. */
            labels?: {
                [key: string]: string | string[] | null;
            };
            /** @description What changed: the status (or its severity), or the availability. */
            kinds?: ("status" | "availability")[];
            /** @description The status before; a sensor's first change has none. */
            from?: string[];
            /** @description The status after. */
            to?: string[];
            /** @description The severity before or after the change is at least this; `unknown` always passes. */
            minSeverity?: "ok" | "warning" | "critical";
            /** @description The severity went up or down; before the first report it counts as `ok`, and `unknown` always passes. */
            direction?: "raised" | "lowered";
            /** @description Whether a sensor's first report is sent even if it is `ok`. */
            initial?: boolean;
        };
        Incident: {
            id: string;
            kind: string;
            partition: number;
            detail: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            recordedAt: string;
        };
        NewToken: {
            id: string;
            name: string;
            scopes: string[];
            /** @description The one sensor that it reaches; null for no such limit. */
            sensorId: string | null;
            /** @description What the sensors carry that it reaches; null for no such limit. */
            labels: {
                [key: string]: string;
            } | null;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            createdAt: string;
            expiresAt: string | null;
            /** @description Exact to about a minute. */
            lastUsedAt: string | null;
            /** @description Shown only here. */
            token: string;
        };
        NewWebhook: {
            id: string;
            url: string;
            filter: components["schemas"]["Filter"];
            state: "active" | "paused" | "disabled";
            stateReason: string | null;
            description: string;
            concurrency: number;
            /** @description The most attempts a second; null for no limit. */
            ratePerSecond: number | null;
            /** @description `sensor`: a sensor's changes are sent one after the other. `none`: in any order, each at once. */
            ordering: "sensor" | "none";
            /** @description `latest`: of a sensor's waiting changes only the newest is sent; the others end as `coalesced`. */
            mode: "every" | "latest";
            /** @description The least time between two deliveries of one sensor; above 0 it needs `mode` `latest`, and sets it where none is given. */
            minIntervalSeconds: number;
            batch: components["schemas"]["Batch"] | null;
            /** @description The body's shape: ours, or CloudEvents 1.0, structured or binary. */
            format: "standard" | "cloudevents" | "cloudevents-binary";
            /** @description Seconds to wait after the first failure, after the second, and so on, three days in total at most; null for the default schedule. */
            retrySchedule: number[] | null;
            /** @description Time for an attempt, from connecting to the end of the answer. */
            timeoutSeconds: number;
            /** @description What is sent: changes, and events about webhooks and deliveries themselves. */
            events: ("change" | "webhook.disabled" | "webhook.failing" | "delivery.failed")[];
            /** @description Those that sign now, newest first. */
            keys: components["schemas"]["SigningKey"][];
            headerNames: string[];
            auth: {
                type: "basic" | "bearer";
                username?: string;
            } | null;
            clientCertificate: {
                subject: string;
                fingerprint256: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC, milliseconds.
                 */
                validTo: string;
            } | null;
            /** @description Why the credentials cannot be decrypted, so that nothing is sent; normally null. */
            credentialsError: string | null;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            updatedAt: string;
            lastSuccessAt: string | null;
            failingSince: string | null;
            /** @description Nothing is sent before this time, because the endpoint asked for it with `Retry-After`; null otherwise. */
            heldUntil: string | null;
            /** @description Counts edits; the `ETag`. */
            version: number;
            /** @description `whsec_` and the base64 of its bytes, to verify `v1` signatures with. Shown only here. */
            secret?: string;
            /** @description `whpk_` and the base64 of 32 bytes, to verify `v1a` signatures with. */
            publicKey?: string;
        };
        NotReady: {
            /** @description `urn:tocsin:problem:` and a word that programs may rely on. */
            type: string;
            title: string;
            status: number;
            /** @description For people; the wording may change. */
            detail: string;
            /** @description What is wrong with which field; empty if it is not about fields. */
            errors: {
                /** @description JSON pointer into the body, or `/` and the name of a parameter. */
                pointer: string;
                message: string;
            }[];
            /** @description The answer's `x-request-id`. */
            requestId: string;
            dependencies: {
                name: string;
                up: boolean;
                reason: string | null;
                /** @description Whether requests fail without it; else they only take longer. */
                needed: boolean;
            }[];
        };
        Problem: {
            /** @description `urn:tocsin:problem:` and a word that programs may rely on. */
            type: string;
            title: string;
            status: number;
            /** @description For people; the wording may change. */
            detail: string;
            /** @description What is wrong with which field; empty if it is not about fields. */
            errors: {
                /** @description JSON pointer into the body, or `/` and the name of a parameter. */
                pointer: string;
                message: string;
            }[];
            /** @description The answer's `x-request-id`. */
            requestId: string;
        };
        /** @description A JSON Web Key Set (RFC 7517, RFC 8037), newest first. */
        PublicKeys: {
            keys: {
                /** @constant */
                kty: "OKP";
                /** @constant */
                crv: "Ed25519";
                x: string;
                kid: string;
                /** @constant */
                use: "sig";
                /** @constant */
                alg: "EdDSA";
                /** @description The same key as Standard Webhooks writes it. */
                whpk: string;
            }[];
        };
        PutSensor: {
            index: number;
            status: 200 | 201;
            /** @description `unchanged`: the sensor already was as requested, and keeps its version. */
            outcome: "created" | "replaced" | "unchanged";
            version: number;
        };
        Ready: {
            /** @constant */
            status: "ready";
            dependencies: {
                name: string;
                up: boolean;
                reason: string | null;
                /** @description Whether requests fail without it; else they only take longer. */
                needed: boolean;
            }[];
        };
        Receipt: {
            stream: string;
            sequence: number;
            /** @description The broker had already stored this message. */
            duplicate: boolean;
        };
        RefusedItem: {
            /** @description The item's place in the request, from 0. */
            index: number;
            /** @description The status that the item would have got in a request of its own. */
            status: number;
            errors: {
                /** @description JSON pointer into the item. */
                pointer: string;
                message: string;
            }[];
            detail: string;
        };
        Replay: {
            id: string;
            webhookId: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            since: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            until: string;
            which: "undelivered" | "all";
            ratePerSecond: number;
            state: "running" | "done" | "cancelled";
            /** @description Why it ended before its end. */
            reason: string | null;
            /** @description How many deliveries were made due so far. */
            replayed: number;
            /**
             * Format: date-time
             * @description How far it has come on the way from `since` to `until`.
             */
            reachedAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            updatedAt: string;
        };
        /** @description The time is that of planning; `until` is exclusive, and now when it is left out. */
        ReplayCreation: {
            /** @description RFC 3339 with a time zone. */
            since: string;
            /** @description RFC 3339 with a time zone. */
            until?: string;
            /** @description `undelivered` (the default): what ended as failed or skipped. `all`: whatever is not pending. */
            which?: "undelivered" | "all";
            /**
             * @description How many are made due a second.
             * @default 500
             */
            ratePerSecond?: number;
        };
        Report: {
            stream: string;
            sequence: number;
            id: string | null;
            status: string;
            severity: ("ok" | "warning" | "critical" | "unknown") | null;
            value: number | null;
            message: string | null;
            at: string | null;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            receivedAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            recordedAt: string;
            /** @description What effect it had. */
            disposition: "applied" | "unchanged" | "late" | "duplicate";
            changeId: string | null;
        };
        ReportBody: {
            /** @description A short code of your own, for example `ok` or `door.open`. */
            status: string;
            /** @description Left out, the status catalogue decides; a status that it does not know is `unknown`. */
            severity?: "ok" | "warning" | "critical" | "unknown";
            /** @description The reading behind the status. */
            value?: number;
            message?: string;
            /** @description The sensor's own time, RFC 3339. */
            at?: string;
            /** @description Names this report; sent again within two days it takes no effect. */
            id?: string;
            /** @description Anything else; kept, and handed on with the change. */
            attributes?: {
                [key: string]: unknown;
            };
        };
        ReportItem: {
            /** @description Case-sensitive. */
            sensorId: string;
            /** @description A short code of your own, for example `ok` or `door.open`. */
            status: string;
            /** @description Left out, the status catalogue decides; a status that it does not know is `unknown`. */
            severity?: "ok" | "warning" | "critical" | "unknown";
            /** @description The reading behind the status. */
            value?: number;
            message?: string;
            /** @description The sensor's own time, RFC 3339. */
            at?: string;
            /** @description Names this report; sent again within two days it takes no effect. */
            id?: string;
            /** @description Anything else; kept, and handed on with the change. */
            attributes?: {
                [key: string]: unknown;
            };
        };
        ReportItems: components["schemas"]["ReportItem"][];
        ReportResults: {
            accepted: number;
            refused: number;
            /** @description Why the body was not read to its end. The items listed were processed, none after them was. */
            stopped: {
                status: number;
                detail: string;
            } | null;
            items: (components["schemas"]["AcceptedReport"] | components["schemas"]["RefusedItem"])[];
        };
        Rotated: {
            /** @description `whsec_` and the base64 of its bytes, to verify `v1` signatures with. Shown only here. */
            secret?: string;
            /** @description `whpk_` and the base64 of 32 bytes, to verify `v1a` signatures with. */
            publicKey?: string;
            /** @description Those that sign now, newest first. */
            keys: components["schemas"]["SigningKey"][];
        };
        Rotation: {
            /**
             * @description How long the keys before go on signing beside the new one.
             * @default 86400
             */
            overlapSeconds?: number;
            /** @description Default `v1`. Keys of the other kind stay as they are. */
            kind?: "v1" | "v1a";
            /** @description One of your own: `whsec_` and the base64 of 24 to 64 bytes. */
            secret?: string;
        };
        Sensor: {
            /** @description Case-sensitive. */
            id: string;
            name: string;
            labels: {
                [key: string]: string;
            };
            metadata: {
                [key: string]: unknown;
            };
            heartbeat: {
                intervalSeconds: number;
                graceSeconds: number;
            } | null;
            state: {
                status: string | null;
                severity: ("ok" | "warning" | "critical" | "unknown") | null;
                availability: "pending" | "online" | "offline";
                /** @description When its last change occurred; null before the first. */
                since: string | null;
                /** @description The time of its newest report: the sensor's own, where it named an earlier one. */
                lastReportedAt: string | null;
                /** @description When the broker had its last report. */
                lastReceivedAt: string | null;
                /** @description The number of its last change; 0 before the first. */
                revision: number;
            };
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            updatedAt: string;
            /** @description Counts edits, and continues if the id is deleted and registered again; the `ETag` begins with it. */
            version: number;
        };
        SensorCreation: {
            /** @description Case-sensitive. */
            id: string;
            /** @description Default: the id. */
            name?: string;
            labels?: {
                [key: string]: string;
            };
            /** @description Anything else worth knowing; at most 16384 bytes of JSON. */
            metadata?: {
                [key: string]: unknown;
            };
            heartbeat?: {
                /** @description How often it reports. */
                intervalSeconds: number;
                /** @description How late a report may be; the default is 0. */
                graceSeconds?: number;
            } | null;
        };
        SensorItems: components["schemas"]["SensorCreation"][];
        /** @description JSON Merge Patch (RFC 7396): null removes, objects are merged. */
        SensorPatch: {
            /** @description Null: the id. */
            name?: string | null;
            labels?: {
                [key: string]: string | null;
            } | null;
            metadata?: {
                [key: string]: unknown;
            } | null;
            heartbeat?: {
                /** @description How often it reports. */
                intervalSeconds?: number;
                graceSeconds?: number | null;
            } | null;
        };
        /** @description Fields that are left out are reset. An `id` must equal the one in the path. */
        SensorReplacement: {
            /** @description Case-sensitive. */
            id?: string;
            /** @description Default: the id. */
            name?: string;
            labels?: {
                [key: string]: string;
            };
            /** @description Anything else worth knowing; at most 16384 bytes of JSON. */
            metadata?: {
                [key: string]: unknown;
            };
            heartbeat?: {
                /** @description How often it reports. */
                intervalSeconds: number;
                /** @description How late a report may be; the default is 0. */
                graceSeconds?: number;
            } | null;
        };
        SensorResults: {
            accepted: number;
            refused: number;
            /** @description Why the body was not read to its end. The items listed were processed, none after them was. */
            stopped: {
                status: number;
                detail: string;
            } | null;
            items: (components["schemas"]["PutSensor"] | components["schemas"]["RefusedItem"])[];
        };
        SigningKey: {
            id: string;
            kind: "v1" | "v1a";
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            createdAt: string;
            expiresAt: string | null;
            /** @description `whpk_…`, of a `v1a`. */
            publicKey?: string;
        };
        Status: {
            status: string;
            /** @description For reports that give this status and no severity. */
            severity: "ok" | "warning" | "critical" | "unknown";
            description: string;
            /** @description Who set the severity; `operator` also for a built-in status that was edited. */
            source: "builtIn" | "operator";
            /** @description The severity without the operator's edit; null for a status that is not built in. */
            builtInSeverity: ("ok" | "warning" | "critical" | "unknown") | null;
            /** @description The number of the catalogue's edit that set it, 1 if nobody edited it; the `ETag`. */
            version: number;
            createdAt: string | null;
            updatedAt: string | null;
        };
        StatusEdit: {
            severity: "ok" | "warning" | "critical" | "unknown";
            description?: string;
        };
        Token: {
            id: string;
            name: string;
            scopes: string[];
            /** @description The one sensor that it reaches; null for no such limit. */
            sensorId: string | null;
            /** @description What the sensors carry that it reaches; null for no such limit. */
            labels: {
                [key: string]: string;
            } | null;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            createdAt: string;
            expiresAt: string | null;
            /** @description Exact to about a minute. */
            lastUsedAt: string | null;
        };
        /** @description With a `sensorId` or `labels` its scopes can be sensors:read, sensors:write, reports:write. */
        TokenCreation: {
            /** @description Who uses it. */
            name: string;
            scopes: ("sensors:read" | "sensors:write" | "reports:write" | "webhooks:read" | "webhooks:write" | "deliveries:write" | "admin")[];
            /** @description Limits the token to this sensor. Cannot be combined with `labels`. */
            sensorId?: string | null;
            /** @description Limits the token to sensors that carry all of these labels. Cannot be combined with `sensorId`. */
            labels?: {
                [key: string]: string;
            } | null;
            /** @description Null: valid until it is revoked. */
            expiresAt?: string | null;
        };
        /** @description What a token may do stays as it was made: for other scopes or sensors, make another token. */
        TokenPatch: {
            /** @description Who uses it. */
            name?: string;
            /** @description Null: valid until it is revoked. */
            expiresAt?: string | null;
        };
        Uptime: {
            /** @description Case-sensitive. */
            sensorId: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            since: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            until: string;
            /** @description Since when the sensor could be judged; null if nothing could. */
            judgedSince: string | null;
            judgedUntil: string | null;
            judgedMs: number;
            /** @description The share of the judged time in which it was online; null when nothing was judged. */
            uptime: number | null;
            availability: {
                online: {
                    ms: number;
                    /** @description Share of `judgedMs`, from 0 to 1; 0 if nothing was judged. */
                    share: number;
                };
                offline: {
                    ms: number;
                    /** @description Share of `judgedMs`, from 0 to 1; 0 if nothing was judged. */
                    share: number;
                };
            };
            severities: {
                ok: {
                    ms: number;
                    /** @description Share of `judgedMs`, from 0 to 1; 0 if nothing was judged. */
                    share: number;
                };
                warning: {
                    ms: number;
                    /** @description Share of `judgedMs`, from 0 to 1; 0 if nothing was judged. */
                    share: number;
                };
                critical: {
                    ms: number;
                    /** @description Share of `judgedMs`, from 0 to 1; 0 if nothing was judged. */
                    share: number;
                };
                unknown: {
                    ms: number;
                    /** @description Share of `judgedMs`, from 0 to 1; 0 if nothing was judged. */
                    share: number;
                };
            };
            /** @description The longest first. */
            statuses: {
                status: string;
                ms: number;
                /** @description Share of `judgedMs`, from 0 to 1; 0 if nothing was judged. */
                share: number;
            }[];
            /** @description How many changes occurred in the window. */
            changes: number;
            /** @description Only the part inside the window counts. */
            longestOutage: {
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC, milliseconds.
                 */
                since: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC, milliseconds.
                 */
                until: string;
                ms: number;
            } | null;
        };
        Webhook: {
            id: string;
            url: string;
            filter: components["schemas"]["Filter"];
            state: "active" | "paused" | "disabled";
            stateReason: string | null;
            description: string;
            concurrency: number;
            /** @description The most attempts a second; null for no limit. */
            ratePerSecond: number | null;
            /** @description `sensor`: a sensor's changes are sent one after the other. `none`: in any order, each at once. */
            ordering: "sensor" | "none";
            /** @description `latest`: of a sensor's waiting changes only the newest is sent; the others end as `coalesced`. */
            mode: "every" | "latest";
            /** @description The least time between two deliveries of one sensor; above 0 it needs `mode` `latest`, and sets it where none is given. */
            minIntervalSeconds: number;
            batch: components["schemas"]["Batch"] | null;
            /** @description The body's shape: ours, or CloudEvents 1.0, structured or binary. */
            format: "standard" | "cloudevents" | "cloudevents-binary";
            /** @description Seconds to wait after the first failure, after the second, and so on, three days in total at most; null for the default schedule. */
            retrySchedule: number[] | null;
            /** @description Time for an attempt, from connecting to the end of the answer. */
            timeoutSeconds: number;
            /** @description What is sent: changes, and events about webhooks and deliveries themselves. */
            events: ("change" | "webhook.disabled" | "webhook.failing" | "delivery.failed")[];
            /** @description Those that sign now, newest first. */
            keys: components["schemas"]["SigningKey"][];
            headerNames: string[];
            auth: {
                type: "basic" | "bearer";
                username?: string;
            } | null;
            clientCertificate: {
                subject: string;
                fingerprint256: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC, milliseconds.
                 */
                validTo: string;
            } | null;
            /** @description Why the credentials cannot be decrypted, so that nothing is sent; normally null. */
            credentialsError: string | null;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, milliseconds.
             */
            updatedAt: string;
            lastSuccessAt: string | null;
            failingSince: string | null;
            /** @description Nothing is sent before this time, because the endpoint asked for it with `Retry-After`; null otherwise. */
            heldUntil: string | null;
            /** @description Counts edits; the `ETag`. */
            version: number;
        };
        WebhookCreation: {
            /** @description http or https, to a public address. */
            url: string;
            filter?: components["schemas"]["Filter"];
            description?: string;
            /** @description The most attempts that run at once. */
            concurrency?: number;
            /** @description The most attempts a second; null for no limit. */
            ratePerSecond?: number | null;
            ordering?: ("sensor" | "none") | null;
            mode?: ("every" | "latest") | null;
            minIntervalSeconds?: number | null;
            batch?: components["schemas"]["Batch"] | null;
            format?: ("standard" | "cloudevents" | "cloudevents-binary") | null;
            /** @description Seconds to wait after the first failure, after the second, and so on, three days in total at most; null for the default schedule. */
            retrySchedule?: number[] | null;
            timeoutSeconds?: number | null;
            events?: ("change" | "webhook.disabled" | "webhook.failing" | "delivery.failed")[] | null;
            /** @description Sent with every request. Names of HTTP's own, `webhook-*` and `ce-*` are refused; values are shown nowhere. */
            headers?: {
                [key: string]: string;
            };
            auth?: ({
                /** @constant */
                type: "basic";
                username: string;
                password: string;
            } | {
                /** @constant */
                type: "bearer";
                token: string;
            }) | null;
            clientCertificate?: components["schemas"]["ClientCertificate"] | null;
            /** @description Which keys are made: `v1` (HMAC-SHA256, the default), `v1a` (ed25519). */
            signatures?: ("v1" | "v1a")[];
        };
        /** @description Fields that are left out stay as they are; null sets the default. A filter is replaced as a whole, headers one by one. */
        WebhookPatch: {
            /** @description http or https, to a public address. */
            url?: string;
            filter?: components["schemas"]["Filter"] | null;
            description?: string | null;
            concurrency?: number | null;
            /** @description The most attempts a second; null for no limit. */
            ratePerSecond?: number | null;
            ordering?: ("sensor" | "none") | null;
            mode?: ("every" | "latest") | null;
            minIntervalSeconds?: number | null;
            batch?: components["schemas"]["Batch"] | null;
            format?: ("standard" | "cloudevents" | "cloudevents-binary") | null;
            /** @description Seconds to wait after the first failure, after the second, and so on, three days in total at most; null for the default schedule. */
            retrySchedule?: number[] | null;
            timeoutSeconds?: number | null;
            events?: ("change" | "webhook.disabled" | "webhook.failing" | "delivery.failed")[] | null;
            /** @description By name: null removes a header, headers that are not named stay. Null in place of the object removes all. */
            headers?: {
                [key: string]: string | null;
            } | null;
            auth?: ({
                /** @constant */
                type: "basic";
                username: string;
                password: string;
            } | {
                /** @constant */
                type: "bearer";
                token: string;
            }) | null;
            clientCertificate?: components["schemas"]["ClientCertificate"] | null;
            /** @description `paused` holds deliveries back; `disabled` ends what is owed. */
            state?: "active" | "paused" | "disabled";
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type AcceptedReport = components['schemas']['AcceptedReport'];
export type Attempt = components['schemas']['Attempt'];
export type AuditEntry = components['schemas']['AuditEntry'];
export type Batch = components['schemas']['Batch'];
export type BulkSummary = components['schemas']['BulkSummary'];
export type Change = components['schemas']['Change'];
export type ClientCertificate = components['schemas']['ClientCertificate'];
export type Condition = components['schemas']['Condition'];
export type DeadLetter = components['schemas']['DeadLetter'];
export type Delivery = components['schemas']['Delivery'];
export type Explanation = components['schemas']['Explanation'];
export type Filter = components['schemas']['Filter'];
export type Incident = components['schemas']['Incident'];
export type NewToken = components['schemas']['NewToken'];
export type NewWebhook = components['schemas']['NewWebhook'];
export type NotReady = components['schemas']['NotReady'];
export type Problem = components['schemas']['Problem'];
export type PublicKeys = components['schemas']['PublicKeys'];
export type PutSensor = components['schemas']['PutSensor'];
export type Ready = components['schemas']['Ready'];
export type Receipt = components['schemas']['Receipt'];
export type RefusedItem = components['schemas']['RefusedItem'];
export type Replay = components['schemas']['Replay'];
export type ReplayCreation = components['schemas']['ReplayCreation'];
export type Report = components['schemas']['Report'];
export type ReportBody = components['schemas']['ReportBody'];
export type ReportItem = components['schemas']['ReportItem'];
export type ReportItems = components['schemas']['ReportItems'];
export type ReportResults = components['schemas']['ReportResults'];
export type Rotated = components['schemas']['Rotated'];
export type Rotation = components['schemas']['Rotation'];
export type Sensor = components['schemas']['Sensor'];
export type SensorCreation = components['schemas']['SensorCreation'];
export type SensorItems = components['schemas']['SensorItems'];
export type SensorPatch = components['schemas']['SensorPatch'];
export type SensorReplacement = components['schemas']['SensorReplacement'];
export type SensorResults = components['schemas']['SensorResults'];
export type SigningKey = components['schemas']['SigningKey'];
export type Status = components['schemas']['Status'];
export type StatusEdit = components['schemas']['StatusEdit'];
export type Token = components['schemas']['Token'];
export type TokenCreation = components['schemas']['TokenCreation'];
export type TokenPatch = components['schemas']['TokenPatch'];
export type Uptime = components['schemas']['Uptime'];
export type Webhook = components['schemas']['Webhook'];
export type WebhookCreation = components['schemas']['WebhookCreation'];
export type WebhookPatch = components['schemas']['WebhookPatch'];
export type $defs = Record<string, never>;
export interface operations {
    live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It answers. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        status: "alive";
                    };
                };
            };
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The text format of Prometheus. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    listSensors: {
        parameters: {
            query?: {
                /** @description May repeat: any of them. */
                status?: string[];
                /** @description May repeat: any of them. */
                severity?: ("ok" | "warning" | "critical" | "unknown")[];
                /** @description May repeat: any of them. */
                availability?: ("pending" | "online" | "offline")[];
                /** @description `site:north`; may repeat, all must hold. */
                label?: string[];
                /** @description Text in id or name, whatever its case. */
                q?: string;
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Sensor"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    putSensors: {
        parameters: {
            query?: never;
            header?: {
                /** @description `return=minimal`: the answer lists only the refused items. */
                prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SensorItems"];
                "application/x-ndjson": components["schemas"]["SensorCreation"];
                "application/jsonl": components["schemas"]["SensorCreation"];
            };
        };
        responses: {
            /** @description The result of each item. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SensorResults"];
                    "application/x-ndjson": components["schemas"]["PutSensor"] | components["schemas"]["RefusedItem"] | components["schemas"]["BulkSummary"];
                };
            };
        };
    };
    createSensor: {
        parameters: {
            query?: never;
            header?: {
                /** @description A key of your choice for this request. Sent again with the same key within a day, it does nothing and gets the same answer, with `Idempotency-Replayed: true`. */
                "idempotency-key"?: string;
                /** @description `return=minimal` leaves the body of the answer out (RFC 7240). */
                prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SensorCreation"];
            };
        };
        responses: {
            /** @description The sensor. Without a body where `Prefer: return=minimal` asked for that, which `Preference-Applied` says then. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sensor"];
                };
            };
        };
    };
    getSensor: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag`s of the copies that you have, as `"3", "4"`; `*` for anything. */
                "if-none-match"?: string;
            };
            path: {
                /** @description Case-sensitive. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sensor. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sensor"];
                };
            };
        };
    };
    replaceSensor: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the version to edit, as `"3"`; of several, as `"3", "4"`, one must be there; `*` for any. Only the version in it counts. */
                "if-match"?: string;
                /** @description `*`: create only. */
                "if-none-match"?: string;
                /** @description `return=minimal` leaves the body of the answer out (RFC 7240). */
                prefer?: string;
            };
            path: {
                /** @description Case-sensitive. */
                id: string;
            };
            cookie?: never;
        };
        /** @description Fields that are left out are reset. An `id` must equal the one in the path. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["SensorReplacement"];
            };
        };
        responses: {
            /** @description The sensor. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sensor"];
                };
            };
            /** @description The sensor. Without a body where `Prefer: return=minimal` asked for that, which `Preference-Applied` says then. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sensor"];
                };
            };
            /** @description Done; without a body, as `Prefer: return=minimal` asked for. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deleteSensor: {
        parameters: {
            query?: {
                /** @description `delete`: all that was recorded of it is deleted as well, at once, but for the audit log. Left out, it is kept. */
                history?: "keep" | "delete";
            };
            header?: {
                /** @description The `ETag` of the version to edit, as `"3"`; of several, as `"3", "4"`, one must be there; `*` for any. Only the version in it counts. */
                "if-match"?: string;
            };
            path: {
                /** @description Case-sensitive. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    patchSensor: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the version to edit, as `"3"`; of several, as `"3", "4"`, one must be there; `*` for any. Only the version in it counts. */
                "if-match"?: string;
                /** @description `return=minimal` leaves the body of the answer out (RFC 7240). */
                prefer?: string;
            };
            path: {
                /** @description Case-sensitive. */
                id: string;
            };
            cookie?: never;
        };
        /** @description JSON Merge Patch (RFC 7396): null removes, objects are merged. */
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["SensorPatch"];
                "application/json": components["schemas"]["SensorPatch"];
            };
        };
        responses: {
            /** @description The sensor. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sensor"];
                };
            };
            /** @description Done; without a body, as `Prefer: return=minimal` asked for. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listReports: {
        parameters: {
            query?: {
                /** @description Inclusive; RFC 3339 with a time zone. */
                since?: string;
                /** @description Exclusive; RFC 3339 with a time zone. */
                until?: string;
                /** @description By time: oldest first (`asc`) or newest first (`desc`); the default is in the summary. */
                order?: "asc" | "desc";
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description Case-sensitive. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Report"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    postReport: {
        parameters: {
            query?: never;
            header?: {
                /** @description The report's `id`, where the body gives none. */
                "idempotency-key"?: string;
            };
            path: {
                /** @description Case-sensitive. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReportBody"];
            };
        };
        responses: {
            /** @description The broker has stored it. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Receipt"];
                };
            };
        };
    };
    postReports: {
        parameters: {
            query?: never;
            header?: {
                /** @description `return=minimal`: the answer lists only the refused items. */
                prefer?: string;
                /** @description With `:` and an item's index, the `id` of each report that gives none: sent again, none of them takes effect twice. */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReportItems"];
                "application/x-ndjson": components["schemas"]["ReportItem"];
                "application/jsonl": components["schemas"]["ReportItem"];
            };
        };
        responses: {
            /** @description The result of each item. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReportResults"];
                    "application/x-ndjson": components["schemas"]["AcceptedReport"] | components["schemas"]["RefusedItem"] | components["schemas"]["BulkSummary"];
                };
            };
        };
    };
    listChanges: {
        parameters: {
            query?: {
                /** @description Of this sensor; may repeat, any of them. */
                sensorId?: string[];
                /** @description `site:north`; may repeat, all must hold. */
                label?: string[];
                /** @description What moved; may repeat, any of them. */
                kind?: ("status" | "availability")[];
                /** @description The status before; may repeat, any of them. */
                from?: string[];
                /** @description The status after; may repeat, any of them. */
                to?: string[];
                /** @description Reached before or after; `unknown` always passes. */
                minSeverity?: "ok" | "warning" | "critical";
                /** @description Whether the severity went up or down. */
                direction?: "raised" | "lowered";
                /** @description Inclusive; RFC 3339 with a time zone. */
                since?: string;
                /** @description Exclusive; RFC 3339 with a time zone. */
                until?: string;
                /** @description By time: oldest first (`asc`) or newest first (`desc`); the default is in the summary. */
                order?: "asc" | "desc";
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `cursor` or `nextCursor` of a list of changes, or the id of an event of the live stream. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Change"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                        /** @description Behind the newest change that this page has come to: ask the list with it later, or the live stream, and see every later change once. */
                        cursor: string;
                    };
                };
            };
        };
    };
    listSensorChanges: {
        parameters: {
            query?: {
                /** @description Inclusive; RFC 3339 with a time zone. */
                since?: string;
                /** @description Exclusive; RFC 3339 with a time zone. */
                until?: string;
                /** @description By time: oldest first (`asc`) or newest first (`desc`); the default is in the summary. */
                order?: "asc" | "desc";
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description Case-sensitive. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Change"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    watchChanges: {
        parameters: {
            query?: {
                /** @description Of this sensor; may repeat, any of them. */
                sensorId?: string[];
                /** @description `site:north`; may repeat, all must hold. */
                label?: string[];
                /** @description What moved; may repeat, any of them. */
                kind?: ("status" | "availability")[];
                /** @description The status before; may repeat, any of them. */
                from?: string[];
                /** @description The status after; may repeat, any of them. */
                to?: string[];
                /** @description Reached before or after; `unknown` always passes. */
                minSeverity?: "ok" | "warning" | "critical";
                /** @description Whether the severity went up or down. */
                direction?: "raised" | "lowered";
                /** @description The `cursor` or `nextCursor` of a list of changes, or the id of an event of the live stream. */
                cursor?: string;
            };
            header?: {
                /** @description The id of the last event that was received: the stream goes on behind it. Goes before `cursor`. */
                "last-event-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream that does not end. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
        };
    };
    getUptime: {
        parameters: {
            query?: {
                /** @description Inclusive; RFC 3339 with a time zone. */
                since?: string;
                /** @description Exclusive; RFC 3339 with a time zone. */
                until?: string;
            };
            header?: never;
            path: {
                /** @description Case-sensitive. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The times. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Uptime"];
                };
            };
        };
    };
    exportSensors: {
        parameters: {
            query?: {
                /** @description May repeat: any of them. */
                status?: string[];
                /** @description May repeat: any of them. */
                severity?: ("ok" | "warning" | "critical" | "unknown")[];
                /** @description May repeat: any of them. */
                availability?: ("pending" | "online" | "offline")[];
                /** @description `site:north`; may repeat, all must hold. */
                label?: string[];
                /** @description Text in id or name, whatever its case. */
                q?: string;
                /** @description Goes before the header `Accept`, which may name one of the two types; left out, `ndjson`. */
                format?: "ndjson" | "csv";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sensors. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["Sensor"];
                    "text/csv": string;
                };
            };
        };
    };
    exportChanges: {
        parameters: {
            query?: {
                /** @description Of this sensor; may repeat, any of them. */
                sensorId?: string[];
                /** @description `site:north`; may repeat, all must hold. */
                label?: string[];
                /** @description What moved; may repeat, any of them. */
                kind?: ("status" | "availability")[];
                /** @description The status before; may repeat, any of them. */
                from?: string[];
                /** @description The status after; may repeat, any of them. */
                to?: string[];
                /** @description Reached before or after; `unknown` always passes. */
                minSeverity?: "ok" | "warning" | "critical";
                /** @description Whether the severity went up or down. */
                direction?: "raised" | "lowered";
                /** @description Inclusive; RFC 3339 with a time zone. */
                since?: string;
                /** @description Exclusive; RFC 3339 with a time zone. */
                until?: string;
                /** @description Goes before the header `Accept`, which may name one of the two types; left out, `ndjson`. */
                format?: "ndjson" | "csv";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The changes. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["Change"];
                    "text/csv": string;
                };
            };
        };
    };
    listWebhooks: {
        parameters: {
            query?: {
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Webhook"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    createWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description A key of your choice for this request. Sent again with the same key within a day, it does nothing and gets the same answer, with `Idempotency-Replayed: true`. */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookCreation"];
            };
        };
        responses: {
            /** @description The webhook. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewWebhook"];
                };
            };
        };
    };
    getWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag`s of the copies that you have, as `"3", "4"`; `*` for anything. */
                "if-none-match"?: string;
            };
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The webhook. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
        };
    };
    deleteWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the version to edit, as `"3"`; of several, as `"3", "4"`, one must be there; `*` for any. Only the version in it counts. */
                "if-match"?: string;
            };
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    patchWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the version to edit, as `"3"`; of several, as `"3", "4"`, one must be there; `*` for any. Only the version in it counts. */
                "if-match"?: string;
                /** @description `return=minimal` leaves the body of the answer out (RFC 7240). */
                prefer?: string;
            };
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        /** @description Fields that are left out stay as they are; null sets the default. A filter is replaced as a whole, headers one by one. */
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["WebhookPatch"];
                "application/json": components["schemas"]["WebhookPatch"];
            };
        };
        responses: {
            /** @description The webhook. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description Done; without a body, as `Prefer: return=minimal` asked for. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    testWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How it went, whatever the endpoint answered. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Attempt"];
                };
            };
        };
    };
    explainChange: {
        parameters: {
            query: {
                /** @description The change's id, as changes and deliveries show it. */
                changeId: string;
            };
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The reason, and the delivery if there is one. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"];
                };
            };
        };
    };
    rotateSecret: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the version to edit, as `"3"`; of several, as `"3", "4"`, one must be there; `*` for any. Only the version in it counts. */
                "if-match"?: string;
                /** @description A key of your choice for this request. Sent again with the same key within a day, it does nothing and gets the same answer, with `Idempotency-Replayed: true`. */
                "idempotency-key"?: string;
            };
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Rotation"];
            };
        };
        responses: {
            /** @description The new key signs from now on. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rotated"];
                };
            };
        };
    };
    endKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the version to edit, as `"3"`; of several, as `"3", "4"`, one must be there; `*` for any. Only the version in it counts. */
                "if-match"?: string;
            };
            path: {
                /** @description The id from an earlier answer. */
                id: string;
                /** @description The id from an earlier answer. */
                keyId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getWebhookKeys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Those that sign now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublicKeys"];
                };
            };
        };
    };
    replayWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description A key of your choice for this request. Sent again with the same key within a day, it does nothing and gets the same answer, with `Idempotency-Replayed: true`. */
                "idempotency-key"?: string;
            };
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        /** @description The time is that of planning; `until` is exclusive, and now when it is left out. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReplayCreation"];
            };
        };
        responses: {
            /** @description It runs. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Replay"];
                };
            };
        };
    };
    listReplays: {
        parameters: {
            query?: {
                /** @description A webhook's id. */
                webhookId?: string;
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Replay"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    getReplay: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The replay. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Replay"];
                };
            };
        };
    };
    cancelReplay: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The replay. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Replay"];
                };
            };
        };
    };
    listDeliveries: {
        parameters: {
            query?: {
                /** @description A webhook's id. */
                webhookId?: string;
                /** @description Case-sensitive. */
                sensorId?: string;
                /** @description May repeat: any of them. */
                state?: ("pending" | "delivered" | "failed" | "suppressed" | "coalesced" | "skipped")[];
                /** @description `true`: only the states `pending` and `failed`. */
                undelivered?: "true" | "false";
                /** @description Inclusive; RFC 3339 with a time zone. */
                since?: string;
                /** @description Exclusive; RFC 3339 with a time zone. */
                until?: string;
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Delivery"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    getDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Delivery"];
                };
            };
        };
    };
    retryDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is due. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Delivery"];
                };
            };
        };
    };
    listDeadLetters: {
        parameters: {
            query?: {
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["DeadLetter"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    getDeadLetter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The dead letter. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetter"];
                };
            };
        };
    };
    replayDeadLetter: {
        parameters: {
            query?: never;
            header?: {
                /** @description A key of your choice for this request. Sent again with the same key within a day, it does nothing and gets the same answer, with `Idempotency-Replayed: true`. */
                "idempotency-key"?: string;
            };
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The broker has stored it. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Receipt"];
                };
            };
        };
    };
    listStatuses: {
        parameters: {
            query?: {
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Status"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    getStatus: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag`s of the copies that you have, as `"3", "4"`; `*` for anything. */
                "if-none-match"?: string;
            };
            path: {
                /** @description The status, as reports name it. */
                status: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The status. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
        };
    };
    putStatus: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the version to edit, as `"3"`; of several, as `"3", "4"`, one must be there; `*` for any. Only the version in it counts. */
                "if-match"?: string;
                /** @description `return=minimal` leaves the body of the answer out (RFC 7240). */
                prefer?: string;
            };
            path: {
                /** @description The status, as reports name it. */
                status: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StatusEdit"];
            };
        };
        responses: {
            /** @description The status. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            /** @description The status. Without a body where `Prefer: return=minimal` asked for that, which `Preference-Applied` says then. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            /** @description Done; without a body, as `Prefer: return=minimal` asked for. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deleteStatus: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of the version to edit, as `"3"`; of several, as `"3", "4"`, one must be there; `*` for any. Only the version in it counts. */
                "if-match"?: string;
            };
            path: {
                /** @description The status, as reports name it. */
                status: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is as built in again, or gone. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listTokens: {
        parameters: {
            query?: {
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Token"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: {
                /** @description A key of your choice for this request. Sent again with the same key within a day, it does nothing and gets the same answer, with `Idempotency-Replayed: true`. */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description With a `sensorId` or `labels` its scopes can be sensors:read, sensors:write, reports:write. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenCreation"];
            };
        };
        responses: {
            /** @description The token, which is shown only in this answer. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewToken"];
                };
            };
        };
    };
    getToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The token. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
        };
    };
    deleteToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    patchToken: {
        parameters: {
            query?: never;
            header?: {
                /** @description `return=minimal` leaves the body of the answer out (RFC 7240). */
                prefer?: string;
            };
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        /** @description What a token may do stays as it was made: for other scopes or sensors, make another token. */
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["TokenPatch"];
                "application/json": components["schemas"]["TokenPatch"];
            };
        };
        responses: {
            /** @description The token. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            /** @description Done; without a body, as `Prefer: return=minimal` asked for. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listAudit: {
        parameters: {
            query?: {
                /** @description The id of the caller. */
                actor?: string;
                /** @description An operation's id, as this document names it. */
                operation?: string;
                /** @description The id of what was edited. */
                target?: string;
                /** @description Inclusive; RFC 3339 with a time zone. */
                since?: string;
                /** @description Exclusive; RFC 3339 with a time zone. */
                until?: string;
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["AuditEntry"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    listIncidents: {
        parameters: {
            query?: {
                /** @description How many items a page has at most. */
                limit?: number;
                /** @description The `nextCursor` of the page before; belongs to the same list. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Incident"][];
                        /** @description What to ask the next page with; null at the end. */
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    getIncident: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id from an earlier answer. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The incident. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Incident"];
                };
            };
        };
    };
}
