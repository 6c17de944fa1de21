import { test } from "uvu";
import * as assert from "uvu/assert";
import { openSite } from "./site.ts";
import { openCrew, openPeer } from "./terminals.ts";

test("a thousand watchers of one user are told of a change within a second, a few at a time", async () => {
  const crew = Array.from({ length: 10 }, (_, number) => `watcher-${number}`);
  const site = await openSite({ crew });
  const { clock } = site;
  const alice = await openCrew(site, "alice", "10.0.0.2");
  const peers = await Promise.all(
    crew.map((user, number) => openPeer(site, user, { host: `10.0.1.${number}`, port: 5060 })),
  );
  for (const peer of peers)
    for (let number = 0; number < 100; number++) {
      const headers = ["Event: presence", "Expires: 3600", `Contact: <${peer.contact}>`];
      const response = await peer.ask({ method: "SUBSCRIBE", uri: "alice", callId: `call-${number}`, headers });
      assert.is(response.status, 200);
      peer.answer(peer.last("NOTIFY"), 200);
    }
  await clock.advance(1_000);
  const before = peers.map(({ raw }) => raw.received.length);
  const at = new Set<number>();
  let busiest = 0;
  site.wire.network.onDatagram(({ from }) => {
    if (from.host !== "10.0.0.1") return;
    const now = clock.now();
    busiest = at.has(now) ? busiest + 1 : 1;
    at.add(now);
    assert.ok(busiest <= 40, `${busiest} datagrams at once`);
  });
  alice.register();
  await clock.advance(1_000);
  for (const [index, { raw }] of peers.entries()) {
    const notified = raw.received.slice(before[index]).filter((message) => message.kind === "request");
    const told = new Set(notified.map((message) => message.headers.find(([name]) => name === "call-id")?.[1]));
    assert.is(told.size, 100, `watcher ${index}`);
    for (const message of notified) assert.match(new TextDecoder().decode(message.body), /<basic>open</);
  }
  site.server.close();
  await site.endpoint.close();
});

test.run();
