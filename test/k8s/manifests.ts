/** What `kubectl apply -k k8s/overlays/cluster` would send, as data. */
import { join } from "node:path";
import type { Deployment } from "kubernetes-types/apps/v1";
import type { Job } from "kubernetes-types/batch/v1";
import type { ConfigMap, Container, Namespace, PodTemplateSpec, Service, ServiceAccount } from "kubernetes-types/core/v1";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1";
import { kubectl } from "../servers/kubectl";
import { repoRoot } from "../verify/repo";

export const OVERLAY = "k8s/overlays/cluster";

/** Whatever it is, each manifest has these. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
}

export type Labels = Readonly<Record<string, string>>;

/** The kinds that we have, by name; whether a manifest really is one is what test/k8s/schemas.ts asks. */
interface Kinds {
  ConfigMap: ConfigMap;
  Deployment: Deployment;
  Job: Job;
  Namespace: Namespace;
  PodDisruptionBudget: PodDisruptionBudget;
  Service: Service;
  ServiceAccount: ServiceAccount;
}

let manifests: Promise<Manifest[]> | undefined;

/** Rendered once in a process; throws what kubectl says. */
export function rendered(): Promise<Manifest[]> {
  manifests ??= render();
  return manifests;
}

async function render(): Promise<Manifest[]> {
  const { code, stdout, stderr } = await kubectl("kustomize", join(repoRoot, OVERLAY));
  // A warning (of a field that is going away, for example) is a fault, too.
  if (code !== 0 || stderr !== "") throw new Error(`kubectl kustomize ${OVERLAY} ended with ${code}: ${stderr}`);
  return Bun.YAML.parse(stdout) as Manifest[];
}

export async function ofKind<Kind extends keyof Kinds>(kind: Kind): Promise<(Kinds[Kind] & Manifest)[]> {
  return (await rendered()).filter((manifest) => manifest.kind === kind) as (Kinds[Kind] & Manifest)[];
}

export interface Workload {
  readonly name: string;
  readonly kind: "Deployment" | "Job";
  readonly template: PodTemplateSpec;
  readonly labels: Labels;
  readonly container: Container;
}

/** Everything that makes pods, each of which has one container. */
export async function workloads(): Promise<Workload[]> {
  return [...(await ofKind("Deployment")), ...(await ofKind("Job"))].map(({ kind, metadata, spec }) => {
    const template = spec?.template;
    const [container, ...others] = template?.spec?.containers ?? [];
    if (template === undefined || container === undefined || others.length > 0) throw new Error(`${metadata.name} has not one container`);
    return { name: metadata.name, kind: kind as Workload["kind"], template, labels: template.metadata?.labels ?? {}, container };
  });
}

/** The same without those that end by themselves. */
export async function nodes(): Promise<Workload[]> {
  return (await workloads()).filter(({ kind }) => kind === "Deployment");
}

/** Whether a selector picks what has these labels. */
export function picks(selector: Labels | undefined, labels: Labels): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
}
