import { test } from "uvu";
import * as assert from "uvu/assert";
import { participant } from "../../../firmware/floor/participant.ts";
import {
  type ParticipantEvent,
  participantDefaults,
  participantInitial,
} from "../../../firmware/floor/participant-state.ts";
import type { Urgency } from "../../../firmware/floor/urgency.ts";
import { type Running, run } from "../../../firmware/machine.ts";
import type { VirtualClock } from "../../../hal/clock/virtual.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import type { Terminal } from "../../support/terminal.ts";
import { isIdle, realmWith } from "./realm.ts";
import { payloads } from "./site.ts";

const names = ["south", "north", "west"] as const;
const [frame = new Uint8Array()] = payloads(1);

/** A user with a button: talks while the floor is theirs, as a terminal does. */
function user(clock: VirtualClock, terminal: Terminal, number: number) {
  const payload = frame.with(1, number);
  let talking = false;
  let first = true;
  let urgency: Urgency = "normal";
  let waits = 0;
  const floor: Running<unknown, ParticipantEvent> = run(
    participant(participantDefaults),
    participantInitial,
    clock,
    (effect) => {
      if (effect.do === "send") terminal.request(effect.message, effect.acknowledge);
      if (effect.do === "queued") waits += 1;
      if (effect.do === "urgency") urgency = effect.urgency;
      if (effect.do === "talk") first = true;
      if (effect.do === "talk") talking = true;
      if (["mute", "denied", "revoked", "failed"].includes(effect.do)) talking = false;
    },
  );
  terminal.onTold = (message, acknowledge) => floor.send({ type: "message", message, acknowledge });
  const stop = clock.every(20, () => {
    if (!talking) return;
    terminal.speak(payload, { marker: first });
    first = false;
  });
  return {
    number,
    terminal,
    talking: () => talking,
    urgency: () => urgency,
    /** How often it was told of a place in the queue. */
    waits: () => waits,
    press: (raised?: Urgency) => floor.send({ type: "press", priority: 0, ...(raised && { urgency: raised }) }),
    calm: () => floor.send({ type: "calm" }),
    unpress: () => floor.send({ type: "unpress" }),
    close() {
      stop();
      floor.close();
    },
  };
}

const kinds = [
  { kind: "a plain talkgroup", settings: {}, urgent: 0 },
  { kind: "a talkgroup with queueing and emergencies", settings: { queueing: true }, urgent: 0.05 },
] as const;

for (const { kind, settings, urgent, seed } of kinds.flatMap((kind) =>
  [1, 2, 3, 4, 5, 6].map((seed) => ({ ...kind, seed })),
))
  test(`turmoil ${seed} in ${kind}: however words are lost, late and roles confused, the floor is free afterwards and everybody is heard`, async () => {
    const random = seededRandom(seed);
    const chance = (share: number): boolean => random.fraction() < share;
    const { clock, trunk, site, roles, close } = await realmWith(settings, ...names);
    const { network } = site("south");
    const users: ReturnType<typeof user>[] = [];
    for (const name of names)
      for (const nick of ["a", "b"]) {
        const terminal = await site(name).member(`${name}-${nick}`, { mayRaise: true, mayCalm: nick === "a" });
        users.push(user(clock, terminal, users.length));
      }
    let loss = 0;
    trunk.lost = () => chance(loss);
    for (let step = 0; step < 300; step++) {
      const one = users[Math.floor(random.fraction() * users.length)];
      const dice = urgent > 0 ? random.fraction() : 1;
      if (dice < urgent) one?.press("emergency");
      else if (dice < 2 * urgent) one?.calm();
      else if (chance(0.5)) one?.press();
      else one?.unpress();
      if (chance(0.1)) loss = chance(0.5) ? 0 : random.fraction();
      if (chance(0.1)) network.setLoss(chance(0.5) ? 0 : random.fraction() / 2);
      if (chance(0.1)) trunk.floorMs = chance(0.5) ? 10 : random.fraction() * 900;
      if (chance(0.1)) {
        const [controller = "south", ...rest] = names.toSorted(() => random.fraction() - 0.5);
        // Not everybody may learn of it at once.
        if (chance(0.5)) roles(controller, ...rest);
        else site(rest[0] ?? "north").role({ in: "participating", controller, peers: [controller] });
      }
      await clock.advance(random.fraction() * 400);
    }
    loss = 0;
    network.setLoss(0);
    trunk.floorMs = 10;
    for (const one of users) one.unpress();
    roles(...names);
    await clock.advance(10_000);
    for (const name of names) assert.ok(isIdle(site(name)), `${name} is idle`);
    assert.not(users.some((one) => one.talking()));
    const waited = users.reduce((sum, one) => sum + one.waits(), 0);
    assert.is(waited > 10, "queueing" in settings, `${waited} places were told`);
    const urgencies = new Set(users.map((one) => one.urgency()));
    assert.is(urgencies.size, 1, `everybody is told the same: ${[...urgencies]}`);
    users[0]?.calm();
    await clock.advance(5_000);
    for (const one of users) assert.is(one.urgency(), "normal", `user ${one.number}`);

    for (const talker of users) {
      for (const { terminal } of users) terminal.heard.length = 0;
      talker.press();
      await clock.advance(300);
      assert.ok(talker.talking(), `user ${talker.number} is granted the floor`);
      // Control is to change hands in the middle of it.
      roles(...names.toSorted(() => random.fraction() - 0.5));
      await clock.advance(1_200);
      talker.unpress();
      await clock.advance(400);
      for (const listener of users)
        if (listener !== talker) {
          assert.ok(listener.terminal.heard.length >= 70, `${listener.number} hears ${talker.number}`);
          assert.ok(listener.terminal.heard.every(({ payload }) => payload[1] === talker.number));
        }
    }
    for (const one of users) one.close();
    assert.is(await close(), 0);
  });

test.run();
