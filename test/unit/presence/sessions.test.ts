import { test } from "uvu";
import * as assert from "uvu/assert";
import { header, type SipMessage } from "../../../firmware/sip/message.ts";
import { except, openSite } from "./site.ts";
import { openPeer, openPhone } from "./terminals.ts";

async function open(user = "alice") {
  const site = await openSite();
  return { ...site, site, phone: await openPhone(site, user) };
}

test("a subscription has a leg provisioned, and the terminal called to it by the talkgroup, to pick up by itself", async () => {
  const { site, phone, asked, told, conference, clock } = await open("bob");
  phone.subscribe();
  await clock.advance(20);
  assert.equal(told, [], "nobody is there before the session stands");
  await clock.advance(200);
  const leg = "1-bob";
  assert.equal(
    asked.map(({ command }) => command),
    [
      {
        type: "provision",
        options: { leg, talkgroup: "ops", user: "sip:bob@example.org", mayTalk: false, mayPreempt: true, priority: 3 },
      },
      { type: "accept", leg, answer: `answer to offer of ${leg}` },
    ],
  );
  const [invite] = phone.invites;
  assert.ok(invite);
  assert.is(invite.uri, "sip:bob@10.0.0.2:5060");
  assert.match(header(invite, "from") ?? "", /^<sip:ops@example.org>;tag=/);
  assert.is(header(invite, "to"), "<sip:bob@example.org>");
  assert.is(header(invite, "answer-mode"), "Auto");
  assert.match(header(invite, "call-info") ?? "", /;answer-after=0$/);
  assert.match(header(invite, "alert-info") ?? "", /;info=alert-autoanswer/);
  assert.is(header(invite, "content-type"), "application/sdp");
  assert.equal(told, ["bob: ops"]);
  assert.equal(conference.legs, new Set([leg]));
  await site.close();
});

test("nobody is in a talkgroup before the conference server is ready", async () => {
  const { site, phone, told, conference, clock } = await open();
  conference.reply = except("accept", () => []);
  phone.subscribe();
  await clock.advance(1_000);
  assert.equal([phone.invites.length, told], [1, []]);
  conference.tell({ type: "ready", leg: "1-alice" });
  assert.equal(told, ["alice: ops"]);
  await site.close();
});

test("who unsubscribes is hung up on, and the leg is given back", async () => {
  const { site, phone, told, conference, clock } = await open();
  const watcher = phone.subscribe();
  await clock.advance(200);
  watcher.close();
  await clock.advance(200);
  assert.equal(phone.story, ["subscribed", "in session", "out of session"]);
  assert.equal(told, ["alice: ops", "alice: gone"]);
  assert.is(conference.words().at(-1), "release 1-alice");
  await site.close();
});

test("a terminal that vanished has its session until its subscription runs out", async () => {
  const { site, told, conference, clock } = await open();
  const peer = await openPeer(site);
  const subscribe = {
    method: "SUBSCRIBE",
    headers: ["Event: conference", "Expires: 60", `Contact: <${peer.contact}>`],
  };
  assert.is((await peer.ask(subscribe)).status, 200);
  peer.answer(peer.last("NOTIFY"), 200);
  peer.answer(peer.last("INVITE"), 200, "an answer");
  await clock.advance(20);
  assert.is(peer.last("ACK")?.kind, "request");
  peer.answer(peer.last("NOTIFY"), 200);
  await clock.advance(120);
  peer.answer(peer.last("NOTIFY"), 200);
  await clock.advance(59_000);
  assert.equal(told, ["alice: ops"]);
  await clock.advance(2_000);
  assert.equal(told, ["alice: ops", "alice: gone"]);
  assert.is(peer.last("BYE")?.kind, "request");
  assert.is(header(peer.last("NOTIFY") ?? { headers: [] }, "subscription-state"), "terminated;reason=timeout");
  assert.equal(conference.legs.size, 0);
  await site.close();
});

