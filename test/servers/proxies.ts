/** Real proxies in front of an API, with the configurations that docs/proxy.md shows. */
import { connect } from "node:net";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../until";
import { readRepoFile } from "../verify/repo";
import { debianProgram } from "./debian";
import { freePorts } from "./freePorts";

export const PROXIES = ["nginx", "haproxy"] as const;
export type ProxyName = (typeof PROXIES)[number];

export interface TestProxy extends AsyncDisposable {
  readonly url: string;
}

/** What the page shows as the configuration of a proxy. */
function shown(name: ProxyName): string {
  const config = new RegExp(`^\`\`\`${name}\n([\\s\\S]*?)^\`\`\`$`, "m").exec(readRepoFile("docs/proxy.md"))?.[1];
  if (config === undefined) throw new Error(`docs/proxy.md shows no configuration of ${name}`);
  return config;
}

/** The same with other addresses. */
function moved(config: string, listen: readonly [from: string, to: string], upstream: string): string {
  for (const text of [listen[0], "127.0.0.1:8080"]) if (!config.includes(text)) throw new Error(`the configuration lacks ${text}`);
  return config.replace(listen[0], listen[1]).replace("127.0.0.1:8080", upstream);
}

/** Starts one in front of the API at `url`. */
export async function startProxy(name: ProxyName, url: string): Promise<TestProxy> {
  const { path, env } = await debianProgram(name);
  const [port = 0] = await freePorts(1);
  const folder = mkdtempSync(join(tmpdir(), `tocsin-${name}-`));
  const upstream = new URL(url).host;
  const file = join(folder, "proxy.conf");
  writeFileSync(file, name === "nginx" ? nginxConfig(folder, port, upstream) : haproxyConfig(port, upstream));
  const words = name === "nginx" ? [path, "-e", "stderr", "-p", folder, "-c", file] : [path, "-f", file];
  const child = Bun.spawn(words, { env: { ...process.env, ...env }, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  try {
    await until(() => answers(port));
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`${name} did not start: ${await child.stderr.text()}`, { cause: error });
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One process in the foreground, which writes into its own folder alone. */
function nginxConfig(folder: string, port: number, upstream: string): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  mkdirSync(join(folder, "temp"));
  return `daemon off;
master_process off;
pid ${join(folder, "pid")};
events {}
http {
access_log off;
${kinds.map((kind) => `${kind}_temp_path ${join(folder, "temp", kind)};`).join("\n")}
${moved(shown("nginx"), ["listen 80;", `listen 127.0.0.1:${port};`], upstream)}
}
`;
}

function haproxyConfig(port: number, upstream: string): string {
  return moved(shown("haproxy"), ["bind :80", `bind 127.0.0.1:${port}`], upstream);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
