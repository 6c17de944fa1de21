import { test } from "uvu";
import * as assert from "uvu/assert";
import { ProtocolError } from "../../../firmware/sip/message.ts";
import { answerOffer, legOffer, readAnswer } from "../../../firmware/sip/negotiation.ts";

const local = { host: "10.0.0.1", port: 20_000 };
const remote = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n";
const phone = (formats: string, ...attributes: readonly string[]): string =>
  [`${remote}m=audio 4000 RTP/AVP ${formats}`, ...attributes.map((attribute) => `a=${attribute}`), ""].join("\r\n");
const floorLine = "m=application 4001 udp MCPTT\r\na=fmtp:MCPTT mc_priority=5\r\n";
const events = ["rtpmap:96 opus/48000/2", "rtpmap:101 telephone-event/8000", "rtpmap:102 telephone-event/48000"];

const audioLine = (sdp: string): string | undefined => /^m=audio (.*)\r$/m.exec(sdp)?.[1];
const answerTo = (offer: string, options = {}) => answerOffer(offer, local, "7", { keys: true, ...options });

test("the offer has Opus first, the keys by either clock, and a line for floor control", () => {
  const offer = legOffer(local, "7");
  assert.is(audioLine(offer), "20000 RTP/AVP 111 9 0 8 110 101");
  assert.match(offer, /^a=rtpmap:110 telephone-event\/48000\r$/m);
  assert.match(offer, /^a=rtpmap:101 telephone-event\/8000\r$/m);
  assert.match(offer, /^a=fmtp:101 0-15\r$/m);
  assert.match(offer, /^m=application 20001 udp MCPTT\r$/m);
});

test("the keys that are answered are those of the clock of the speech, or those there are", () => {
  const audio = (formats: string) => audioLine(answerTo(phone(formats, ...events)).answer);
  assert.equal(["0 96 101 102", "0 101 102", "96 101", "0"].map(audio), [
    "20000 RTP/AVP 96 102",
    "20000 RTP/AVP 0 101",
    "20000 RTP/AVP 96 101",
    "20000 RTP/AVP 0",
  ]);
  assert.equal(answerTo(phone("0 96 101 102", ...events)).agreement.keyTypes, [102]);
  assert.match(answerTo(phone("0 101", ...events, "fmtp:101 0-16,70")).answer, /^a=fmtp:101 0-15\r$/m);
});

test("who listens to no keys answers none", () => {
  const { answer, agreement } = answerTo(phone("0 101", ...events), { keys: false });
  assert.equal([audioLine(answer), agreement.keyTypes], ["20000 RTP/AVP 0", []]);
});

test("keys alone are no speech", () => {
  assert.throws(
    () => answerTo(phone("101", ...events)),
    (error: unknown) => error instanceof ProtocolError && error.status === 488,
  );
});

test("of an answer with many kinds of keys four are listened to", () => {
  const types = Array.from({ length: 20 }, (_, index) => 100 + index);
  const maps = types.map((type) => `rtpmap:${type} telephone-event/8000`);
  assert.equal(readAnswer(phone(`0 ${types.join(" ")}`, ...maps)).keyTypes, [100, 101, 102, 103]);
});

test("the codec of the session is kept if it is offered again, and left if it is not", () => {
  const codec = (formats: string, kept: string) => answerTo(phone(formats, ...events), { kept }).agreement.codec;
  assert.equal([codec("96 0 8", "PCMA"), codec("96 0", "PCMA"), codec("0 8", "opus")], ["PCMA", "opus", "PCMU"]);
});

test("Opus is spoken where it is known, else what the phone would rather; G.722 goes by the clock that it is said to have", () => {
  const agreed = (formats: string) => answerTo(phone(formats, ...events)).agreement;
  assert.equal([agreed("9 0 8").codec, agreed("0 9").codec, agreed("9 96").codec], ["G722", "PCMU", "opus"]);
  assert.is(agreed("9 0").payloadType, 9);
  assert.match(answerTo(phone("9")).answer, /^a=rtpmap:9 G722\/8000\r$/m);
});

test("what the terminal does is read from its direction, and answered by the counterpart", () => {
  const does = (...attributes: readonly string[]) => {
    const { agreement, answer } = answerTo(phone("0", ...attributes));
    return [agreement.sends, agreement.hears, /^a=(send\w+|recv\w+|inactive)\r$/m.exec(answer)?.[1]];
  };
  assert.equal(does(), [true, true, "sendrecv"]);
  assert.equal(does("sendonly"), [true, false, "recvonly"]);
  assert.equal(does("recvonly"), [false, true, "sendonly"]);
  assert.equal(does("inactive"), [false, false, "inactive"]);
});

test("lines are counted as the terminal has them", () => {
  assert.equal(readAnswer(phone("0")).lines, { audio: 1, floor: 0 });
  const floorFirst = `${remote}${floorLine}m=audio 4000 RTP/AVP 0\r\n`;
  assert.equal(readAnswer(floorFirst).lines, { audio: 2, floor: 1 });
});

test.run();
