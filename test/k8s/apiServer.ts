/** As much of a Kubernetes API server as `kubectl scale` speaks to: Deployments in memory, over plain HTTP on loopback. */
import type { Manifest } from "./manifests";

interface Deployment extends Manifest {
  readonly spec: { readonly replicas?: number };
}

export interface ApiServer extends Disposable {
  readonly url: string;
  /** How many replicas a Deployment is to have; one until somebody says otherwise, as in Kubernetes. */
  replicas(name: string): number | undefined;
  /** Method and path of everything that was asked to change. */
  readonly changed: readonly string[];
}

const APPS = "/apis/apps/v1";
const SCALABLE = [
  { name: "deployments", singularName: "deployment", namespaced: true, kind: "Deployment", verbs: ["get", "list", "patch"] },
  {
    name: "deployments/scale",
    singularName: "",
    namespaced: true,
    group: "autoscaling",
    version: "v1",
    kind: "Scale",
    verbs: ["get", "patch"],
  },
];

/** What clients ask first: which groups, versions and resources there are. */
const DISCOVERY: Readonly<Record<string, unknown>> = {
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/apis": {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: [
      {
        name: "apps",
        versions: [{ groupVersion: "apps/v1", version: "v1" }],
        preferredVersion: { groupVersion: "apps/v1", version: "v1" },
      },
    ],
  },
  "/api/v1": { kind: "APIResourceList", groupVersion: "v1", resources: [] },
  [APPS]: { kind: "APIResourceList", apiVersion: "v1", groupVersion: "apps/v1", resources: SCALABLE },
};

export function startApiServer(manifests: readonly Manifest[]): ApiServer {
  const deployments = manifests.filter(({ kind }) => kind === "Deployment") as Deployment[];
  const replicas = new Map(deployments.map(({ metadata, spec }) => [metadata.name, spec.replicas ?? 1]));
  const changed: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname in DISCOVERY) return Response.json(DISCOVERY[pathname]);
      const space = manifests.find(({ kind, metadata }) => kind === "Namespace" && pathname === `/api/v1/namespaces/${metadata.name}`);
      if (space !== undefined) return Response.json(space);
      const [, namespace, name = "", scale] =
        /^\/apis\/apps\/v1\/namespaces\/([^/]+)\/deployments\/([^/]+)(\/scale)?$/.exec(pathname) ?? [];
      const deployment = deployments.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
      if (deployment === undefined) return notFound(name);
      if (request.method === "PATCH" && scale !== undefined) {
        changed.push(`PATCH ${pathname}`);
        const { spec } = (await request.json()) as { spec: { replicas: number } };
        replicas.set(name, spec.replicas);
      } else if (request.method !== "GET") return new Response(null, { status: 405 });
      const spec = { replicas: replicas.get(name) };
      const { metadata } = deployment;
      if (scale !== undefined) return Response.json({ apiVersion: "autoscaling/v1", kind: "Scale", metadata, spec, status: spec });
      return Response.json({ ...deployment, spec: { ...deployment.spec, ...spec } });
    },
  });
  return {
    url: server.url.href,
    replicas: (name) => replicas.get(name),
    changed,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

function notFound(name: string): Response {
  const status = {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    reason: "NotFound",
    code: 404,
    details: { name, kind: "deployments" },
  };
  return Response.json({ ...status, message: `deployments.apps "${name}" not found` }, { status: 404 });
}
