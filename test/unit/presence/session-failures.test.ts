import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SessionCommand, SessionEvent } from "../../../firmware/presence/conference-server.ts";
import { header } from "../../../firmware/sip/message.ts";
import { except, openSite, willing } from "./site.ts";
import { openPeer, openPhone } from "./terminals.ts";

async function open() {
  const site = await openSite();
  return { ...site, site, phone: await openPhone(site) };
}

const refusal = (command: SessionCommand): readonly SessionEvent[] => [
  {
    type: "refused",
    leg: command.type === "provision" ? command.options.leg : "leg" in command ? command.leg : "",
    status: 503,
    reason: "every leg is in use",
  },
];

type Parts = Awaited<ReturnType<typeof open>>;

/** What goes wrong, and after how long it is known, ms. */
const failures: Readonly<Record<string, readonly [afterMs: number, happens: (parts: Parts) => void]>> = {
  "the terminal is busy": [
    0,
    ({ phone }) => {
      phone.onInvite = 486;
    },
  ],
  "the terminal rings and nobody picks up": [
    30_000,
    ({ phone }) => {
      phone.onInvite = "ring";
    },
  ],
  "the conference server has no room": [
    0,
    ({ conference }) => {
      conference.reply = refusal;
    },
  ],
  "the conference server says nothing": [
    5_000,
    ({ conference }) => {
      conference.reply = () => [];
    },
  ],
  "the conference server does not take the answer": [
    0,
    ({ conference }) => {
      conference.reply = except("accept", refusal);
    },
  ],
  "the conference server never gets ready": [
    5_000,
    ({ conference }) => {
      conference.reply = except("accept", () => []);
    },
  ],
  "the conference server loses the leg while the terminal rings": [
    0,
    ({ phone, conference }) => {
      phone.onInvite = "ring";
      conference.reply = (command) =>
        command.type === "provision"
          ? [...willing(command), { type: "lost", leg: command.options.leg }]
          : willing(command);
    },
  ],
};

for (const [what, [afterMs, happens]] of Object.entries(failures))
  test(`${what}: the session is tried again with growing pauses, and stands once that is over`, async () => {
    const parts = await open();
    const { site, phone, told, conference, clock } = parts;
    happens(parts);
    phone.subscribe();
    await clock.advance(400_000);
    const times = conference.times();
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    assert.ok(pauses.length >= 5, `${pauses.length} further attempts`);
    const [first = 0, second = 0, third = 0] = pauses;
    assert.ok(first >= afterMs + 1_000 && first <= afterMs + 2_100, `${pauses}`);
    assert.ok(first < second && second < third, `${pauses}`);
    assert.ok(Math.max(...pauses) <= afterMs + 31_000, `${pauses}`);
    assert.equal(told, []);
    assert.ok(conference.legs.size <= 1, "no leg is left behind by an attempt");

    conference.reply = willing;
    phone.onInvite = "accept";
    await clock.advance(62_000);
    assert.equal(told, ["alice: ops"]);
    await site.close();
  });

test("who hangs up is called again after some seconds; who is lost, at once", async () => {
  const { site, phone, told, conference, clock } = await open();
  phone.subscribe();
  await clock.advance(200);
  phone.hangUp();
  await clock.advance(7_000);
  assert.equal([told.length, phone.invites.length], [2, 1]);
  assert.is(conference.legs.size, 0);
  await clock.advance(10_000);
  assert.equal(told, ["alice: ops", "alice: gone", "alice: ops"]);

  conference.tell({ type: "lost", leg: "2-alice" });
  await clock.advance(3_000);
  assert.not.ok(conference.words().includes("release 2-alice"), "what is gone need not be given back");
  assert.equal(told.slice(3), ["alice: gone", "alice: ops"]);
  assert.equal(phone.story.filter((word) => word === "out of session").length, 1, "the lost dialog was ended too");
  await site.close();
});

test("a terminal that hangs up between its answer and the conference server's is called again", async () => {
  const { site, phone, told, conference, clock } = await open();
  conference.reply = except("accept", () => []);
  phone.subscribe();
  await clock.advance(100);
  phone.hangUp();
  await clock.advance(100);
  assert.equal(conference.words().slice(-1), ["release 1-alice"]);
  conference.tell({ type: "ready", leg: "1-alice" });
  assert.equal(told, [], "it is late");
  conference.reply = willing;
  await clock.advance(20_000);
  assert.equal(told, ["alice: ops"]);
  await site.close();
});

for (const [stage, silent, onInvite] of [
  ["provisioned", "provision", "accept"],
  ["called", undefined, "ring"],
  ["joined", "accept", "accept"],
] as const)
  test(`who unsubscribes while the session is being ${stage} leaves nothing behind`, async () => {
    const { site, phone, told, conference, clock } = await open();
    if (silent) conference.reply = except(silent, () => []);
    phone.onInvite = onInvite;
    const watcher = phone.subscribe();
    await clock.advance(200);
    assert.is(conference.legs.size, 1);
    watcher.close();
    await clock.advance(200);
    assert.is(conference.legs.size, 0);
    assert.equal(
      phone.story.slice(1),
      { provisioned: [], called: ["cancelled"], joined: ["in session", "out of session"] }[stage],
    );
    for (const type of ["offer", "answer"] as const) conference.tell({ type, leg: "1-alice", sdp: "late" });
    conference.tell({ type: "ready", leg: "1-alice" });
    conference.tell({ type: "lost", leg: "1-alice" });
    await clock.advance(60_000);
    assert.equal([told, conference.times().length], [[], 1]);
    await site.close();
  });

test("a terminal that picks up as its session is given up is hung up on", async () => {
  const { site, clock, conference } = await open();
  const peer = await openPeer(site);
  const subscribe = { method: "SUBSCRIBE", headers: ["Event: conference", `Contact: <${peer.contact}>`] };
  const toTag = /tag=(\w+)/.exec(header(await peer.ask(subscribe), "to") ?? "")?.[1];
  const invite = peer.last("INVITE");
  peer.answer(invite, 180);
  await clock.advance(20);
  await peer.say({ ...subscribe, toTag, headers: [...subscribe.headers, "Expires: 0"] });
  assert.is(peer.last("CANCEL")?.kind, "request");
  assert.is(conference.legs.size, 0);
  peer.answer(invite, 200, "an answer");
  await clock.advance(20);
  assert.is(peer.last("BYE")?.kind, "request");
  await site.close();
});

test.run();
