/** What an agent publishes of its user: PIDF (RFC 3863) with the activities of RPID (RFC 4480). */

/** What a user chooses at a panel. */
export type ChosenStatus = "do-not-disturb";

const pidf = "urn:ietf:params:xml:ns:pidf";
const dataModel = "urn:ietf:params:xml:ns:pidf:data-model";
const rpid = "urn:ietf:params:xml:ns:pidf:rpid";

/** RPID has no activity for it: busy, for whoever knows no more, and <other> in words. */
const activities: Readonly<Record<ChosenStatus, string>> = {
  "do-not-disturb": "<rpid:busy/><rpid:other>do not disturb</rpid:other>",
};

/** `aor`: "sip:alice@example.org". */
export function statusDocument(aor: string, status: ChosenStatus): { readonly type: string; readonly content: string } {
  const entity = aor.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  const content = [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<presence xmlns="${pidf}" xmlns:dm="${dataModel}" xmlns:rpid="${rpid}" entity="${entity}">`,
    '<tuple id="t"><status><basic>open</basic></status></tuple>',
    `<dm:person id="p"><rpid:activities>${activities[status]}</rpid:activities></dm:person>`,
    "</presence>\n",
  ].join("");
  return { type: "application/pidf+xml", content };
}
