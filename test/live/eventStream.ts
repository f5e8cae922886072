import type { ChangeData } from "../../src/domain/change";
import { until } from "../until";

export interface StreamEvent {
  readonly event: string;
  /** The last event id, as a browser would send it after this event. */
  readonly id: string;
  readonly data: string;
}

/** Reads server-sent events as a browser does (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation). */
export class EventStream implements AsyncDisposable {
  readonly events: StreamEvent[] = [];
  lastEventId = "";
  /** The id that it began with. */
  firstId = "";
  retryMs: number | null = null;
  comments = 0;
  /** How often the id was moved by something that is no event. */
  idsAlone = 0;
  ended = false;
  #text = "";
  readonly #cancel: () => Promise<void>;
  readonly #reading: Promise<void>;

  constructor(body: ReadableStream<Uint8Array>) {
    const reader = body.getReader();
    this.#cancel = () => reader.cancel();
    this.#reading = this.#read(() => reader.read());
  }

  static async open(url: string, { token, lastEventId }: { token: string; lastEventId?: string }): Promise<EventStream> {
    const headers = { authorization: `Bearer ${token}`, ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }) };
    const response = await fetch(url, { headers });
    if (response.status !== 200 || response.body === null) throw new Error(`answered ${response.status}: ${await response.text()}`);
    const stream = new EventStream(response.body);
    await until(() => stream.lastEventId !== "" || stream.ended, "the stream does not begin");
    return stream;
  }

  changes(): ChangeData[] {
    return this.events.filter(({ event }) => event === "change").map(({ data }) => JSON.parse(data) as ChangeData);
  }

  changeIds(): string[] {
    return this.changes().map(({ changeId }) => changeId);
  }

  last(): StreamEvent | undefined {
    return this.events.at(-1);
  }

  async holds(count: number): Promise<void> {
    await until(() => this.changes().length >= count, `${count} changes do not come, but ${this.changes().length}`);
  }

  async end(): Promise<void> {
    await until(() => this.ended, "the stream does not end");
  }

  async close(): Promise<void> {
    await this.#cancel().catch(() => {});
    await this.#reading;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #read(read: () => Promise<{ value?: Uint8Array; done: boolean }>): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const { value, done } = await read();
        if (done) break;
        this.#text += decoder.decode(value, { stream: true });
        for (let at = this.#text.indexOf("\n\n"); at !== -1; at = this.#text.indexOf("\n\n")) {
          this.#take(this.#text.slice(0, at).split("\n"));
          this.#text = this.#text.slice(at + 2);
        }
      }
    } catch {
      // Cut off.
    }
    this.ended = true;
  }

  #take(lines: readonly string[]): void {
    let [event, data, moved] = ["message", "", false];
    for (const line of lines) {
      const [, name, value = ""] = /^(\w*):? ?(.*)$/.exec(line) ?? [];
      if (line.startsWith(":")) this.comments += 1;
      else if (name === "id") [this.firstId, this.lastEventId, moved] = [this.firstId || value, value, true];
      else if (name === "retry") this.retryMs = Number(value);
      else if (name === "event") event = value;
      else if (name === "data") data += value;
      else throw new Error(`no line of an event: ${line}`);
    }
    if (data !== "") this.events.push({ event, id: this.lastEventId, data });
    else if (moved) this.idsAlone += 1;
  }
}
