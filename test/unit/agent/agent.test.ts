import { test } from "uvu";
import * as assert from "uvu/assert";
import { openAgent } from "../../../firmware/agent/agent.ts";
import { parseSdp } from "../../../firmware/sip/sdp.ts";
import { DeviceError } from "../../../hal/error.ts";
import type { Network } from "../../../hal/network/port.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { nodeSrtp } from "../../../hal/srtp/node.ts";
import { serverAddress, sipWire } from "../../support/sip-wire.ts";
import { agentHost, listener, openBoth, openServer, options } from "./server.ts";

const opus = await loadOpus();
const begun = ["registered", "subscribed to <sip:crew@example.org>", "session"];

test("an agent proves who it is, subscribes to its talkgroup, answers the INVITE, and is ready before anybody calls", async () => {
  const { wire, server, far, clock, told } = await openBoth(opus);
  assert.equal(server.story, begun);
  assert.equal(told, ["ready"]);
  assert.is(wire.count(agentHost, "REGISTER"), 2, "one challenge");
  assert.is(wire.count(agentHost, "SUBSCRIBE"), 2, "to the talkgroup and to private calls: the nonce serves again");
  await clock.advance(60_000);
  assert.is(far.packets.length, 0, "the session carries no audio");
  assert.equal(far.rtcpTypes.filter((type) => type === "receiver-report").length, 12);
  assert.equal(told, ["ready"]);
});

test("the answer holds Opus alone, under the number that the server gave it, and floor control beside RTCP", async () => {
  const { server, clock, told } = await openBoth(opus);
  server.invite({ sdp: (offer) => offer.replace(/\b111\b/g, "96") });
  await clock.advance(200);
  assert.equal(told, ["ready", "ready"]);
  assert.is(server.story.at(-2), "hung up", "the session before is over");
  const { audio, floor } = parseSdp(server.answers[1] ?? "");
  assert.equal(
    audio?.codecs.map(({ name, payloadType }) => `${name} ${payloadType}`),
    ["opus 96"],
  );
  assert.is(audio?.address.host, agentHost);
  assert.is((audio?.address.port ?? 1) % 2, 0);
  assert.is(floor?.address.port, (audio?.address.port ?? 0) + 1);
});

test("a session without Opus or without floor control is refused, and so is every caller but the talkgroup at its server", async () => {
  const { wire, server, clock, told } = await openBoth(opus);
  const refused = async (change: Parameters<typeof server.invite>[0]) => {
    server.invite(change);
    await clock.advance(200);
    return server.story.at(-1);
  };
  assert.is(await refused({ sdp: (offer) => offer.replace("opus/48000", "speex/16000") }), "refused 488");
  assert.is(await refused({ sdp: (offer) => offer.slice(0, offer.indexOf("m=application")) }), "refused 488");
  assert.is(await refused({ sdp: () => "nonsense" }), "refused 400");
  assert.is(await refused({ from: "sip:mallory@example.org" }), "refused 403");
  assert.equal(told, ["ready"], "the session that stands is left alone");

  const stranger = await wire.endpoint({ host: "10.0.0.66", port: 5060 });
  const contact = wire.sent.flatMap(({ message }) => (message.kind === "request" ? [message] : []))[0]?.headers;
  const uri = /<([^>]+)>/.exec(contact?.find(([name]) => name === "contact")?.[1] ?? "")?.[1] ?? "";
  let status = 0;
  const out = { method: "INVITE", uri, from: "sip:crew@example.org", to: uri };
  const onRefused = (is: number): void => {
    status = is;
  };
  stranger.invite(out, { onAnswer() {}, onRefused, onEnd() {} });
  await clock.advance(200);
  assert.is(status, 403);
});

test("an INVITE that crosses with the agent's leaving is refused, and the agent comes back all the same", async () => {
  const { server, far, clock, told } = await openBoth(opus);
  far.fallSilent();
  server.onUnregistered = () => server.invite();
  await clock.advance(22_000);
  assert.ok(server.story.includes("refused 480"));
  assert.equal(told.slice(0, 3), ["ready", "not ready", "ready"]);
});

test("a server that hangs up and calls again is answered again", async () => {
  const { server, clock, told } = await openBoth(opus);
  server.bye();
  await clock.advance(100);
  assert.equal(told, ["ready", "not ready"]);
  server.invite();
  await clock.advance(100);
  assert.equal(told, ["ready", "not ready", "ready"]);
  await clock.advance(120_000);
  assert.is(told.length, 3, "and nothing is begun anew");
});

test("a server that hangs up and does not call again is asked anew, from the start", async () => {
  const { server, clock, told } = await openBoth(opus);
  server.bye();
  await clock.advance(5_000);
  assert.equal(told, ["ready", "not ready", "ready"]);
  assert.equal(server.story.slice(3).toSorted(), ["unregistered", "unsubscribed", ...begun].toSorted());
});

