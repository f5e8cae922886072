/** What the tests need beside the packages, one function each: it says what it installs, and throws what to do by hand. */
import { testNatsBinary } from "../servers/natsServer";

interface Need {
  readonly name: string;
  /** Gives what the tests' environment must hold. */
  readonly provide: () => Promise<Record<string, string>>;
}

const NEEDS: readonly Need[] = [{ name: "nats-server", provide: natsServer }];

/** Everything is there afterwards. Throws with the name of what is not. */
export async function provideNeeds(): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const { name, provide } of NEEDS) {
    try {
      Object.assign(environment, await provide());
    } catch (error) {
      throw new Error(`the tests need ${name}: ${(error as Error).message}`, { cause: error });
    }
  }
  return environment;
}

/** Found or got as in production, once: the tests then take this one. */
async function natsServer(): Promise<Record<string, string>> {
  const path = await testNatsBinary();
  console.log(`nats-server: ${path}`);
  return { NATS_SERVER_BIN: path };
}
