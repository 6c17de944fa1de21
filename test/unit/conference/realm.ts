import * as assert from "uvu/assert";
import type { FloorRole, TalkgroupSettings } from "../../../firmware/conference/protocol.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";
import { simulatedNetwork } from "../../../hal/network/simulated.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { numbersOf, openSite, type Site } from "./site.ts";

const opus = await loadOpus();

export const controlling = (...peers: string[]): FloorRole => ({ in: "controlling", peers });
export const participating = (controller: string, ...others: string[]): FloorRole => ({
  in: "participating",
  controller,
  peers: [controller, ...others],
});

/** Sites joined by a trunk; `floorMs` and `mediaMs` are what floor messages and media take on it. */
export const realm = (...names: string[]) => realmWith({}, ...names);

/** The talkgroup has these settings. */
export async function realmWith(settings: Partial<TalkgroupSettings>, ...names: string[]) {
  const clock = virtualClock();
  const network = simulatedNetwork({ clock });
  const sites = new Map<string, Site>();
  const trunk = { floorMs: 10, mediaMs: 10, lost: (_from: string, _to: string) => false };

  function carry(from: string, to: string | "all", ms: number, deliver: (site: Site) => void): void {
    for (const [name, site] of sites)
      if (name !== from && (to === "all" || to === name) && !trunk.lost(from, name))
        clock.after(ms, () => sites.has(name) && deliver(site));
  }

  for (const [index, gateway] of names.entries()) {
    const site = openSite({ opus, clock, network, gateway, host: `10.0.0.${index + 1}`, settings });
    sites.set(gateway, site);
    site.onEvent = (event) => {
      if (event.type === "trunk-floor") {
        const floor = structuredClone(event.floor);
        carry(gateway, event.to, trunk.floorMs, ({ conference }) =>
          conference.receive({ type: "trunk-floor", from: gateway, floor }),
        );
      }
      if (event.type === "trunk-media") {
        const packet = event.packet.slice();
        carry(gateway, "all", trunk.mediaMs, ({ conference }) => {
          const copy = packet.slice();
          conference.receive({ type: "trunk-media", from: gateway, talkgroup: "ops", packet: copy });
          // It was lent for the call.
          copy.fill(0);
        });
      }
    };
  }
  const site = (name: string): Site => {
    const found = sites.get(name);
    if (!found) throw new Error(`no site ${name}`);
    return found;
  };
  /** Everybody learns who controls: the first of these. */
  function roles(...live: string[]): void {
    const [controller = ""] = live;
    for (const name of live) {
      const others = live.filter((other) => other !== name);
      site(name).role(
        name === controller ? controlling(...others) : { in: "participating", controller, peers: others },
      );
    }
  }
  roles(...names);
  await clock.advance(100);
  return {
    clock,
    trunk,
    site,
    roles,
    /** A site is gone with everything that it had to say. */
    async lose(name: string): Promise<void> {
      const gone = site(name);
      sites.delete(name);
      gone.onEvent = () => {};
      await gone.close();
    },
    async close(): Promise<number> {
      for (const one of sites.values()) one.conference.close();
      // What is under way on the trunk arrives nowhere.
      await clock.advance(1_000);
      for (const one of sites.values()) await one.close();
      return clock.pending();
    },
  };
}

/** South controls; a terminal at each site. */
export async function northAndSouth() {
  const sites = await realm("south", "north");
  const nora = await sites.site("north").member("nora");
  const sam = await sites.site("south").member("sam");
  for (const each of [nora, sam]) each.news();
  return { ...sites, nora, sam };
}

export const floorOf = (site: Site) => site.events.findLast(({ type }) => type === "floor");
export const isIdle = (site: Site): boolean => {
  const last = floorOf(site);
  return last?.type === "floor" && last.talker === undefined;
};

export const hears = (listener: Terminal, numbers: readonly number[]): void =>
  assert.equal(numbersOf(listener), numbers);
