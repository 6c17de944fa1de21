import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { numbersOf, openSite, payloads, say } from "./site.ts";

const opus = await loadOpus();
const groups = ["ops", "fire", "sea"] as const;
const rights = { mayTalk: true, mayPreempt: true, priority: 0 };

for (const seed of [1, 2, 3, 4, 5, 6])
  test(`turmoil ${seed}: whoever talks, moves, holds and comes back, who scans hears in the end what has priority, and that alone`, async () => {
    const random = seededRandom(seed);
    const among = <Item>(items: readonly Item[]): Item => {
      const item = items[Math.floor(random.fraction() * items.length)];
      if (item === undefined) throw new Error("nothing to choose from");
      return item;
    };
    const site = openSite({ opus });
    const { clock, conference } = site;
    for (const name of ["fire", "sea"]) site.talkgroup({ name, talkMs: 2_000, graceMs: 500 });
    site.talkgroup({ name: "call/1", scope: "gateway" });
    const talkers = [];
    for (const talkgroup of groups)
      talkers.push({ talkgroup, terminal: await site.member(`${talkgroup}1`, { talkgroup }) });
    const scanners = [];
    for (let count = 0; count < 6; count++) {
      const [home, priority] = [among(groups), among(groups)];
      const listed = groups.filter((talkgroup) => talkgroup !== home).map((talkgroup) => ({ talkgroup, ...rights }));
      const scan = {
        groups: listed,
        priority,
        hangMs: among([0, 500, 3_000]),
        answerBack: count % 2 === 0,
      };
      const name = `scanner${count}`;
      scanners.push({
        name,
        home,
        priority,
        terminal: await site.member(name, { talkgroup: home, scan, priority: count % 3 }),
      });
    }

    for (let step = 0; step < 400; step++) {
      const scanner = among(scanners);
      const { terminal } = among([...talkers, scanner]);
      const deeds = [
        () => terminal.press(),
        () => terminal.press(),
        () => terminal.release(),
        () => terminal.speak(payloads(1)[0] ?? new Uint8Array()),
        () => site.move(scanner.name, among(["", "call/1", scanner.home, scanner.home]) || undefined),
        () =>
          void site.reoffer(scanner.name, scanner.terminal, { direction: among(["sendrecv", "sendonly", "inactive"]) }),
        () => site.key(scanner.name, among(["*", "#"])),
      ];
      among(deeds)();
      await clock.advance(random.fraction() * 300);
    }

    for (const { terminal } of [...talkers, ...scanners]) terminal.release();
    for (const { name, home, terminal } of scanners) {
      site.reoffer(name, terminal, { direction: "sendrecv" });
      site.move(name, home);
      site.key(name, "#");
    }
    await clock.advance(20_000);
    for (const scanner of scanners) scanner.terminal.heard.length = 0;
    for (const { terminal } of talkers) terminal.press();
    await clock.advance(1);
    for (const [index, { terminal }] of talkers.entries()) await say(clock, terminal, payloads(5, 50 * index));
    for (const { terminal, name, priority } of scanners) {
      const first = 50 * groups.indexOf(priority);
      assert.equal(
        numbersOf(terminal),
        [0, 1, 2, 3, 4].map((number) => first + number),
        `${name} hears ${priority}`,
      );
    }
    for (const { terminal } of talkers) terminal.release();
    await clock.advance(1);
    for (const { name } of scanners) conference.receive({ type: "release", leg: name });
    assert.equal(
      site.events.filter(({ type }) => type === "lost"),
      [],
    );
    assert.is(await site.close(), 0);
  });

test.run();
