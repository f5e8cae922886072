/** What a user does with the client, in plain JavaScript: run as it stands by Node, by Bun and by a browser. */

export async function roundTrip({ createClient, TocsinProblem }, { url, token, id }) {
  const admin = createClient({ url, token });
  const minted = await admin.post("/v1/tokens", { body: { name: id, scopes: ["sensors:read", "sensors:write", "reports:write"] } });
  const tocsin = createClient({ url, token: minted.token });
  await tocsin.post("/v1/sensors", { body: { id, labels: { site: "north" } } });

  const { cursor } = await tocsin.get("/v1/changes", { query: { order: "desc", limit: 1 } });
  await tocsin.report(id, { status: "overheated", severity: "critical", value: 97.5, message: "čtyři 🔔" });
  const heard = [];
  for await (const event of tocsin.live({ after: cursor, query: { sensorId: [id] } })) {
    if (event.type !== "change") continue;
    heard.push(`${event.change.sensorId} ${event.change.to.status} ${event.change.report?.message}`);
    if (heard.length === 1) await tocsin.report(id, { status: "ok" });
    else break;
  }

  const listed = [];
  for await (const { revision } of tocsin.pages("/v1/sensors/{id}/changes", { path: { id }, query: { limit: 1 } })) listed.push(revision);

  await admin.delete("/v1/tokens/{id}", { path: { id: minted.id } });
  const refused = await tocsin.get("/v1/sensors").catch((error) => error);
  return { heard, listed, refused: refused instanceof TocsinProblem ? refused.status : String(refused) };
}
