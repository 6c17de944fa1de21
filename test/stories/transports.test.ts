import { test } from "uvu";
import * as assert from "uvu/assert";
import { silent } from "../../firmware/log.ts";
import { openEndpoint, type Transport } from "../../firmware/sip/endpoint.ts";
import { header, type SipRequest } from "../../firmware/sip/message.ts";
import { simulatedIdentity } from "../../hal/network/simulated-tls.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { openRealm, settleMs, speech } from "../support/realm.ts";
import { refusing } from "../support/sip-wire.ts";
import { openTerminal } from "../support/terminal.ts";

const accounts = `  - { user: phone1, password: "story only", talkgroups: [ops], standing: [ops] }\n`;

/** What a phone on the desk heard of a press at the gateway's own button, and how it was called. */
async function phoneHearsPress(gateway: string, phone: string, transport: Transport) {
  const realm = await openRealm();
  const identity = simulatedIdentity(gateway);
  const site = await realm.site("north", { accounts, alone: true, address: gateway, identity });
  const { clock } = realm;
  const network = realm.network.host(phone);
  const terminal = await openTerminal({ clock, network }, { local: { host: phone, port: 4_000 }, srtp: "accepted" });
  const invites: SipRequest[] = [];
  const ways: Transport[] = [];
  const endpoint = await openEndpoint(
    { clock, network, random: seededRandom(9), log: silent },
    {
      local: { host: phone, port: 5060 },
      userAgent: "phone",
      tls: { port: 5061, identity: simulatedIdentity(phone), authorities: identity.certificate },
    },
    {
      ...refusing,
      onInvite(invite) {
        invites.push(invite.request);
        ways.push(invite.flow.transport);
        const content = terminal.answer(new TextDecoder().decode(invite.request.body));
        invite.accept({ type: "application/sdp", content }, { onConfirmed() {}, onEnd() {} });
      },
    },
  );
  endpoint.register({
    aor: "sip:phone1@crew.example",
    registrar: { transport, remote: { host: gateway, port: transport === "tls" ? 5061 : 5060 } },
    credentials: { username: "phone1", password: "story only" },
    onState() {},
  });
  await clock.advance(settleMs);
  assert.ok(site.lamp("ready"), "the panel has its own session over the same address");
  site.press();
  site.say(await speech("north", 1_000));
  await clock.advance(1_000);
  site.release();
  await clock.advance(500);
  const heard = terminal.heard.length;
  const { audio: from, secured } = terminal.server();
  const leaving = endpoint.close();
  await clock.advance(2_000);
  await leaving;
  terminal.close();
  await realm.close();
  assert.is(clock.pending(), 0, "nothing is left running");
  return { invites, ways, heard, from, secured };
}

for (const [gateway, phone, version] of [
  ["fd00::1", "fd00::9", 6],
  ["10.0.0.1", "10.0.0.9", 4],
] as const)
  for (const transport of ["udp", "tcp", "tls"] as const)
    test(`a phone that registers over ${transport} and IPv${version} is called by the same way, and hears a press`, async () => {
      const { invites, ways, heard, from, secured } = await phoneHearsPress(gateway, phone, transport);
      assert.equal(ways, [transport], "one call");
      const [invite] = invites;
      if (!invite) throw new Error("no call");
      const host = version === 6 ? `[${gateway}]` : gateway;
      const port = transport === "tls" ? 5061 : 5060;
      assert.match(header(invite, "via") ?? "", `SIP/2.0/${transport.toUpperCase()} ${host}:${port};`);
      assert.match(header(invite, "contact") ?? "", `<sip:ops@${host}:${port}`);
      assert.is(invite.uri.includes(version === 6 ? `@[${phone}]:` : `@${phone}:`), true, invite.uri);
      assert.match(new TextDecoder().decode(invite.body), new RegExp(`^c=IN IP${version} ${gateway}\\r$`, "m"));
      assert.is(from.host, gateway);
      assert.is(secured !== undefined, transport === "tls", "SRTP where nobody else reads its keys");
      // 1 s of frames of 20 ms, and what the press itself takes.
      assert.ok(heard >= 48 && heard <= 60, `${heard} packets`);
    });

test.run();
