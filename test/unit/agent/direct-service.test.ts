import { test } from "uvu";
import * as assert from "uvu/assert";
import { serverAddress } from "../../support/sip-wire.ts";
import { open, opus } from "./bench.ts";
import { connect, disconnect, granted, taken } from "./far-end.ts";
import { agentHost, openBoth, openServer } from "./server.ts";

const reached = { direct: 200 } as const;

for (const status of [404, 403, 489])
  test(`a server that answers ${status} is asked again every ten minutes, and the talkgroup never notices`, async () => {
    const { clock, wire, server, told, logged } = await openBoth(opus, { direct: status });
    await clock.advance(599_000);
    assert.is(server.direct.asked.length, 1);
    assert.is(logged.filter((message) => message === "not subscribed: no private call can come").length, 1);
    await clock.advance(3_000);
    assert.is(server.direct.asked.length, 2);
    server.direct.status = 200;
    await clock.advance(600_000);
    assert.equal(server.direct.story, ["session"]);
    assert.equal([told, server.story.filter((what) => what === "session")], [["ready"], ["session"]]);
    assert.is(wire.count(agentHost, "BYE"), 0);
  });

test("a server that accepts and never calls is asked less and less, and the talkgroup never notices", async () => {
  const { clock, server, told } = await openBoth(opus);
  server.direct.status = 200;
  server.direct.invites = false;
  await clock.advance(3_600_000);
  const { asked } = server.direct;
  assert.ok(asked.length >= 12 && asked.length <= 25, `${asked.length} subscriptions`);
  assert.equal([told, server.story.filter((what) => what !== "registered").slice(1)], [["ready"], ["session"]]);
  server.direct.invites = true;
  await clock.advance(320_000);
  assert.equal(server.direct.story, ["session"]);
});

test("a session for private calls that is ended or lost comes back, and the talkgroup's burst goes on meanwhile", async () => {
  for (const end of ["bye", "bye and call again", "silence"] as const) {
    const { clock, server, far, direct, told, press, release } = await open(granted, 0, reached);
    direct.sendControl(connect);
    await clock.advance(20);
    direct.sendControl(disconnect);
    await clock.advance(20);
    press();
    if (end === "silence") direct.fallSilent();
    else server.direct.bye();
    if (end === "bye and call again") server.direct.invite();
    await clock.advance(25_000);
    release();
    await clock.advance(10_000);
    assert.is(server.direct.story.filter((what) => what === "session").length, 2, end);
    assert.equal(told, ["called by sip:bob@example.org", "call over", "permit", "warned", "unkeyed"], end);
    assert.ok(far.packets.length >= 1_250, end);
    assert.is(server.story.filter((what) => what === "session").length, 1, end);
    assert.is(server.direct.asked.length, end === "bye and call again" ? 1 : 2, end);
  }
});

test("a call ends with its session", async () => {
  const { clock, server, direct, told } = await open(granted, 0, reached);
  direct.sendControl({ type: "connect", session: "sip:1@example.org", sessionType: 1, audioLine: 1, floorLine: 2 });
  direct.sendFloor(taken);
  await clock.advance(20);
  server.direct.bye();
  await clock.advance(50);
  assert.equal(told, ["called by ", "hears sip:bob@example.org", "silence", "call over"]);
});

test("a server that dies without a word has both lines back on its successor", async () => {
  const { wire, server, far, clock, told } = await openBoth(opus, reached);
  wire.network.kill(serverAddress.host);
  far.fallSilent();
  server.direct.far.fallSilent();
  const successor = await openServer(wire, { seed: 2, ...reached });
  await clock.advance(25_000);
  assert.equal(told, ["ready", "not ready", "ready"]);
  assert.equal(successor.direct.story, ["session"]);
  await clock.advance(60_000);
  assert.is(successor.direct.story.length, 1);
});

test("both lines begin anew when the talkgroup's session is lost: its server knows of no registration any more", async () => {
  const { server, far, clock, told } = await openBoth(opus, reached);
  far.fallSilent();
  await clock.advance(24_000);
  assert.equal(told.slice(0, 3), ["ready", "not ready", "ready"]);
  assert.equal(server.direct.story, ["session", "hung up", "session"]);
  assert.is(server.direct.asked.length, 2);
});

test("nobody but the agent's own server may offer a session for private calls", async () => {
  const { wire, clock, server } = await openBoth(opus, reached);
  const stranger = await wire.endpoint({ host: "10.0.0.66", port: 5060 });
  const contact = wire.sent.flatMap(({ message }) => (message.kind === "request" ? [message] : []))[0]?.headers;
  const uri = /<([^>]+)>/.exec(contact?.find(([name]) => name === "contact")?.[1] ?? "")?.[1] ?? "";
  const statuses: number[] = [];
  for (const from of ["sip:direct@example.org", "sip:direct@elsewhere.org"])
    stranger.invite(
      { method: "INVITE", uri, from, to: uri },
      {
        onAnswer() {},
        onRefused: (status) => statuses.push(status),
        onEnd() {},
      },
    );
  await clock.advance(200);
  assert.equal(statuses, [403, 403]);
  server.invite({ from: "sip:direct@elsewhere.org" });
  await clock.advance(200);
  assert.is(server.story.at(-1), "refused 403");
  assert.equal(server.direct.story, ["session"]);
});

test("closing hangs up both lines, in a call or not, and leaves nothing running", async () => {
  for (const called of [true, false]) {
    const { clock, server, agent } = await openBoth(opus, reached);
    if (called) server.direct.far.sendControl(connect);
    await clock.advance(20);
    const closing = agent.close();
    await clock.advance(1_000);
    await closing;
    assert.equal(server.direct.story, ["session", "hung up"]);
    await server.close();
    assert.is(clock.pending(), 0);
  }
});

test.run();
