import { expect, test } from "bun:test";
import { createMessageReader } from "../../src/jetstream/consumedMessage";

type Read = Parameters<ReturnType<typeof createMessageReader>>[0];

/** A message as the client hands it over, as far as it is read. */
function received(reply: string): Read {
  const [subject, data] = ["reports.1.0.boiler-7", new TextEncoder().encode("ok")];
  return { reply, subject, data, size: () => reply.length + subject.length + data.length } as Partial<Read> as Read;
}

const read = createMessageReader("c-1");

test("a message's place is read from its reply subject, whichever server wrote it", () => {
  for (const reply of [
    "$JS.ACK.REPORTS_1_0.c-1.1.42.7.1795428000123456789.12",
    "$JS.ACK._.hash.REPORTS_1_0.c-1.1.42.7.1795428000123456789.12",
    "$JS.ACK.domain.hash.REPORTS_1_0.c-1.1.42.7.1795428000123456789.12.token",
  ]) {
    const message = read(received(reply));
    expect(message).toMatchObject({ sequence: 42, id: "boiler-7", subject: "reports.1.0.boiler-7", timeMs: 1795428000123 });
    expect(message?.timeNs()).toBe("1795428000123456789");
    expect(message?.pending()).toBe(12);
    expect(message?.bytes).toBe(reply.length + "reports.1.0.boiler-7".length + "ok".length);
  }
});

test("a time in milliseconds is rounded as the NATS client rounds it for everybody who reads the stream", () => {
  const nanoseconds = "1795428000123999999";
  const message = read(received(`$JS.ACK.REPORTS_1_0.c-1.1.42.7.${nanoseconds}.0`));
  expect(message?.timeMs).toBe(Math.floor(Number.parseInt(nanoseconds, 10) / 1_000_000));
  expect(message?.timeMs).toBe(1795428000124);
  expect(message?.timeNs()).toBe(nanoseconds);
});

test("a message without a place is none of the consumer's", () => {
  for (const reply of ["", "_INBOX.x.1", "$JS.ACK.REPORTS_1_0.another.1.42.7.1795428000123456789.12", "$JS.ACK.REPORTS_1_0.c-1.1.42"])
    expect(read(received(reply))).toBeNull();
});
