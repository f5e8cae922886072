import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

/** No more is read of an answer's body, and no more unpacked. */
const ANSWER_BYTES_MAX = 16 * 1024;
/** How long the body of an answer is waited for whose head has decided already. */
const MOMENT_MS = 1000;
/** What is kept of it for a person to read. */
const EXCERPT_BYTES_MAX = 1024;

/** The beginning of a body as it came, still packed if it is. */
export interface Beginning {
  readonly encoding: string | null;
  readonly chunks: Uint8Array[];
}

/** Reads to the end or the limit. Rejects when the body breaks off before. */
export async function readBeginning({ body }: Response, { chunks }: Beginning): Promise<void> {
  if (body !== null) await readInto(chunks, body.getReader());
}

/** For an answer that is one whatever its body does: that is waited for only a moment, and may break off. */
export async function readMoment({ body }: Response, { chunks }: Beginning): Promise<void> {
  if (body === null) return;
  const reader = body.getReader();
  const timer = setTimeout(() => void reader.cancel().catch(() => {}), MOMENT_MS);
  try {
    await readInto(chunks, reader);
  } catch {
    // What came is what there is.
  } finally {
    clearTimeout(timer);
  }
}

async function readInto(chunks: Uint8Array[], reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">): Promise<void> {
  for (let bytes = 0; bytes < ANSWER_BYTES_MAX;) {
    const { done, value } = await reader.read();
    if (done) return;
    chunks.push(value);
    bytes += value.byteLength;
  }
  await reader.cancel();
}

/** The beginning of what a person would read in the body; null for nothing, and for what does not unpack. */
export async function excerptOf({ encoding, chunks }: Beginning, hidden: readonly string[]): Promise<string | null> {
  if (chunks.length === 0) return null;
  const bytes = await unpacked(Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX), encoding);
  let text = new TextDecoder().decode(bytes, { stream: true });
  for (const secret of hidden) text = text.replaceAll(secret, "[hidden]");
  return cut(text.slice(0, EXCERPT_BYTES_MAX).replace(UNPRINTABLE, "\u{fffd}")) || null;
}

/** Control characters but for tab and line ends, and what turns or hides text. */
const UNPRINTABLE =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{d800}-\u{dfff}\u{e0000}-\u{e007f}]/gu;

/** At most so many bytes of UTF-8, no character by half. */
function cut(text: string): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, EXCERPT_BYTES_MAX), { stream: true });
}

const UNPACKERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** We ask for no packing; some pack all the same. What came before the packed bytes break off counts. */
function unpacked(bytes: Buffer, encoding: string | null): Buffer | Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? "";
  if (name === "" || name === "identity") return bytes;
  const unpacker = UNPACKERS[name]?.();
  if (unpacker === undefined) return Buffer.alloc(0);
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const parts: Buffer[] = [];
  let length = 0;
  const end = () => {
    unpacker.destroy();
    resolve(Buffer.concat(parts).subarray(0, ANSWER_BYTES_MAX));
  };
  unpacker.on("data", (part: Buffer) => {
    parts.push(part);
    length += part.length;
    if (length >= ANSWER_BYTES_MAX) end();
  });
  unpacker.on("end", end);
  unpacker.on("error", end);
  unpacker.end(bytes);
  return promise;
}
