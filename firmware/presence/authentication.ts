/** Proves who sent a request before anything else is done for them: digest against the accounts. It grants nothing. */
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { type DigestAlgorithm, digestGuard } from "../sip/digest.ts";
import type { Incoming } from "../sip/endpoint.ts";
import { parseNameAddr } from "../sip/header.ts";
import { header, headers, ProtocolError } from "../sip/message.ts";
import { parseUri } from "../sip/uri.ts";
import type { Account, Accounts } from "./accounts.ts";

export interface Authentication {
  /** The account that a request proves to come from. Undefined: it has been answered, with a challenge. Throws ProtocolError 403 for one that speaks for somebody else. */
  admit(incoming: Incoming): Account | undefined;
}

/** Credentials of one request that are looked at: a request is one guess at a password, not a hundred. */
const mostCredentials = 4;

export function authentication(
  ports: { readonly clock: Clock; readonly random: Random; readonly accounts: Accounts },
  options: { readonly realm: string; readonly digest: readonly DigestAlgorithm[] },
): Authentication {
  const { accounts } = ports;
  const guard = digestGuard({ ...ports, realm: options.realm, algorithms: ["SHA-256", "MD5"] });

  /** What a user who is asked for may use; some phones give up at a challenge that they do not know. */
  function challenge(incoming: Incoming, stale: boolean): void {
    const { digest } = accounts.find(userOf(incoming) ?? "") ?? options;
    const values = guard.challenges(incoming.flow.remote.host, stale, digest);
    incoming.respond(401, { headers: values.map((value) => ["www-authenticate", value] as const) });
  }

  return {
    admit(incoming) {
      const { request, flow } = incoming;
      let stale = false;
      // A client that answers several challenges sends several credentials; the one for this realm counts.
      for (const credentials of headers(request, "authorization").slice(0, mostCredentials)) {
        const claim = guard.read(request, credentials, flow.remote.host);
        const verdict = claim.ok ? guard.prove(claim, accounts.ha1) : claim;
        const account = claim.ok && verdict.ok ? accounts.find(claim.username) : undefined;
        if (account) return own(account, incoming);
        stale ||= !verdict.ok && verdict.stale;
      }
      challenge(incoming, stale);
      return undefined;
    },
  };
}

/** RFC 3261 §22.1: who is authenticated and who is said to ask must be the same. */
function own(account: Account, incoming: Incoming): Account {
  const user = userOf(incoming);
  if (user !== account.user) throw new ProtocolError(403, `${account.user} asks in the name of ${user?.slice(0, 40)}`);
  return account;
}

function userOf({ request }: Incoming): string | undefined {
  return parseUri(parseNameAddr(header(request, "from") ?? "").uri).user;
}
