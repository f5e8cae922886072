import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { addToCache, inWorkFolder } from "./cache";
import { runCommand } from "./command";
import { type BinarySearch, need, type Release, STEP_MS, StepFailed } from "./found";
import { versionText } from "./version";

/** The release that we fetch or build, and the SHA-256 of its archives as published with it. */
export const PINNED_RELEASE: Release = {
  version: [2, 14, 5],
  sha256: {
    "linux-amd64": "5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355",
    "linux-arm64": "673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c",
  },
};

const FIRST_ANSWER_MS = 6_000;
const UNPACK_MS = 20_000;
const ARCHIVE_BYTES_MAX = 64 * 1024 * 1024;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** This machine in the words of the release archives' names. */
export function platformName(): string {
  return `${process.platform}-${ARCHITECTURES[process.arch] ?? process.arch}`;
}

/** Downloads the pinned release, compares its sum before anything looks into it, and puts the server into the cache. */
export async function fetchRelease(search: BinarySearch) {
  const release = search.release ?? PINNED_RELEASE;
  const platform = platformName();
  const sum = release.sha256[platform];
  if (sum === undefined) throw new StepFailed(`no archive is pinned for ${platform}`);
  const tar = need(search, "tar");
  const version = `v${versionText(release.version)}`;
  const name = `nats-server-${version}-${platform}`;
  const url = `${search.releaseBase.replace(/\/+$/, "")}/${version}/${name}.tar.gz`;
  search.say(`downloading ${url}`);
  const bytes = await download(url, search.firstAnswerMs ?? FIRST_ANSWER_MS);
  const found = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  if (found !== sum) throw new StepFailed(`THE ARCHIVE IS NOT THE ONE PINNED and was thrown away: its SHA-256 is ${found}, not ${sum}`);
  return inWorkFolder(search.cacheDir, async (folder) => {
    const archive = join(folder, "archive.tar.gz");
    writeFileSync(archive, bytes);
    const member = `${name}/nats-server`;
    const unpacked = await runCommand([tar, "-xzf", archive, "-C", folder, member], { timeoutMs: UNPACK_MS });
    if (!unpacked.ok) throw new StepFailed(`the archive cannot be unpacked: ${unpacked.reason}`);
    return addToCache(search.cacheDir, join(folder, member));
  });
}

async function download(url: string, firstAnswerMs: number): Promise<Uint8Array> {
  const abort = new AbortController();
  let limitMs = firstAnswerMs;
  const giveUp = () => abort.abort(new Error(`nothing after ${limitMs / 1000} s`));
  let timer = setTimeout(giveUp, limitMs);
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok) throw new StepFailed(`the answer is ${response.status}`);
    clearTimeout(timer);
    limitMs = STEP_MS;
    timer = setTimeout(giveUp, limitMs);
    return await readBounded(response);
  } catch (error) {
    if (error instanceof StepFailed) throw error;
    throw new StepFailed(`the download failed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > ARCHIVE_BYTES_MAX) throw new StepFailed(`the archive is larger than ${ARCHIVE_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
