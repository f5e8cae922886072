/** A body that is read as it comes and never held whole. */
import { Pace, PACE_BYTES_MIN, PACE_MS } from "./pace";
import { Refusal } from "../problems";

/** A body that takes longer is broken off: whoever sends it holds one of few places. */
const READ_MS_MAX = 10 * 60 * 1000;

/** Why a body ended before its end. */
export interface BrokenOff {
  readonly status: 400 | 401 | 408 | 413;
  readonly detail: string;
}

export class StreamedBody {
  /** As its sender called it, without parameters. */
  readonly type: string;

  /** Of a request whose type was found to be one that is taken. Throws {@link Refusal} (413) when it is announced as too long. */
  constructor(
    private readonly request: Request,
    private readonly bytesMax: number,
  ) {
    const declared = request.headers.get("content-length");
    if (declared !== null && Number(declared) > bytesMax) throw new Refusal(413, tooLong(bytesMax));
    const type = (request.headers.get("content-type") ?? "").toLowerCase().split(";")[0] as string;
    this.type = type.trim();
  }

  /** Its chunks; what it returns tells how it ended, null for whole. To be read once; whoever stops before the end is done with it. */
  read(): AsyncGenerator<Uint8Array, BrokenOff | null> {
    return chunksOf(this.request.body, this.bytesMax);
  }
}

async function* chunksOf(body: Request["body"], bytesMax: number): AsyncGenerator<Uint8Array, BrokenOff | null> {
  if (body === null) return null;
  const reader = body.getReader();
  let late: string | null = null;
  let isWhole = false;
  const breakOff = (why: string) => {
    late ??= why;
    void reader.cancel().catch(() => {});
  };
  const end = setTimeout(() => breakOff(`The body took longer than ${READ_MS_MAX / 60_000} minutes.`), READ_MS_MAX);
  const pace = new Pace();
  const look = setInterval(() => {
    if (pace.isTooSlow()) breakOff(`Of the body fewer than ${PACE_BYTES_MIN} bytes came in ${PACE_MS / 1000} s.`);
  }, PACE_MS);
  try {
    for (let bytes = 0; ;) {
      const { done, value } = await pace.wait(() => reader.read());
      if (late !== null) return { status: 408, detail: late };
      if (done) {
        isWhole = true;
        return null;
      }
      bytes += value.length;
      if (bytes > bytesMax) return { status: 413, detail: tooLong(bytesMax) };
      yield value;
    }
  } catch {
    return { status: 400, detail: "The body was cut off before its end." };
  } finally {
    clearTimeout(end);
    clearInterval(look);
    if (!isWhole) void reader.cancel().catch(() => {});
  }
}

function tooLong(bytesMax: number): string {
  return `The body may have at most ${bytesMax} bytes.`;
}
