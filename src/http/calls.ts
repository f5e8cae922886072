import type { Reach } from "../domain/reach";
import type { Caller } from "./who/bearers";
import { Refusal } from "./problems";

/** What is known of a request once it was let in, before its handler runs. */
export interface Call {
  readonly requestId: string;
  /** Whose request it is: the client's IP address, behind the proxies that we trust. */
  readonly address: string;
  /** As it was asked: a handler of GET answers HEAD, too, of which nobody reads the body. */
  readonly method: string;
  /** Null where anybody may ask. */
  readonly caller: Caller | null;
  /**
   * For answers that go on for long: whether who asks would be let in now; at once, where that is known. Never throws or rejects; while
   * nobody can tell, it is what it was.
   */
  stillLetIn(): boolean | Promise<boolean>;
  /** Takes `cost` more for a large request, and resolves when the caller may go on: at the pace that its rate allows. */
  charge(cost: number): Promise<void>;
  /** An edit tells that it left everything as it was: then it is none, and the audit log holds nothing of it. */
  leftAsItWas(): void;
  /** Parsed JSON; null when the operation takes none. */
  readonly body: unknown;
  readonly query: Readonly<Record<string, unknown>>;
}

/** From a request, as Elysia hands it on, to what the gate found out about it. */
export type Calls = WeakMap<Request, Call>;

/** The sensors that whoever asks is limited to; null for all. */
export function reachOf(calls: Calls, request: Request): Reach | null {
  return calls.get(request)?.caller?.reach ?? null;
}

/** For an edit that was answered with what is there, as it is. */
export function leftAsItWas(calls: Calls, request: Request, unchanged: boolean): void {
  if (unchanged) calls.get(request)?.leftAsItWas();
}

/** For descriptions of operations that {@link demandAll}. */
export const NOT_LIMITED = "Not for a token that is limited to some sensors.";

/** For what is of all sensors at once, `what`. Throws a 403 for a token that is limited to some of them. */
export function demandAll(calls: Calls, request: Request, what: string): void {
  if (reachOf(calls, request) === null) return;
  throw new Refusal(403, `The token is limited to some sensors; ${what} one for all sensors.`);
}
