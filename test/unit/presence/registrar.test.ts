import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseAuth } from "../../../firmware/sip/header.ts";
import { header, headers } from "../../../firmware/sip/message.ts";
import { openSite, type Site } from "./site.ts";
import { openPeer, type Peer } from "./terminals.ts";

const register = { method: "REGISTER" } as const;
const withContacts = (...contacts: readonly string[]) => ({
  ...register,
  headers: contacts.map((contact) => `Contact: ${contact}`),
});

async function open(user = "alice") {
  const site = await openSite();
  return { site, peer: await openPeer(site, user) };
}

/** The contacts that the registrar has, as it tells them. */
async function query(peer: Peer): Promise<readonly string[]> {
  const response = await peer.ask({ ...register, headers: [] });
  assert.is(response.status, 200);
  return headers(response, "contact");
}

function untouched({ told, asked }: Site): void {
  assert.equal([told, asked], [[], []], "nothing was done for it");
}

test("a stranger is challenged with SHA-256 first and MD5 after it, and either proof is taken", async () => {
  for (const algorithm of ["SHA-256", "MD5"] as const) {
    const { site, peer } = await open();
    const challenges = await peer.challenges(register);
    const offers = challenges.map((challenge) => parseAuth(challenge).params);
    assert.equal(
      offers.map((params) => [params.get("algorithm"), params.get("realm"), params.get("qop")]),
      [
        ["SHA-256", "example.org", "auth"],
        ["MD5", "example.org", "auth"],
      ],
    );
    untouched(site);
    const response = await peer.say(register, peer.prove(register, challenges, { algorithm }));
    assert.is(response.status, 200);
    assert.equal(headers(response, "contact"), [`<${peer.contact}>;expires=300`]);
    assert.equal(site.told, ["alice: "]);
    await site.close();
  }
});

test("to a user who may not use MD5 only SHA-256 is offered, and a proof by MD5 is none", async () => {
  const { site, peer } = await open("modern");
  const challenges = await peer.challenges(register);
  assert.equal(
    challenges.map((challenge) => parseAuth(challenge).params.get("algorithm")),
    ["SHA-256"],
  );
  const weak = challenges.map((challenge) => challenge.replace("SHA-256", "MD5"));
  assert.is((await peer.say(register, peer.prove(register, weak, { algorithm: "MD5" }))).status, 401);
  untouched(site);
  assert.is((await peer.ask(register)).status, 200);
  await site.close();
});

test("who has no account is asked for what the gateway is set to", async () => {
  const site = await openSite({ digest: ["SHA-256"] });
  const peer = await openPeer(site, "nobody");
  assert.is((await peer.challenges(register)).length, 1);
  await site.close();
});

test("a wrong password and an unknown user are challenged again, and the nonce is not called stale", async () => {
  const { site, peer } = await open();
  for (const [user, password] of [
    ["alice", "wrong"],
    ["nobody", "secret"],
    ["bob", ""],
  ] as const) {
    const response = await peer.ask({ ...register, from: `sip:${user}@example.org` }, { username: user, password });
    assert.is(response.status, 401);
    assert.not.match(headers(response, "www-authenticate").join(), /stale/);
  }
  untouched(site);
  await site.close();
});

test("a proof that was used is taken for stale, and nothing is done for it", async () => {
  const { site, peer } = await open();
  const remove = { ...withContacts("*"), headers: ["Contact: *", "Expires: 0"] };
  const challenges = await peer.challenges(register);
  const removal = peer.prove(remove, challenges);
  assert.is((await peer.say(remove, removal)).status, 200);
  assert.is((await peer.say(register, peer.prove(register, challenges, { nc: 2 }))).status, 200);
  const replayed = await peer.say(remove, removal);
  assert.is(replayed.status, 401);
  assert.match(headers(replayed, "www-authenticate").join(), /stale=true/);
  assert.is((await query(peer)).length, 1);
  await site.close();
});

