import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Incoming } from "../../../firmware/sip/endpoint.ts";
import { header, type SipRequest } from "../../../firmware/sip/message.ts";
import { refusing, serverAddress, sipWire } from "../../support/sip-wire.ts";

type Wire = ReturnType<typeof sipWire>;
type Answer = (request: SipRequest, number: number) => number | "silence";

const decoder = new TextDecoder();

/** A server by script: it gives each accepted PUBLISH another tag, and 100 s unless it is told otherwise. */
async function open(answer: Answer = () => 200, headers: readonly (readonly [string, string])[] = []) {
  const wire: Wire = sipWire();
  const story: string[] = [];
  const told: (number | "published")[] = [];
  let count = 0;

  function onRequest(incoming: Incoming): void {
    const { request } = incoming;
    const [match, expires] = [header(request, "sip-if-match"), header(request, "expires")];
    count += 1;
    story.push(`${decoder.decode(request.body) || "nothing"}, ${expires} s${match === undefined ? "" : `, ${match}`}`);
    const status = answer(request, count);
    if (status === "silence") return;
    const tag = ["sip-etag", `tag${count}`] as const;
    const granted = ["expires", expires === "0" ? "0" : "100"] as const;
    incoming.respond(status, { headers: status === 200 ? [tag, granted] : headers });
  }
  const server = await wire.endpoint(serverAddress, { ...refusing, onRequest });
  const client = await wire.endpoint({ host: "10.0.0.2", port: 5060 });
  const publication = client.publish({
    aor: "sip:alice@example.org",
    server: { transport: "udp", remote: serverAddress },
    credentials: { username: "alice", password: "secret" },
    event: "presence",
    body: { type: "text/plain", content: "quiet" },
    onState: (state) => void told.push(state.published ? "published" : state.status),
  });
  return {
    clock: wire.clock,
    wire,
    story,
    told,
    publication,
    async close() {
      const closing = Promise.all([client.close(), server.close()]);
      await wire.clock.advance(2_000);
      await closing;
      assert.is(wire.clock.pending(), 0);
    },
  };
}

test("a publication is refreshed at 80 % of its time without its document, by the latest tag, and is taken back by that", async () => {
  const { clock, wire, story, told, publication, close } = await open();
  await clock.advance(79_000);
  assert.equal([story, told], [["quiet, 300 s"], ["published"]]);
  await clock.advance(2_000);
  await clock.advance(80_000);
  let over = false;
  void publication.close().then(() => {
    over = true;
  });
  await clock.advance(100);
  assert.ok(over);
  assert.equal(story, ["quiet, 300 s", "nothing, 300 s, tag1", "nothing, 300 s, tag2", "nothing, 0 s, tag3"]);
  const sent = wire.sent.flatMap(({ message }) => (message.kind === "request" ? [message] : []));
  assert.equal(
    [...new Set(sent.map((request) => `${header(request, "event")} ${request.uri}`))],
    ["presence sip:alice@example.org"],
  );
  await clock.advance(200_000);
  assert.is(story.length, 4, "and then there is nothing more to say");
  await close();
});

test("what the server has forgotten is published anew at once, and a tag that it never gave is a failure like others", async () => {
  const { clock, story, told, close } = await open((_, number) => (number === 2 ? 412 : 200));
  await clock.advance(81_000);
  assert.equal(
    [story, told],
    [
      ["quiet, 300 s", "nothing, 300 s, tag1", "quiet, 300 s"],
      ["published", "published"],
    ],
  );
  await close();
  const refused = await open(() => 412);
  await refused.clock.advance(10_000);
  assert.ok(refused.story.length >= 2 && refused.story.length <= 6, refused.story.join());
  assert.is(refused.told.at(-1), 412);
  await refused.close();
});

test("after failures it is tried again, later each time, with what the server knows of", async () => {
  const { clock, story, told, close } = await open((_, number) => (number > 1 && number < 5 ? 503 : 200));
  await clock.advance(81_000);
  assert.is(told.at(-1), 503);
  await clock.advance(20_000);
  assert.equal(
    [story.slice(1), told],
    [Array.from({ length: 4 }, () => "nothing, 300 s, tag1"), ["published", 503, 503, 503, "published"]],
  );
  await close();
});

test("a server's shortest time is honoured at once", async () => {
  const { clock, story, close } = await open((_, number) => (number === 1 ? 423 : 200), [["min-expires", "400"]]);
  await clock.advance(100);
  assert.equal(story, ["quiet, 300 s", "quiet, 400 s"]);
  await close();
});

test("closed before its answer it is taken back when that comes, and waits a second at most", async () => {
  const { clock, story, told, publication, close } = await open();
  await clock.advance(7);
  void publication.close();
  await clock.advance(100);
  assert.equal([story, told], [["quiet, 300 s", "nothing, 0 s, tag1"], []]);
  await close();
  const mute = await open(() => "silence");
  await mute.clock.advance(100);
  let over = false;
  void mute.publication.close().then(() => {
    over = true;
  });
  await mute.clock.advance(900);
  assert.not(over);
  await mute.clock.advance(200);
  assert.ok(over);
  await mute.close();
});

test.run();
