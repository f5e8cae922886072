import { describe, expect, test } from "bun:test";
import { type Manifest, rendered } from "./manifests";
import { schemaProblems } from "./schemas";

test("every manifest of the overlay is what Kubernetes knows by its kind, field by field", async () => {
  const manifests = await rendered();
  expect(new Set(manifests.map(({ kind }) => kind))).toEqual(
    new Set(["Namespace", "ServiceAccount", "ConfigMap", "Service", "Deployment", "PodDisruptionBudget", "Job"]),
  );
  expect(await schemaProblems(manifests)).toEqual([]);
});

describe("a manifest is refused", () => {
  /** The Deployment that has most in it, with one thing replaced in its text. */
  async function damaged(from: RegExp, to: string): Promise<string> {
    const http = (await rendered()).find(({ kind, metadata }) => kind === "Deployment" && metadata.name === "tocsin-http");
    const text = JSON.stringify(http);
    expect(text).toMatch(from);
    return (await schemaProblems([JSON.parse(text.replace(from, to)) as Manifest])).join("\n");
  }

  test.each([
    ["a misspelt field of the pod", /automountServiceAccountToken/, "automountServiceAcountToken", "automountServiceAcountToken"],
    ["a misspelt field deep in a list", /timeoutSeconds/, "timeoutSecond", "timeoutSecond"],
    ["a field in the wrong place", /terminationGracePeriodSeconds/, "preStop", "preStop"],
    ["a text where a number belongs", /"maxSkew":1/, '"maxSkew":"1"', "not assignable to type 'number'"],
    ["a number where a text belongs", /"cpu":"250m"/, '"cpu":2', "not assignable to type 'string'"],
    ["a missing field that is needed", /"selector":.*?\}\},/, "", "'selector' is missing"],
    ["a kind that its API does not have", /"Deployment"/, '"Deploymint"', "Deploymint"],
    ["an API that is gone", /apps\/v1/, "extensions/v1beta1", "extensions/v1beta1"],
  ])("for %s", async (_, from, to, said) => {
    expect(await damaged(from, to)).toContain(said);
  });
});
