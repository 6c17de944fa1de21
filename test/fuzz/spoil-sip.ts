/** Spoils SIP messages as text: headers, parameters, numbers, line ends, and the session descriptions that they carry. */
import { type Dice, hostileNames, type Spoil } from "./dice.ts";
import { byteSpoils } from "./spoil-bytes.ts";

type SpoilText = (dice: Dice, text: string, other: string) => string;

const methods = [
  ...["REGISTER", "SUBSCRIBE", "NOTIFY", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "UPDATE", "INFO"],
  ...["PRACK", "REFER", "PUBLISH", "MESSAGE", "invite", "__proto__", "X"],
];
const numbers = [
  ...["", "0", "-1", "00", "+1", "1e9", "0x10", "1.5", "255", "256", "65535", "65536", "2147483647", "2147483648"],
  ...["4294967295", "4294967296", "9007199254740993", "99999999999999999999", "1 1"],
];
const names = [
  ...["Via", "v", "From", "To", "Call-ID", "CSeq", "Contact", "m", "Content-Length", "l", "Content-Type", "Expires"],
  ...["Event", "o", "Require", "Route", "Record-Route", "Authorization", "Max-Forwards", "Subscription-State", "X"],
  ...hostileNames,
];
const params = [
  ...["tag", "branch", "expires", "rport", "received", "lr", "transport", "maddr", "q", "ttl", "method"],
  ...hostileNames,
];
const values = ["", "=", "=0", '="', '="\\"', "=%00", "=é", "=-1", '="a;b,c"', "=[::1]", "=<>", `=${"a".repeat(300)}`];
const hosts = ["", "0.0.0.0", "255.255.255.255", "[::1]", "[", "localhost", "a".repeat(255), "10.0.0.1", "1.2.3", "é"];
const breaks = ["\r", "\n", "\n\r", "\r\n\r\n", "\r\n ", "\r\n\t\r\n", "", "\0"];
const sdpLines = [
  ...["m=audio 0 RTP/AVP 0", "m=audio 65536 RTP/AVP 111", "m=audio 4000 RTP/AVP", "m=application 1 udp MCPTT"],
  ...["m=audio 4000/2 RTP/SAVP 0 8 96", "m=video 1 RTP/AVP 96", "c=IN IP6 ::", "c=IN IP4 224.0.0.1/127", "c=IN IP4"],
  ...[
    "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:0 opus/8000",
    "a=rtpmap:x",
    "a=rtpmap:300 PCMU/8000",
    "a=rtcp:0",
    "a=rtcp",
  ],
  ...["a=fmtp:MCPTT mc_queueing;mc_priority=99999", "a=ptime:0", "a=ptime:-20", "a=inactive", "a=__proto__:x", "v=1"],
  ...[
    "o=- 1",
    "t=",
    "a=",
    "=",
    "m=audio 20000 RTP/AVP 111\r\nm=audio 20002 RTP/AVP 0\r\nm=application 20001 udp MCPTT",
  ],
];

/** Replaces one of what `pattern` finds, if it finds any. */
function replaceOne(dice: Dice, text: string, pattern: RegExp, by: (found: string) => string): string {
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return text;
  const { index, 0: match } = dice.oneOf(found);
  return text.slice(0, index) + by(match) + text.slice(index + match.length);
}

/** One line of the header or of the body, without its line end. */
const line = /^.+$/gm;
const headerLine = /^[\w-]+ *:.*$/gm;

const editNumber: SpoilText = (dice, text) =>
  replaceOne(dice, text, /\d+/g, (found) => (dice.chance(0.3) ? `${Number(found) + 1}` : dice.oneOf(numbers)));

const editLength: SpoilText = (dice, text) =>
  replaceOne(dice, text, /^(?:Content-Length|l) *:.*$/gim, (found) =>
    dice.chance(0.2) ? `${found}\r\n${found}` : `Content-Length: ${dice.oneOf(numbers)}`,
  );

const dropLine: SpoilText = (dice, text) => replaceOne(dice, text, line, () => "");

const repeatLine: SpoilText = (dice, text) =>
  replaceOne(dice, text, line, (found) =>
    Array(1 + dice.below(dice.chance(0.2) ? 300 : 4))
      .fill(found)
      .join("\r\n"),
  );

const renameHeader: SpoilText = (dice, text) =>
  replaceOne(dice, text, headerLine, (found) => dice.oneOf(names) + found.slice(found.indexOf(":")));

