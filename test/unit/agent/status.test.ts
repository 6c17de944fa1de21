import { test } from "uvu";
import * as assert from "uvu/assert";
import { statusDocument } from "../../../firmware/agent/status-document.ts";
import { readPidf } from "../../../firmware/presence/pidf.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { readPresence } from "../../support/presence-documents.ts";
import { serverAddress } from "../../support/sip-wire.ts";
import { openBoth, openServer } from "./server.ts";

const opus = await loadOpus();

test("what an agent publishes is a sound document, and is read as what was chosen, whatever the user is called", () => {
  for (const aor of ["sip:alice@example.org", 'sip:o"<&>b@example.org']) {
    const { type, content } = statusDocument(aor, "do-not-disturb");
    assert.is(type, "application/pidf+xml");
    assert.equal(readPidf(new TextEncoder().encode(content)), { status: "do-not-disturb" });
    const { basic, activities } = readPresence(content);
    assert.equal([basic, activities], ["open", ["busy", "other: do not disturb"]]);
  }
});

/** What is told and done about the status, and nothing else. */
const ofStatus = (words: readonly string[]): string[] => words.filter((word) => word.startsWith("status"));

test("a status that is chosen is published and kept up, chosen twice or not, and taken back when another is chosen or at the end", async () => {
  const { server, agent, clock, told } = await openBoth(opus);
  agent.choose(undefined);
  for (let time = 0; time < 2; time++) agent.choose("do-not-disturb");
  await clock.advance(500);
  assert.equal([ofStatus(server.story), ofStatus(told)], [["status published"], ["status shown"]]);
  await clock.advance(250_000);
  agent.choose(undefined);
  await clock.advance(500);
  assert.equal(ofStatus(server.story).slice(1), ["status refreshed", "status taken back"]);
  assert.is(told.at(-1), "status not shown");
  agent.choose("do-not-disturb");
  await clock.advance(500);
  const closing = agent.close();
  await clock.advance(1_000);
  await closing;
  assert.equal(ofStatus(server.story).slice(3), ["status published", "status taken back"]);
  await server.close();
  assert.is(clock.pending(), 0);
});

test("a status chosen before the agent is registered is published when it is, and to the server's successor too", async () => {
  const { wire, far, agent, clock, told } = await openBoth(opus);
  wire.network.kill(serverAddress.host);
  far.fallSilent();
  await clock.advance(22_000);
  agent.choose("do-not-disturb");
  await clock.advance(1_000);
  assert.equal(ofStatus(told), []);
  let before = await openServer(wire, { seed: 2 });
  for (let successor = 3; successor < 5; successor++) {
    await clock.advance(40_000);
    assert.equal(ofStatus(before.story).slice(0, 1), ["status published"]);
    assert.is(ofStatus(told).at(-1), "status shown");
    wire.network.kill(serverAddress.host);
    before.far.fallSilent();
    await clock.advance(30_000);
    assert.is(ofStatus(told).at(-1), "status not shown", "a lamp that nobody stands for is dark");
    before = await openServer(wire, { seed: successor });
  }
});

test.run();
