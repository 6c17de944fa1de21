import { copyFileSync, existsSync, truncateSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { silent } from "../../firmware/log.ts";
import { hashesOf } from "../../firmware/presence/accounts.ts";
import { openEndpoint } from "../../firmware/sip/endpoint.ts";
import { openEditor } from "../../firmware/store/editing.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { type KeptStory, keptStories } from "../support/kept-story.ts";
import { refusing } from "../support/sip-wire.ts";
import { openTerminal, type Terminal } from "../support/terminal.ts";

const test = keptStories("store");
const realmName = "crew.example";
const password = "story only";

/** A phone that can only register, and picks up by itself. */
async function phone({ realm, closes }: KeptStory, user: string, server: string, secret = password) {
  const { clock, network } = realm;
  const local = { host: `10.0.1.${closes.length + 1}`, port: 5060 };
  const machine = network.host(local.host);
  const terminals: Terminal[] = [];
  const statuses: number[] = [];
  const endpoint = await openEndpoint(
    { clock, network: machine, random: seededRandom(50 + closes.length), log: silent },
    { local, userAgent: "phone" },
    {
      ...refusing,
      async onInvite(invite) {
        const media = { host: local.host, port: 40_000 + 2 * terminals.length };
        const terminal = await openTerminal({ clock, network: machine }, { local: media });
        terminals.push(terminal);
        const offer = new TextDecoder().decode(invite.request.body);
        const end = (): void => terminal.close();
        invite.accept({ type: "application/sdp", content: terminal.answer(offer) }, { onConfirmed() {}, onEnd: end });
      },
    },
  );
  const aor = `sip:${user}@${realmName}`;
  endpoint.register({
    aor,
    registrar: { transport: "udp", remote: { host: server, port: 5060 } },
    credentials: { username: user, password: secret },
    onState: (state) => void statuses.push(state.registered ? 200 : state.status),
  });
  closes.push(async () => {
    for (const terminal of terminals) terminal.close();
    await endpoint.close();
  });

  /** Calls a talkgroup, and hangs up; gives the status that was answered. */
  async function dial(talkgroup: string): Promise<number> {
    const terminal = await openTerminal({ clock, network: machine }, { local: { host: local.host, port: 50_000 } });
    const uri = `sip:${talkgroup}@${realmName}`;
    let answered = 0;
    const session = endpoint.invite(
      {
        method: "INVITE",
        uri,
        from: aor,
        to: uri,
        via: { transport: "udp", remote: { host: server, port: 5060 } },
        credentials: { username: user, password: secret },
        body: { type: "application/sdp", content: terminal.offer() },
      },
      {
        onAnswer: ({ status }) => {
          answered = status;
        },
        onRefused: (status) => {
          answered = status;
        },
        onEnd() {},
      },
    );
    await clock.advance(1_000);
    session.end();
    terminal.close();
    return answered;
  }
  return { terminals, statuses, dial };
}

const standing = `  - { user: phone1, password: "${password}", talkgroups: [ops], standing: [ops] }`;

/** What the card holds at this moment. */
function cardOf(story: KeptStory): string {
  const file = join(story.folder, "later.db");
  for (const part of ["", "-wal"])
    if (existsSync(`${story.file}${part}`)) copyFileSync(`${story.file}${part}`, `${file}${part}`);
  return file;
}

test("after a loss of power a phone is called without registering anew, and hears what is said", async (story) => {
  const { realm, file } = story;
  const options = { alone: true, accounts: standing };
  const north = await realm.site("north", { ...options, store: file });
  const listener = await phone(story, "phone1", north.address);
  await realm.clock.advance(8_000);
  assert.equal([listener.statuses, listener.terminals.length], [[200], 1]);
  const card = cardOf(story);
  north.vanish();

  const again = await realm.site("north", { ...options, store: card, address: north.address });
  await realm.clock.advance(8_000);
  assert.equal([listener.statuses, listener.terminals.length], [[200], 2]);
  again.press();
  await realm.clock.advance(1_000);
  again.release();
  assert.ok((listener.terminals[1]?.heard.length ?? 0) > 20, "the second session carries the burst");
});

test("what the roger command adds works at once in a gateway that runs, and what it removes ends", async (story) => {
  const { realm, file } = story;
  const north = await realm.site("north", { alone: true, store: file });
  const stranger = await phone(story, "dave", north.address);
  await realm.clock.advance(3_000);
  assert.ok(
    stranger.statuses.length > 0 && stranger.statuses.every((status) => status === 401),
    stranger.statuses.join(),
  );

  const editor = openEditor(file);
  const times = { endOfMediaMs: 4_000, talkMs: 30_000, graceMs: 3_000, hangMs: 10_000 };
  const member = { role: "talk", mayPreempt: true, standing: true } as const;
  editor.addTalkgroup({ name: "sea", ...times });
  editor.addUser({
    user: "dave",
    name: "",
    priority: 0,
    hashes: hashesOf({ user: "dave", realm: realmName, password }, ["SHA-256", "MD5"]),
    memberships: [{ ...member, talkgroup: "sea" }],
  });
  await realm.clock.advance(60_000);
  assert.is(stranger.statuses.at(-1), 200);
  assert.equal([stranger.terminals.length, stranger.terminals[0]?.news()], [1, ["idle"]]);
  assert.equal(north.told("account-changed").length, 1);
  assert.equal([await stranger.dial("sea"), await stranger.dial("ops")], [200, 403]);

  editor.removeTalkgroup("sea");
  editor.putMember("dave", { ...member, talkgroup: "ops" });
  await realm.clock.advance(2_000);
  assert.is(stranger.terminals.length, 2, "called to the other talkgroup");
  assert.equal([await stranger.dial("sea"), await stranger.dial("ops")], [404, 200]);
  assert.equal(north.told("the terminal gave no sign of life: its session is set up again"), []);
  editor.removeUser("dave");
  await realm.clock.advance(2_000);
  assert.is(north.told("unregistered").at(-1)?.fields["user"], "dave");
  await realm.clock.advance(300_000);
  // Who asks on is made to wait in the end, as anybody who guesses.
  assert.ok([401, 503].includes(stranger.statuses.at(-1) ?? 0), `${stranger.statuses.at(-1)}`);
  editor.close();
});

test("a gateway whose store was damaged stands with what its configuration has", async (story) => {
  const { realm, file } = story;
  const first = await realm.site("north", { alone: true, accounts: standing, store: file });
  await first.close();
  const editor = openEditor(file);
  editor.addTalkgroup({ name: "sea", endOfMediaMs: 1, talkMs: 1, graceMs: 1, hangMs: 1 });
  editor.close();
  truncateSync(file, 9_000);
  const again = await realm.site("north", { alone: true, accounts: standing, store: file, address: first.address });
  const listener = await phone(story, "phone1", again.address);
  await realm.clock.advance(8_000);
  const [damaged] = again.told("store-damaged");
  assert.match(String(damaged?.fields["aside"]), /roger\.db\.damaged-2025\d{4}T\d{6}Z$/);
  assert.ok(existsSync(String(damaged?.fields["aside"])));
  assert.is(listener.terminals.length, 1);
});

test.run();
