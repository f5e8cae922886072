/** What will happen in a run, as data: the same seed and numbers give the same plan. Times are milliseconds. */
import { seededRandom } from "../test/ledger/random";
import type { Ailment } from "./endpoint";

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

/** A webhook's endpoint ails, and then works again. */
export interface EndpointStrike {
  readonly kind: `endpoint.${Ailment["kind"]}`;
  readonly endpoint: string;
  readonly ailment: Ailment;
  readonly lastsMs: number;
}

export type StrikeKind = Strike["kind"];
export type EndpointStrikeKind = EndpointStrike["kind"];

/** What is done to the service and to what it depends on. */
export const STRIKE_KINDS: readonly StrikeKind[] = [
  "node.kill",
  "node.freeze",
  "broker.kill",
  "link.hold",
  "node.term",
  "postgres.crash",
  "link.cut",
];

const AILMENTS: readonly Ailment["kind"][] = ["hang", "refuse", "fail", "slow", "late", "reset", "flood", "reject"];
/** What is done to those whom it tells. */
export const ENDPOINT_STRIKE_KINDS: readonly EndpointStrikeKind[] = AILMENTS.map((kind) => `endpoint.${kind}` as const);

/** What an endpoint is sent once more, while the strikes of the round go on. */
export interface ReplayPlan {
  readonly endpoint: string;
  readonly which: "all" | "undelivered";
}

export interface Round {
  /** Of normal work before it. */
  readonly calmMs: number;
  readonly replay: ReplayPlan | null;
  /** At once; two never concern the same thing. */
  readonly strikes: readonly (Strike | EndpointStrike)[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly nodes: number;
  readonly brokers: number;
  /** The names of those that may be struck, two at least. */
  readonly endpoints: readonly string[];
}

const CALM_MS = { min: 200, max: 1500 };
/** Long ones outlast a lease (4 s) and the shortest heartbeat (5 s). */
const SHORT_MS = { min: 100, max: 2500 };
const LONG_MS = { min: 5200, max: 7500 };
const LONG_SHARE = 0.35;
/** A database away for long stops everybody: the pause is what is tested, not its length. */
const OUTAGE_MS = { min: 50, max: 4000 };
const TWIN_SHARE = 0.25;
/** Some outlast the failures that open a circuit, none as long as one is closed at first. */
const ENDPOINT_MS = { min: 800, max: 4500 };
const RETRY_AFTER_SECONDS = { min: 1, max: 3 };
const REPLAY_SHARE = 0.35;
const DEPENDENCIES: readonly Dependency[] = ["postgres", "nats", "both"];

/**
 * Kinds are dealt like cards, so that as many rounds as there are of them, and one in which endpoints alone are struck, show each strike
 * against the service; most of those rounds strike an endpoint, too.
 */
export function planOf({ seed, rounds, nodes, brokers, endpoints }: PlanOptions): Round[] {
  const dealer = new Dealer(seededRandom(seed), { nodes, brokers, endpoints });
  return Array.from({ length: rounds }, () => dealer.round());
}

class Dealer {
  readonly #cards = new Map<readonly unknown[], unknown[]>();
  readonly #kinds = [...STRIKE_KINDS, "endpoints"] as const;
  readonly #replays = ["all", "undelivered"] as const;
  /** The last that refused something for good. */
  #rejecting: string | null = null;

  constructor(
    private readonly random: () => number,
    private readonly targets: Pick<PlanOptions, "nodes" | "brokers" | "endpoints">,
  ) {}

  round(): Round {
    const calmMs = this.#between(CALM_MS);
    const replay = this.random() < REPLAY_SHARE ? this.#replay() : null;
    return { calmMs, replay, strikes: this.#strikes() };
  }

  #strikes(): Round["strikes"] {
    const kind = this.#deal(this.#kinds);
    if (kind === "endpoints") return [this.#endpointStrike(), this.#endpointStrike()].filter(isOnlyOne);
    const strike = this.#strike(kind);
    if (this.random() >= TWIN_SHARE) return [strike, this.#endpointStrike()];
    return [strike, this.#strike(STRIKE_KINDS[this.#below(STRIKE_KINDS.length)] as StrikeKind)].filter(isOnlyOne);
  }

  #endpointStrike(): EndpointStrike {
    const kind = this.#deal(AILMENTS);
    const endpoint = this.#deal(this.targets.endpoints);
    if (kind === "reject") this.#rejecting = endpoint;
    return { kind: `endpoint.${kind}`, endpoint, ailment: this.#ailment(kind), lastsMs: this.#between(ENDPOINT_MS) };
  }

  #ailment(kind: Ailment["kind"]): Ailment {
    if (kind !== "fail") return { kind };
    const retryAfter = this.random() < 0.5 ? null : this.#between(RETRY_AFTER_SECONDS);
    return { kind, status: this.random() < 0.5 ? 500 : 503, retryAfter };
  }

  /** What was refused for good is what there is to be sent again. */
  #replay(): ReplayPlan {
    const which = this.#deal(this.#replays);
    const any = this.targets.endpoints[this.#below(this.targets.endpoints.length)] as string;
    return { which, endpoint: which === "undelivered" ? (this.#rejecting ?? any) : any };
  }

  /** One of them, and none again before all others came. */
  #deal<Card>(all: readonly Card[]): Card {
    const left = this.#cards.get(all) ?? [];
    if (left.length === 0) left.push(...all);
    this.#cards.set(all, left);
    return left.splice(this.#below(left.length), 1)[0] as Card;
  }

  #strike(kind: StrikeKind): Strike {
    const node = this.#below(this.targets.nodes);
    switch (kind) {
      case "node.kill":
      case "node.term":
        return { kind, node, lastsMs: this.#between(SHORT_MS) };
      case "node.freeze":
        return { kind, node, lastsMs: this.#shortOrLong() };
      case "broker.kill":
        return { kind, server: this.#below(this.targets.brokers), lastsMs: this.#shortOrLong() };
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

/** Two that were dealt may concern the same. */
function isOnlyOne(strike: Strike | EndpointStrike, place: number, all: Round["strikes"]): boolean {
  return all.findIndex((other) => subjectOf(other) === subjectOf(strike)) === place;
}

/** What a strike is done to. */
export function subjectOf(strike: Strike | EndpointStrike): string {
  if ("endpoint" in strike) return `endpoint ${strike.endpoint}`;
  if ("node" in strike) return `node ${strike.node}`;
  return "server" in strike ? `nats-server ${strike.server}` : "postgres";
}

/** For people, such as "node 2: link.hold (both) for 5210 ms". */
export function sentenceOf(strike: Strike | EndpointStrike): string {
  return `${subjectOf(strike)}: ${strike.kind}${mannerOf(strike)} for ${strike.lastsMs} ms`;
}

function mannerOf(strike: Strike | EndpointStrike): string {
  if ("to" in strike) return ` (${strike.to})`;
  if (!("ailment" in strike) || strike.ailment.kind !== "fail") return "";
  const { status, retryAfter } = strike.ailment;
  return retryAfter === null ? ` (${status})` : ` (${status}, Retry-After: ${retryAfter})`;
}
