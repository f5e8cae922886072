import { createHash } from "node:crypto";
import { partitionOf } from "../domain/sensor";
import { Circuit } from "./circuit";
import type { RedisLink } from "./redis";
import { FILL, LOOK, runScript, WRITE } from "./scripts";
import type { Register } from "./seal";

/** Larger ones are not kept: labels and metadata as large as they may be take less. */
export const ENTRY_BYTES_MAX = 256 * 1024;
/** Who reads the database for an entry is given up for dead after this. */
const LEASE_MS = 1000;
const FORGET_AT_ONCE_MAX = 500;
const REGISTERS: readonly Register[] = ["registry", "state"];

/** What Redis holds of a sensor, not yet believed. */
export interface Look {
  readonly texts: Readonly<Record<Register, string | null>>;
  /** For which registers this node now reads the database. */
  readonly leased: ReadonlySet<Register>;
  readonly lease: string;
  /** Registers under whose keys something stood that no entry can be. */
  readonly odd: number;
}

type KeyOf = (register: Register, id: string) => string;

export interface StateToWrite {
  readonly id: string;
  readonly text: string;
  readonly lastsMs: number;
}

/**
 * The keys and commands. Nothing here waits for longer than a command may take, nor rejects: null says that Redis did not answer. Keys carry
 * the start of the server, so that what a restart or another server brings back from before is nobody's.
 */
export class SharedEntries {
  readonly #prefix: string;
  readonly #circuit: Circuit;
  #leases = 0;
  readonly #nonce = crypto.randomUUID();

  constructor(
    private readonly link: RedisLink,
    private readonly options: { readonly secret: string; readonly partitions: number; readonly onFailure: () => void },
  ) {
    const fingerprint = createHash("sha256").update(`keys of ${options.secret}`).digest("hex").slice(0, 8);
    this.#prefix = `tocsin:${fingerprint}`;
    this.#circuit = new Circuit(options.onFailure);
  }

  /** On which who reads a sensor of the partition says so. */
  channelOf(partition: number): string {
    return `${this.#prefix}:wanted:${partition}`;
  }

  /** `lease` false only looks. */
  look(id: string, lease = true): Promise<Look | null> {
    return this.#ask(async (keyOf) => {
      this.#leases += 1;
      const mark = lease ? `L${this.#nonce}${this.#leases}` : "";
      const channel = this.channelOf(partitionOf(id, this.options.partitions));
      const keys = REGISTERS.map((register) => keyOf(register, id));
      const told = (await runScript(this.link.client, LOOK, keys, [ENTRY_BYTES_MAX, mark, LEASE_MS, channel, id])) as [
        string | null,
        string | null,
        number,
        number,
      ];
      const [registry, state, leased, odd] = told;
      return { texts: { registry, state }, leased: registersIn(leased), lease: mark, odd: registersIn(odd).size };
    });
  }

  /** Leases registers whatever they hold: it is not to be believed. Gives which. */
  async take(id: string, lease: string, registers: readonly Register[]): Promise<readonly Register[]> {
    const taken = await this.#ask((keyOf) =>
      Promise.all(registers.map((register) => this.link.client.set(keyOf(register, id), lease, "PX", LEASE_MS))),
    );
    return taken === null ? [] : registers;
  }

  /** Writes entries where the lease still holds. */
  async fill(
    id: string,
    lease: string,
    entries: { readonly lastsMs: number; readonly texts: ReadonlyMap<Register, string> },
  ): Promise<void> {
    const texts = [...entries.texts].filter(([, text]) => fits(text));
    if (texts.length === 0) return;
    await this.#ask((keyOf) =>
      runScript(
        this.link.client,
        FILL,
        texts.map(([register]) => keyOf(register, id)),
        [ENTRY_BYTES_MAX, lease, Math.ceil(entries.lastsMs), ...texts.map(([, text]) => text)],
      ),
    );
  }

  /** Writes states where somebody reads them, none over a later one. Gives how many were written. */
  async write(states: readonly StateToWrite[]): Promise<number | null> {
    const fitting = states.filter(({ text }) => fits(text));
    return (await this.#ask((keyOf) =>
      runScript(
        this.link.client,
        WRITE,
        fitting.map(({ id }) => keyOf("state", id)),
        [ENTRY_BYTES_MAX, ...fitting.flatMap(({ text, lastsMs }) => [Math.ceil(lastsMs), text])],
      ),
    )) as number | null;
  }

  /**
   * Takes out all that is held of these sensors, leases too: nobody fills in what was read before. False when nobody knows whether it did.
   * Tried even where other commands are not: a Redis that is full refuses those and takes this, and whoever edits waits anyway.
   */
  async forget(ids: readonly string[]): Promise<boolean> {
    for (let at = 0; at < ids.length; at += FORGET_AT_ONCE_MAX) {
      const keyOf = this.#keys();
      if (keyOf === null) return false;
      try {
        const some = ids.slice(at, at + FORGET_AT_ONCE_MAX);
        await this.link.client.unlink(some.flatMap((id) => REGISTERS.map((register) => keyOf(register, id))));
      } catch {
        this.options.onFailure();
        return false;
      }
    }
    return true;
  }

  async #ask<Result>(act: (keyOf: KeyOf) => Promise<Result>): Promise<Result | null> {
    const keyOf = this.#keys();
    return keyOf === null ? null : this.#circuit.try(() => act(keyOf));
  }

  /** Null while it is not known which server it is. */
  #keys(): KeyOf | null {
    const serverId = this.link.serverId();
    if (serverId === null || !this.link.isUp()) return null;
    return (register, id) => `${this.#prefix}:${serverId.slice(0, 8)}:${register}:${id}`;
  }
}

function registersIn(mask: number): Set<Register> {
  return new Set(REGISTERS.filter((_, index) => (mask & (index + 1)) !== 0));
}

function fits(text: string): boolean {
  return text.length <= ENTRY_BYTES_MAX && Buffer.byteLength(text) <= ENTRY_BYTES_MAX;
}
