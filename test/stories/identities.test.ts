import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { silent } from "../../firmware/log.ts";
import { openEndpoint } from "../../firmware/sip/endpoint.ts";
import { header } from "../../firmware/sip/message.ts";
import { type Editor, openEditor } from "../../firmware/store/editing.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { type KeptStory, keptStories } from "../support/kept-story.ts";
import { refusing } from "../support/sip-wire.ts";
import { openTerminal, type Terminal } from "../support/terminal.ts";

const test = keptStories("identities");
const realmName = "crew.example";
const accounts = ["alice", "bob"]
  .map((user) => `  - { user: ${user}, password: "story only", talkgroups: [${user === "alice" ? "ops" : ""}] }`)
  .join("\n");
const membership = { role: "talk", mayPreempt: true, standing: false } as const;
const lead = { user: "site-lead", owner: "alice", name: "", priority: 0, hashes: new Map<string, string>() };

/** A talkgroup "sea" beside ops, with bob in it. */
function edit(file: string): Editor {
  const editor = openEditor(file);
  editor.addTalkgroup({ name: "sea", endOfMediaMs: 4_000, talkMs: 30_000, graceMs: 3_000, hangMs: 2_000 });
  editor.putMember("bob", { ...membership, talkgroup: "sea" });
  return editor;
}

/** A phone with one registration, and a session for each identity and talkgroup: "site-lead in sea". */
async function phone({ realm, closes }: KeptStory, user: string, server: string) {
  const { clock, network } = realm;
  const local = { host: `10.0.1.${closes.length + 1}`, port: 5060 };
  const machine = network.host(local.host);
  const sessions = new Map<string, Terminal>();
  const registrar = { transport: "udp", remote: { host: server, port: 5060 } } as const;
  const credentials = { username: user, password: "story only" };
  let opened = 0;
  const userOf = (value: string | undefined): string => /sip:([^@]*)/.exec(value ?? "")?.[1] ?? "";
  const endpoint = await openEndpoint(
    { clock, network: machine, random: seededRandom(70 + closes.length), log: silent },
    { local, userAgent: "phone" },
    {
      ...refusing,
      async onInvite(invite) {
        const media = { host: local.host, port: 40_000 + 2 * opened++ };
        const terminal = await openTerminal({ clock, network: machine }, { local: media });
        const { request } = invite;
        const name = `${userOf(header(request, "to"))} in ${userOf(header(request, "from"))}`;
        sessions.set(name, terminal);
        invite.accept(
          { type: "application/sdp", content: terminal.answer(new TextDecoder().decode(request.body)) },
          {
            onConfirmed() {},
            onEnd() {
              terminal.close();
              if (sessions.get(name) === terminal) sessions.delete(name);
            },
          },
        );
      },
    },
  );
  endpoint.register({ aor: `sip:${user}@${realmName}`, registrar, credentials, onState() {} });
  closes.push(async () => {
    for (const terminal of sessions.values()) terminal.close();
    await endpoint.close();
  });

  return {
    sessions,
    names: () => [...sessions.keys()].sort(),
    subscribe(identity: string, talkgroup: string): void {
      const uri = `sip:${talkgroup}@${realmName}`;
      endpoint.watch(
        {
          ...{ method: "SUBSCRIBE", uri, from: `sip:${identity}@${realmName}`, to: uri, via: registrar, credentials },
          event: "conference",
        },
        { onNotify() {}, onState() {} },
      );
    },
    /** The session's terminal. */
    at(name: string): Terminal {
      const terminal = sessions.get(name);
      if (!terminal) throw new Error(`no session ${name}; there are ${[...sessions.keys()].join(", ")}`);
      return terminal;
    },
  };
}

/** Presses, talks for a second, and lets go; `meanwhile` is looked at when the burst is under way. */
async function talk({ realm }: KeptStory, terminal: Terminal, meanwhile = () => {}): Promise<void> {
  terminal.press();
  await realm.clock.advance(50);
  for (let packet = 0; packet < 50; packet++) {
    terminal.speak(new Uint8Array(40).fill(packet + 1), { marker: packet === 0 });
    await realm.clock.advance(20);
  }
  meanwhile();
  terminal.release();
  await realm.clock.advance(500);
}

