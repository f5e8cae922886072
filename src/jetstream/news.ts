import type { NatsLink } from "./connection";

/** Core NATS: whoever does not hear it looks by themselves in a while. */
const SUBJECT = "tocsin.nodes";

/** What nodes call out to each other. */
export type News =
  | { readonly kind: "nodes" }
  | { readonly kind: "webhooks" }
  | { readonly kind: "edited"; readonly sensorIds: readonly string[] }
  | { readonly kind: "released"; readonly role: string; readonly partition: number };

export interface Newsroom {
  /** Without waiting; lost while the broker is away. */
  tell(news: News): void;
  /** Calls `take` with what other nodes tell, not with what this one does. */
  hear(take: (news: News) => void): void;
  /** What was told is on its way afterwards. */
  stop(): Promise<void>;
}

export function openNewsroom(link: NatsLink, nodeId: string): Newsroom {
  const { connection } = link;
  return {
    tell(news) {
      if (link.isConnected()) connection.publish(SUBJECT, JSON.stringify({ ...news, from: nodeId }));
    },
    hear(take) {
      connection.subscribe(SUBJECT, {
        callback: (error, message) => {
          if (error !== null) return;
          const news = read(message.string());
          if (news !== null && news.from !== nodeId) take(news);
        },
      });
    },
    async stop() {
      if (link.isConnected()) await Promise.race([connection.flush().catch(() => {}), Bun.sleep(FLUSH_MS)]);
    },
  };
}

const FLUSH_MS = 200;

/** Null for what no node of ours has written. */
function read(text: string): (News & { readonly from: string }) | null {
  try {
    const news = JSON.parse(text) as Partial<News & { from: string }> | null;
    if (news?.kind === "edited" && !(Array.isArray(news.sensorIds) && news.sensorIds.every((id) => typeof id === "string"))) return null;
    return typeof news?.kind === "string" && typeof news.from === "string" ? (news as News & { from: string }) : null;
  } catch {
    return null;
  }
}
