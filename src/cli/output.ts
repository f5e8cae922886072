import { writeSync } from "node:fs";
import type { Lifetime } from "./lifetime";

const STDOUT = 1;
const FULL_WAIT_MS = 5;

/** Lines on stdout, for a command that goes on until somebody wants it to end. */
export interface Output {
  /** Waits while the reader is slower. Once nobody reads any more (`tocsin tail | head`) the command is asked to end, and prints nothing. */
  print(line: string): void;
}

export function openOutput(lifetime: Pick<Lifetime, "end">): Output {
  let open = true;
  return {
    print(line) {
      if (!open) return;
      try {
        writeWhole(Buffer.from(`${line}\n`));
      } catch (error) {
        open = false;
        lifetime.end("nobody reads what it prints");
        if ((error as NodeJS.ErrnoException).code === "EPIPE") return;
        console.error(`tocsin: stdout cannot be written: ${(error as Error).message}`);
        process.exitCode = 1;
      }
    },
  };
}

/** By the file's number: `console.log` keeps silent about a reader that is gone, and what `process.stdout` still holds dies with the process. */
function writeWhole(bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(STDOUT, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Bun.sleepSync(FULL_WAIT_MS);
    }
  }
}
