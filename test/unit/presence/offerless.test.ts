/** Callers who let the other side offer (RFC 3261 §13.2.1), as PBXs do. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseCSeq, tagOf } from "../../../firmware/sip/header.ts";
import { header } from "../../../firmware/sip/message.ts";
import { openSite } from "./site.ts";
import { openPeer, openPhone } from "./terminals.ts";

const decoder = new TextDecoder();

async function open() {
  const site = await openSite();
  const bob = await openPhone(site, "bob", "10.0.0.3");
  bob.register();
  const caller = await openPeer(site);
  await site.clock.advance(500);
  site.asked.splice(0);

  return {
    ...site,
    site,
    bob,
    caller,
    /** Dials, and says this in the ACK; gives what was offered. */
    async dial(user: string, answer: string): Promise<string> {
      const callId = `call-to-${user.replace("*", "")}`;
      const headers = [`Contact: <${caller.contact}>`];
      const invite = { method: "INVITE", uri: user, callId, headers };
      caller.send(invite, caller.prove(invite, await caller.challenges(invite)));
      await site.clock.advance(200);
      const accepted = caller.raw.received.findLast(
        (each) => each.kind === "response" && each.status === 200 && header(each, "cseq")?.endsWith("INVITE"),
      );
      if (!accepted) throw new Error("not accepted");
      const { number: cseq } = parseCSeq(header(accepted, "cseq") ?? "");
      const toTag = tagOf(header(accepted, "to") ?? "");
      const type = answer === "" ? [] : ["Content-Type: application/sdp"];
      caller.send({ method: "ACK", uri: user, callId, cseq, toTag, headers: [...headers, ...type], body: answer });
      await site.clock.advance(300);
      return decoder.decode(accepted.body);
    },
    async hangUp() {
      caller.answer(caller.last("BYE"), 200);
      await site.clock.advance(100);
    },
  };
}

test("a talkgroup that is called without an offer makes one, and takes the answer with the ACK", async () => {
  const { site, dial, conference, told, server, hangUp } = await open();
  assert.is(await dial("ops", "an answer"), "offer of 1-alice");
  assert.equal(conference.words(), ["provision 1-alice", "accept 1-alice"]);
  assert.is(told.at(-1), "alice: ops");
  site.gone.add("alice");
  server.account("alice", "proof");
  await site.clock.advance(100);
  await hangUp();
  await site.close();
});

test("a user who is called without an offer is put through, and both sides are agreed before anything is heard", async () => {
  const { site, dial, conference, bob, hangUp } = await open();
  assert.match(await dial("bob", "an answer"), /^offer of \d-alice$/);
  assert.equal(bob.callers(), ["alice"]);
  const words = conference.words().map((each) => each.replace(/\d+-/, ""));
  assert.equal(words, ["talkgroup call/1", "provision alice", "provision bob", "accept bob", "accept alice"]);
  bob.hangUp();
  await site.clock.advance(100);
  await hangUp();
  await site.close();
});

test("a feature code that is dialled without an offer does what it says", async () => {
  const { site, dial, conference, hangUp } = await open();
  await dial("*78", "an answer");
  assert.equal(
    conference.words().map((each) => each.replace(/\d+-/, "")),
    ["provision alice", "accept alice", "tone alice"],
  );
  await site.clock.advance(2_000);
  await hangUp();
  await site.close();
});

test("an ACK without the answer ends the call, and leaves nothing", async () => {
  for (const user of ["ops", "bob", "*78"]) {
    const { site, dial, conference, caller, hangUp } = await open();
    await dial(user, "");
    assert.is(caller.last("BYE")?.kind, "request", user);
    await hangUp();
    await site.clock.advance(500);
    assert.is(conference.legs.size, 0, user);
    await site.close();
  }
});

test.run();
