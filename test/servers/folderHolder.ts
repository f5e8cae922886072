import { join } from "node:path";

/** Another process that holds a data folder, with or without an embedded broker. */
export interface FolderHolder extends AsyncDisposable {
  readonly pid: number;
  /** Of its nats-server; null without one. */
  readonly natsPid: number | null;
  readonly exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts it and resolves once it holds the folder; `env` is set on top of ours, and "nats" starts the broker. Rejects when it cannot. */
export async function startHolder(folder: string, broker?: { env: Record<string, string> }): Promise<FolderHolder> {
  const words = [process.execPath, join(import.meta.dir, "holdFolder.ts"), folder, ...(broker === undefined ? [] : ["nats"])];
  const child = Bun.spawn(words, { env: { ...process.env, ...broker?.env }, stdio: ["ignore", "pipe", "inherit"] });
  const { natsPid } = JSON.parse(await firstLine(child.stdout)) as { natsPid: number | null };
  return {
    pid: child.pid,
    natsPid,
    exited: child.exited,
    kill: (signal) => child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  throw new Error("the process ended before it held the folder");
}
