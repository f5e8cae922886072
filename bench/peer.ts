import { resolve } from "node:path";

/** A script of the bench that runs beside it and does what it is asked. */
export interface Peer {
  /** One after the other; rejects when the peer's answer is an error, or it ended. */
  ask<Answer>(name: string, argument?: unknown): Promise<Answer>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Answered {
  readonly answer?: unknown;
  readonly error?: string;
}

export function startPeer(script: string, settings: unknown): Peer {
  const waiting: PromiseWithResolvers<unknown>[] = [];
  const ready = Promise.withResolvers<unknown>();
  waiting.push(ready);
  const child = Bun.spawn([process.execPath, resolve(import.meta.dir, script), JSON.stringify(settings)], {
    stdout: "inherit",
    stderr: "inherit",
    ipc({ answer, error }: Answered) {
      const asked = waiting.shift();
      if (error === undefined) asked?.resolve(answer);
      else asked?.reject(new Error(`${script}: ${error}`));
    },
    onExit(_, exitCode) {
      for (const asked of waiting.splice(0)) asked.reject(new Error(`${script} ended with exit code ${exitCode}`));
    },
  });
  return {
    async ask<Answer>(name: string, argument?: unknown) {
      await ready.promise;
      const asked = Promise.withResolvers<unknown>();
      waiting.push(asked);
      child.send({ name, argument });
      return (await asked.promise) as Answer;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** The peer's own side: what it can be asked. */
export function answerAsked(acts: Readonly<Record<string, (argument: never) => unknown>>): void {
  async function answer(name: string, argument: unknown): Promise<Answered> {
    try {
      return { answer: (await acts[name]?.(argument as never)) ?? null };
    } catch (error) {
      return { error: String(error) };
    }
  }

  process.on("message", ({ name, argument }: { name: string; argument: unknown }) => {
    void answer(name, argument).then((answered) => process.send?.(answered));
  });
  // Whoever started us is gone.
  process.on("disconnect", () => process.exit(1));
  process.send?.({ answer: "ready" } satisfies Answered);
}
