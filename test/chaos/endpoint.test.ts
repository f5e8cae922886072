import { expect, test } from "bun:test";
import { type Ailment, openEndpoint } from "../../chaos/endpoint";

/** Long enough for a busy machine to answer in what "slow" leaves of it. */
const TIMEOUT_MS = 3000;

interface Seen {
  readonly body: string;
  readonly answered: number;
}

async function open() {
  const seen: Seen[] = [];
  const endpoint = await openEndpoint({
    answer: () => ({ status: 204, delayMs: 0 }),
    timeoutMs: TIMEOUT_MS,
    onRequest: ({ body }, answered) => void seen.push({ body, answered }),
  });
  return {
    seen,
    ail: (ailment: Ailment | null) => endpoint.ail(ailment),
    /** The status of a whole answer that came in time, else what went wrong. */
    async post(body = "x"): Promise<number | string> {
      try {
        const response = await fetch(endpoint.url, { method: "POST", body, signal: AbortSignal.timeout(TIMEOUT_MS), keepalive: false });
        await response.text();
        return response.status;
      } catch (error) {
        const { name, code } = error as Error & { code?: string };
        return name === "TimeoutError" ? name : (code ?? name);
      }
    },
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}

test("an endpoint that nothing ails takes what comes, of any length", async () => {
  await using endpoint = await open();
  const long = "é".repeat(200_000);
  expect([await endpoint.post("one"), await endpoint.post(long)]).toEqual([204, 204]);
  expect(endpoint.seen).toEqual([
    { body: "one", answered: 204 },
    { body: long, answered: 204 },
  ]);
});

test.concurrent.each([
  { ailment: { kind: "hang" }, sees: "TimeoutError", answered: 0 },
  { ailment: { kind: "fail", status: 503, retryAfter: 2 }, sees: 503, answered: 503 },
  { ailment: { kind: "slow" }, sees: 200, answered: 200 },
  { ailment: { kind: "late" }, sees: "TimeoutError", answered: 200 },
  { ailment: { kind: "reset" }, sees: "ECONNRESET", answered: 0 },
  { ailment: { kind: "flood" }, sees: "TimeoutError", answered: 200 },
  { ailment: { kind: "reject" }, sees: 422, answered: 422 },
] as const)("$ailment.kind: the sender sees $sees, then the endpoint works again", async ({ ailment, sees, answered }) => {
  await using endpoint = await open();
  await endpoint.ail(ailment);
  expect(await endpoint.post()).toBe(sees);
  await endpoint.ail(null);
  expect(await endpoint.post()).toBe(204);
  expect(endpoint.seen.map((request) => request.answered)).toEqual([answered, 204]);
});

test("refuse: nobody listens, and kept connections end; then it listens at the same port", async () => {
  await using endpoint = await open();
  expect(await endpoint.post()).toBe(204);
  await endpoint.ail({ kind: "refuse" });
  expect(await endpoint.post()).toBe("ECONNREFUSED");
  await endpoint.ail(null);
  expect(await endpoint.post()).toBe(204);
  expect(endpoint.seen).toHaveLength(2);
});
