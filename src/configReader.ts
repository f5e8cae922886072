/** How single variables are read. Each problem is noted, so that all of them are told at once. */
import { readFileSync } from "node:fs";

export type Environment = Readonly<Record<string, string | undefined>>;

export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(readonly problems: readonly string[]) {
    super(`The environment is not usable:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
  }
}

export class ConfigReader {
  readonly #problems: string[] = [];

  constructor(private readonly env: Environment) {}

  problem(name: string, message: string): void {
    this.#problems.push(`${name}: ${message}`);
  }

  has(name: string): boolean {
    return (this.env[name] ?? "") !== "";
  }

  text(name: string, fallback: string): string {
    return this.has(name) ? (this.env[name] as string) : fallback;
  }

  integer(name: string, fallback: number, { min, max }: { min: number; max: number }): number {
    const text = this.text(name, String(fallback));
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    this.problem(name, `"${text}" is not a whole number from ${min} to ${max}`);
    return fallback;
  }

  port(name: string, fallback: number): number {
    return this.integer(name, fallback, { min: 1, max: 65_535 });
  }

  httpUrl(name: string): string {
    const text = this.text(name, "");
    if (!/^https?:\/\/./.test(text) || !URL.canParse(text)) this.problem(name, `"${text}" is not an http:// or https:// address`);
    return text.replace(/\/+$/, "");
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    const text = this.text(name, fallback);
    if ((choices as readonly string[]).includes(text)) return text as Choice;
    this.problem(name, `"${text}" is none of ${choices.join(", ")}`);
    return fallback;
  }

  list<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice[]): Choice[] {
    if (!this.has(name)) return fallback;
    const items = this.text(name, "")
      .split(",")
      .map((item) => item.trim());
    const wrong = items.filter((item) => !(choices as readonly string[]).includes(item));
    if (wrong.length > 0) this.problem(name, `"${wrong.join(", ")}" is none of ${choices.join(", ")}`);
    return choices.filter((choice) => items.includes(choice));
  }

  /** The value itself, or what the file named by `NAME_FILE` holds. */
  secret(name: string, charsMin: number): string | null {
    const fileName = `${name}_FILE`;
    let value: string | null = this.has(name) ? this.text(name, "") : null;
    if (this.has(fileName)) {
      if (value !== null) this.problem(fileName, `set either ${name} or ${fileName}`);
      try {
        value = readFileSync(this.text(fileName, ""), "utf8").trim();
      } catch (error) {
        this.problem(fileName, `cannot be read: ${(error as Error).message}`);
      }
    }
    if (value !== null && value.length < charsMin) this.problem(name, `is shorter than ${charsMin} characters`);
    return value;
  }

  finish(): void {
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
  }
}
