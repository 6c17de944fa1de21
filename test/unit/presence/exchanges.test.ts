import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ExchangeSettings } from "../../../firmware/presence/exchange.ts";
import { simulatedIdentity } from "../../../hal/network/simulated-tls.ts";
import { exchangeAt, openPbx, type PbxCall, pbxAddress, pbxIdentity } from "./pbx.ts";
import { openSite } from "./site.ts";
import { openPeer, openPhone } from "./terminals.ts";

/** A gateway that knows a PBX, and the PBX; both stand. */
async function open(changes: Partial<ExchangeSettings> = {}) {
  const site = await openSite({ exchanges: [exchangeAt(changes)], authorities: pbxIdentity.certificate });
  const pbx = await openPbx(site);
  site.server.restore();
  await site.clock.advance(200);
  return { ...site, site, pbx };
}

const linkOf = ({ server }: Awaited<ReturnType<typeof open>>) => server.exchanges()[0]?.link;

test("a gateway registers at its exchange with a proof, and again before that runs out", async () => {
  const opened = await open();
  const { site, pbx, clock } = opened;
  assert.equal(linkOf(opened), { in: "up" });
  assert.equal(
    [pbx.registrations.map(({ proven }) => proven), pbx.contact],
    [[false, true], "sip:roger@10.0.0.1:5060"],
  );
  await clock.advance(120_000);
  assert.is(pbx.registrations.filter(({ proven }) => proven).length, 3);
  await site.close();
});

test("what becomes of a registration is said once for each change, and never with the password", async () => {
  const opened = await open();
  const { site, pbx, clock, logged } = opened;
  await clock.advance(300_000);
  pbx.password = "another one now";
  await clock.advance(300_000);
  assert.equal(linkOf(opened), { in: "down", status: 401 });
  pbx.password = "of the pbx";
  await clock.advance(60_000);
  const lines = logged.filter(({ fields }) => "event" in fields && fields.event === "exchange");
  assert.equal(
    lines.map(({ fields }) => fields),
    [
      { event: "exchange", exchange: "pbx", in: "up" },
      { event: "exchange", exchange: "pbx", in: "down", status: 401 },
      { event: "exchange", exchange: "pbx", in: "up" },
    ],
  );
  assert.not.match(JSON.stringify(logged), "of the pbx");
  await site.close();
});

test("an exchange that is gone is asked again until it is back", async () => {
  const opened = await open();
  const { site, pbx, clock } = opened;
  const closing = pbx.close();
  await clock.advance(2_000);
  await closing;
  await clock.advance(120_000);
  assert.equal(linkOf(opened), { in: "down", status: 408 });
  await openPbx(site);
  await clock.advance(60_000);
  assert.equal(linkOf(opened), { in: "up" });
  await site.close();
});

test("a peer is not registered at, but asked whether it is there", async () => {
  const { user: _, password: __, ...peer } = exchangeAt({ register: false });
  const site = await openSite({ exchanges: [peer] });
  site.server.restore();
  await site.clock.advance(60_000);
  assert.equal(site.server.exchanges()[0]?.link, { in: "down", status: 408 });
  const pbx = await openPbx(site);
  await site.clock.advance(60_000);
  assert.equal(site.server.exchanges()[0]?.link, { in: "up" });
  assert.equal(pbx.registrations, []);
  await site.close();
});

test("an extension that dials a talkgroup's number is a member of it by its own address, until it hangs up", async () => {
  const { site, pbx, clock, asked, told, server } = await open();
  const phone = await openPhone(site);
  const watching = phone.subscribe();
  await clock.advance(300);
  const call = pbx.dial();
  await clock.advance(300);
  const options = {
    leg: "2-pbx",
    talkgroup: "ops",
    user: "sip:1001@pbx.example",
    mayTalk: true,
    mayPreempt: false,
    priority: 5,
  };
  assert.equal(asked.at(-1)?.command, { type: "provision", options, offer: "an offer" });
  assert.equal(pbx.story, ["answered"]);
  assert.match(phone.notified.at(-1) ?? "", 'user entity="sip:1001@pbx.example"');
  assert.equal(site.stateOf("sip:1001@pbx.example"), { status: "available", talkgroups: ["ops"] });
  assert.is(server.exchanges()[0]?.calls, 1);
  call.end();
  await clock.advance(300);
  assert.not.match(phone.notified.at(-1) ?? "", "pbx.example");
  assert.is(told.at(-1), "sip:1001@pbx.example: gone");
  assert.is(server.exchanges()[0]?.calls, 0);
  watching.close();
  await clock.advance(300);
  await site.close();
});

