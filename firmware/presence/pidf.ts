/** Presence documents: PIDF (RFC 3863) with the activities of RPID (RFC 4480). Each is one that a terminal could publish, and is read alike. */
import { ProtocolError } from "../sip/message.ts";
import { type Activity, longestNote, type Shown, type Status } from "./status.ts";
import { escapeXml, readXml, type XmlElement } from "./xml.ts";

export const pidfType = "application/pidf+xml";

const pidf = "urn:ietf:params:xml:ns:pidf";
const dataModel = "urn:ietf:params:xml:ns:pidf:data-model";
/** The second is of the drafts, and still spoken. */
const rpid = ["urn:ietf:params:xml:ns:pidf:rpid", "urn:ietf:params:xml:ns:pidf:status:rpid"];
const noteNamespaces = [pidf, dataModel];

/** What RPID has no activity for goes into <other>, in words that are read again as what they say. */
const words: Readonly<Partial<Record<Status | Activity, string>>> = {
  "do-not-disturb": "do not disturb",
  "listening-only": "listening only",
  talking: "talking in a talkgroup",
};

/** `entity`: the address of record, as terminals subscribe to it. Many phones look for these very prefixes. */
export function writePidf(entity: string, shown: Shown): string {
  const { status, note } = shown;
  const uri = escapeXml(entity);
  const open = status !== "offline";
  const contact = open ? `<contact>${uri}</contact>` : "";
  const doing = open ? activitiesOf(shown) : "";
  const spaces = doing === "" ? "" : ` xmlns:dm="${dataModel}" xmlns:rpid="${rpid[0]}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<presence xmlns="${pidf}"${spaces} entity="${uri}">`,
    `<tuple id="t"><status><basic>${open ? "open" : "closed"}</basic></status>${contact}</tuple>`,
    note === undefined ? "" : `<note>${escapeXml(note)}</note>`,
    doing === "" ? "" : `<dm:person id="p"><rpid:activities>${doing}</rpid:activities></dm:person>`,
    "</presence>\n",
  ].join("");
}

function activitiesOf({ status, activity }: Shown): string {
  const phone = activity === "talking" || activity === "on-the-phone";
  const busy = status === "do-not-disturb" || (status === "busy" && !phone);
  const other = words[status] ?? (activity && words[activity]);
  // In any order (RFC 4480 §3.2), but phones that show one of them show the last.
  return [
    other === undefined ? "" : `<rpid:other>${other}</rpid:other>`,
    phone ? "<rpid:on-the-phone/>" : "",
    busy ? "<rpid:busy/>" : "",
    activity === "away" ? "<rpid:away/>" : "",
  ].join("");
}

/** RFC 4480 §3.2: what keeps somebody from a call, and what takes them away. Every other activity is their own business. */
const busyWith = new Set(["busy", "appointment", "meeting", "performance", "presentation", "steering"]);
const awayFor = new Set(
  ["away", "breakfast", "dinner", "holiday", "in-transit", "meal", "permanent-absence"].concat([
    "sleeping",
    "travel",
    "vacation",
  ]),
);

/** What a document says of its person. Throws ProtocolError 400. */
export function readPidf(document: Uint8Array): Shown {
  const root = readXml(document);
  if (root.namespace !== pidf || root.name !== "presence") throw new ProtocolError(400, "no presence document");
  const all = [root, ...descendants(root)];
  const basics = all.filter(({ namespace, name }) => namespace === pidf && name === "basic");
  const said = new Set(basics.map(({ text }) => text.trim()));
  // Nothing may be said of it, or something else: there are phones that publish "unknown".
  if (said.has("closed") && !said.has("open")) return { status: "offline" };
  const doing = all
    .filter(({ namespace, name }) => rpid.includes(namespace) && name === "activities")
    .flatMap(({ children }) => children);
  const note = all
    .filter(({ namespace, name }) => noteNamespaces.includes(namespace) && name === "note")
    .map(({ text }) => noteOf(text))
    .find((text) => text !== "");
  return { ...shownBy(doing), ...(note !== undefined && { note }) };
}

function shownBy(doing: readonly XmlElement[]): Shown {
  const names = doing.map(({ name }) => name);
  const others = doing.filter(({ name }) => name === "other").map(({ text }) => text.trim().toLowerCase());
  const says = (status: "do-not-disturb" | "listening-only"): boolean => others.includes(words[status] ?? "");
  const phone = names.includes("on-the-phone");
  const away = names.some((name) => awayFor.has(name));
  const busy = phone || names.some((name) => busyWith.has(name));
  const activity: Activity | undefined = phone ? "on-the-phone" : away ? "away" : undefined;
  const status: Status = says("do-not-disturb")
    ? "do-not-disturb"
    : busy
      ? "busy"
      : says("listening-only")
        ? "listening-only"
        : "available";
  return { status, ...(activity && { activity }) };
}

/** One line, cut between characters. */
function noteOf(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return [...line].slice(0, longestNote).join("");
}

function descendants(element: XmlElement): XmlElement[] {
  return element.children.flatMap((child) => [child, ...descendants(child)]);
}