test("a proof of another request, and one from another address, are none", async () => {
  const { site, peer } = await open();
  const thief = await openPeer(site, "alice", { host: "10.0.0.66", port: 5060 });
  const proof = peer.prove(register, await peer.challenges(register));
  assert.is(
    (await peer.say({ method: "SUBSCRIBE", headers: ["Event: conference", "Contact: <sip:a@10.0.0.9>"] }, proof))
      .status,
    401,
  );
  assert.is((await thief.say(register, proof)).status, 401);
  untouched(site);
  await site.close();
});

test("who proves to be one user and speaks for another is refused", async () => {
  const { site, peer } = await open();
  assert.is((await peer.ask({ ...register, to: "sip:bob@example.org" })).status, 403);
  assert.is((await peer.ask({ ...register, to: "sip:alice@elsewhere.org" })).status, 403);
  assert.is((await peer.ask({ ...register, from: "sip:bob@example.org", to: "sip:alice@example.org" })).status, 403);
  assert.is((await peer.ask({ ...register, from: "tel:112", to: "sip:alice@example.org" })).status, 403);
  // Right or wrong, so that nobody learns of a password by it.
  for (const proof of [{ username: "bob" }, { username: "bob", password: "wrong" }, { username: "nobody" }])
    assert.is((await peer.ask(register, proof)).status, 403);
  assert.equal([site.server.refused.anotherName, site.server.refused.wrongPassword], [5, 0]);
  untouched(site);
  await site.close();
});

test("of the credentials in a request the first four are looked at", async () => {
  const { site, peer } = await open();
  const challenges = await peer.challenges(register);
  const guesses = ["a", "b", "c", "d"].map((password) => peer.prove(register, challenges, { password }));
  const right = peer.prove(register, challenges);
  assert.is((await peer.say(register, ...guesses, right)).status, 401);
  assert.is((await peer.say(register, ...guesses.slice(1), right)).status, 200);
  await site.close();
});

test("several contacts last each for its own time, and a query tells what is left of it", async () => {
  const { site, peer } = await open();
  const response = await peer.ask({
    ...register,
    headers: ["Contact: <sip:a@10.0.0.9>;expires=60, <sip:b@10.0.0.9>", "Contact: sip:c@10.0.0.9", "Expires: 100000"],
  });
  assert.equal(headers(response, "contact"), [
    "<sip:a@10.0.0.9>;expires=60",
    "<sip:b@10.0.0.9>;expires=3600",
    "<sip:c@10.0.0.9>;expires=3600",
  ]);
  await site.clock.advance(30_000);
  assert.match((await query(peer))[0] ?? "", /^<sip:a@10.0.0.9>;expires=30$/);
  await site.clock.advance(31_000);
  assert.is((await query(peer)).length, 2);
  assert.equal(
    site.told.filter((word) => word === "alice: gone"),
    [],
  );
  assert.equal(
    await peer
      .ask({ ...register, headers: ["Contact: <sip:b@10.0.0.9>;expires=0"] })
      .then((r) => headers(r, "contact").length),
    1,
  );
  await site.clock.advance(3_600_000);
  assert.equal(await query(peer), []);
  assert.is(site.told.at(-1), "alice: gone");
  await site.close();
});

test("a binding lasts 300 s where the terminal names no time, and its refresh counts from anew", async () => {
  const { site, peer } = await open();
  await peer.ask(register);
  await site.clock.advance(200_000);
  await peer.ask(register);
  await site.clock.advance(299_000);
  assert.is((await query(peer)).length, 1);
  await site.clock.advance(2_000);
  assert.equal(await query(peer), []);
  await site.close();
});

test("a refresh may shorten what is left as well", async () => {
  const { site, peer } = await open();
  await peer.ask(withContacts("<sip:a@10.0.0.9>;expires=300"));
  await site.clock.advance(10_000);
  await peer.ask(withContacts("<sip:a@10.0.0.9>;expires=60"));
  await site.clock.advance(61_000);
  assert.equal(await query(peer), []);
  assert.is(site.told.at(-1), "alice: gone");
  await site.close();
});

