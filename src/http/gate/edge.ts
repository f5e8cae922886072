import type { BucketRule } from "../../domain/bucket";
import type { EdgeConfig } from "../../edgeConfig";
import type { Bearers } from "../who/bearers";
import { BODY_MS_MAX } from "./body";
import { createClientReader } from "./clientAddress";
import { createCors } from "./cors";
import { createDeadlines } from "./deadlines";
import type { GateOptions } from "./gate";
import { createInFlight, IN_FLIGHT_LIMITS, type InFlightLimits } from "./inFlight";
import type { Buckets } from "../ports";
import { createRates } from "./rates";
import { createUnread, UNREAD_LIMITS, type UnreadLimits } from "./unread";
import { createTries, WRONG_TOKENS } from "../who/tries";

export interface EdgeOptions extends EdgeConfig {
  readonly buckets: Buckets;
  /** For tests: smaller ones are reached sooner. */
  readonly limits?: Partial<InFlightLimits & UnreadLimits & { readonly bodyMs: number; readonly wrongTokens: BucketRule }>;
}

export interface Edge extends Pick<GateOptions, "clients" | "tries" | "rates" | "inFlight" | "bodies" | "unread" | "cors"> {
  stop(): void;
}

/** What stands between a stranger and the handlers. */
export function createEdge({ buckets, limits = {}, ...config }: EdgeOptions, bearers: Bearers): Edge {
  const inFlight = createInFlight({ ...IN_FLIGHT_LIMITS, ...limits });
  const bodies = createDeadlines(limits.bodyMs ?? BODY_MS_MAX);
  return {
    clients: createClientReader(config.trustedProxies),
    tries: createTries({ bearers, buckets, rule: limits.wrongTokens ?? WRONG_TOKENS }),
    rates: createRates({ buckets, perToken: config.perToken, perAddress: config.perAddress }),
    inFlight,
    bodies,
    unread: createUnread({ ...UNREAD_LIMITS, ...limits }),
    cors: createCors(config.corsOrigins),
    stop() {
      inFlight.stop();
      bodies.stop();
    },
  };
}
