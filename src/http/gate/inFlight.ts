import { createDeadlines } from "./deadlines";
import { Refusal } from "../problems";

/** So many requests a node works on at once; above what waits for the broker (`PUBLISHING_MAX`), so that this has its own answer. */
export const IN_FLIGHT_MAX = 12_000;
/** So much their bodies may take together. */
export const IN_FLIGHT_BODY_BYTES_MAX = 256 * 1024 * 1024;
/** And so much those of one caller: nobody keeps all others out by bodies that come slowly. */
const CALLER_BODY_BYTES_MAX = 64 * 1024 * 1024;
/** A handler that has not begun to answer by then is not waited for. Longer than a test event to a webhook may take. */
export const HANDLER_MS_MAX = 60_000;

export interface InFlightLimits {
  readonly requestsMax: number;
  readonly bodyBytesMax: number;
  readonly callerBodyBytesMax: number;
  readonly handlerMs: number;
}

export const IN_FLIGHT_LIMITS: InFlightLimits = {
  requestsMax: IN_FLIGHT_MAX,
  bodyBytesMax: IN_FLIGHT_BODY_BYTES_MAX,
  callerBodyBytesMax: CALLER_BODY_BYTES_MAX,
  handlerMs: HANDLER_MS_MAX,
};

/** What this node works on: from a request's arrival until its answer begins. */
export interface InFlight {
  /** Throws {@link Refusal} (503) when there is no room for another one. */
  enter(): void;
  /** Room for a body of this caller's; throws likewise, and a 429 when that one has too many. It is given back by `leaveBody`. */
  enterBody(caller: string, bytes: number): void;
  leaveBody(caller: string, bytes: number): void;
  leave(): void;
  /** What a handler answers; a {@link Refusal} (503) when it does not begin to in time. Until it ends it takes its place all the same. */
  answered(answer: Response | Promise<Response>): Response | Promise<Response>;
  stop(): void;
}

export function createInFlight({ requestsMax, bodyBytesMax, callerBodyBytesMax, handlerMs }: InFlightLimits = IN_FLIGHT_LIMITS): InFlight {
  const deadlines = createDeadlines(handlerMs);
  let requests = 0;
  let bodyBytes = 0;
  /** Those that have any. */
  const byCaller = new Map<string, number>();

  return {
    enter() {
      if (requests >= requestsMax) throw full(`This node works on ${requestsMax} requests already`);
      requests += 1;
    },
    enterBody(caller, bytes) {
      const held = (byCaller.get(caller) ?? 0) + bytes;
      if (held > callerBodyBytesMax) {
        const detail = `Of this caller ${callerBodyBytesMax} bytes of requests are held here already; try again in a moment.`;
        throw new Refusal(429, detail, { headers: { "retry-after": "1" }, limit: "in-flight" });
      }
      if (bodyBytes + bytes > bodyBytesMax) throw full(`This node holds ${bodyBytesMax} bytes of requests already`);
      bodyBytes += bytes;
      byCaller.set(caller, held);
    },
    leaveBody(caller, bytes) {
      bodyBytes -= bytes;
      const held = (byCaller.get(caller) ?? 0) - bytes;
      if (held > 0) byCaller.set(caller, held);
      else byCaller.delete(caller);
    },
    leave() {
      requests -= 1;
    },
    answered(answer) {
      if (!(answer instanceof Promise)) return answer;
      const begun = Bun.peek(answer);
      if (begun instanceof Response) return begun;
      return deadlines.race(answer, () => {
        requests += 1;
        const ended = () => {
          requests -= 1;
        };
        answer.then(ended, ended);
        return new Refusal(503, `This took longer than ${handlerMs / 1000} s. It may still be done: look before you send it again.`);
      });
    },
    stop: () => deadlines.stop(),
  };
}

function full(what: string): Refusal {
  return new Refusal(503, `${what}; try again in a moment.`, { headers: { "retry-after": "1" }, limit: "in-flight" });
}
