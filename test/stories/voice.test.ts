/** A phone that is keyed by what is said into it, heard on the loudspeaker of another site. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { silent } from "../../firmware/log.ts";
import { openEncoder } from "../../firmware/media/codec.ts";
import { type IncomingInvite, openEndpoint } from "../../firmware/sip/endpoint.ts";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openRealm, settleMs, speech } from "../support/realm.ts";
import { refusing } from "../support/sip-wire.ts";
import { openTerminal } from "../support/terminal.ts";

const opus = await loadOpus();
const accounts = `  - { user: anna, password: "story only", talkgroups: [ops], standing: [ops], keying: voice }\n`;

test("what is said into a phone at one site is heard whole at the other, and catches up with what it waited for", async () => {
  const realm = await openRealm();
  const north = await realm.site("north");
  const south = await realm.site("south", { accounts });
  const { clock } = realm;
  const host = "10.0.0.50";
  const network = realm.network.host(host);
  const terminal = await openTerminal({ clock, network }, { local: { host, port: 4_000 }, floor: false });
  const endpoint = await openEndpoint(
    { clock, network, random: seededRandom(5), log: silent },
    { local: { host, port: 5060 }, userAgent: "anna" },
    {
      ...refusing,
      onInvite(invite: IncomingInvite): void {
        const content = terminal.answer(new TextDecoder().decode(invite.request.body));
        invite.accept({ type: "application/sdp", content }, { onConfirmed() {}, onEnd() {} });
      },
    },
  );
  endpoint.register({
    aor: "sip:anna@crew.example",
    registrar: { transport: "udp", remote: { host: south.address, port: 5060 } },
    credentials: { username: "anna", password: "story only" },
    onState() {},
  });
  await clock.advance(settleMs);

  const encoder = await openEncoder(opus, "opus", 24_000);
  const said = await speech("north", 4_000);
  const room = seededRandom(9);
  async function send(samples: Int16Array): Promise<void> {
    for (let at = 0; at + 960 <= samples.length; at += 960) {
      const noisy = samples.subarray(at, at + 960).map((sample) => sample + 30 * (room.fraction() - 0.5));
      terminal.speak(encoder.encode(noisy).slice());
      await clock.advance(20);
    }
  }
  await send(new Int16Array(48_000));
  const ear = north.listen();
  await send(said);
  await send(new Int16Array(96_000));
  const heard = likeness(said, ear.take());
  assert.ok(heard.correlation > 0.85, `likeness ${heard.correlation}`);
  assert.ok(heard.heard > 0.97, `${heard.heard} is there`);
  assert.equal([heard.missingAtStartMs, heard.missingAtEndMs], [0, 0]);
  assert.ok(heard.firstLag - heard.lastLag > 4_800, `${(heard.firstLag - heard.lastLag) / 48} ms are caught up`);
  const talkers = north.told("floor").map(({ fields }) => fields["talker"]);
  assert.equal(talkers, ["sip:anna@crew.example", undefined]);

  encoder.close();
  const closing = endpoint.close();
  await clock.advance(2_000);
  await closing;
  terminal.close();
  await realm.close();
  assert.is(clock.pending(), 0, "nothing is left running");
});

test.run();