test("a standing account is called when it registers, and hung up on when it is gone", async () => {
  const { site, phone, told, clock } = await open("carol");
  const registration = phone.register();
  await clock.advance(200);
  assert.equal(told, ["carol: ", "carol: ops"]);
  assert.is(phone.invites.length, 1);
  void registration.close();
  await clock.advance(200);
  assert.equal(phone.story, ["in session", "out of session"]);
  assert.is(told.at(-1), "carol: gone");
  await site.close();
});

test("who registers for a standing session and subscribes to it has one, until the last reason is gone", async () => {
  for (const first of ["register", "subscribe"]) {
    const { site, phone, told, conference, clock } = await open("carol");
    const registration = phone.register();
    const watcher = phone.subscribe();
    await clock.advance(300);
    assert.equal(conference.words(), ["provision 1-carol", "accept 1-carol"]);
    if (first === "register") void registration.close();
    else watcher.close();
    await clock.advance(200);
    assert.not.ok(phone.story.includes("out of session"), `${first} given up`);
    if (first === "register") watcher.close();
    else void registration.close();
    await clock.advance(200);
    assert.is(phone.story.at(-1), "out of session");
    assert.is(told.at(-1), "carol: gone");
    await site.close();
  }
});

test("one user on two terminals, and in two talkgroups, has a session for each, and is there until the last is gone", async () => {
  const { site, phone, told, conference, clock } = await open();
  const other = await openPhone(site, "alice", "10.0.0.3");
  const watchers = [phone.subscribe(), phone.subscribe("fire"), other.subscribe()];
  await clock.advance(300);
  assert.is(conference.legs.size, 3);
  assert.equal(told.at(-1)?.split(" ").toSorted(), ["alice:", "fire", "ops"]);
  watchers[0]?.close();
  await clock.advance(200);
  assert.equal(told.at(-1)?.split(" ").toSorted(), ["alice:", "fire", "ops"]);
  watchers[2]?.close();
  await clock.advance(200);
  assert.is(told.at(-1), "alice: fire");
  await site.close();
});

test("two accounts of one terminal have a session each", async () => {
  const { site, conference, clock, told } = await open();
  const alice = await openPeer(site, "alice");
  const contact = `Contact: <${alice.contact}>`;
  const bob = await openPeer(site, "bob", { host: "10.0.0.9", port: 5070 });
  for (const peer of [alice, bob])
    assert.is((await peer.ask({ method: "SUBSCRIBE", headers: ["Event: conference", contact] })).status, 200);
  await clock.advance(20);
  assert.equal(conference.words(), ["provision 1-alice", "provision 2-bob"]);
  for (const peer of [alice, bob]) {
    peer.answer(peer.last("INVITE"), 200, "an answer");
    await clock.advance(20);
  }
  assert.equal(told, ["alice: ops", "bob: ops"], "each by the way that it subscribed by");
  assert.is((await bob.ask({ method: "REGISTER", headers: [contact] })).status, 200);
  // Each is asked for its session by the way that it subscribed by: alice's is not bob's to renew.
  assert.match(header(bob.last("INVITE") ?? { headers: [] }, "to") ?? "", /tag=/);
  assert.not.match(header(alice.last("INVITE") ?? { headers: [] }, "to") ?? "", /tag=/);
  bob.answer(bob.last("INVITE"), 481);
  await clock.advance(20);
  assert.equal(conference.words().slice(4), ["release 2-bob", "provision 3-bob"]);
  await site.close();
});

/** Carol's terminal, which stands in ops. */
async function openCarol() {
  const { site, told, conference, clock } = await open();
  const peer = await openPeer(site, "carol");
  const pickUp = async () => {
    await clock.advance(20);
    peer.answer(peer.last("INVITE"), 200, "an answer");
    await clock.advance(20);
  };
  await peer.ask({ method: "REGISTER" });
  await pickUp();
  assert.equal(conference.words(), ["provision 1-carol", "accept 1-carol"]);
  /** Whether its last INVITE is one inside the session. */
  const isAsked = (): boolean => header(peer.last("INVITE") ?? { headers: [] }, "to")?.includes("tag=") === true;
  return { site, told, conference, clock, peer, pickUp, isAsked };
}

