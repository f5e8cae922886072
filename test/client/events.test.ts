import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { eventsIn, type ServerEvent } from "../../src/client/events";
import { linesIn } from "../../src/client/text";

/** A body that comes in pieces of these sizes. */
function bodyOf(text: string, sizes: readonly number[]): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  let turn = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      const size = Math.max(1, sizes[turn++ % Math.max(1, sizes.length)] ?? bytes.length);
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

async function eventsOf(text: string, sizes: readonly number[] = []): Promise<ServerEvent[]> {
  return Array.fromAsync(eventsIn(bodyOf(text, sizes)));
}

const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });

describe("a stream of events", () => {
  test("gives the names, data and ids of its events", async () => {
    const text =
      'retry: 500\nid: c0\n\n: beat\nid: c1\n\nid: c2\nevent: change\ndata: {"a":\ndata: 1}\n\ndata:x\n\nevent: none\n\nevent: cut\ndata: off\n';
    expect(await eventsOf(text)).toEqual([
      { event: "message", data: null, id: "c0" },
      { event: "message", data: null, id: "c1" },
      { event: "change", data: '{"a":\n1}', id: "c2" },
      { event: "message", data: "x", id: "c2" },
    ]);
  });

  test("is the same in whatever pieces and with whatever line ends it comes", async () => {
    const events = fc.array(
      fc.record({
        event: fc.constantFrom("change", "gap"),
        data: fc.string({ unit: "grapheme", minLength: 1 }),
        id: fc.stringMatching(/^[a-z0-9]{1,8}$/),
      }),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(events, sizes, fc.constantFrom("\n", "\r\n", "\r"), async (told, pieces, end) => {
        const said = told.map((each) => ({ ...each, data: each.data.replaceAll(/[\r\n]/g, "") })).filter(({ data }) => data !== "");
        const text = said.map(({ event, data, id }) => [`id: ${id}`, `event: ${event}`, `data: ${data}`, "", ""].join(end)).join("");
        expect(await eventsOf(text, pieces)).toEqual(said);
      }),
    );
  });
});

describe("lines", () => {
  test("come whole, in whatever pieces the body comes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: "grapheme" })), sizes, fc.boolean(), async (texts, pieces, ended) => {
        const lines = texts.map((text) => text.replaceAll(/[\r\n]/g, "-") + ".");
        const body = bodyOf(lines.join("\n") + (ended && lines.length > 0 ? "\n" : ""), pieces);
        expect(await Array.fromAsync(linesIn(body))).toEqual(lines);
      }),
    );
  });

  test("let go of the body when nobody wants more", async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("line\n")),
      cancel: () => void (cancelled = true),
    });
    for await (const line of linesIn(body)) {
      expect(line).toBe("line");
      break;
    }
    expect(cancelled).toBe(true);
  });

  test("are no longer than anything of ours", async () => {
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024).fill(0x61)) });
    expect(Array.fromAsync(linesIn(body))).rejects.toThrow(/4194304 characters/);
  });
});
