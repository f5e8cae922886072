import type { HttpConfig } from "../config";
import { listen } from "./listen";
import { problemResponse } from "./problems";

/** Answers the probes while a start waits for what others run: the process lives, and is not ready. */
export function openWaitingRoom(config: HttpConfig): AsyncDisposable {
  const server = listen(config, {
    fetch(request) {
      if (new URL(request.url).pathname === "/livez") {
        return new Response('{"status":"alive"}', { headers: { "content-type": "application/json" } });
      }
      return problemResponse({ status: 503, detail: "It is starting; its log says what it waits for." }, crypto.randomUUID());
    },
  });
  return { [Symbol.asyncDispose]: () => server.stop(true) };
}
