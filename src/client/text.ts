/** Streams of text, cut into lines. */

/** A line that is longer is not read on: nothing of the API is so long. */
const LINE_CHARS_MAX = 4 * 1024 * 1024;

/** Lines without their ends (LF, CRLF or CR). What follows the last end is given, too, unless it is empty. Lets go of the body when it is left. */
export async function* linesIn(body: ReadableStream<Uint8Array>, read: Read = (reader) => reader.read()): AsyncGenerator<string, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await read(reader);
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      // A CR at the end may be the first half of a CRLF.
      const lines = rest.split(done ? /\r\n|\n|\r/ : /\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      yield* lines;
      if (rest.length > LINE_CHARS_MAX) throw new Error(`a line of more than ${LINE_CHARS_MAX} characters`);
      if (!done) continue;
      if (rest !== "") yield rest;
      return;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

interface Piece {
  readonly done: boolean;
  readonly value?: Uint8Array | undefined;
}

/** Waits for the next piece of a body. */
export type Read = (reader: { read(): Promise<Piece> }) => Promise<Piece>;
