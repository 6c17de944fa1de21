/** To whom SRTP is offered: its keys are in the messages, so only where nobody else reads those. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SrtpPolicy } from "../../../firmware/presence/legs.ts";
import { except, openSite, type Site } from "./site.ts";
import { openPhone } from "./terminals.ts";

const offers = ({ asked }: Site) =>
  asked.flatMap(({ command }) => (command.type === "provision" ? [command.options.srtp ?? "off"] : []));

for (const transport of ["udp", "tcp", "tls"] as const)
  test(`a terminal that is reached over ${transport} is offered what the policy says`, async () => {
    const offered: Record<SrtpPolicy, unknown> = { off: [], offered: [], required: [] };
    for (const srtp of ["off", "offered", "required"] as const) {
      const site = await openSite({ srtp });
      const phone = await openPhone(site, "alice", "10.0.0.2", transport);
      phone.subscribe();
      await site.clock.advance(500);
      phone.dial("fire");
      await site.clock.advance(500);
      offered[srtp] = offers(site);
      await site.close();
    }
    const subscribed = transport === "tls" ? "offered" : "accepted";
    assert.equal(offered, {
      off: ["off", "off"],
      offered: [subscribed, "accepted"],
      required: ["required", "required"],
    });
  });

for (const [name, refuse] of [
  ["refuses it", ({ phone }) => void Object.assign(phone, { onInvite: 488 })],
  [
    "answers in plain",
    ({ site }) => {
      site.conference.reply = except("accept", (command) =>
        "leg" in command ? [{ type: "refused", leg: command.leg, status: 488, reason: "no audio line" }] : [],
      );
    },
  ],
] satisfies readonly [string, (parts: { site: Site; phone: Awaited<ReturnType<typeof openPhone>> }) => void][])
  test(`a terminal over TLS that ${name} is offered plain audio next, and the log says so`, async () => {
    const site = await openSite({ srtp: "offered" });
    const phone = await openPhone(site, "alice", "10.0.0.2", "tls");
    refuse({ site, phone });
    phone.subscribe();
    await site.clock.advance(500);
    assert.equal(offers(site), ["offered"]);
    assert.ok(site.logged.some(({ message }) => message === "the terminal takes no SRTP: it is offered plain audio"));
    phone.onInvite = "accept";
    site.conference.reply = except("tone", () => []);
    await site.clock.advance(5_000);
    assert.equal(offers(site), ["offered", "accepted"]);
    assert.is(phone.story.at(-1), "in session");
    await site.close();
  });

test("a terminal that is required to speak SRTP is never offered plain audio", async () => {
  const site = await openSite({ srtp: "required" });
  const phone = await openPhone(site, "alice", "10.0.0.2", "tls");
  phone.onInvite = 488;
  phone.subscribe();
  await site.clock.advance(20_000);
  assert.ok(offers(site).length > 1);
  assert.equal(new Set(offers(site)), new Set(["required"]));
  await site.close();
});

test("who is called over TLS and turns SRTP down is asked again at once, for plain audio", async () => {
  const site = await openSite({ srtp: "offered", crew: ["erin"] });
  const alice = await openPhone(site, "alice", "10.0.0.2");
  const erin = await openPhone(site, "erin", "10.0.0.3", "tls");
  erin.register();
  await site.clock.advance(500);
  erin.onInvite = 488;
  alice.dial("erin");
  await site.clock.advance(500);
  assert.equal(offers(site), ["accepted", "offered", "accepted"]);
  assert.is(erin.invites.length, 2);
  assert.equal([...site.conference.legs, ...site.conference.calls], []);
  assert.is(alice.story.at(-1), "refused: 488");
  await site.close();
});

test.run();
