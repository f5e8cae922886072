import type { Bearers, Caller } from "../who/bearers";
import type { Call } from "../calls";
import type { Client } from "./clientAddress";
import { Refusal } from "../problems";
import type { Rates, Standing } from "./rates";
import type { Match } from "./routeTable";
import type { Target } from "./target";

/** Whoever watches the service must see it, too, when too many ask. */
const NEVER_LIMITED = new Set(["/livez", "/readyz", "/metrics"]);

export interface ArrivalFacts {
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  readonly requestId: string;
  readonly target: Target;
  readonly match: Match | null;
  readonly client: Client;
  readonly origin: string | null;
}

/** A request on its way through the gate, and what was found out about it so far. */
export class Arrival implements Call {
  readonly startedAt: number;
  readonly requestId: string;
  readonly target: Target;
  readonly match: Match | null;
  readonly client: Client;
  readonly origin: string | null;
  /** Takes a place and counts. */
  readonly limited: boolean;
  /** It took its place. */
  entered = false;
  caller: Caller | null = null;
  /** With the limit that it is nearest to; null as long as nothing was counted. */
  standing: Standing | null = null;
  /** What its body may take, and of whose room; null as long as there is none. */
  bodyRoom: { readonly caller: string; readonly bytes: number } | null = null;
  /** It edited nothing, as far as is known. */
  unchanged = false;
  body: unknown = null;
  query: Readonly<Record<string, unknown>> = {};

  constructor(
    readonly request: Request,
    private readonly means: { readonly bearers: Pick<Bearers, "callerOf">; readonly rates: Pick<Rates, "charge"> },
    { startedAt, requestId, target, match, client, origin }: ArrivalFacts,
  ) {
    this.startedAt = startedAt;
    this.requestId = requestId;
    this.target = target;
    this.match = match;
    this.client = client;
    this.origin = origin;
    this.limited = match === null || !NEVER_LIMITED.has(match.resource.template);
  }

  get known(): boolean {
    return this.caller !== null;
  }

  get method(): string {
    return this.request.method;
  }

  get address(): string {
    return this.client.address;
  }

  stillLetIn(): boolean | Promise<boolean> {
    const unlessRefused = (error: unknown) => !(error instanceof Refusal);
    try {
      const caller = this.means.bearers.callerOf(this.request.headers);
      return caller instanceof Promise ? caller.then(() => true, unlessRefused) : true;
    } catch (error) {
      return unlessRefused(error);
    }
  }

  leftAsItWas(): void {
    this.unchanged = true;
  }

  charge(cost: number): Promise<void> {
    return this.means.rates.charge(this.caller, cost);
  }
}
