import { test } from "uvu";
import * as assert from "uvu/assert";
import { participant } from "../../../firmware/floor/participant.ts";
import {
  type ParticipantEvent,
  participantDefaults,
  participantInitial,
} from "../../../firmware/floor/participant-state.ts";
import { type Running, run } from "../../../firmware/machine.ts";
import type { VirtualClock } from "../../../hal/clock/virtual.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import type { Terminal } from "../../support/terminal.ts";
import { isIdle, realm } from "./realm.ts";
import { payloads } from "./site.ts";

const names = ["south", "north", "west"] as const;
const [frame = new Uint8Array()] = payloads(1);

/** A user with a button: talks while the floor is theirs, as a terminal does. */
function user(clock: VirtualClock, terminal: Terminal, number: number) {
  const payload = frame.with(1, number);
  let talking = false;
  let first = true;
  const floor: Running<unknown, ParticipantEvent> = run(
    participant(participantDefaults),
    participantInitial,
    clock,
    (effect) => {
      if (effect.do === "send") terminal.request(effect.message);
      if (effect.do === "talk") first = true;
      if (effect.do === "talk") talking = true;
      if (["mute", "denied", "revoked", "failed"].includes(effect.do)) talking = false;
    },
  );
  terminal.onTold = (message) => floor.send({ type: "message", message, acknowledge: false });
  const stop = clock.every(20, () => {
    if (!talking) return;
    terminal.speak(payload, { marker: first });
    first = false;
  });
  return {
    number,
    terminal,
    talking: () => talking,
    press: () => floor.send({ type: "press", priority: 0 }),
    unpress: () => floor.send({ type: "unpress" }),
    close() {
      stop();
      floor.close();
    },
  };
}

for (const seed of [1, 2, 3, 4, 5, 6])
  test(`turmoil ${seed}: however words are lost, late and roles confused, the floor is free afterwards and everybody is heard`, async () => {
    const random = seededRandom(seed);
    const chance = (share: number): boolean => random.fraction() < share;
    const { clock, trunk, site, roles, close } = await realm(...names);
    const { network } = site("south");
    const users: ReturnType<typeof user>[] = [];
    for (const name of names)
      for (const nick of ["a", "b"]) {
        const terminal = await site(name).member(`${name}-${nick}`);
        users.push(user(clock, terminal, users.length));
      }
    let loss = 0;
    trunk.lost = () => chance(loss);
    for (let step = 0; step < 300; step++) {
      const one = users[Math.floor(random.fraction() * users.length)];
      if (chance(0.5)) one?.press();
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