test("two users have three sessions: two of them on one registration, and each hears its own talkgroup alone", async (story) => {
  const { realm, file } = story;
  const north = await realm.site("north", { alone: true, accounts, store: file });
  const editor = edit(file);
  editor.addUser({ ...lead, memberships: [{ ...membership, talkgroup: "sea" }] });
  editor.close();
  await realm.clock.advance(2_000);
  const [alice, bob] = [await phone(story, "alice", north.address), await phone(story, "bob", north.address)];
  alice.subscribe("alice", "ops");
  alice.subscribe("site-lead", "sea");
  bob.subscribe("bob", "sea");
  await realm.clock.advance(8_000);

  assert.equal([alice.names(), bob.names()], [["alice in ops", "site-lead in sea"], ["bob in sea"]]);
  const [own, wide, other] = [alice.at("alice in ops"), alice.at("site-lead in sea"), bob.at("bob in sea")];
  const legs = [own, wide, other].map((terminal) => terminal.server().audio.port);
  assert.is(new Set(legs).size, 3, "three legs at the conference server");
  assert.equal(
    north.told("terminal registered").map(({ fields }) => fields["user"]),
    ["north-panel", "alice", "site-lead", "bob"],
  );

  const heard = () => [own, wide, other].map((terminal) => terminal.heard.splice(0).length > 20);
  const atPanel = (receives: boolean) => () => assert.is(north.lamp("receive"), receives, "the panel receives");
  heard();
  await talk(story, other, atPanel(false));
  assert.equal(heard(), [false, true, false], "bob is heard by the site lead");
  await talk(story, wide, atPanel(false));
  assert.equal(heard(), [false, false, true], "and the site lead by bob");
  assert.equal(
    other.told.filter(({ type }) => type === "taken").map((message) => "party" in message && message.party),
    ["sip:site-lead@crew.example"],
    "who is the site lead, and not alice, there",
  );
  await talk(story, own, atPanel(true));
  assert.equal(heard(), [false, false, false]);
  north.press();
  await realm.clock.advance(1_000);
  north.release();
  await realm.clock.advance(500);
  assert.equal(heard(), [true, false, false], "and the panel by alice");
});

test("an identity that is added to a phone that is registered comes back with it after a loss of power", async (story) => {
  const { realm, file } = story;
  const north = await realm.site("north", { alone: true, accounts, store: file });
  const alice = await phone(story, "alice", north.address);
  await realm.clock.advance(8_000);
  assert.equal(alice.names(), []);
  const editor = edit(file);
  editor.addUser({ ...lead, memberships: [{ ...membership, talkgroup: "sea", standing: true }] });
  editor.close();
  await realm.clock.advance(2_000);
  assert.equal(alice.names(), ["site-lead in sea"], "called at once");
  const before = alice.at("site-lead in sea");
  const card = join(story.folder, "later.db");
  for (const part of ["", "-wal"]) if (existsSync(`${file}${part}`)) copyFileSync(`${file}${part}`, `${card}${part}`);
  north.vanish();

  const again = await realm.site("north", { alone: true, accounts, store: card, address: north.address });
  await realm.clock.advance(8_000);
  assert.equal(alice.names(), ["site-lead in sea"]);
  assert.is.not(alice.at("site-lead in sea"), before);
  before.close();
  const bob = await phone(story, "bob", again.address);
  bob.subscribe("bob", "sea");
  await realm.clock.advance(8_000);
  await talk(story, bob.at("bob in sea"));
  assert.ok(alice.at("site-lead in sea").heard.length > 20);

  const taking = openEditor(card);
  assert.equal(taking.removeUser("site-lead"), []);
  taking.close();
  await realm.clock.advance(2_000);
  assert.equal(alice.names(), [], "it is removed, and its session ends");
});

test.run();