test("the talkgroup's members take nobody here for a caller of an exchange who talks", async () => {
  const { site, pbx, clock, server } = await open();
  const phone = await openPhone(site);
  const call = phone.dial();
  pbx.dial({ from: "sip:alice@pbx.example" });
  await clock.advance(300);
  const quiet = site.stateOf("alice");
  server.floor("ops", "sip:alice@pbx.example");
  await clock.advance(5_000);
  assert.equal(site.stateOf("alice"), quiet, "alice of this realm does not talk");
  server.floor("ops", "sip:alice@example.org");
  await clock.advance(5_000);
  assert.not.equal(site.stateOf("alice"), quiet);
  call.end();
  await clock.advance(300);
  await site.close();
});

/** What the caller is shown as, or how the call was refused. */
async function outcomeOf(said: PbxCall): Promise<string> {
  const { site, pbx, clock, asked } = await open();
  pbx.dial(said);
  await clock.advance(300);
  const provisioned = asked.flatMap(({ command }) => (command.type === "provision" ? [command.options] : []));
  const [options] = provisioned;
  await site.close();
  return options ? `${options.user} in ${options.talkgroup}` : pbx.story.join();
}

test("a number is read from where exchanges write it", async () => {
  const own = "sip:roger@10.0.0.1:5060";
  for (const [said, outcome] of [
    [{ number: "8000" }, "sip:1001@pbx.example in ops"],
    [{ uri: own, to: "sip:8000@pbx.example" }, "sip:1001@pbx.example in ops"],
    [{ uri: own, to: "tel:8000" }, "sip:1001@pbx.example in ops"],
    [{ uri: own, to: own, headers: [["p-called-party-id", "<sip:8000@pbx.example>"]] }, "sip:1001@pbx.example in ops"],
    [{ uri: "sip:8000;phone-context=x@10.0.0.1" }, "sip:1001@pbx.example in ops"],
    [{ uri: own, to: own }, "refused: 404"],
    [{ uri: "sip:10.0.0.1", to: "sip:8000@pbx.example" }, "sip:1001@pbx.example in ops"],
    // It was called on after somebody else did not answer.
    [{ uri: "sip:8009@10.0.0.1", to: "sip:8000@pbx.example" }, "refused: 404"],
    [{ number: "8002" }, "refused: 404"],
    [{ number: "ops" }, "refused: 404"],
    [{ number: "__proto__" }, "refused: 404"],
  ] as const)
    assert.is(await outcomeOf(said), outcome, JSON.stringify(said));
});

test("a caller is an address of the exchange, whoever it says that it is", async () => {
  for (const [said, shown] of [
    [{ from: '"Ann" <sip:1002@10.0.0.50>' }, "sip:1002@pbx.example"],
    [{ from: "sip:alice@example.org" }, "sip:alice@pbx.example"],
    [{ from: "sip:%61lice;x=y@example.org" }, "sip:alice@pbx.example"],
    [{ from: "tel:+49-30-1234" }, "sip:+49301234@pbx.example"],
    [{ from: "sip:anonymous@anonymous.invalid" }, "sip:anonymous@pbx.example"],
    [{ from: "sip:10.0.0.50" }, "sip:anonymous@pbx.example"],
    [{ headers: [["p-asserted-identity", '"Bo" <sip:1003@pbx.example>, <tel:+491>']] }, "sip:1003@pbx.example"],
    [
      {
        headers: [
          ["p-asserted-identity", "<sip:1003@pbx.example>"],
          ["privacy", "id;critical"],
        ],
      },
      "sip:anonymous@pbx.example",
    ],
  ] as const)
    assert.is(await outcomeOf(said), `${shown} in ops`, JSON.stringify(said));
  assert.is(await outcomeOf({ from: `sip:${"1".repeat(65)}@pbx.example` }), "refused: 400");
  assert.is(await outcomeOf({ headers: [["p-asserted-identity", "who"]] }), "refused: 400");
});

