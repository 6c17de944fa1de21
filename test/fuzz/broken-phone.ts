/**
 * A phone that knows its password and not much else: it registers, subscribes, calls and answers, and most of what it says is
 * spoiled before it is signed. So what lies behind the digest sees bad input too.
 */
import { answerChallenge } from "../../firmware/sip/digest.ts";
import { legOffer } from "../../firmware/sip/negotiation.ts";
import type { Address, Network, UdpSocket } from "../../hal/network/port.ts";
import { type Dice, spoiledBy } from "./dice.ts";
import { sipSpoils } from "./spoil-sip.ts";

export interface BrokenPhone {
  /** Says one thing. True when it was spoiled. */
  speak(): boolean;
  /** Removes its bindings, soundly. */
  leave(): void;
  close(): void;
}

export interface BrokenPhoneOptions {
  readonly local: Address;
  readonly server: Address;
  readonly user: string;
  readonly password: string;
}

const realm = "crew.example";
const group = `sip:ops@${realm}`;
/** How much of what it says it says well. */
const soundShare = 0.15;
const mostRemembered = 20;

const latin1 = (data: Uint8Array): string => Buffer.from(data).toString("latin1");
const field = (text: string, name: string): string =>
  new RegExp(`^${name} *: *(.*)$`, "im").exec(text)?.[1]?.trim() ?? "";

export async function openBrokenPhone(
  network: Network,
  dice: Dice,
  { local, server, user, password }: BrokenPhoneOptions,
): Promise<BrokenPhone> {
  const aor = `sip:${user}@${realm}`;
  const via = (): string => `Via: SIP/2.0/UDP ${local.host}:${local.port};rport;branch=z9hG4bK${dice.token()}`;
  const contact = `Contact: <sip:${user}@${local.host}:${local.port}>`;
  /** 2xx to INVITE and SUBSCRIBE: dialogs to go on with. */
  const dialogs: string[] = [];
  /** Requests to answer. */
  const asked: string[] = [];
  let challenge: string[] = [];
  let nc = 0;
  let cseq = 0;

  const socket: UdpSocket = await network.udp(local, (data) => {
    const text = latin1(data);
    if (text.startsWith("SIP/2.0 401")) {
      challenge = [...text.matchAll(/^WWW-Authenticate: *(.*)$/gim)].map(([, value = ""]) => value.trim());
      nc = 0;
    } else if (/^SIP\/2\.0 200/.test(text) && /^CSeq: *\d+ (INVITE|SUBSCRIBE)/im.test(text)) remember(dialogs, text);
    else if (!text.startsWith("SIP/")) remember(asked, text);
  });

  function remember(texts: string[], text: string): void {
    if (texts.push(text) > mostRemembered) texts.shift();
  }

  const own = (to: string): string[] => [
    `From: <${aor}>;tag=${dice.token()}`,
    `To: <${to}>`,
    `Call-ID: ${dice.token()}`,
  ];

  function compose(method: string, uri: string, dialog: readonly string[], more: readonly string[], body = ""): string {
    cseq += 1;
    const head = [`${method} ${uri} SIP/2.0`, via(), "Max-Forwards: 70", ...dialog, `CSeq: ${cseq} ${method}`, contact];
    const content = body === "" ? [] : ["Content-Type: application/sdp"];
    return [...head, ...more, ...content, `Content-Length: ${body.length}`, "", body].join("\r\n");
  }

  const offer = (): string =>
    legOffer({ host: local.host, port: 30_000 + 2 * dice.below(10) }, "7").replace(
      "RTP/AVP 111 9 0 8",
      `RTP/AVP ${dice.oneOf(["111 9 0 8", "9", "0", "8 0"])}`,
    );

  const timer = (): string[] =>
    dice.chance(0.5) ? [] : ["Supported: timer", `Session-Expires: ${dice.oneOf([1, 90])}`];

  function opening(): string {
    switch (dice.below(3)) {
      case 0:
        return compose("REGISTER", `sip:${realm}`, own(aor), [`Expires: ${dice.oneOf([0, 30, 60])}`]);
      case 1:
        return compose("SUBSCRIBE", group, own(group), ["Event: conference", `Expires: ${dice.oneOf([0, 30, 60])}`]);
      default:
        return compose(
          "INVITE",
          group,
          own(group),
          [dice.oneOf(["Require: 100rel", "Allow: UPDATE"]), ...timer()],
          offer(),
        );
    }
  }

  /** Goes on in a dialog that the server has accepted. */
  function inside(opened: string): string {
    const parties = ["From", "To", "Call-ID"].map((name) => `${name}: ${field(opened, name)}`);
    const uri = /<(.*)>/.exec(field(opened, "Contact"))?.[1] ?? group;
    const method = dice.oneOf([
      ...["ACK", "ACK", "BYE", "INVITE", "UPDATE", "INFO", "SUBSCRIBE", "CANCEL", "REFER", "PRACK"],
    ]);
    const more = [
      "Event: conference",
      "Expires: 60",
      "Refer-To: <sip:bob@example.org>",
      "RAck: 1 1 INVITE",
      ...timer(),
    ];
    return compose(method, uri, parties, more, dice.chance(0.4) ? offer() : "");
  }

  function answer(request: string): string {
    const copied = ["Via", "From", "To", "Call-ID", "CSeq"].map((name) => {
      const value = field(request, name);
      return `${name}: ${value}${name === "To" && !value.includes("tag=") ? `;tag=${dice.token()}` : ""}`;
    });
    const body = request.startsWith("INVITE") ? offer() : "";
    const status = dice.oneOf(["200 OK", "200 OK", "180 Ringing", "481 Gone", "503 Busy", "422 Longer"]);
    const content = ["Content-Type: application/sdp", `Content-Length: ${body.length}`, ...timer()];
    if (dice.chance(0.3)) content.push("Require: 100rel", `RSeq: ${dice.below(3)}`, "Min-SE: 3600");
    return [`SIP/2.0 ${status}`, ...copied, contact, ...content, "", body].join("\r\n");
  }

  function signed(text: string): string {
    const [method = "", uri = ""] = text.split(" ", 2);
    if (challenge.length === 0 || text.startsWith("SIP/")) return text;
    nc += 1;
    const value = answerChallenge({ challenges: challenge, method, uri, username: user, password, nc, cnonce: "c" });
    return text.replace("\r\n", `\r\nAuthorization: ${value}\r\n`);
  }

  function say(text: string): void {
    socket.send(Buffer.from(signed(text), "latin1"), server);
  }

  return {
    speak() {
      const choice = dice.below(3);
      const said =
        choice === 0 && asked.length > 0
          ? answer(dice.oneOf(asked))
          : choice === 1 && dialogs.length > 0
            ? inside(dice.oneOf(dialogs))
            : opening();
      const sound = dice.chance(soundShare);
      say(sound ? said : latin1(spoiledBy(dice, sipSpoils, Buffer.from(said, "latin1"), Buffer.from(opening()))));
      return !sound;
    },
    leave() {
      say(compose("REGISTER", `sip:${realm}`, own(aor), ["Expires: 0"]).replace(/^Contact: .*$/m, "Contact: *"));
    },
    close: socket.close,
  };
}
