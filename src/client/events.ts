import { linesIn, type Read } from "./text";

/** A message of a stream of server-sent events. */
export interface ServerEvent {
  readonly event: string;
  /** Null where it only moves the id. */
  readonly data: string | null;
  /** The last id up to here; null before the first. */
  readonly id: string | null;
}

/** Parses `text/event-stream` (HTML, section 9.2.6). Comments are passed over; an event that the end cuts off is none. */
export async function* eventsIn(body: ReadableStream<Uint8Array>, read?: Read): AsyncGenerator<ServerEvent, void> {
  let id: string | null = null;
  let told: string | null = null;
  let event = "";
  let data: string[] = [];
  for await (const line of linesIn(body, read)) {
    if (line === "") {
      if (data.length > 0 || id !== told)
        yield { event: event === "" ? "message" : event, data: data.length === 0 ? null : data.join("\n"), id };
      told = id;
      event = "";
      data = [];
      continue;
    }
    const [, name, value = ""] = /^([^:]*)(?:: ?([\s\S]*))?$/.exec(line) ?? [];
    if (name === "data") data.push(value);
    else if (name === "event") event = value;
    else if (name === "id" && !value.includes("\0")) id = value;
  }
}
