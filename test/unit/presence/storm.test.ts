import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Registration, Session, Watcher } from "../../../firmware/sip/endpoint.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { except, openSite, willing } from "./site.ts";
import { openPhone, type Phone } from "./terminals.ts";

/** A terminal and what it wants just now. */
interface Crew {
  readonly user: string;
  readonly host: string;
  readonly phone: Phone;
  registration?: Registration | undefined;
  watcher?: Watcher | undefined;
  call?: Session | undefined;
}

const transports = ["udp", "tcp", "tls"] as const;
const moods = [willing, () => [], except("accept", () => []), except("provision", () => [])];

function act(crew: Crew, choice: number): void {
  const { phone } = crew;
  switch (choice) {
    case 0:
    case 1:
      crew.registration ??= phone.register(60);
      return;
    case 2:
      void crew.registration?.close();
      crew.registration = undefined;
      return;
    case 3:
    case 4:
      crew.watcher ??= phone.subscribe();
      return;
    case 5:
      crew.watcher?.close();
      crew.watcher = undefined;
      return;
    case 6:
      crew.call ??= phone.dial();
      return;
    case 7:
      crew.call?.end();
      crew.call = undefined;
      return;
    case 8:
      return phone.hangUp();
    case 9:
      phone.onInvite = "accept";
      return;
    case 10:
      phone.onInvite = "ring";
      return;
    case 11:
      phone.onInvite = 486;
      return;
  }
}

test("whatever terminals, conference server and network do, in the end each has the session that it wants, and nothing else is left", async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const site = await openSite();
    const { clock, conference, wire } = site;
    const random = seededRandom(seed);
    const below = (bound: number) => Math.floor(random.fraction() * bound);
    const crews: Crew[] = [];
    for (const [index, user] of ["alice", "bob", "carol", "carol"].entries()) {
      const host = `10.0.0.${20 + index}`;
      const transport = transports[(seed + index) % transports.length];
      crews.push({ user, host, phone: await openPhone(site, user, host, transport) });
    }

    for (let step = 0; step < 150; step++) {
      const crew = crews[below(crews.length)];
      if (crew) act(crew, below(12));
      if (below(8) === 0) conference.reply = moods[below(moods.length)] ?? willing;
      if (below(8) === 0) wire.network.setLoss(below(3) * 0.2);
      // Long enough for connections to break, and not so long that nothing else happens.
      if (below(12) === 0 && crew) wire.network.partition("10.0.0.1", crew.host);
      else if (below(4) === 0) wire.network.heal();
      const leg = [...conference.legs][below(conference.legs.size)];
      if (leg !== undefined && below(6) === 0) conference.tell({ type: "lost", leg });
      await clock.advance(below(3) === 0 ? below(20_000) : below(300));
    }

    wire.network.setLoss(0);
    wire.network.heal();
    conference.reply = willing;
    for (const crew of crews) {
      crew.phone.onInvite = "accept";
      crew.call?.end();
    }
    // Longer than a subscription, a call or a binding lasts that the network kept its end from.
    await clock.advance(700_000);
    const wanted = crews
      .filter(({ user, registration, watcher }) => watcher || (registration && user === "carol"))
      .map(({ user }) => user);
    const standing = [...conference.legs].map((leg) => leg.split("-")[1] ?? "");
    assert.equal(standing.toSorted(), wanted.toSorted(), `seed ${seed}`);
    for (const user of ["alice", "bob", "carol"]) {
      const isThere = crews.some((crew) => crew.user === user && (crew.registration || crew.watcher));
      const last = site.told.findLast((word) => word.startsWith(`${user}:`));
      const expected = wanted.includes(user) ? "ops" : isThere ? "" : "gone";
      assert.is(last ?? `${user}: gone`, `${user}: ${expected}`, `seed ${seed}`);
    }
    await site.close();
  }
});

test.run();
