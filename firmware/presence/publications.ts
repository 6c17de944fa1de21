/** PUBLISH (RFC 3903) for presence: what terminals say of their users, for as long as they say it. */
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { type Running, run } from "../machine.ts";
import type { Incoming } from "../sip/endpoint.ts";
import { secondsIn } from "../sip/expires.ts";
import { parseEvent } from "../sip/header.ts";
import { header, headers, ProtocolError, type SipRequest } from "../sip/message.ts";
import { parseUri } from "../sip/uri.ts";
import type { Account } from "./accounts.ts";
import { pidfType, readPidf } from "./pidf.ts";
import { type PublicationsState, type Publishing, publications } from "./publication-machine.ts";
import type { Shown } from "./status.ts";

export interface Publisher {
  /** Answers a PUBLISH of `account`. Throws ProtocolError. */
  receive(incoming: Incoming, account: Account): void;
  /** The user is somebody else now, or nobody: what was said is said no more. */
  end(user: string): void;
  close(): void;
}

/** Seconds. */
const usual = 3_600;
const shortest = 60;
const longest = 3_600;
/** Bytes: what phones say takes one or two thousand. */
const longestDocument = 16_384;

export function publisher(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  /** What the user's terminals say now, the latest last. */
  onPublished: (user: string, published: readonly Shown[]) => void,
): Publisher {
  const accounts = new Map<string, Running<PublicationsState, Publishing>>();
  /** The PUBLISH that is being looked at. */
  let asked: Incoming | undefined;

  function machineOf(user: string): Running<PublicationsState, Publishing> {
    const known = accounts.get(user);
    if (known) return known;
    const machine = run(publications, [], clock, (deed) => {
      switch (deed.do) {
        case "accept":
          return asked?.respond(200, {
            headers: [
              ["sip-etag", deed.tag],
              ["expires", `${deed.seconds}`],
            ],
          });
        case "refuse":
          return asked?.respond(deed.status);
        case "tell": {
          const published = machine.state().map(({ shown }) => shown);
          if (published.length === 0) accounts.delete(user);
          return onPublished(user, published);
        }
      }
    });
    return machine;
  }

  return {
    receive(incoming, { user }) {
      const { request } = incoming;
      if (parseUri(request.uri).user !== user) throw new ProtocolError(403, `${user} publishes for somebody else`);
      if (parseEvent(header(request, "event") ?? "-").package !== "presence")
        return incoming.respond(489, { headers: [["allow-events", "presence"]] });
      const matches = headers(request, "sip-if-match");
      if (matches.length > 1) throw new ProtocolError(400, "SIP-If-Match twice");
      const seconds = secondsIn(request, "expires") ?? usual;
      if (seconds > 0 && seconds < shortest)
        return incoming.respond(423, { headers: [["min-expires", `${shortest}`]] });
      if (!isReadable(request)) return incoming.respond(415, { headers: [["accept", pidfType]] });
      if (request.body.length > longestDocument) throw new ProtocolError(413, "a document that is too long");
      const shown = request.body.length > 0 ? readPidf(request.body) : undefined;
      const machine = machineOf(user);
      asked = incoming;
      machine.send({
        type: "publish",
        match: matches[0],
        shown,
        seconds: Math.min(seconds, longest),
        tag: random.token(8),
      });
      asked = undefined;
      if (machine.state().length > 0) accounts.set(user, machine);
    },
    end(user) {
      const machine = accounts.get(user);
      if (!machine) return;
      machine.close();
      accounts.delete(user);
      onPublished(user, []);
    },
    close() {
      for (const machine of accounts.values()) machine.close();
      accounts.clear();
    },
  };
}

function isReadable(request: SipRequest): boolean {
  if (request.body.length === 0) return true;
  const [type = ""] = (header(request, "content-type") ?? "").split(";");
  const encoding = header(request, "content-encoding")?.toLowerCase() ?? "identity";
  return type.trim().toLowerCase() === pidfType && encoding === "identity";
}
