/** What the operator says about where webhooks may lead: read here, held to in `notifier/webhook`. */
import { BlockList, isIP } from "node:net";

export interface GuardConfig {
  /** Networks that webhooks may point into although they are not public. */
  readonly allowCidrs: readonly string[];
  readonly allowLoopback: boolean;
  /** Ports that webhooks may go to although they are refused to begin with. */
  readonly allowPorts: readonly number[];
  /** Who is asked for the addresses of webhooks' names, as "10.0.0.2:53"; none: whoever the system asks. */
  readonly dnsServers: readonly string[];
}

interface Variables {
  text(name: string, fallback: string): string;
  problem(name: string, message: string): void;
}

const DNS_PORT = 53;
const PORT_MAX = 65_535;

export function readGuard(read: Variables, { allowLoopback }: Pick<GuardConfig, "allowLoopback">): GuardConfig {
  return {
    allowCidrs: items(read, "WEBHOOK_ALLOW_CIDRS", { parse: readCidr, expected: "a network such as 10.0.0.0/8" }),
    allowLoopback,
    allowPorts: items(read, "WEBHOOK_ALLOW_PORTS", { parse: readPort, expected: `a port from 1 to ${PORT_MAX}` }),
    dnsServers: items(read, "WEBHOOK_DNS_SERVERS", { parse: readServer, expected: "an address such as 10.0.0.2 or [fd00::2]:5353" }),
  };
}

interface Kind<Item> {
  /** Null for what is none. */
  readonly parse: (text: string) => Item | null;
  readonly expected: string;
}

function items<Item>(read: Variables, name: string, { parse, expected }: Kind<Item>): Item[] {
  const text = read.text(name, "");
  if (text === "") return [];
  return text.split(",").flatMap((part) => {
    const item = parse(part.trim());
    if (item === null) read.problem(name, `"${part.trim()}" is not ${expected}`);
    return item ?? [];
  });
}

function readCidr(text: string): string | null {
  const [address = "", bits = ""] = text.split("/");
  const family = isIP(address);
  if (family === 0 || address.includes("%") || !/^\d{1,3}$/.test(bits)) return null;
  try {
    new BlockList().addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
    return text;
  } catch {
    return null;
  }
}

function readPort(text: string): number | null {
  const port = Number(text);
  return /^\d+$/.test(text) && port >= 1 && port <= PORT_MAX ? port : null;
}

/** With its port: `10.0.0.2`, `10.0.0.2:5353`, `fd00::2` and `[fd00::2]:5353`. */
function readServer(text: string): string | null {
  if (isIP(text) === 6) return `[${text}]:${DNS_PORT}`;
  const parts = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text);
  const [, v6 = "", v4 = "", port = String(DNS_PORT)] = parts ?? [];
  if (readPort(port) === null) return null;
  if (isIP(v6) === 6) return `[${v6}]:${port}`;
  return isIP(v4) === 4 ? `${v4}:${port}` : null;
}
