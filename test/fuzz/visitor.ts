import * as assert from "uvu/assert";
import { openAgent } from "../../firmware/agent/agent.ts";
import { silent } from "../../firmware/log.ts";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { nodeSrtp } from "../../hal/srtp/node.ts";
import type { StoryRealm, StorySite } from "../support/realm.ts";

const local = { host: "10.0.7.7", port: 5_060 };
const options = [
  "OPTIONS sip:gateway SIP/2.0",
  `Via: SIP/2.0/UDP ${local.host}:${local.port};rport;branch=z9hG4bKvisit`,
  `From: <sip:visitor@${local.host}>;tag=v`,
  "To: <sip:gateway>",
  "Call-ID: visit",
  "CSeq: 1 OPTIONS",
  "Max-Forwards: 70",
  "\r\n",
].join("\r\n");

/** Somebody comes to a site with a phone of the account "visitor": is it answered, does it register, is the floor to be had? */
export async function visit({ clock, network }: StoryRealm, site: StorySite, password: string): Promise<void> {
  const server = { host: site.address, port: 5_060 };
  const machine = network.host(local.host);
  const answers: string[] = [];
  const socket = await machine.udp(local, (data) => answers.push(Buffer.from(data).toString().slice(0, 11)));
  socket.send(Buffer.from(options), server);
  await clock.advance(100);
  socket.close();
  assert.equal(answers, ["SIP/2.0 200"], `${site.name} answers OPTIONS`);

  const seen = new Set<string>();
  const phone = await openAgent(
    { clock, random: seededRandom(7), network: machine, opus: await loadOpus(), srtp: nodeSrtp(), log: silent },
    {
      ...{
        user: "visitor",
        password,
        realm: "crew.example",
        talkgroup: "ops",
        server,
        priority: 0,
        talkWarningMs: 5_000,
        bitrate: 24_000,
      },
      range: { host: local.host, first: 40_000, last: 40_099 },
    },
    {
      ready: () => seen.add("ready"),
      permit: () => seen.add("permit"),
      unkeyed() {},
      queued() {},
      warned() {},
      urgent() {},
      denied() {},
      revoked() {},
      listening() {},
      called() {},
      statusShown() {},
    },
  );
  await clock.advance(3_000);
  assert.ok(seen.has("ready"), `a phone registers at ${site.name}, subscribes, and has its session`);
  phone.press(clock.now());
  await clock.advance(200);
  assert.ok(seen.has("permit"), `the floor is to be had at ${site.name}`);
  phone.release(clock.now());
  const closing = phone.close();
  await clock.advance(2_000);
  await closing;
}
