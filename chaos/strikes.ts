import type { EndpointStrike, Strike } from "./plan";
import type { Stage } from "./stage";

type Target = Pick<Stage, "postgres" | "brokers" | "nodes">;

/** Does it, waits as long as it lasts, and undoes it. Resolves when what was struck can work again. */
export async function perform(strike: Strike, { postgres, brokers, nodes }: Target): Promise<void> {
  const node = "node" in strike ? nodes[strike.node] : undefined;
  const lasting = () => Bun.sleep(strike.lastsMs);
  switch (strike.kind) {
    case "node.kill":
      await node?.kill();
      await lasting();
      return node?.start();
    case "node.term":
      await node?.stop();
      await lasting();
      return node?.start();
    case "node.freeze":
      node?.freeze();
      await lasting();
      return node?.thaw();
    case "broker.kill":
      await brokers.kill(strike.server);
      await lasting();
      return brokers.start(strike.server);
    case "postgres.crash":
      await postgres.down();
      await lasting();
      return postgres.up();
    case "link.cut":
    case "link.hold":
      node?.link(strike.to, strike.kind === "link.cut" ? "cut" : "held");
      await lasting();
      return node?.link(strike.to, "open");
  }
}

/** The same for an endpoint. */
export async function performAt(strike: EndpointStrike, { receivers }: Pick<Stage, "receivers">): Promise<void> {
  const receiver = receivers.find(({ name }) => name === strike.endpoint);
  await receiver?.ail(strike.ailment);
  await Bun.sleep(strike.lastsMs);
  await receiver?.ail(null);
}
