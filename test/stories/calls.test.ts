/** Private calls to the board of a site: from a phone on a desk, while the talkgroup goes on. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { silent } from "../../firmware/log.ts";
import { type IncomingInvite, openEndpoint, type Session } from "../../firmware/sip/endpoint.ts";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { openRealm, type StoryRealm, settleMs, speech } from "../support/realm.ts";
import { refusing } from "../support/sip-wire.ts";
import { openTerminal } from "../support/terminal.ts";
import { toneIn } from "../support/tone.ts";

const password = "story only";
const accounts = ["anna", "bert"]
  .map(
    (user) =>
      `  - { user: ${user}, password: "${password}", talkgroups: [ops], standing: [${user === "bert" ? "ops" : ""}] }\n`,
  )
  .join("");
const opus = await loadOpus();

/** A phone with floor control; it picks up by itself, and says a tone in place of words. */
async function openPhone(realm: StoryRealm, server: string, user: string, host: string, hertz: number) {
  const { clock } = realm;
  const network = realm.network.host(host);
  const terminal = await openTerminal({ clock, network }, { local: { host, port: 4_000 } });
  const registrar = { transport: "udp", remote: { host: server, port: 5060 } } as const;
  const aor = `sip:${user}@crew.example`;
  const credentials = { username: user, password };
  const encoder = await opus.encoder({ bitrate: 24_000 });
  const frame = new Int16Array(960);
  let at = 0;
  let session: Session | undefined;
  const story: string[] = [];

  function onInvite(invite: IncomingInvite): void {
    const content = terminal.answer(new TextDecoder().decode(invite.request.body));
    session = invite.accept({ type: "application/sdp", content }, { onConfirmed() {}, onEnd() {} });
  }
  const endpoint = await openEndpoint(
    { clock, network, random: seededRandom(hertz), log: silent },
    { local: { host, port: 5060 }, userAgent: user },
    { ...refusing, onInvite },
  );
  endpoint.register({ aor, registrar, credentials, onState() {} });

  return {
    terminal,
    story,
    call(uri: string) {
      const body = { type: "application/sdp", content: terminal.offer() };
      session = endpoint.invite(
        { method: "INVITE", uri, from: aor, to: uri, via: registrar, credentials, body },
        {
          onAnswer: (response) => terminal.accept(new TextDecoder().decode(response.body)),
          onRefused: (status) => void story.push(`refused: ${status}`),
          onEnd: () => void story.push("hung up"),
        },
      );
    },
    hangUp: () => session?.end(),
    /** Says its tone, as long as the floor is its own. */
    async talk(ms: number) {
      terminal.press();
      await clock.advance(20);
      for (let count = 0; count < ms / 20; count++) {
        for (let index = 0; index < 960; index++)
          frame[index] = 8_000 * Math.sin((2 * Math.PI * hertz * (at + index)) / 48_000);
        at += 960;
        terminal.speak(encoder.encode(frame), { marker: count === 0 });
        await clock.advance(20);
      }
      terminal.release();
    },
    async close() {
      const closing = endpoint.close();
      await clock.advance(2_000);
      await closing;
      terminal.close();
      encoder.close();
    },
  };
}

async function open() {
  const realm = await openRealm();
  const site = await realm.site("north", { accounts, alone: true });
  const anna = await openPhone(realm, site.address, "anna", "10.0.0.50", 700);
  const bert = await openPhone(realm, site.address, "bert", "10.0.0.51", 1_200);
  await realm.clock.advance(settleMs);
  return {
    realm,
    site,
    anna,
    bert,
    clock: realm.clock,
    async close() {
      await anna.close();
      await bert.close();
      await realm.close();
      assert.is(realm.clock.pending(), 0, "nothing is left running");
    },
  };
}

test("a phone calls the board privately: both talk in turn, and then a press is for the talkgroup again", async () => {
  const { site, anna, bert, clock, close } = await open();
  assert.ok(site.lamp("ready"));
  anna.call("sip:north-panel@crew.example");
  await clock.advance(1_000);
  assert.ok(site.lamp("call"), "the board shows that somebody has called");
  assert.equal(
    site.told("call").map(({ fields }) => fields["users"]),
    [["anna", "north-panel"]],
  );

  const ears = site.listen();
  await anna.talk(2_000);
  await clock.advance(500);
  const heard = toneIn(ears.take(), 700, 100);
  assert.ok(heard > 0.9, `anna is heard at the board: ${heard}`);
  const bertHeard = bert.terminal.heard.length;
  anna.terminal.heard.splice(0);
  site.press();
  site.say(await speech("north", 1_000));
  await clock.advance(1_000);
  site.release();
  await clock.advance(500);
  assert.ok(anna.terminal.heard.length >= 48, `${anna.terminal.heard.length} packets for anna`);
  assert.is(bert.terminal.heard.length, bertHeard, "nobody else hears it");

  anna.hangUp();
  await clock.advance(1_000);
  assert.not.ok(site.lamp("call"));
  site.press();
  site.say(await speech("north", 1_000));
  await clock.advance(1_000);
  site.release();
  await clock.advance(500);
  assert.ok(bert.terminal.heard.length >= bertHeard + 48, "the talkgroup hears the next press");
  await close();
});

test("the talkgroup is heard throughout a private call", async () => {
  const { site, anna, bert, clock, close } = await open();
  anna.call("sip:north-panel@crew.example");
  await clock.advance(1_000);
  const ears = site.listen();
  await bert.talk(2_000);
  await clock.advance(500);
  const heard = toneIn(ears.take(), 1_200, 100);
  assert.ok(heard > 0.9, `the talkgroup is heard at the board: ${heard}`);
  anna.hangUp();
  await close();
});

test("a call to the board in which nobody talks ends by itself", async () => {
  const { site, anna, clock, close } = await open();
  anna.call("sip:north-panel@crew.example");
  await clock.advance(1_000);
  assert.ok(site.lamp("call"));
  await clock.advance(28_000);
  assert.equal(anna.story, []);
  await clock.advance(3_000);
  assert.equal([anna.story, site.lamp("call")], [["hung up"], false]);
  await close();
});

test.run();
