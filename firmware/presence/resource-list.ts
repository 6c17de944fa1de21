/** Lists of people that a request names (RFC 4826 §3, "resource-lists"): the URIs of their entries. */
import { ProtocolError } from "../sip/message.ts";
import { readXml, type XmlElement } from "./xml.ts";

const namespace = "urn:ietf:params:xml:ns:resource-lists";
/** Who speaks to more at once wants a talkgroup. */
export const mostEntries = 30;

/** Throws ProtocolError: 400 for what is no such list, 413 for more than `mostEntries` in it. Entries that refer to lists elsewhere are not followed. */
export function urisIn(document: string): readonly string[] {
  const root = readXml(new TextEncoder().encode(document));
  if (root.namespace !== namespace || root.name !== "resource-lists")
    throw new ProtocolError(400, `a ${root.name.slice(0, 40)}, expected resource-lists`);
  const uris = new Set(entriesOf(root));
  if (uris.size > mostEntries) throw new ProtocolError(413, `${uris.size} entries, at most ${mostEntries}`);
  return [...uris];
}

function entriesOf({ children }: XmlElement): readonly string[] {
  return children.flatMap((child) => {
    if (child.namespace !== namespace) return [];
    if (child.name === "list") return entriesOf(child);
    return child.name === "entry" ? (child.attributes.get("uri") ?? []) : [];
  });
}