const swapValue: SpoilText = (dice, text, other) => {
  const donors = other.match(headerLine) ?? [": x"];
  return replaceOne(dice, text, headerLine, (found) => {
    const donor = dice.oneOf(donors);
    return found.slice(0, found.indexOf(":")) + donor.slice(donor.indexOf(":"));
  });
};

const lengthen: SpoilText = (dice, text) =>
  replaceOne(dice, text, headerLine, (found) => {
    const unit = dice.oneOf(["a", " ", ",", "<", '"', ";a=b", "%41", "\\", "\r\n ", "é", "sip:a@b,"]);
    return found + unit.repeat(dice.below(dice.chance(0.1) ? 9_000 : 60));
  });

const addHeader: SpoilText = (dice, text) =>
  replaceOne(dice, text, headerLine, (found) => `${found}\r\n${dice.oneOf(names)}: ${dice.oneOf(values)}`);

const addParam: SpoilText = (dice, text) =>
  replaceOne(dice, text, headerLine, (found) => `${found};${dice.oneOf(params)}${dice.oneOf(values)}`);

const editParam: SpoilText = (dice, text) =>
  replaceOne(dice, text, /[;,?&]? ?[\w-]+="?[^;,\r\n">]*"?/g, (found) =>
    dice.chance(0.3) ? "" : found.split("=", 1)[0] + dice.oneOf(values),
  );

const editHost: SpoilText = (dice, text) => replaceOne(dice, text, /\d+\.\d+\.\d+\.\d+/g, () => dice.oneOf(hosts));

const editUser: SpoilText = (dice, text) =>
  replaceOne(
    dice,
    text,
    /sips?:[^@\s>]*@?/g,
    () => `${dice.oneOf(["sip:", "sips:", "tel:", ""])}${dice.oneOf(names)}@`,
  );

const editMethod: SpoilText = (dice, text) => {
  const method = dice.oneOf(methods);
  const first = text.startsWith("SIP/") ? text : text.replace(/^\S+/, method);
  return dice.chance(0.2) ? first : first.replace(/^(CSeq: *\d+) .*$/im, `$1 ${method}`);
};

const editStatus: SpoilText = (dice, text) =>
  text.replace(
    /^SIP\/2\.0 \d+/,
    `SIP/2.0 ${dice.oneOf([99, 100, 180, 200, 202, 300, 401, 403, 407, 408, 423, 481, 491, 503, 699, 700])}`,
  );

const editBreak: SpoilText = (dice, text) => replaceOne(dice, text, /\r\n/g, () => dice.oneOf(breaks));

const editSdp: SpoilText = (dice, text) =>
  replaceOne(dice, text, /^[a-z]=.*$/gm, (found) =>
    dice.chance(0.5) ? dice.oneOf(sdpLines) : `${found}\r\n${dice.oneOf(sdpLines)}`,
  );

const spoils: readonly SpoilText[] = [
  ...[editNumber, editNumber, editLength, dropLine, repeatLine, renameHeader, swapValue, lengthen, addHeader],
  ...[addParam, editParam, editParam, editHost, editUser, editMethod, editStatus, editBreak, editSdp, editSdp],
];

/** Latin-1, so that every byte stays what it is. */
const inText =
  (spoil: SpoilText): Spoil =>
  (dice, data, other) =>
    Buffer.from(spoil(dice, Buffer.from(data).toString("latin1"), Buffer.from(other).toString("latin1")), "latin1");

export const sipSpoils: readonly Spoil[] = [...spoils.map(inText), ...byteSpoils];

/** A request that is not taken for one that came before: a new branch, sometimes in a new dialog, in a later place. */
export function renewed(dice: Dice, data: Uint8Array): Uint8Array {
  let text = Buffer.from(data).toString("latin1");
  if (text.startsWith("SIP/")) return data;
  text = text.replace(/branch=[\w.-]+/, `branch=z9hG4bK${dice.token()}`);
  text = text.replace(/^(CSeq: *)(\d+)/im, (_, name, number) => `${name}${Number(number) + dice.below(3)}`);
  if (dice.chance(0.2)) text = text.replace(/^(Call-ID: *).*$/im, `$1${dice.token()}`);
  if (dice.chance(0.1)) text = text.replace(/^(From:.*;tag=).*$/im, `$1${dice.token()}`);
  if (dice.chance(0.1)) text = text.replace(/^(To:[^;\r\n]*);tag=.*$/im, "$1");
  return Buffer.from(text, "latin1");
}
