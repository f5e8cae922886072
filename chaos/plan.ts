/** What will happen in a run, as data: the same seed and numbers give the same plan. Times are milliseconds. */
import { seededRandom } from "../test/ledger/random";

export type Dependency = "postgres" | "nats" | "both";

/** Something that is done to the service, and how long it lasts. */
export type Strike =
  /** kill -9 of a node, which is started again afterwards. */
  | { readonly kind: "node.kill"; readonly node: number; readonly lastsMs: number }
  /** SIGTERM, and a new start. */
  | { readonly kind: "node.term"; readonly node: number; readonly lastsMs: number }
  /** SIGSTOP, and SIGCONT. */
  | { readonly kind: "node.freeze"; readonly node: number; readonly lastsMs: number }
  /** kill -9 of a nats-server, which is started again on its store. */
  | { readonly kind: "broker.kill"; readonly server: number; readonly lastsMs: number }
  /** Postgres ended in immediate mode, and started again. */
  | { readonly kind: "postgres.crash"; readonly lastsMs: number }
  /** A node's connections are reset, and new ones too. */
  | { readonly kind: "link.cut"; readonly node: number; readonly to: Dependency; readonly lastsMs: number }
  /** A node's connections stay, and nothing passes. */
  | { readonly kind: "link.hold"; readonly node: number; readonly to: Dependency; readonly lastsMs: number };

export type StrikeKind = Strike["kind"];

export const STRIKE_KINDS: readonly StrikeKind[] = [
  "node.kill",
  "node.freeze",
  "broker.kill",
  "link.hold",
  "node.term",
  "postgres.crash",
  "link.cut",
];

export interface Round {
  /** Of normal work before it. */
  readonly calmMs: number;
  /** At once; two never concern the same thing. */
  readonly strikes: readonly Strike[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly nodes: number;
  readonly brokers: number;
}

const CALM_MS = { min: 200, max: 1500 };
/** Long ones outlast a lease (4 s) and the shortest heartbeat (5 s). */
const SHORT_MS = { min: 100, max: 2500 };
const LONG_MS = { min: 5200, max: 7500 };
const LONG_SHARE = 0.35;
/** A database away for long stops everybody: the pause is what is tested, not its length. */
const OUTAGE_MS = { min: 50, max: 4000 };
const TWIN_SHARE = 0.25;
const DEPENDENCIES: readonly Dependency[] = ["postgres", "nats", "both"];

/** Kinds are dealt like cards, so that as many rounds as there are kinds show each of them. */
export function planOf({ seed, rounds, nodes, brokers }: PlanOptions): Round[] {
  const dealer = new Dealer(seededRandom(seed), nodes, brokers);
  return Array.from({ length: rounds }, () => dealer.round());
}

class Dealer {
  #deck: StrikeKind[] = [];

  constructor(
    private readonly random: () => number,
    private readonly nodes: number,
    private readonly brokers: number,
  ) {}

  round(): Round {
    const calmMs = this.#between(CALM_MS);
    const strike = this.#strike(this.#kind());
    if (this.random() >= TWIN_SHARE) return { calmMs, strikes: [strike] };
    const other = this.#strike(STRIKE_KINDS[this.#below(STRIKE_KINDS.length)] as StrikeKind);
    return { calmMs, strikes: subjectOf(other) === subjectOf(strike) ? [strike] : [strike, other] };
  }

  #kind(): StrikeKind {
    if (this.#deck.length === 0) this.#deck = [...STRIKE_KINDS];
    return this.#deck.splice(this.#below(this.#deck.length), 1)[0] as StrikeKind;
  }

  #strike(kind: StrikeKind): Strike {
    const node = this.#below(this.nodes);
    switch (kind) {
      case "node.kill":
      case "node.term":
        return { kind, node, lastsMs: this.#between(SHORT_MS) };
      case "node.freeze":
        return { kind, node, lastsMs: this.#shortOrLong() };
      case "broker.kill":
        return { kind, server: this.#below(this.brokers), lastsMs: this.#shortOrLong() };
      case "postgres.crash":
        return { kind, lastsMs: this.#between(OUTAGE_MS) };
      case "link.cut":
      case "link.hold": {
        const to = DEPENDENCIES[this.#below(DEPENDENCIES.length)] as Dependency;
        return { kind, node, to, lastsMs: this.#shortOrLong() };
      }
    }
  }

  #shortOrLong(): number {
    return this.#between(this.random() < LONG_SHARE ? LONG_MS : SHORT_MS);
  }

  #between({ min, max }: { min: number; max: number }): number {
    return Math.round(min + this.random() * (max - min));
  }

  #below(count: number): number {
    return Math.floor(this.random() * count);
  }
}

/** What a strike is done to. */
export function subjectOf(strike: Strike): string {
  if ("node" in strike) return `node ${strike.node}`;
  return "server" in strike ? `nats-server ${strike.server}` : "postgres";
}

/** For people, such as "node 2: link.hold (both) for 5210 ms". */
export function sentenceOf(strike: Strike): string {
  const to = "to" in strike ? ` (${strike.to})` : "";
  return `${subjectOf(strike)}: ${strike.kind}${to} for ${strike.lastsMs} ms`;
}
