import { beforeAll, describe, expect, test } from "bun:test";
import { type Config, readConfig, ROLES } from "../../src/config";
import { probes } from "../../src/http/probes";
import { createEvents } from "../../src/telemetry/events";
import { createHealth } from "../../src/telemetry/health";
import { openLog } from "../../src/telemetry/log";
import { openMetrics } from "../../src/telemetry/metrics";
import { SECRETS_KEY } from "../servers/tocsin";
import { readRepoFile } from "../verify/repo";
import { nodes, ofKind, picks, type Workload, workloads } from "./manifests";

/** The paths that every node serves. */
function probePaths(): string[] {
  const metrics = openMetrics();
  const events = createEvents(openLog("silent"), metrics);
  const health = createHealth({ checks: {}, events });
  return probes({ health, metrics, calls: new WeakMap() }).routes.map(({ path }) => path);
}

/** The variables that a pod gets; of those out of the Secret, which key they take. */
async function environmentOf({ container }: Workload): Promise<Record<string, string>> {
  const maps = await ofKind("ConfigMap");
  const environment: Record<string, string> = {};
  for (const { configMapRef } of container.envFrom ?? []) {
    const map = maps.find(({ metadata }) => metadata.name === configMapRef?.name);
    if (map === undefined) throw new Error(`there is no ConfigMap ${configMapRef?.name}`);
    Object.assign(environment, map.data);
  }
  for (const { name, value, valueFrom } of container.env ?? []) environment[name] = value ?? `secret:${valueFrom?.secretKeyRef?.key}`;
  return environment;
}

/** What the Secret holds; docs/kubernetes.md says how it is made. */
const SECRET = {
  DATABASE_URL: "postgres://tocsin:password@postgres.example.org:5432/tocsin",
  REDIS_URL: "redis://redis.example.org:6379",
  ADMIN_TOKEN: "a-long-random-string",
};
/** What each workload takes from it beside the database: the API lets admins in, and whoever makes or sends webhooks opens their secrets. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  "tocsin-http": ["ADMIN_TOKEN", "SECRETS_KEY"],
  "tocsin-notify": ["SECRETS_KEY"],
};

/** As the program would read it; the command line comes on top. */
async function configOf(node: Workload): Promise<Config> {
  const [, , roles = ""] = node.container.args ?? [];
  return readConfig({ ...(await environmentOf(node)), ...SECRET, SECRETS_KEY, ROLES: roles }).config;
}

const all = await workloads();
const running = await nodes();

test("there is a Deployment for each role, and a Job that migrates", () => {
  expect(all.map(({ name, container }) => [name, ...(container.args ?? [])].join(" ")).sort()).toEqual(
    [...ROLES.map((role) => `tocsin-${role} serve --roles ${role}`), "tocsin-migrate migrate"].sort(),
  );
});

