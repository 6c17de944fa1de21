/** What a topic of the realm is for. Anything else is undefined. */
export type Place =
  | { readonly of: "status"; readonly gateway: string }
  | { readonly of: "presence"; readonly gateway: string; readonly user: string }
  | { readonly of: "inbox"; readonly gateway: string }
  | { readonly of: "floor"; readonly talkgroup: string }
  | { readonly of: "media"; readonly talkgroup: string };

/** Gateway ids go into topics, participants ("gateway/leg") and client ids as they are. */
export const gatewayId = /^[a-z0-9-]{1,64}$/;
/** Bytes of a user or talkgroup once percent-encoded. */
const longestName = 768;

/** The topics of one realm. Users and talkgroups are percent-encoded, so that no name holds a level or a wildcard. */
export function realmTopics(realm: string) {
  const root = `roger/1/${encodeName(realm)}/`;
  return {
    status: (gateway: string) => `${root}gateway/${gateway}/status`,
    inbox: (gateway: string) => `${root}gateway/${gateway}/in`,
    presence: (gateway: string, user: string) => `${root}presence/${gateway}/${encodeName(user)}`,
    floor: (talkgroup: string) => `${root}talkgroup/${encodeName(talkgroup)}/floor`,
    media: (talkgroup: string) => `${root}talkgroup/${encodeName(talkgroup)}/media`,
    everyStatus: `${root}gateway/+/status`,
    everyPresence: `${root}presence/+/+`,

    placeOf(topic: string): Place | undefined {
      if (!topic.startsWith(root)) return undefined;
      const [branch, name = "", leaf = "", ...more] = topic.slice(root.length).split("/");
      if (more.length > 0) return undefined;
      if (branch === "talkgroup") {
        const talkgroup = decodeName(name);
        if (talkgroup === undefined || (leaf !== "floor" && leaf !== "media")) return undefined;
        return { of: leaf, talkgroup };
      }
      if (!gatewayId.test(name)) return undefined;
      if (branch === "gateway" && leaf === "status") return { of: "status", gateway: name };
      if (branch === "gateway" && leaf === "in") return { of: "inbox", gateway: name };
      if (branch !== "presence") return undefined;
      const user = decodeName(leaf);
      return user === undefined ? undefined : { of: "presence", gateway: name, user };
    },
  };
}

/** False for a name that no topic can carry: empty or too long. */
export function fitsTopic(name: string): boolean {
  return name.length > 0 && name.length <= longestName && encodeName(name).length <= longestName;
}

function encodeName(name: string): string {
  // By way of UTF-8, where a lone surrogate becomes U+FFFD.
  return encodeURIComponent(Buffer.from(name).toString());
}

function decodeName(encoded: string): string | undefined {
  if (encoded.length === 0 || encoded.length > longestName) return undefined;
  try {
    const name = decodeURIComponent(encoded);
    // One name, one topic: "%61" is not another way to write "a".
    return encodeURIComponent(name) === encoded ? name : undefined;
  } catch {
    return undefined;
  }
}
