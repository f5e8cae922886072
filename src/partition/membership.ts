import type { LiveNode, PartitionStore } from "../store/store";
import type { Events } from "../telemetry/events";

/** How long a node is taken for alive after it last said so: shorter than a lease, so that its heirs stand ready when that ends. */
const NODE_TTL_MS = 3000;
const BEAT_EVERY_MS = 1000;

export interface MembershipOptions {
  readonly store: Pick<PartitionStore, "beat" | "leave">;
  /** This node as it is now: the roles that it can work in. */
  readonly self: () => LiveNode;
  /** Nobody else can be alive: whoever is written down ended without a word. */
  readonly alone: boolean;
  /** Told of all that live, after every beat. */
  readonly onNodes: (nodes: readonly LiveNode[]) => void;
  readonly events: Pick<Events, "failed" | "nodesAlive">;
}

export interface Membership {
  /** Somebody came or went: beats, and looks, at once. */
  refresh(): void;
  /** Says that this node takes no more work. */
  leave(): Promise<void>;
}

/** Says again and again that this node lives, and hears who else does. While the database is away, what was heard last holds. */
export function openMembership({ store, self, alone, onNodes, events }: MembershipOptions): Membership {
  let nodes: readonly LiveNode[] = [];
  let heardAt = performance.now();
  /** Until then those who were alive before a silence of the database count as alive: they, too, could not say so. */
  let settlingUntil = 0;
  let left = false;
  let first = true;
  let doze = Promise.withResolvers<void>();
  const running = run();

  async function run(): Promise<void> {
    while (!left) {
      doze = Promise.withResolvers();
      try {
        await beat();
      } catch (error) {
        if (!left) events.failed("node.beat", error);
      }
      await Promise.race([Bun.sleep(BEAT_EVERY_MS), doze.promise]);
    }
  }

  async function beat(): Promise<void> {
    let heard = await store.beat(self(), NODE_TTL_MS);
    if (first && alone) {
      await store.leave(heard.map(({ id }) => id).filter((id) => id !== self().id));
      heard = heard.filter(({ id }) => id === self().id);
    }
    first = false;
    const now = performance.now();
    if (now - heardAt > NODE_TTL_MS / 2) settlingUntil = now + BEAT_EVERY_MS * 1.5;
    heardAt = now;
    const silent = now < settlingUntil ? nodes.filter(({ id }) => !heard.some((each) => each.id === id)) : [];
    nodes = [...heard, ...silent];
    if (left) return;
    events.nodesAlive(nodes.length);
    onNodes(nodes);
  }

  return {
    refresh: () => doze.resolve(),
    async leave() {
      left = true;
      doze.resolve();
      await running;
      await store.leave([self().id]).catch((error: unknown) => events.failed("node.leave", error));
    },
  };
}