test("a terminal that refreshes is left in peace; one that may have started anew is asked, and called at once if it has", async () => {
  const { site, told, conference, clock, peer, pickUp, isAsked } = await openCarol();
  await peer.ask({ method: "REGISTER" });
  assert.not.ok(isAsked());
  await peer.ask({ method: "REGISTER", callId: "another-life" });
  assert.ok(isAsked());
  assert.equal(conference.words().length, 2, "it stands until the terminal says otherwise");
  peer.answer(peer.last("INVITE"), 481);
  await clock.advance(20);
  peer.answer(peer.last("BYE"), 481);
  await pickUp();
  assert.equal(conference.words().slice(2), ["release 1-carol", "provision 2-carol", "accept 2-carol"]);
  assert.equal(told, ["carol: ", "carol: ops", "carol: ", "carol: ops"]);
  const moved = await openPeer(site, "carol", { host: "10.0.0.9", port: 5070 });
  await moved.ask({ method: "REGISTER", callId: "third-life", headers: [`Contact: <${peer.contact}>`] });
  assert.is(moved.last("INVITE")?.kind, "request", "by the way that it came back by");
  await site.close();
});

test("a phone that names every refresh otherwise keeps its session for as long as it knows it", async () => {
  const { site, told, conference, clock, peer, isAsked } = await openCarol();
  for (let refresh = 1; refresh <= 20; refresh++) {
    peer.raw.received.length = 0;
    assert.is((await peer.ask({ method: "REGISTER", callId: `refresh-${refresh}` })).status, 200);
    assert.ok(isAsked());
    assert.is(new TextDecoder().decode(peer.last("INVITE")?.body), "offer of 1-carol", "nothing is offered anew");
    peer.answer(peer.last("INVITE"), 200, "an answer");
    await clock.advance(20);
    assert.is(peer.last("ACK")?.kind, "request");
    await clock.advance(60_000);
  }
  assert.equal(conference.words(), ["provision 1-carol", "accept 1-carol"]);
  assert.equal(told, ["carol: ", "carol: ops"]);
  await site.close();
});

test("a terminal that says nothing of its session, or something else, is called anew", async () => {
  for (const status of [undefined, 408, 488, 500]) {
    const { site, conference, clock, peer } = await openCarol();
    await peer.ask({ method: "REGISTER", callId: "another-life" });
    if (status !== undefined) peer.answer(peer.last("INVITE"), status);
    await clock.advance(3_000);
    assert.is(conference.words().length, status === undefined ? 2 : 4, `${status}`);
    await clock.advance(1_100);
    assert.equal(conference.words().slice(2), ["release 1-carol", "provision 2-carol"], `${status}`);
    await site.close();
  }
});

test("a terminal is called by the way that it was heard by last", async () => {
  const { site, clock } = await open();
  const peer = await openPeer(site, "carol");
  const ways = [5070, 5071, 5072].map((port) => openPeer(site, "carol", { host: "10.0.0.9", port }));
  const [registers, refreshes, subscribes] = await Promise.all(ways);
  assert.ok(registers && refreshes && subscribes);
  const contact = `Contact: <${peer.contact}>`;
  const subscribe = { method: "SUBSCRIBE", headers: ["Event: conference", contact] };
  const all = [peer, registers, refreshes, subscribes];
  /** Where the next attempts arrive. */
  const called = async () => {
    await clock.advance(31_000);
    for (const { raw } of all) raw.received.length = 0;
    await clock.advance(62_000);
    const isNew = (message: SipMessage) => message.kind === "request" && message.method === "INVITE";
    return all.filter(({ raw }) => raw.received.some(isNew)).map(({ raw }) => raw.address.port);
  };

  assert.is((await peer.ask({ method: "REGISTER", headers: [contact, "Expires: 3600"] })).status, 200);
  assert.equal(await called(), [5060]);
  assert.is((await registers.ask({ method: "REGISTER", cseq: 99, headers: [contact, "Expires: 3600"] })).status, 200);
  assert.equal(await called(), [5070]);
  const response = await subscribes.ask({ ...subscribe, callId: "watching" });
  subscribes.answer(subscribes.last("NOTIFY"), 200);
  assert.equal(await called(), [5072]);
  const toTag = /tag=(\w+)/.exec(header(response, "to") ?? "")?.[1];
  assert.is((await refreshes.say({ ...subscribe, callId: "watching", toTag, cseq: 99 })).status, 200);
  refreshes.answer(refreshes.last("NOTIFY"), 200);
  assert.equal(await called(), [5071]);
  await site.close();
});

