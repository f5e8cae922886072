import { fnv1a32 } from "../domain/sensor";
import type { LeasedRole, LiveNode } from "../store/store";

/**
 * Who of the living should own which partition in a role: rendezvous hashing (Thaler and Ravishankar, 1998) with a bound, so that nobody
 * has more than the even share and few partitions move when somebody comes or goes. The same nodes in any order give the same answer.
 * Null when nobody works in the role.
 */
export function shareOut(nodes: readonly LiveNode[], role: LeasedRole, partitions: number): ReadonlyMap<number, string> | null {
  const ids = nodes.filter(({ roles }) => roles.includes(role)).map(({ id }) => id);
  if (ids.length === 0) return null;
  const most = Math.ceil(partitions / ids.length);
  const bids = Array.from({ length: partitions }, (_, partition) => ids.map((id) => ({ partition, id, height: heightOf(id, partition) })))
    .flat()
    .sort((a, b) => b.height - a.height || a.partition - b.partition || (a.id < b.id ? -1 : 1));
  const shares = new Map<number, string>();
  const held = new Map<string, number>();
  for (const { partition, id } of bids) {
    const count = held.get(id) ?? 0;
    if (shares.has(partition) || count === most) continue;
    shares.set(partition, id);
    held.set(id, count + 1);
  }
  return shares;
}

/** FNV-1a hardly mixes its last bytes, so its bits are spread once more (the finalizer of MurmurHash3). */
function heightOf(id: string, partition: number): number {
  let hash = fnv1a32(`${partition}/${id}`);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
