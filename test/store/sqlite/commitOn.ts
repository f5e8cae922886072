/** Commits batch after batch until it is killed, each of a report, a change and a state; says the sequence of each that is in. */
import { openStore } from "../../../src/store/open";
import { Owner } from "../conformance/owner";
import { changeOf, onlineState, reportOf } from "../conformance/samples";

const [file = ""] = process.argv.slice(2);
const owner = await Owner.of(await openStore({ kind: "sqlite", file }));
for (;;) {
  const number = owner.position.cursor + 1;
  await owner.commit({
    reports: [reportOf(number, "a", { disposition: "applied", changeNumber: number })],
    changes: [changeOf(number, "a")],
    states: [{ sensorId: "a", state: onlineState({ revision: number }) }],
  });
  process.stdout.write(`${number}\n`);
}