test("a terminal is called over the connection that it registered by", async () => {
  const { site, clock } = await open();
  const endpoint = await site.wire.endpoint(
    { host: "10.0.0.5", port: 5060 },
    {
      onInvite: (invite) => {
        transports.push(invite.flow.transport);
        invite.respond(486);
      },
      onSubscribe: (subscribe) => subscribe.respond(489),
      onRequest: (incoming) => incoming.respond(405),
    },
  );
  const transports: string[] = [];
  endpoint.register({
    aor: "sip:carol@example.org",
    registrar: { transport: "tcp", remote: { host: "10.0.0.1", port: 5060 } },
    credentials: { username: "carol", password: "secret" },
    onState() {},
  });
  site.opened.push(() => endpoint.close());
  await clock.advance(200);
  assert.equal(transports, ["tcp"]);
  await site.close();
});

test("who may not be in a talkgroup, or asks for what is not there, is told why, and no leg is provisioned", async () => {
  const { site, asked, told } = await open();
  const peer = await openPeer(site, "bob");
  const contact = `Contact: <${peer.contact}>`;
  const subscribe = (uri: string, event: string) =>
    peer.ask({ method: "SUBSCRIBE", uri, headers: [`Event: ${event}`, contact] });
  assert.is((await subscribe("fire", "conference")).status, 403);
  assert.is((await subscribe("nobody", "conference")).status, 404);
  const other = await subscribe("ops", "dialog");
  assert.equal([other.status, header(other, "allow-events")], [489, "conference, presence"]);
  const brief = await peer.ask({ method: "SUBSCRIBE", headers: ["Event: conference", "Expires: 5", contact] });
  assert.equal([brief.status, header(brief, "min-expires")], [423, "30"]);
  const unproven = await peer.say({ method: "SUBSCRIBE", headers: ["Event: conference", contact] });
  assert.is(unproven.status, 401);
  const response = await peer.say({ method: "MESSAGE" });
  assert.is(response.status, 405);
  assert.match(header(response, "allow") ?? "", /REGISTER.*INVITE.*SUBSCRIBE/);
  assert.equal([asked, told], [[], []]);
  await site.close();
});

test("a gateway that closes in the midst of everything leaves nothing behind", async () => {
  for (const at of [0, 8, 13, 18, 23, 28, 33, 38, 43, 48, 200, 2_000]) {
    const { site, phone, conference, clock } = await open("carol");
    const ringing = await openPhone(site, "alice", "10.0.0.3");
    ringing.onInvite = "ring";
    phone.register();
    phone.subscribe();
    ringing.subscribe();
    phone.dial();
    await clock.advance(at);
    if (at > 1_000) conference.tell({ type: "lost", leg: "1-carol" });
    // The terminals stay: they are not the first to say good-bye.
    const terminals = site.opened.splice(0);
    const closing = site.endpoint.close();
    await clock.advance(1_500);
    await closing;
    const leaving = Promise.all(terminals.map((close) => close()));
    await clock.advance(40_000);
    await leaving;
    await site.close();
  }
});

test.run();
