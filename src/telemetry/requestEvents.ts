import type { Metrics } from "./metrics";
import type { Tally } from "./tallies";

export interface AnsweredRequest {
  readonly method: string;
  /** Its template. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** Every request is counted, so what it is counted by is found by its labels one after the other, without a text made of them. */
export function createRequestEvents({ httpSeconds }: Pick<Metrics, "httpSeconds">) {
  const byRoute = new Map<string, Map<string, Map<number, Tally>>>();

  function tallyOf(route: string, method: string, status: number): Tally {
    let byMethod = byRoute.get(route);
    if (byMethod === undefined) byRoute.set(route, (byMethod = new Map()));
    let byStatus = byMethod.get(method);
    if (byStatus === undefined) byMethod.set(method, (byStatus = new Map()));
    let tally = byStatus.get(status);
    if (tally === undefined) byStatus.set(status, (tally = httpSeconds.tally({ method, route, status })));
    return tally;
  }

  return {
    requestAnswered({ method, route, status, seconds }: AnsweredRequest): void {
      tallyOf(route, method, status).observe(seconds);
    },
  };
}
