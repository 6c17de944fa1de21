import { test } from "uvu";
import * as assert from "uvu/assert";
import { header } from "../../../firmware/sip/message.ts";
import { openSite, type Site } from "./site.ts";
import { openPeer, type Peer } from "./terminals.ts";

const host = "10.0.0.9";
const at = (port: number) => ({ host, port });
const register = { method: "REGISTER", callId: "one-life" } as const;

/** It takes the call that is on its way to it. */
async function pickUp({ clock }: Site, peer: Peer): Promise<void> {
  await clock.advance(40);
  peer.answer(peer.last("INVITE"), 200, "an answer");
  await clock.advance(40);
}

for (const kind of ["tcp", "tls"] as const) {
  test(`over ${kind} a terminal is called, hung up on and called again by the connection that it registered by`, async () => {
    const site = await openSite();
    const peer = await openPeer(site, "carol", at(5060), kind);
    const other = await openPeer(site, "alice", at(5061), kind);
    assert.is((await peer.ask(register)).status, 200);
    await pickUp(site, peer);
    assert.is(peer.last("ACK")?.kind, "request");
    assert.match(header(peer.last("INVITE") ?? { headers: [] }, "via") ?? "", `SIP/2.0/${kind.toUpperCase()} `);
    assert.equal(site.told, ["carol: ", "carol: ops"]);
    site.conference.tell({ type: "lost", leg: "1-carol" });
    await site.clock.advance(40);
    assert.is(peer.last("BYE")?.kind, "request");
    peer.answer(peer.last("BYE"), 200);
    await site.clock.advance(31_000);
    assert.equal(site.conference.times().length, 2);
    assert.equal(other.raw.received, [], "and by no other");
    await site.close();
  });

  test(`over ${kind} a session goes on when its connection is gone, and moves to the next`, async () => {
    const site = await openSite();
    const peer = await openPeer(site, "carol", at(5060), kind);
    await peer.ask(register);
    await pickUp(site, peer);
    peer.raw.close();
    await site.clock.advance(60_000);
    assert.equal(site.conference.words(), ["provision 1-carol", "accept 1-carol"]);
    assert.is(site.told.at(-1), "carol: ops", "it is still heard in the talkgroup");
    const back = await openPeer(site, "carol", at(5060), kind);
    await back.ask({ ...register, cseq: 100 });
    await site.clock.advance(60_000);
    assert.equal(site.conference.words().length, 2, "what stands is left alone");
    await back.ask({ ...register, cseq: 200, headers: ["Contact: *", "Expires: 0"] });
    assert.is(back.last("BYE")?.kind, "request", "good-bye is said where the terminal is");
    assert.is(site.told.at(-1), "carol: gone");
    await site.close();
  });

  test(`over ${kind} nothing is asked of a terminal whose connection is gone before it registers anew`, async () => {
    for (const moment of ["ringing", "standing", "waiting"] as const) {
      const site = await openSite();
      const { conference, clock } = site;
      const peer = await openPeer(site, "carol", at(5060), kind);
      await peer.ask(register);
      if (moment === "standing") await pickUp(site, peer);
      if (moment === "waiting") peer.answer(peer.last("INVITE"), 486);
      await clock.advance(40);
      let dialled = 0;
      for (const port of [5060, 5061, 32_768, 32_769])
        await site.wire.network.host(host).listen(at(port), () => void dialled++);
      peer.raw.close();
      await clock.advance(40);
      if (moment === "standing") conference.tell({ type: "lost", leg: "1-carol" });
      await clock.advance(40);
      assert.is(site.told.at(-1), "carol: gone", `${moment}: it cannot be reached`);
      const before = conference.words().length;
      await clock.advance(200_000);
      assert.equal([conference.words().length, dialled], [before, 0], moment);
      assert.is(conference.legs.size, 0);
      const back = await openPeer(site, "carol", at(5060), kind);
      await back.ask({ ...register, cseq: 100 });
      await pickUp(site, back);
      assert.equal(site.told.slice(-2), ["carol: ", "carol: ops"], moment);
      await site.close();
    }
  });

  test(`over ${kind} a terminal that comes back under another contact loses its old session by the way that works`, async () => {
    const site = await openSite();
    const { conference, clock } = site;
    const named = (user: string) => [`Contact: <sip:${user}@${host}>;+sip.instance="<urn:uuid:7>"`];
    const peer = await openPeer(site, "carol", at(5060), kind);
    await peer.ask({ ...register, headers: named("first") });
    await pickUp(site, peer);
    peer.raw.close();
    await clock.advance(1_000);
    const back = await openPeer(site, "carol", at(5060), kind);
    await back.ask({ ...register, cseq: 100, headers: named("second") });
    assert.is(back.last("BYE")?.kind, "request");
    back.answer(back.last("BYE"), 200);
    await pickUp(site, back);
    assert.equal([...conference.legs], ["2-carol"]);
    assert.is(site.told.at(-1), "carol: ops");
    await site.close();
  });

  test(`over ${kind} a subscriber whose connection is gone has its session, and is told anew when it refreshes`, async () => {
    const site = await openSite();
    const { conference, clock } = site;
    const subscribe = {
      method: "SUBSCRIBE",
      callId: "watching",
      headers: ["Event: conference", `Contact: <sip:a@${host}>`],
    };
    const peer = await openPeer(site, "alice", at(5060), kind);
    const answer = await peer.ask(subscribe);
    peer.answer(peer.last("NOTIFY"), 200);
    await pickUp(site, peer);
    peer.answer(peer.last("NOTIFY"), 200);
    await clock.advance(200);
    peer.answer(peer.last("NOTIFY"), 200);
    peer.raw.close();
    await clock.advance(1_000);
    site.server.remote("east", "zoe", { status: "available", talkgroups: ["ops"] });
    await clock.advance(100_000);
    assert.equal([[...conference.legs], site.told], [["1-alice"], ["alice: ops"]]);
    const back = await openPeer(site, "alice", at(5060), kind);
    const toTag = /tag=(\w+)/.exec(header(answer, "to") ?? "")?.[1];
    const challenged = await back.say({ ...subscribe, toTag, cseq: 100 });
    assert.is(challenged.status, 200);
    const notify = back.last("NOTIFY");
    assert.match(notify?.kind === "request" ? new TextDecoder().decode(notify.body) : "", /zoe/);
    back.answer(notify, 200);
    await site.close();
  });
}

test("connections of TCP and TLS that have one number are two", async () => {
  const site = await openSite();
  const secure = await openPeer(site, "carol", at(5060), "tls");
  const clear = await openPeer(site, "alice", at(5061), "tcp");
  await secure.ask(register);
  await clear.ask(register);
  clear.raw.close();
  await pickUp(site, secure);
  assert.equal(site.told, ["carol: ", "alice: ", "alice: gone", "carol: ops"]);
  await site.close();
});

test.run();
