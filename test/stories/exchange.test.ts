import { test } from "uvu";
import * as assert from "uvu/assert";
import { silent } from "../../firmware/log.ts";
import { openEndpoint } from "../../firmware/sip/endpoint.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { openRealm, type StoryRealm, settleMs, speech } from "../support/realm.ts";
import { refusing } from "../support/sip-wire.ts";
import { openTerminal } from "../support/terminal.ts";

const pbx = { host: "10.0.0.50", port: 5060 };
const south = { host: "10.0.0.2", port: 5060 };
const exchanges = `  - name: pbx
    server: { host: ${pbx.host} }
    domain: pbx.example
    numbers: { "8000": ops }
`;

/** An extension of a PBX that the south site knows as a peer: a telephone that knows no floor. */
async function openExtension({ clock, network }: StoryRealm) {
  const machine = network.host(pbx.host);
  const terminal = await openTerminal(
    { clock, network: machine },
    { local: { host: pbx.host, port: 4_000 }, codec: "PCMU", floor: false, keys: true },
  );
  const endpoint = await openEndpoint(
    { clock, network: machine, random: seededRandom(50), log: silent },
    { local: pbx, userAgent: "pbx" },
    refusing,
  );
  return {
    terminal,
    dial: (number: string) =>
      endpoint.invite(
        {
          method: "INVITE",
          uri: `sip:${number}@${south.host}`,
          from: "sip:1001@pbx.example",
          to: `sip:${number}@${south.host}`,
          via: { transport: "udp", remote: south },
          body: { type: "application/sdp", content: terminal.offer() },
        },
        {
          onAnswer: ({ body }) => terminal.accept(new TextDecoder().decode(body)),
          onRefused(status) {
            throw new Error(`refused: ${status}`);
          },
          onEnd() {},
        },
      ),
    async close() {
      const closing = endpoint.close();
      await clock.advance(2_000);
      await closing;
      terminal.close();
    },
  };
}

test("an extension that is the only one of its site in a talkgroup hears the other site, and is heard there", async () => {
  const realm = await openRealm();
  const { clock } = realm;
  const north = await realm.site("north");
  const site = await realm.site("south", { headless: true, exchanges });
  const { terminal, dial, close } = await openExtension(realm);
  await clock.advance(settleMs);
  assert.equal(
    site.told("exchange").map(({ fields }) => fields["in"]),
    ["up"],
  );
  assert.equal(site.told("role"), [], "nobody of south is in a talkgroup");

  const call = dial("8000");
  await clock.advance(settleMs);
  assert.equal(site.told("role").at(-1)?.fields["peers"], ["north"]);
  north.press();
  north.say(await speech("north", 1_000));
  await clock.advance(1_000);
  north.release();
  await clock.advance(1_000);
  assert.ok(terminal.heard.length >= 45, `${terminal.heard.length} packets of a second's speech`);

  terminal.dial("*");
  await clock.advance(1_000);
  assert.equal(site.told("floor").at(-1)?.fields["talker"], "sip:1001@pbx.example");
  assert.equal(north.told("floor").at(-1)?.fields["talker"], "sip:1001@pbx.example");
  call.end();
  await clock.advance(settleMs);
  assert.equal(site.told("floor").at(-1)?.fields["talker"], undefined, "whoever hangs up gives the floor back");
  await close();
  await realm.close();
});

test.run();
