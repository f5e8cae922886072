import { expect, test } from "bun:test";
import { isFault } from "../../src/domain/fault";
import { openTestApi } from "./api";

test("a port that is taken is a refusal in one line, which says what to do", async () => {
  await using first = await openTestApi();
  const port = Number(new URL(first.url).port);
  const refusal = await openTestApi({ port }).then(
    () => null,
    (error: unknown) => error,
  );
  expect(isFault(refusal, "conflict")).toBe(true);
  expect((refusal as Error).message).toBe(
    `Port ${port} on 127.0.0.1 is in use by another program; stop it or set HTTP_PORT to a free port.`,
  );
  expect((await first.request("GET", "/livez")).status).toBe(200);
});

test.each(["nosuchhost.invalid", "256.1.1.1", "192.0.2.1"])(
  "an HTTP_HOST that is not this machine's, %s, is a refusal that says so",
  async (host) => {
    const refusal = await openTestApi({ host }).then(
      (opened) => opened[Symbol.asyncDispose](),
      (error: unknown) => error,
    );
    expect(isFault(refusal, "unavailable")).toBe(true);
    expect((refusal as Error).message).toBe(`HTTP_HOST ${host} is neither an address of this machine nor a name for one.`);
  },
);

test("a stop lets what runs end, and then nobody is answered", async () => {
  await using api = await openTestApi();
  const acknowledged = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  Object.assign(api.reports, {
    async publish() {
      asked.resolve();
      await acknowledged.promise;
      return { stream: "REPORTS_1_0", sequence: 1, duplicate: false };
    },
  });
  const running = api.request("POST", "/v1/sensors/boiler-7/reports", { json: { status: "ok" } });
  await asked.promise;
  const stopped = api.stop(5000);
  acknowledged.resolve();
  expect((await running).status).toBe(202);
  await stopped;
  expect(api.request("GET", "/livez")).rejects.toThrow();
});

test("a stop waits no longer than it may", async () => {
  await using api = await openTestApi();
  api.reports.gate = Promise.withResolvers<void>().promise;
  const cut = api.request("POST", "/v1/sensors/boiler-7/reports", { json: { status: "ok" } }).catch(() => null);
  await api.request("GET", "/v1/sensors");
  // What runs never ends: a stop that waited for it would not, either.
  await api.stop(100);
  await cut;
});
