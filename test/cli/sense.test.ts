import { expect, test } from "bun:test";
import { parseReport } from "../../src/domain/report";
import { openNats } from "../../src/jetstream/connection";
import { startNatsServer } from "../servers/natsServer";
import { runCommand } from "./command";

test("one round of this machine's readings arrives as reports with values", async () => {
  const nats = await startNatsServer();
  const link = await openNats({ urls: [nats.url], name: "test" });
  try {
    await link.api.streams.add({ name: "REPORTS_1_0", subjects: ["reports.1.0.*"] });
    const { exitCode, stdout } = await runCommand(["sense", "--once", "--id", "test.host"], { NATS_URL: nats.url });
    expect(exitCode).toBe(0);
    for (const name of ["load", "memory", "disk"]) {
      const message = await link.api.streams.getMessage("REPORTS_1_0", { last_by_subj: `reports.1.0.test-host-${name}` });
      const parsed = parseReport(message?.data ?? new Uint8Array());
      if (!parsed.ok) throw new Error(parsed.reason);
      expect(["ok", "warning", "critical"]).toContain(parsed.report.status);
      expect(parsed.report.value).toBeNumber();
      expect(stdout).toContain(`test-host-${name}`);
    }
  } finally {
    await link.close();
    await nats.stop();
  }
});
