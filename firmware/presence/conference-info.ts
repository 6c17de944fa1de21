import type { Body } from "../sip/endpoint.ts";

/** More would not fit a datagram that every path carries; the count says how many there are. */
const mostUsers = 100;

/** The state of a talkgroup as a conference event document (RFC 4575), full state. `users` are addresses of record. */
export function conferenceInfo(entity: string, users: readonly string[], version: number): Body {
  const listed = users.slice(0, mostUsers).map((user) => {
    const uri = escaped(user);
    return `<user entity="${uri}"><endpoint entity="${uri}"><status>connected</status></endpoint></user>`;
  });
  const content = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="${escaped(entity)}" state="full" version="${version}">`,
    `<conference-state><user-count>${users.length}</user-count><active>true</active></conference-state>`,
    `<users>${listed.join("")}</users>`,
    "</conference-info>",
    "",
  ].join("\n");
  return { type: "application/conference-info+xml", content };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