test('"*" removes every contact, and only with Expires 0', async () => {
  const { site, peer } = await open();
  await peer.ask(withContacts("<sip:a@10.0.0.9>", "<sip:b@10.0.0.9>"));
  for (const more of [[], ["Expires: 60"], ["Contact: <sip:a@10.0.0.9>", "Expires: 0"]])
    assert.is((await peer.ask({ ...register, headers: ["Contact: *", ...more] })).status, 400);
  assert.is((await query(peer)).length, 2);
  const response = await peer.ask({ ...register, headers: ["Contact: *", "Expires: 0"] });
  assert.equal([response.status, headers(response, "contact")], [200, []]);
  assert.is(site.told.at(-1), "alice: gone");
  await site.close();
});

test("a time that is too short is refused with the shortest one, and nothing of the request is done", async () => {
  const { site, peer } = await open();
  const response = await peer.ask(withContacts("<sip:a@10.0.0.9>", "<sip:b@10.0.0.9>;expires=29"));
  assert.equal([response.status, header(response, "min-expires")], [423, "30"]);
  untouched(site);
  assert.equal(await query(peer), []);
  await site.close();
});

test("a request that was overtaken changes nothing, not even for the contacts that it names first", async () => {
  const { site, peer } = await open();
  await peer.ask({ ...withContacts("<sip:a@10.0.0.9>"), cseq: 10 });
  for (const cseq of [10, 9]) {
    const late = { ...withContacts("<sip:b@10.0.0.9>", "<sip:a@10.0.0.9>;expires=0"), cseq };
    assert.is((await peer.ask(late)).status, 500);
    assert.is((await peer.ask({ ...register, headers: ["Contact: *", "Expires: 0"], cseq })).status, 500);
  }
  assert.equal((await query(peer)).length, 1);
  assert.is((await peer.ask({ ...withContacts("<sip:a@10.0.0.9>;expires=0"), cseq: 9, callId: "other" })).status, 200);
  assert.equal(await query(peer), [], "another Call-ID is another series");
  await site.close();
});

test("what cannot be read is refused whole", async () => {
  const { site, peer } = await open();
  for (const [contact, status] of [
    ["<sip:x@10.0.0.9>;expires=soon", 400],
    ["<sip:x@10.0.0.9>;expires=4294967296", 400],
    ["<sip:@10.0.0.9>", 400],
    ["<mailto:x@10.0.0.9>", 400],
  ] as const)
    assert.is((await peer.ask(withContacts("<sip:a@10.0.0.9>", contact))).status, status, contact);
  assert.is((await peer.say(withContacts("<sip:x@10.0.0.9"))).status, 400, "nobody is asked who sends such a thing");
  untouched(site);
  await site.close();
});

test("an account has ten contacts at most, and one of them may be changed for another", async () => {
  const { site, peer } = await open();
  const contact = (number: number) => `<sip:${number}@10.0.0.9>`;
  const ten = Array.from({ length: 10 }, (_, number) => contact(number));
  assert.is((await peer.ask(withContacts(...ten))).status, 200);
  const refused = await peer.ask(withContacts(contact(10)));
  assert.equal([refused.status, header(refused, "retry-after")], [503, "30"]);
  assert.is((await peer.ask(withContacts(`${contact(11)};expires=0`))).status, 200);
  const changed = await peer.ask(withContacts(`${contact(0)};expires=0`, contact(10)));
  assert.equal(headers(changed, "contact").length, 10);
  await site.close();
});

test("contacts that are written otherwise and mean the same are one", async () => {
  const { site, peer } = await open();
  await peer.ask(withContacts("<sip:alice@PHONE.Example.org;Transport=udp>"));
  await peer.ask(withContacts('"Alice" <sip:alice@phone.example.org;transport=udp>'));
  assert.equal(await query(peer), ["<sip:alice@phone.example.org;transport=udp>;expires=300"]);
  await site.close();
});

test("a request that is repeated on the wire is done once", async () => {
  const { site, peer } = await open();
  const proof = peer.prove(register, await peer.challenges(register));
  let copy: Uint8Array | undefined;
  const stop = site.wire.network.onDatagram(({ data }) => {
    copy ??= data.slice();
  });
  await peer.say(register, proof);
  stop();
  if (copy) peer.raw.send(copy);
  await site.clock.advance(20);
  assert.equal(peer.raw.statuses().slice(-2), [200, 200]);
  assert.equal(site.told, ["alice: "]);
  await site.close();
});

test.run();
