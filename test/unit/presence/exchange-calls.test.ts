import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ExchangeSettings } from "../../../firmware/presence/exchange.ts";
import { header } from "../../../firmware/sip/message.ts";
import { exchangeAt, openPbx } from "./pbx.ts";
import { bookOf, entries, entryOf, openSite, realm } from "./site.ts";
import { openPeer, openPhone } from "./terminals.ts";

const soon = 1_000;

/** A gateway registered at a PBX; alice, and boss, who is a dispatcher, are registered here. */
async function open(changes: Partial<ExchangeSettings> = {}) {
  const accounts = bookOf([...entries, entryOf("boss", { dispatcher: ["ops"] })]);
  const site = await openSite({ accounts, exchanges: [exchangeAt(changes)] });
  const pbx = await openPbx(site);
  site.server.restore();
  const alice = await openPhone(site, "alice", "10.0.0.2");
  const boss = await openPhone(site, "boss", "10.0.0.3");
  for (const phone of [alice, boss]) phone.register();
  await site.clock.advance(soon);
  const lines = () => site.server.exchanges()[0]?.calls;
  return { site, pbx, alice, boss, lines, clock: site.clock, conference: site.conference };
}

test("an extension that dials a user's number is put through to their phone, until either hangs up", async () => {
  for (const who of ["extension", "user"] as const) {
    const { site, pbx, alice, lines, clock, conference } = await open();
    const call = pbx.dial({ number: "8001" });
    await clock.advance(soon);
    assert.equal([pbx.story, lines()], [["answered"], 1]);
    assert.match(header(alice.invites[0] ?? { headers: [] }, "from") ?? "", "sip:1001@pbx.example");
    if (who === "extension") call.end();
    else alice.hangUp();
    await clock.advance(soon);
    assert.is(pbx.story.at(-1), who === "extension" ? "answered" : "hung up");
    assert.equal([lines(), ...conference.legs, ...conference.calls], [0]);
    await site.close();
  }
});

test("a user who cannot be called, or does not want to be, is not put through, and no line is taken", async () => {
  const { site, pbx, alice, lines, clock } = await open({
    numbers: new Map([
      ["1", "alice"],
      ["2", "bob"],
    ]),
  });
  pbx.dial({ number: "2" });
  await clock.advance(soon);
  site.server.setStatus("alice", { status: "do-not-disturb" });
  pbx.dial({ number: "1" });
  await clock.advance(soon);
  site.server.setStatus("alice", undefined);
  alice.onInvite = 486;
  pbx.dial({ number: "1" });
  await clock.advance(soon);
  assert.equal([pbx.story, lines()], [["refused: 480", "refused: 480", "refused: 486"], 0]);
  await site.close();
});

test("a dispatcher dials out: the extension rings, is told who calls, and the exchange gets its proof", async () => {
  const { site, pbx, boss, lines, clock } = await open();
  boss.dial("91001");
  await clock.advance(soon);
  assert.equal([boss.story.length, lines()], [1, 1]);
  const invite = pbx.requests.find(({ method }) => method === "INVITE") ?? assert.unreachable();
  assert.is(invite?.uri, "sip:1001@pbx.example");
  assert.match(header(invite ?? { headers: [] }, "from") ?? "", /^"boss" <sip:roger@pbx.example>;tag=/);
  for (const name of ["answer-mode", "call-info", "alert-info"])
    assert.is(header(invite ?? { headers: [] }, name), undefined, name);
  pbx.hangUp();
  await clock.advance(soon);
  assert.equal([boss.story.at(-1), lines()], ["hung up", 0]);
  await site.close();
});

test("who dispatches nothing may not dial out, and nobody is rung", async () => {
  const { site, pbx, alice, clock, conference } = await open();
  alice.dial("91001");
  await clock.advance(soon);
  assert.equal([alice.story, conference.legs.size], [["refused: 403"], 0]);
  assert.not(pbx.requests.some(({ method }) => method === "INVITE"));
  await site.close();
});

test("an extension that is busy, or not there, takes no line", async () => {
  const { site, pbx, boss, lines, clock, conference } = await open();
  for (const [status, told] of [
    [486, "refused: 486"],
    [404, "refused: 480"],
  ] as const) {
    pbx.onInvite = status;
    boss.dial("91001");
    await clock.advance(soon);
    assert.equal([boss.story.at(-1), lines(), conference.legs.size], [told, 0, 0]);
  }
  await site.close();
});

test("calls out take the lines that calls in would", async () => {
  const { site, pbx, boss, clock } = await open({ calls: 1 });
  const call = boss.dial("91001");
  await clock.advance(soon);
  pbx.dial();
  boss.dial("91002");
  await clock.advance(soon);
  assert.equal([pbx.story, boss.story.at(-1)], [["refused: 486"], "refused: 486"]);
  call.end();
  await clock.advance(soon);
  pbx.dial();
  await clock.advance(soon);
  assert.is(pbx.story.at(-1), "answered");
  await site.close();
});

test("a list of numbers outside takes no more lines than there are; who may not dial out calls the others of it", async () => {
  const { site, pbx, alice, boss, lines, clock } = await open({ calls: 2 });
  const listOf = (user: string) => `<entry uri="sip:${user}@${realm}"/>`;
  const entries = ["91001", "91002", "91003", "alice", "boss"].map(listOf).join("");
  const list = {
    method: "REFER",
    uri: "direct",
    body: `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>${entries}</list></resource-lists>`,
  };
  const more = ["Refer-To: <cid:list>", "Content-ID: <list>", "Content-Type: application/resource-lists+xml"];
  const refer = async (user: string, host: string): Promise<number> => {
    const peer = await openPeer(site, user, { host, port: 5060 });
    return (await peer.ask({ ...list, headers: [`Contact: <${peer.contact}>`, ...more] })).status;
  };
  assert.is(await refer("boss", "10.0.0.8"), 202);
  await clock.advance(soon);
  const called = pbx.requests.filter(({ method }) => method === "INVITE").map(({ uri }) => uri);
  assert.equal(called, ["sip:1001@pbx.example", "sip:1002@pbx.example"]);
  assert.equal([lines(), alice.invites.length], [2, 1]);
  pbx.hangUp();
  alice.hangUp();
  await clock.advance(soon);
  assert.is(await refer("alice", "10.0.0.9"), 202);
  await clock.advance(soon);
  assert.equal([boss.invites.length, lines()], [1, 0]);
  await site.close();
});

test.run();
