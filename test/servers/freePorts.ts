import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/**
 * Below the ports that a kernel gives to whoever listens on any or dials out (Linux from 32768, others from 49152): nobody comes upon one of
 * these by chance, not even while its server is away for a moment.
 */
const RANGE = { first: 10_000, count: 22_768 } as const;

interface Ports {
  1: [number];
  2: [number, number];
  3: [number, number, number];
}

/** Ports on loopback that nobody listens on, and that no other process gets from here as long as this one lives. */
export async function freePorts<Count extends 1 | 2 | 3>(count: Count): Promise<Ports[Count]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = RANGE.first + Math.floor(Math.random() * RANGE.count);
    if ((await reserve(port)) && (await isFree(port))) ports.push(port);
  }
  return ports as Ports[Count];
}

/** UDP's port of the same number stands for it: the servers want TCP's, and the kernel gives it back at our end, however that comes. */
function reserve(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  return new Promise((resolve) => {
    socket.once("error", () => resolve(false));
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => {
      socket.unref();
      resolve(true);
    });
  });
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
