import { Elysia } from "elysia";
import type { ReportPublisher } from "../jetstream/ports";
import type { Store } from "../store/store";
import type { Health } from "../telemetry/health";
import type { Metrics } from "../telemetry/metrics";
import type { TokenMint } from "../tokenMint";
import type { Vault } from "../vault";
import { audit } from "./audit";
import type { OpenReportIntake } from "./bulk/bulkReports";
import { bulks } from "./bulk/bulks";
import type { Calls } from "./calls";
import { changes } from "./changes";
import { deadLetters } from "./deadLetters";
import { deliveries } from "./deliveries";
import { openapiDocument } from "./document/document";
import { exportsApi } from "./exports";
import type { AnswerFailure } from "./failures";
import { incidents } from "./incidents";
import { live } from "./live";
import type { LivePort, ReadSensor, WebhookPort } from "./ports";
import { probes } from "./probes";
import { reference } from "./document/reference";
import { replays } from "./replays";
import { reports } from "./reports";
import { sensors } from "./sensors";
import { statuses } from "./statuses";
import { tokens } from "./tokens";
import { uptime } from "./uptime";
import { webhookSecrets } from "./webhooks/webhookSecrets";
import { webhookExplanations } from "./webhooks/webhookExplanations";
import { webhooks } from "./webhooks/webhooks";

export interface ApiOptions {
  readonly store: Store;
  /** Through what is kept ready of them. */
  readonly readSensor: ReadSensor;
  readonly reports: ReportPublisher;
  /** Takes many reports in elsewhere; left out, they go to `reports`, too. */
  readonly openReports?: OpenReportIntake | undefined;
  /** How many reports this node has still to read. */
  readonly backlog?: () => number;
  readonly partitions: number;
  readonly registration: "open" | "closed";
  readonly webhooks: WebhookPort;
  readonly live: LivePort;
  readonly vault: Vault;
  readonly mint: TokenMint;
  readonly webhooksChanged: () => void;
  readonly tokenChanged: (id: string) => void;
  readonly health: Health;
  readonly metrics: Pick<Metrics, "registry">;
  readonly calls: Calls;
  readonly answerFailure: AnswerFailure;
}

/** What every node answers. */
export function createProbes({
  health,
  metrics,
  calls,
  answerFailure,
}: Pick<ApiOptions, "health" | "metrics" | "calls" | "answerFailure">) {
  // Elysia's default drops unknown fields in silence, and finds out at the first request that it cannot serve something.
  return new Elysia({ normalize: false, precompile: true })
    .onError(({ error, request }) => answerFailure(error, calls.get(request)?.requestId ?? ""))
    .onParse(({ request }) => calls.get(request)?.body ?? null)
    .onTransform((context) => {
      // Elysia declares texts alone; the schemas of the operations say what else there is.
      context.query = (calls.get(context.request)?.query ?? {}) as typeof context.query;
    })
    .use(probes({ health, metrics, calls }));
}

/** The handlers, one plugin for each noun. They are asked by the gate alone, which has read the body and the query. */
export function createApi(options: ApiOptions) {
  const { store, readSensor, calls, vault, reports: publisher, partitions, registration, webhooksChanged: changed } = options;
  const app = createProbes(options)
    .use(sensors({ store, readSensor, partitions, calls }))
    .use(reports({ store, publisher, registration, calls }))
    .use(
      bulks({
        store,
        publisher,
        registration,
        partitions,
        calls,
        answerFailure: options.answerFailure,
        openReports: options.openReports,
        backlog: options.backlog,
      }),
    )
    .use(changes({ store, calls }))
    .use(live({ port: options.live, calls }))
    .use(uptime({ store, calls }))
    .use(exportsApi({ store, calls, answerFailure: options.answerFailure }))
    .use(webhooks({ store, calls, port: options.webhooks, vault, changed }))
    .use(webhookExplanations({ store }))
    .use(webhookSecrets({ store, vault, changed }))
    .use(replays({ store, changed }))
    .use(deliveries({ store, changed }))
    .use(deadLetters({ store, publisher, calls }))
    .use(statuses({ store, calls }))
    .use(tokens({ store, mint: options.mint, calls, changed: options.tokenChanged }))
    .use(audit({ store }))
    .use(incidents({ store, calls }));
  return app.use(reference({ document: () => openapiDocument(app) }));
}
