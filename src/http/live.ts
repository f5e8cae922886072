import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { type Calls, reachOf } from "./calls";
import { ChangeFilterFields, changeFilterOf } from "./changeFilter";
import { changeCursorOf } from "./changeList";
import { GivenChangeCursor, LastEventId } from "./changeModel";
import { operation } from "./document/operation";
import type { LivePort } from "./ports";
import { callerKey } from "./gate/rates";

const LiveQuery = Type.Object({ ...ChangeFilterFields, cursor: Type.Optional(GivenChangeCursor) }, { additionalProperties: false });
const LiveHeaders = Type.Object({ "last-event-id": Type.Optional(LastEventId) });

const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store, no-transform",
  // nginx keeps answers back until they are large, unless it is told otherwise.
  "x-accel-buffering": "no",
};

export interface LiveRouteOptions {
  readonly calls: Calls;
  readonly port: LivePort;
}

export function live({ port, calls }: LiveRouteOptions) {
  return new Elysia({ name: "live" }).get(
    "/v1/changes/live",
    async ({ query, headers, request }) => {
      const lookout = { filter: changeFilterOf(query), reach: reachOf(calls, request) };
      const from = changeCursorOf(headers["last-event-id"], "/last-event-id") ?? changeCursorOf(query.cursor, "/cursor");
      const call = calls.get(request);
      if (call?.caller == null || call.method === "HEAD") return new Response(null, { headers: STREAM_HEADERS });
      const credential = request.headers.get("authorization") ?? "";
      const stillLetIn = () => call.stillLetIn();
      const stream = await port.watch({ from, lookout, caller: callerKey(call.caller), credential, stillLetIn });
      return new Response(stream, { headers: STREAM_HEADERS });
    },
    { query: LiveQuery, headers: LiveHeaders, ...WATCH },
  );
}

const WATCH = operation({
  id: "watchChanges",
  tag: "Changes",
  summary: "Changes as they are recorded, as server-sent events",
  description: `Begins now, or after \`Last-Event-ID\` or \`cursor\`, which every list of changes gives. The id of an event is such a cursor, so a client
that reconnects with the last one, to any node, misses nothing and gets nothing twice.

\`change\`: the data is an item of the list. \`gap\`: \`missed\` changes after the cursor are no longer kept; the stream goes on at the oldest that are.
\`slow\`, \`shutdown\`, \`unauthorized\`: the last event of a stream that the server ends; reconnect with its \`cursor\`, except after \`unauthorized\`.
While there is nothing to send, an id without an event comes every 15 seconds.`,
  scope: "sensors:read",
  answers: {
    200: {
      description: "A stream that does not end.",
      schema: Type.String(),
      type: "text/event-stream",
      headers: { "x-accel-buffering": "`no`: a proxy must not hold it back." },
    },
  },
});