test("a server that shuts down in order and comes up having forgotten everything has its terminal back in seconds", async () => {
  const { wire, server, clock, told } = await openBoth(opus);
  const closing = server.close();
  await clock.advance(1_000);
  await closing;
  assert.equal(told, ["ready", "not ready"]);
  await clock.advance(1_000);
  const again = await openServer(wire, { seed: 2, rtpPort: 31_000 });
  await clock.advance(10_000);
  assert.equal(told, ["ready", "not ready", "ready"]);
  assert.ok(again.story.includes("session"));
});

test("a server that dies without a word is missed after three reports, and its successor has its terminal at once", async () => {
  const { wire, far, clock, told } = await openBoth(opus);
  await clock.advance(30_000);
  wire.network.kill(serverAddress.host);
  far.fallSilent();
  await clock.advance(14_000);
  assert.equal(told, ["ready"]);
  const successor = await openServer(wire, { seed: 2 });
  await clock.advance(8_000);
  assert.equal(told, ["ready", "not ready", "ready"]);
  assert.equal(successor.story.slice(-3), begun);
});

test("a conference server that has died behind a living presence server is missed too", async () => {
  const { server, far, clock, told } = await openBoth(opus);
  far.fallSilent();
  await clock.advance(14_000);
  assert.equal(told, ["ready"]);
  await clock.advance(7_000);
  assert.equal(told.slice(0, 3), ["ready", "not ready", "ready"]);
  assert.ok(server.story.includes("hung up"), "the session is not left hanging");
});

test("a server away for an hour is asked less and less, and found within a minute", async () => {
  const { wire, server, clock, told } = await openBoth(opus);
  wire.network.partition(agentHost, serverAddress.host);
  await clock.advance(3_600_000);
  assert.equal(told, ["ready", "not ready"]);
  assert.ok(wire.count(agentHost, "REGISTER") < 1_500, `${wire.count(agentHost, "REGISTER")} REGISTERs in an hour`);
  wire.network.heal();
  await clock.advance(60_000);
  assert.is(told.at(-1), "ready");
  assert.is(server.story.filter((what) => what === "session").length, 2);
});

test("a subscription that brings no INVITE is given up and made again, at growing intervals", async () => {
  const wire = sipWire();
  const server = await openServer(wire);
  server.invites = false;
  const { told, logged, log, signals } = listener();
  const ports = {
    clock: wire.clock,
    random: seededRandom(7),
    network: wire.network.host(agentHost),
    opus,
    srtp: nodeSrtp(),
    log,
  };
  await openAgent(ports, options, signals);
  await wire.clock.advance(120_000);
  const tries = server.story.filter((what) => what.startsWith("subscribed")).length;
  assert.ok(tries >= 5 && tries <= 8, `${tries} subscriptions in two minutes`);
  assert.ok(logged.includes("leaving the talkgroup"));
  assert.equal(told, []);
  server.invites = true;
  await wire.clock.advance(40_000);
  assert.equal(told, ["ready"]);
});

test("a wrong password leaves the agent knocking and the log saying so", async () => {
  const wire = sipWire();
  const server = await openServer(wire);
  const { told, logged, log, signals } = listener();
  const ports = {
    clock: wire.clock,
    random: seededRandom(7),
    network: wire.network.host(agentHost),
    opus,
    srtp: nodeSrtp(),
    log,
  };
  const agent = await openAgent(ports, { ...options, password: "wrong" }, signals);
  await wire.clock.advance(60_000);
  assert.equal([told, server.story], [[], []]);
  assert.ok(logged.includes("not registered"));
  const closing = agent.close();
  await wire.clock.advance(2_000);
  await closing;
});

test("closing hangs up, unsubscribes and unregisters, and leaves nothing running", async () => {
  const { wire, server, far, agent, clock, told } = await openBoth(opus);
  const closing = agent.close();
  await clock.advance(1_000);
  await closing;
  assert.equal(server.story.slice(3).toSorted(), ["hung up", "unregistered", "unsubscribed"]);
  assert.equal(told, ["ready", "not ready"]);
  assert.ok(far.rtcpTypes.includes("bye"));
  await server.close();
  assert.is(clock.pending(), 0);
  await bindAll(wire.network.host(agentHost));
});

/** Fails when a port of the agent's range is still in use. */
async function bindAll(network: Network): Promise<void> {
  const { host, first, last } = options.range;
  for (let port = first; port <= last; port++) (await network.udp({ host, port }, () => {})).close();
}

test("an agent that finds no port for media, or none for SIP, says so and leaves none behind", async () => {
  const wire = sipWire();
  const real = wire.network.host(agentHost);
  const { log, signals } = listener();
  for (const refused of [(port: number) => port > 0, (port: number) => port === 0]) {
    const network: Network = {
      ...real,
      udp: (local, receive) =>
        refused(local.port)
          ? Promise.reject(new DeviceError("udp", "EADDRINUSE", "choose another"))
          : real.udp(local, receive),
    };
    try {
      await openAgent(
        { clock: wire.clock, random: seededRandom(7), network, opus, srtp: nodeSrtp(), log },
        options,
        signals,
      );
      assert.unreachable();
    } catch (error) {
      assert.instance(error, DeviceError);
    }
    await bindAll(real);
    assert.is(wire.clock.pending(), 0);
  }
});

test.run();
