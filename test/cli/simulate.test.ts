import { expect, test } from "bun:test";
import { parseReport } from "../../src/domain/report";
import { type NatsLink, openNats } from "../../src/jetstream/connection";
import { startNatsServer, type TestNats } from "../servers/natsServer";
import { startCommand } from "./command";

const STREAM = "REPORTS_1_0";

/** A broker with the stream that the mapping leads to. */
async function brokerWithStream(): Promise<{ nats: TestNats; link: NatsLink } & AsyncDisposable> {
  const nats = await startNatsServer();
  const link = await openNats({ urls: [nats.url], name: "test" });
  await link.api.streams.add({ name: STREAM, subjects: ["reports.1.0.*"] });
  return {
    nats,
    link,
    async [Symbol.asyncDispose]() {
      await link.close();
      await nats.stop();
    },
  };
}

/** How often each report's id stands in the stream. Fails on anything that is not a report. */
async function idsStored({ api }: NatsLink): Promise<Map<string, number>> {
  const { state } = await api.streams.info(STREAM);
  const counts = new Map<string, number>();
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await api.streams.getMessage(STREAM, { seq });
    const parsed = parseReport(message?.data ?? new Uint8Array());
    if (!parsed.ok || parsed.report.id === null || parsed.report.at === null)
      throw new Error(`message ${seq} is not a report with id and time`);
    counts.set(parsed.report.id, (counts.get(parsed.report.id) ?? 0) + 1);
  }
  return counts;
}

function figure(stdout: string, name: string): number {
  return Number(new RegExp(`^${name} +(\\d+)`, "m").exec(stdout)?.[1]);
}

test("every report of a simulated fleet is acknowledged, and stands in the stream once", async () => {
  await using broker = await brokerWithStream();
  const words = ["simulate", "--sensors", "20", "--rate", "300", "--seconds", "1"];
  const { exitCode, stdout } = await startCommand(words, { NATS_URL: broker.nats.url }).ended();
  expect(exitCode).toBe(0);
  expect([figure(stdout, "sent"), figure(stdout, "acknowledged"), figure(stdout, "failed")]).toEqual([300, 300, 0]);
  expect(stdout).toMatch(/^rate reached +\d+\.\d reports\/s/m);
  expect(stdout).toMatch(/^acknowledgement +p50 [\d.]+ ms, p99 [\d.]+ ms/m);
  const stored = await idsStored(broker.link);
  expect(stored.size).toBe(300);
  // Whoever hears no answer for seconds says it again, and it may stand twice.
  const messages = [...stored.values()].reduce((sum, count) => sum + count, 0);
  expect(messages).toBeLessThanOrEqual(300 + figure(stdout, "retried"));
});

test("a broker that is killed in between costs no report: each is sent again until it is acknowledged", async () => {
  await using broker = await brokerWithStream();
  const words = ["simulate", "--sensors", "20", "--rate", "200", "--seconds", "600"];
  const running = startCommand(words, { NATS_URL: broker.nats.url });
  await running.printed(/1\/600 s/);
  broker.nats.kill();
  await running.printed(/retried [1-9]/);
  running.signal("SIGINT");
  const { exitCode, stdout } = await running.ended();
  expect(exitCode).toBe(0);
  expect([figure(stdout, "acknowledged"), figure(stdout, "failed")]).toEqual([figure(stdout, "sent"), 0]);
  expect(figure(stdout, "retried")).toBeGreaterThan(0);
  expect((await idsStored(broker.link)).size).toBe(figure(stdout, "sent"));
});

test("Ctrl-C ends the fleet early, with the summary of what was sent", async () => {
  await using broker = await brokerWithStream();
  const running = startCommand(["simulate", "--rate", "50", "--seconds", "60"], { NATS_URL: broker.nats.url });
  await running.printed(/1\/60 s/);
  running.signal("SIGINT");
  const { exitCode, stdout } = await running.ended();
  expect(exitCode).toBe(0);
  expect(figure(stdout, "acknowledged")).toBe(figure(stdout, "sent"));
});
