import { connect } from "node:net";

const ANSWER_MS = 30_000;

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends bytes as they are: `fetch` would put a path in order and count a body before it leaves. Resolves with the first answer. */
export async function rawRequest(url: string, parts: readonly (string | Uint8Array)[]): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const answered = Promise.withResolvers<string>();
  let text = "";
  const socket = connect(Number(port), hostname);
  socket.on("error", (error) => answered.reject(error));
  socket.on("close", () => answered.resolve(text));
  socket.on("data", (data) => {
    text += data.toString();
    if (isWhole(text)) answered.resolve(text);
  });
  const timer = setTimeout(() => answered.reject(new Error(`no answer in ${ANSWER_MS} ms, but: ${text}`)), ANSWER_MS);
  try {
    for (const part of parts) socket.write(part);
    const [head = "", body = ""] = (await answered.promise).split("\r\n\r\n");
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, body };
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function isWhole(text: string): boolean {
  const [head = "", body] = text.split("\r\n\r\n");
  const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
  return body !== undefined && length !== undefined && Buffer.byteLength(body) >= Number(length);
}

/** The head of a request with the blank line after it. */
export function headOf(method: string, path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ host: "localhost", ...headers }).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}
