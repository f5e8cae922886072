/** What a reader of the reference page must know before the first operation. */
import { PROBLEMS } from "../problems";

const PROBLEM_ROWS = Object.entries(PROBLEMS)
  .map(([status, { slug, title }]) => `| ${status} | \`urn:tocsin:problem:${slug}\` | ${title} |`)
  .join("\n");

export const INTRODUCTION = `Sensors say how they are; Tocsin notices when a status changes, and tells everyone who asked by a signed webhook.

## The first call

\`\`\`sh
TOCSIN=http://127.0.0.1:8080   # where the API listens
TOKEN=tcs_…                    # printed at the first start, or ADMIN_TOKEN
curl -s "$TOCSIN/v1/sensors" -H "authorization: Bearer $TOKEN"
\`\`\`

Every operation below shows a call that can be pasted so. \`$WEBHOOK_ID\` and the like stand for ids that the service gave; \`-i\` shows the headers of an
answer, too. In the page, **Authorize** takes the token, and **Try it out** sends a call.

## Tokens

A token is sent as \`Authorization: Bearer …\`. It has scopes, which each operation names, and perhaps an expiry, and may be limited to one sensor or to the
sensors with certain labels: what lies outside is answered as if it were not there. \`POST /v1/tokens\` makes one, \`DELETE\` ends it on all nodes within a second.
\`admin\` may do everything. Without a valid token everything under \`/v1\` is 401, whatever else is wrong with the request; 403 names the scope that is missing.

## Errors

An error is \`application/problem+json\` (RFC 9457) and always has the members \`type\`, \`title\`, \`status\`, \`detail\`, \`errors\` (\`pointer\` and \`message\`, for each
field that is wrong) and \`requestId\`. What is wrong with a request is found in this order: 401, 429, 404, 405, 414, 415, 413, 408, 400, 403, 422. \`type\` and \`status\` stay
the same; \`detail\` is for people. A path asked with a method that it lacks is 405, with \`Allow\`; HEAD can be asked wherever GET can.

| status | type | title |
| --- | --- | --- |
${PROBLEM_ROWS}

Every answer carries \`x-request-id\`: the request's own, if it sent one, else a new one. 429 and 503 say by \`Retry-After\` when to come again.

## Pages

A list is \`{"items": […], "nextCursor": "…"}\`. Ask for the next page with \`?cursor=\` and the rest of the query as before; \`nextCursor\` is null at the end.
A cursor belongs to the list that gave it, and stays right while rows change: nothing that is there throughout is left out, or comes twice.

## Edits

Sensors, webhooks and statuses have a \`version\` that counts their edits, and their \`ETag\` begins with it. Send the \`ETag\` back as \`If-Match\` with PUT, PATCH or DELETE,
and an edit in between is 412 instead of lost; with a GET as \`If-None-Match\`, and what has not moved is 304. A sensor's \`ETag\` moves with its reports, too: \`If-Match\`
looks at the version in it alone. PATCH takes a JSON Merge Patch (RFC 7396): null takes out, objects are merged, lists are replaced. Fields that are not in the schema are 422.

## Doing it once, and asking for less

A POST that creates takes an \`Idempotency-Key\` of your choice. Sent again with the same key within a day, by the same token, it does nothing and gets the same
answer, with \`Idempotency-Replayed: true\`; while the first one runs it is 409, and with another path or body 422. For one report the key is its \`id\`, for many it makes their ids: each request is
answered for itself, and the report takes effect once.

Where an operation takes \`Prefer: return=minimal\`, its answer comes without a body (of many at once: with the items that were refused alone), and says so by
\`Preference-Applied\`.

## Many at once

\`POST /v1/reports\` and \`PUT /v1/sensors\` take tens of thousands of items: a JSON array, or a line each (\`application/x-ndjson\`). Each is taken in or refused by
itself, so the answer is a success with a result for each item; look at its \`refused\`. \`GET /v1/exports/…\` gives everything, a line each.

\`\`\`sh
printf '%s\\n' '{"sensorId":"boiler-7","status":"ok"}' '{"sensorId":"pump-1","status":"overheated"}' |
  curl -s "$TOCSIN/v1/reports" -H "authorization: Bearer $TOKEN" -H "content-type: application/x-ndjson" --data-binary @-
\`\`\`

## Live

\`GET /v1/changes/live\` is a stream of server-sent events that does not end: \`change\`, and \`gap\` where changes are no longer kept. The id of each event is a cursor:
come back with the last one as \`Last-Event-ID\`, to any node, and nothing is missed and nothing comes twice. \`slow\` and \`shutdown\` are last words: come back so.
\`unauthorized\` is the last word when the token is out.

## Limits

Requests are counted for each token and each address. \`RateLimit-Policy\` says how many may come at once (\`q\`) and in which time they come back (\`w\` seconds),
\`RateLimit\` what is left (\`r\`) and when all of it is back (\`t\` seconds). Beyond it is 429, with \`Retry-After\`. A body may have as many bytes as
\`x-body-bytes-max\` says beside its operation.

Every answer also carries what keeps browsers safe (\`Content-Security-Policy\`, \`X-Content-Type-Options\`, \`Referrer-Policy\`, \`Cross-Origin-Resource-Policy\`,
behind TLS \`Strict-Transport-Security\`) and \`Cache-Control\`.

## From a program

\`/client.js\` is a client for browsers, Node and Bun, typed and without dependencies in the package as \`tocsin/client\`. The document itself is at \`/swagger/json\`.
A page of another origin may use the API where \`CORS_ORIGINS\` names that origin.
`;