describe.each(all.map((workload) => [workload.name, workload] as const))("%s", (_, workload) => {
  const { template, container } = workload;

  test("gets variables that the configuration reads, and no other", async () => {
    const known = [...readRepoFile(".env.example").matchAll(/^#([A-Z_]+)=/gm)].map(([, name]) => name as string);
    expect(Object.keys(await environmentOf(workload)).filter((name) => !known.includes(name))).toEqual([]);
    // A Service of the same namespace would add more: one named `http` sets HTTP_PORT to an address.
    expect(template.spec?.enableServiceLinks).toBe(false);
  });

  test("takes the database, and of the other secrets those that it needs, from the Secret, by the variables' own names", () => {
    const secrets = (container.env ?? [])
      .map(({ name, value, valueFrom }) => [name, value, valueFrom?.secretKeyRef] as const)
      .toSorted(([one], [other]) => one.localeCompare(other));
    const wanted = ["DATABASE_URL", "REDIS_URL", ...(TAKEN[workload.name] ?? [])].toSorted();
    const optional = (name: string) => (name === "REDIS_URL" ? { optional: true } : {});
    expect(secrets).toEqual(wanted.map((name) => [name, undefined, { name: "tocsin", key: name, ...optional(name) }]));
  });

  test("may do nothing but run", async () => {
    expect(template.spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    const accounts = await ofKind("ServiceAccount");
    expect(accounts.map(({ metadata }) => metadata.name)).toEqual([template.spec?.serviceAccountName ?? ""]);
  });

  test("says what it needs, and how much memory it may take", () => {
    expect(container.resources).toEqual({
      requests: { cpu: expect.any(String), memory: expect.any(String) },
      limits: { memory: expect.any(String) },
    });
  });
});

describe.each(running.map((node) => [node.name, node] as const))("%s", (name, node) => {
  const { template, container, labels } = node;
  let config: Config;
  beforeAll(async () => {
    config = await configOf(node);
  });

  test("runs the role that its name says, with a broker and a database that are not its own", () => {
    expect(`tocsin-${config.roles.join("-")}`).toBe(name);
    expect([config.nats.kind, config.store.kind]).toEqual(["external", "postgres"]);
    expect(Object.entries(SECRET).every(([name, value]) => readRepoFile("docs/kubernetes.md").includes(`${name}=${value}\n`))).toBe(true);
    expect(readRepoFile("docs/kubernetes.md")).toContain('"SECRETS_KEY=$(openssl rand -base64 32)" >> tocsin.env\n');
  });

  test("is probed where it listens: alive whatever else is away, ready with all that it needs", () => {
    expect(config.http.host).toBe("0.0.0.0");
    expect(container.ports).toEqual([{ name: "http", containerPort: config.http.port }]);
    const probed = [container.startupProbe, container.livenessProbe, container.readinessProbe].map((probe) => probe?.httpGet);
    expect(probed).toEqual(["/livez", "/livez", "/readyz"].map((path) => ({ path, port: "http" })));
    const served = probePaths();
    expect(probed.filter((probe) => !served.includes(probe?.path ?? ""))).toEqual([]);
  });

  test("has time to stop before it is killed", () => {
    const waitMs = (container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1000;
    expect((template.spec?.terminationGracePeriodSeconds ?? 0) * 1000).toBeGreaterThan(waitMs + config.shutdownMs);
    // Whoever takes requests goes on taking them until the Services have heard that it goes.
    expect(waitMs > 0).toBe(config.roles.includes("http"));
  });

  test("is replaced by one that is ready, and its number is left to kubectl scale", async () => {
    const deployment = (await ofKind("Deployment")).find(({ metadata }) => metadata.name === name);
    expect(deployment?.spec?.strategy).toEqual({ type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } });
    expect(deployment?.spec?.replicas).toBeUndefined();
  });

  test("is picked by its own Deployment and its own budget alone", async () => {
    const selectors = [...(await ofKind("Deployment")), ...(await ofKind("PodDisruptionBudget"))];
    const picking = selectors.filter(({ spec }) => picks(spec?.selector?.matchLabels, labels));
    expect(picking.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      `Deployment ${name}`,
      `PodDisruptionBudget ${name}`,
    ]);
  });

  test("is spread over machines and zones among its own kind", () => {
    const spread = template.spec?.topologySpreadConstraints ?? [];
    expect(spread.map(({ topologyKey }) => topologyKey)).toEqual(["kubernetes.io/hostname", "topology.kubernetes.io/zone"]);
    for (const { labelSelector, matchLabelKeys } of spread) {
      expect(picks(labelSelector?.matchLabels, labels)).toBe(true);
      expect(matchLabelKeys).toEqual(["pod-template-hash"]);
    }
  });
});

describe("Services", () => {
  test("lead to the nodes that they name, at a port that these have", async () => {
    const reached = (await ofKind("Service")).map(({ metadata, spec }) => ({
      name: metadata.name,
      to: all.filter(({ labels }) => picks(spec?.selector, labels)).map(({ name }) => name),
      ports: spec?.ports?.map(({ targetPort }) => targetPort),
    }));
    expect(reached).toEqual([
      { name: "tocsin-http", to: ["tocsin-http"], ports: ["http"] },
      { name: "tocsin-nodes", to: running.map(({ name }) => name), ports: ["http"] },
    ]);
  });
});