test("only what comes from the exchange's own address is the exchange's; whoever else says so is asked for a proof", async () => {
  const { site, conference } = await open();
  for (const [address, kind] of [
    [{ host: "10.0.0.51", port: 5060 }, "udp"],
    [{ host: pbxAddress.host, port: 5062 }, "udp"],
    [{ host: pbxAddress.host, port: 5062 }, "tcp"],
  ] as const) {
    const peer = await openPeer(site, "1001", address, kind);
    const { status } = await peer.say({
      method: "INVITE",
      from: "sip:1001@pbx.example",
      uri: "8000",
      body: "an offer",
    });
    assert.is(status, 401, `${address.host}:${address.port} over ${kind}`);
  }
  assert.equal(conference.words(), []);
  assert.is(site.server.exchanges()[0]?.refused.place, 3);
  const said = site.logged.flatMap(({ fields }) => ("event" in fields && fields.event !== "exchange" ? [fields] : []));
  const from = { host: "10.0.0.51", port: 5060 };
  assert.equal(said, [{ event: "exchange-elsewhere", exchange: "pbx", from, transport: "udp" }], "it is said once");
  await site.clock.advance(33_000);
  await site.close();
});

test("an exchange over TCP may call by any connection, and a user of this realm by any of its host", async () => {
  const { site, pbx, clock } = await open({ server: { ...pbxAddress, transport: "tcp" }, calls: 9 });
  const alice = { from: "sip:alice@example.org" };
  for (const [said, by] of [
    [{}, "udp"],
    [{}, "tcp"],
    [alice, "tcp"],
    [alice, pbx.flow],
  ] as const) {
    pbx.dial(said, by);
    await clock.advance(300);
  }
  assert.equal(pbx.story, ["refused: 401", "answered", "refused: 401", "answered"]);
  await site.close();
});

const secureServer = { host: pbxAddress.host, port: 5061, transport: "tls" } as const;

test("an exchange over TLS has shown who it is on the connection that the gateway opened", async () => {
  const { site, pbx, clock } = await open({ server: secureServer });
  assert.is(pbx.contact, "sip:roger@10.0.0.1:5061;transport=tls");
  pbx.dial({}, pbx.flow);
  await clock.advance(300);
  assert.equal(pbx.story, ["answered"]);
  await site.close();
});

test("on a connection of its own an exchange over TLS shows who it is by a certificate, for its name and signed", async () => {
  const named = simulatedIdentity(pbxAddress.host, "pbx.example");
  for (const [name, shown, signed, outcome] of [
    [undefined, pbxIdentity, true, "answered"],
    ["pbx.example", named, true, "answered"],
    ["pbx.example", pbxIdentity, true, "refused: 401"],
    ["pbx.example", named, false, "refused: 401"],
  ] as const) {
    const server = { ...secureServer, ...(name !== undefined && { name }) };
    const { certificate } = signed ? shown : simulatedIdentity("elsewhere.example");
    const site = await openSite({ exchanges: [exchangeAt({ server })], authorities: certificate });
    const pbx = await openPbx(site, shown);
    pbx.dial({}, "tls");
    await site.clock.advance(300);
    assert.equal(pbx.story, [outcome], `${name} ${shown.certificate} ${signed}`);
    await site.close();
  }
});

test("an exchange over TLS that is somebody else is not registered at", async () => {
  const server = { host: pbxAddress.host, port: 5061, transport: "tls", name: "other.example" } as const;
  const opened = await open({ server });
  assert.equal([linkOf(opened), opened.pbx.contact], [{ in: "down", status: 503 }, ""]);
  await opened.site.close();
});

test("an exchange has as many calls as it may, and room again when one is over", async () => {
  const { site, pbx, clock, server } = await open();
  const call = pbx.dial();
  pbx.dial();
  pbx.dial();
  await clock.advance(300);
  assert.equal(pbx.story.toSorted(), ["answered", "answered", "refused: 486"]);
  call.end();
  await clock.advance(300);
  pbx.dial();
  pbx.dial({ number: "1" });
  await clock.advance(300);
  assert.equal(pbx.story.slice(3).toSorted(), ["answered", "refused: 404"]);
  assert.equal(server.exchanges()[0]?.refused, { number: 1, lines: 1, place: 0 });
  await site.close();
});

test("a call that gets no leg, or that its caller gives up, takes no line", async () => {
  const { site, pbx, clock, conference, server } = await open();
  conference.reply = () => [];
  const call = pbx.dial();
  await clock.advance(100);
  call.end();
  pbx.dial({ number: "8000", headers: [["content-type", "text/plain"]] });
  await clock.advance(1_000);
  assert.equal([server.exchanges()[0]?.calls, conference.legs.size], [0, 0]);
  await site.close();
});

test.run();
