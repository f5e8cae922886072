import { expect, test } from "bun:test";
import { kubectl } from "../servers/kubectl";
import { readRepoFile } from "../verify/repo";
import { startApiServer } from "./apiServer";
import { rendered } from "./manifests";

/** The words of the commands in docs/kubernetes.md that scale something, without `kubectl`. */
function documented(): string[][] {
  return [...readRepoFile("docs/kubernetes.md").matchAll(/^\$ kubectl (.* scale .*)$/gm)].map(([, words = ""]) => words.split(/\s+/));
}

test("the documented commands scale each Deployment, by the real kubectl", async () => {
  using api = startApiServer(await rendered());
  const commands = documented();
  for (const words of commands) {
    const { code, stdout, stderr } = await kubectl("--server", api.url, ...words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [, name = ""] = /deployment\/([\w-]+)/.exec(words.join(" ")) ?? [];
    expect(stdout).toBe(`deployment.apps/${name} scaled\n`);
    expect(api.replicas(name)).toBe(Number(/--replicas=(\d+)/.exec(words.join(" "))?.[1]));
  }
  expect(commands.length).toBeGreaterThan(0);
  expect(api.changed).toHaveLength(commands.length);
  expect(new Set(api.changed.map((path) => path.split("/").at(-2)))).toEqual(new Set(["tocsin-http", "tocsin-ingest", "tocsin-notify"]));
});

test("a Deployment that the overlay does not have is not scaled", async () => {
  using api = startApiServer(await rendered());
  const { code, stderr } = await kubectl("--server", api.url, "-n", "tocsin", "scale", "deployment/tocsin-ingress", "--replicas=2");
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('"tocsin-ingress" not found') });
  expect(api.changed).toEqual([]);
});
