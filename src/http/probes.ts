import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { Health } from "../telemetry/health";
import type { Metrics } from "../telemetry/metrics";
import type { Calls } from "./calls";
import { operation } from "./document/operation";
import { Problem, problemResponse } from "./problems";

const Dependency = Type.Object({
  name: Type.String(),
  up: Type.Boolean(),
  reason: Type.Union([Type.String(), Type.Null()]),
  needed: Type.Boolean({ description: "Whether requests fail without it; else they only take longer." }),
});
const Ready = Type.Object({ status: Type.Literal("ready"), dependencies: Type.Array(Dependency) }, { $id: "Ready" });
const NotReady = Type.Object({ ...Problem.properties, dependencies: Type.Array(Dependency) }, { $id: "NotReady" });

export interface ProbesOptions {
  readonly health: Health;
  readonly metrics: Pick<Metrics, "registry">;
  readonly calls: Calls;
}

export function probes({ health, metrics: { registry }, calls }: ProbesOptions) {
  return new Elysia({ name: "probes" })
    .get("/livez", () => ({ status: "alive" }), LIVE)
    .get(
      "/readyz",
      async ({ request }) => {
        const { ready, draining, dependencies } = await health.readiness();
        if (ready) return { status: "ready", dependencies };
        const away = dependencies.filter(({ up, needed }) => needed && !up).map(({ name, reason }) => `${name}: ${reason}`);
        const detail = draining ? "It is stopping." : away.join("; ");
        return problemResponse({ status: 503, detail, extension: { dependencies } }, calls.get(request)?.requestId ?? "");
      },
      READY,
    )
    .get("/metrics", async () => new Response(await registry.metrics(), { headers: { "content-type": registry.contentType } }), METRICS);
}

const LIVE = operation({
  id: "live",
  tag: "Operations",
  summary: "Whether the process answers",
  scope: null,
  answers: { 200: { description: "It answers.", schema: Type.Object({ status: Type.Literal("alive") }) } },
});
const READY = operation({
  id: "ready",
  tag: "Operations",
  summary: "Whether everything that requests need is available",
  scope: null,
  answers: {
    200: { description: "It is ready.", schema: Ready },
    503: {
      description: "It is not ready, or it is stopping.",
      schema: NotReady,
      type: "application/problem+json",
      headers: { "retry-after": "Seconds" },
    },
  },
});
const METRICS = operation({
  id: "metrics",
  tag: "Operations",
  summary: "Metrics for Prometheus",
  scope: null,
  answers: { 200: { description: "The text format of Prometheus.", schema: Type.String(), type: "text/plain" } },
});
