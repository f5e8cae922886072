/** What a reader of the reference page must know before the first operation. */
import { PROBLEMS } from "../problems";

const PROBLEM_ROWS = Object.entries(PROBLEMS)
  .map(([status, { slug, title }]) => `| ${status} | \`urn:tocsin:problem:${slug}\` | ${title} |`)
  .join("\n");

export const INTRODUCTION = `Sensors report a status; Tocsin notices when it changes, or when a sensor falls silent, and tells every subscriber by a signed webhook.

## The first call

\`\`\`sh
TOCSIN=http://127.0.0.1:8080   # where the API listens
TOKEN=tcs_…                    # printed at the first start, or ADMIN_TOKEN
curl -s "$TOCSIN/v1/sensors" -H "authorization: Bearer $TOKEN"
\`\`\`

Every operation below shows a call to paste after these lines. \`$WEBHOOK_ID\` and the like stand for ids from earlier answers; add \`-i\` to see the headers of an
answer. On this page, **Authorize** takes the token, and **Try it out** sends a call.

## Tokens

A token is sent as \`Authorization: Bearer …\`. It has scopes (each operation names the one that it needs) and perhaps an expiry. It may be limited to one sensor, or to
the sensors with certain labels: all others are then answered as if they did not exist. \`POST /v1/tokens\` makes a token, \`DELETE\` revokes it on all nodes within a second.
The scope \`admin\` allows everything. Without a valid token everything under \`/v1\` is 401, whatever else is wrong with the request; a 403 names the missing scope.

## Errors

JSON is answered as \`application/json\`, in UTF-8 and without a parameter.
An error is \`application/problem+json\` (RFC 9457) and always has the members \`type\`, \`title\`, \`status\`, \`detail\`, \`errors\` (\`pointer\` and \`message\`, for each
wrong field) and \`requestId\`. Requests are checked in this order: 401, 429, 404, 405, 414, 415, 413, 408, 400, 403, 422. Programs may rely on \`type\` and \`status\`;
\`title\` and \`detail\` are for people and may change. A method that a path does not have is 405, with \`Allow\`; HEAD works wherever GET does.

| status | type | title |
| --- | --- | --- |
${PROBLEM_ROWS}

Every answer carries \`x-request-id\`: the request's own, if it sent one, else a new one. After 429 and 503, \`Retry-After\` says when to try again.

## Pages

A list is \`{"items": […], "nextCursor": "…"}\`. Ask for the next page with \`?cursor=\` and the rest of the query unchanged; \`nextCursor\` is null on the last page.
A cursor belongs to the list that gave it, and stays valid while rows change: an item that exists all the time is neither left out nor repeated.

## Edits

Sensors, webhooks and statuses have a \`version\` that counts their edits, and their \`ETag\` begins with it. Send the \`ETag\` back as \`If-Match\` with PUT, PATCH or DELETE:
if somebody else made an edit in between, the answer is 412 and nothing is overwritten. With GET, send it as \`If-None-Match\`: if nothing changed, the answer is 304. A sensor's \`ETag\`
also changes with its reports; \`If-Match\` compares only the version in it. PATCH takes a JSON Merge Patch (RFC 7396): null removes, objects are merged, lists are
replaced. Fields that are not in the schema are 422.
A PUT or PATCH that changes nothing is no edit: the answer is 200 with the present representation, and the version stays.

## Idempotency, and shorter answers

A POST that creates takes an \`Idempotency-Key\` of your choice. The same request, sent again with the same key and token within a day, does nothing and gets the same
answer, with \`Idempotency-Replayed: true\`; while the first one still runs it is 409, and with another path or body 422. Reports are different: the key becomes the report's
\`id\` (of many reports, the first part of their ids), each request gets an answer of its own, and the report takes effect once.

Where an operation takes \`Prefer: return=minimal\`, its answer has no body (a bulk request: only the refused items), and says so by \`Preference-Applied\`.

## Many at once

\`POST /v1/reports\` and \`PUT /v1/sensors\` take tens of thousands of items: a JSON array, or one item per line (\`application/x-ndjson\`). Each item is accepted or refused by
itself, so the answer is a success with a result for each: look at its \`refused\`. \`GET /v1/exports/…\` gives everything, one item per line.

\`\`\`sh
printf '%s\\n' '{"sensorId":"boiler-7","status":"ok"}' '{"sensorId":"pump-1","status":"overheated"}' |
  curl -s "$TOCSIN/v1/reports" -H "authorization: Bearer $TOKEN" -H "content-type: application/x-ndjson" --data-binary @-
\`\`\`

## Live

\`GET /v1/changes/live\` is an endless stream of server-sent events: \`change\`, and \`gap\` where changes are no longer kept. The id of each event is a cursor: reconnect
with the last one as \`Last-Event-ID\`, to any node, and nothing is missed or repeated. The server ends a stream with \`slow\` or \`shutdown\` (reconnect in the same way), or with
\`unauthorized\` (the token was revoked or has expired).

## Limits

Requests are counted for each token and each address. \`RateLimit-Policy\` says how many are allowed at once (\`q\`) and in how many seconds they refill (\`w\`),
\`RateLimit\` how many are left (\`r\`) and in how many seconds all of them are back (\`t\`). More are 429, with \`Retry-After\`. \`x-body-bytes-max\` at an operation is
the largest body in bytes.

Every answer also carries the usual security headers (\`Content-Security-Policy\`, \`X-Content-Type-Options\`, \`Referrer-Policy\`, \`Cross-Origin-Resource-Policy\`,
behind TLS \`Strict-Transport-Security\`) and \`Cache-Control\`.

## From a program

\`/client.js\` is a client for browsers, Node and Bun without dependencies; the package \`tocsin/client\` is the same with types. This document is at \`/swagger/json\`;
a browser that opens \`/\` is sent to this page.
A page of another origin may use the API if \`CORS_ORIGINS\` names that origin.
`;
