import { spawn } from "node:child_process";

/** Tells where a typed command ended; no line of ours. */
const MARK = "--- typed ";

/** A terminal that somebody sits at: what is typed, what it shows line by line, Ctrl-C. Its programs are a process group of their own. */
export class TourTerminal implements AsyncDisposable {
  readonly #child: ReturnType<typeof spawn>;
  readonly #closed: Promise<void>;
  #shown = "";
  #commands = 0;

  /** Runs `command` and nothing else; without one, a shell that commands are typed into. */
  constructor(folder: string, env: Record<string, string>, command?: string) {
    const words = ["--noprofile", "--norc", ...(command === undefined ? [] : ["-c", command])];
    this.#child = spawn("bash", words, {
      cwd: folder,
      env,
      detached: true,
      stdio: [command === undefined ? "pipe" : "ignore", "pipe", "pipe"],
    });
    // Not before everybody who could still write to it has ended.
    this.#closed = new Promise((resolve) => this.#child.once("close", () => resolve()));
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on("data", (chunk: Buffer) => (this.#shown += chunk.toString()));
  }

  /** Whole lines, without empty ones. */
  get lines(): string[] {
    const whole = this.#shown.slice(0, this.#shown.lastIndexOf("\n") + 1).split("\n");
    return whole.map((line) => line.replaceAll("\r", "")).filter((line) => line.trim() !== "" && !line.startsWith(MARK));
  }

  /** Types a command and resolves once it has ended. */
  async type(command: string): Promise<void> {
    this.#commands += 1;
    const mark = `${MARK}${this.#commands}`;
    this.#child.stdin?.write(`${command} </dev/null\nprintf '\\n%s\\n' '${mark}'\n`);
    await this.shows((lines) => lines.includes(mark), `the end of: ${command}`);
  }

  /** Resolves once what is shown is as wanted; throws with all of it when the terminal ends before. */
  async shows(wanted: (lines: readonly string[]) => boolean, what: string): Promise<void> {
    while (!wanted(this.#shown.split("\n"))) {
      if (this.#child.exitCode !== null) throw new Error(`the terminal ended before ${what}:\n${this.#shown}`);
      await Bun.sleep(10);
    }
  }

  /** Ctrl-C goes to everything in the foreground; resolves once all of it has ended. */
  async interrupt(): Promise<void> {
    this.#signal("SIGINT");
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal("SIGKILL");
    await this.#closed;
  }

  #signal(name: NodeJS.Signals): void {
    try {
      process.kill(-(this.#child.pid ?? 0), name);
    } catch {
      // All of it has ended.
    }
  }
}
