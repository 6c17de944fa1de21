import { header, type SipMessage, type SipRequest } from "../../firmware/sip/message.ts";
import type { Dice } from "../fuzz/dice.ts";
import { requestText, type sipWire } from "./sip-wire.ts";

const address = { host: "10.0.0.9", port: 5060 };
const own = ["Contact: <sip:peer@10.0.0.9:5060>", "Content-Type: application/sdp"];
const timers = [
  "Supported: timer, 100rel",
  "Session-Expires: 90",
  "Session-Expires: 90;refresher=uas",
  "Allow: INVITE",
];
const answers = [200, 200, 200, 491, 481, 500, 422, 100, 0];

/**
 * A bare peer with one dialog, who says whatever may be said inside it in any order, answers what it is asked by chance,
 * and acknowledges only what it likes.
 */
export async function restlessPeer(wire: ReturnType<typeof sipWire>, dice: Dice, to: { host: string; port: number }) {
  const peer = await wire.raw(address, to);
  let cseq = 1;
  let toTag: string | undefined;
  let rseq = 0;
  /** Of the latest INVITE, to be cancelled or acknowledged. */
  let invite = { cseq: 1, branch: "z9hG4bK1" };
  let branch = 1;
  let read = 0;

  function tell(method: string, parts: Partial<Parameters<typeof requestText>[0]> = {}): void {
    branch += 1;
    cseq += 1;
    const id = { cseq, branch: `z9hG4bK${branch}` };
    if (method === "INVITE") invite = id;
    const tag = toTag === undefined ? {} : { toTag };
    peer.send(requestText({ method, headers: own, ...tag, ...id, ...parts }));
  }

  /** Opens the dialog. */
  function call(): void {
    const some = timers.filter(() => dice.chance(0.3));
    if (some.length > 2) some.splice(2);
    const required = dice.chance(0.3) ? ["Require: 100rel"] : [];
    const headers = [...own, ...required, ...new Map(some.map((line) => [line.split(":")[0], line])).values()];
    peer.send(requestText({ method: "INVITE", headers, body: "offer" }));
  }

  const steps: readonly (() => void)[] = [
    () => tell("ACK", { cseq: invite.cseq }),
    () => tell("ACK", { cseq: invite.cseq }),
    () => tell("ACK", { cseq: invite.cseq, branch: invite.branch }),
    () => tell("INVITE", { body: dice.oneOf(["offer", "more", "bad"]) }),
    () => tell("UPDATE", { body: dice.oneOf(["", "offer", "more", "bad"]) }),
    () => tell("UPDATE", { headers: [...own, "Supported: timer", `Session-Expires: ${dice.oneOf([10, 90, 600])}`] }),
    () => tell("CANCEL", { ...invite, headers: [] }),
    () => tell("PRACK", { headers: [`RAck: ${rseq + dice.below(2)} ${invite.cseq} INVITE`] }),
    () => tell("INFO", { body: "5", headers: ["Content-Type: application/dtmf"] }),
    () => tell("REFER", { headers: [...own, "Refer-To: <sip:bob@example.org>"] }),
    () => tell("SUBSCRIBE", { headers: [...own, `Event: refer;id=${dice.below(cseq + 1)}`, "Expires: 30"] }),
    () => tell("OPTIONS"),
  ];

  /** Answers a request that came. */
  function answer(request: SipRequest): void {
    const status = dice.oneOf(answers);
    if (request.method === "ACK" || status === 0) return;
    const copied = ["via", "from", "to", "call-id", "cseq"].map((name) => `${name}: ${header(request, name)}`);
    const more = [`Session-Expires: 90;refresher=${dice.oneOf(["uac", "uas"])}`, "Min-SE: 120"].filter(() =>
      dice.chance(0.5),
    );
    const contact = "Contact: <sip:peer@10.0.0.9:5060>";
    peer.send([`SIP/2.0 ${status} X`, ...copied, contact, ...more, "", ""].join("\r\n"));
  }

  /** Answers the INVITE that called this peer. */
  function answerCall(request: SipMessage): void {
    const tag = dice.oneOf(["one", "one", "two"]);
    const status = dice.oneOf([100, 180, 183, 183, 200, 200, 200, 486, 422]);
    rseq += dice.below(3);
    const copied = ["via", "from", "call-id", "cseq"].map((name) => `${name}: ${header(request, name)}`);
    const reliable = status > 100 && status < 200 && dice.chance(0.6) ? ["Require: 100rel", `RSeq: ${rseq}`] : [];
    const more = [`Session-Expires: 90;refresher=${dice.oneOf(["uac", "uas"])}`, "Min-SE: 2000", "Allow: UPDATE"];
    const lines = [`SIP/2.0 ${status} X`, ...copied, `to: <sip:peer@10.0.0.9>;tag=${tag}`, own[0], ...reliable];
    peer.send([...lines, ...more.filter(() => dice.chance(0.4)), "", ""].join("\r\n"));
  }

  return {
    call,
    hangUp: () => tell("BYE"),
    /** Reads what has come, and says something by chance. */
    step(): void {
      for (const message of peer.received.slice(read)) {
        read += 1;
        if (message.kind === "request") {
          if (message.method === "INVITE" && !/tag=/.test(header(message, "to") ?? "")) answerCall(message);
          else answer(message);
          continue;
        }
        toTag ??= /tag=(\w+)/.exec(header(message, "to") ?? "")?.[1];
        rseq = Number(header(message, "rseq") ?? rseq);
        if (header(message, "cseq") !== `${invite.cseq} INVITE`) continue;
        if (message.status >= 300) tell("ACK", invite);
        else if (message.status >= 200 && dice.chance(0.9)) tell("ACK", { cseq: invite.cseq });
      }
      const called = peer.received.find((message) => message.kind === "request" && message.method === "INVITE");
      if (called !== undefined && dice.chance(0.3)) return answerCall(called);
      if (toTag !== undefined) dice.oneOf(steps)();
    },
  };
}
