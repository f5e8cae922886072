import { createServer } from "node:net";
import { Fault } from "../../domain/fault";

export interface WantedPort {
  readonly host: string;
  readonly port: number;
  /** The environment variable that sets it. */
  readonly variable: string;
}

/** Throws `Fault` (`conflict`) in one line that names port and variable when somebody else listens there. */
export async function demandFreePort({ host, port, variable }: WantedPort): Promise<void> {
  const code = await tryListening(host, port);
  if (code === null) return;
  if (code === "EADDRINUSE") {
    throw new Fault("conflict", `Port ${port} on ${host} is in use by another program; stop it or set ${variable} to a free port.`);
  }
  throw new Fault(
    "unavailable",
    `Port ${port} on ${host} cannot be listened on (${code}); set ${variable} or NATS_HOST to what this machine has.`,
  );
}

/** Null when it can be listened on, else the system's error code. */
function tryListening(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
