/**
 * One request and its answer, seen through digest challenges (RFC 3261 §22): a 401 or 407 is answered in a new
 * transaction, and whoever asked sees only the end of it. Also CANCEL, which must wait for a provisional answer.
 */
import type { Credentials, Flow } from "./contract.ts";
import type { Core, KnownChallenge } from "./core.ts";
import { answerChallenge } from "./digest.ts";
import { parseAuth } from "./header.ts";
import { headers, ProtocolError, type SipRequest, type SipResponse } from "./message.ts";
import type { ClientTransaction } from "./transactions.ts";

export interface Composed {
  /** Without Via. */
  readonly request: SipRequest;
  readonly flow: Flow;
}

export interface Question {
  /** Called once for each attempt, so that each has a CSeq of its own. A ProtocolError thrown here becomes the answer. */
  readonly compose: () => Composed;
  readonly credentials?: Credentials | undefined;
  /** Gets every answer that is not a challenge still to be met; `sent` is what it answers. */
  readonly onResponse: (response: SipResponse, sent: SipRequest) => void;
}

export interface Asked {
  /** Gives up an INVITE: CANCEL goes out as soon as it may (§9.1); the answer is still passed. */
  cancel(): void;
  /** No answer is passed any more. */
  abandon(): void;
}

const maxKnownChallenges = 256;

export function ask(core: Core, question: Question): Asked {
  const { credentials, onResponse } = question;
  let abandon = () => {};
  let transaction: ClientTransaction | undefined;
  let answers = 0;
  let cancelled = false;
  let proceeding = false;

  function attempt(): void {
    const composed = compose();
    if (composed === undefined) return;
    const { request, flow } = composed;
    const key = `${credentials?.username}@${flow.transport}:${flow.remote.host}:${flow.remote.port}`;
    const sent = authorized(request, key);
    proceeding = false;
    transaction = core.transactions.request(sent, flow, (response) => answered(response, key, sent));
    abandon = transaction.abandon;
  }

  function compose(): Composed | undefined {
    try {
      return question.compose();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const { status, message: reason } = error;
      const request = { kind: "request", method: "", uri: "", headers: [], body: new Uint8Array(0) } as const;
      const response = { kind: "response", status, reason, headers: [], body: request.body } as const;
      abandon = core.clock.after(0, () => onResponse(response, request));
      return undefined;
    }
  }

  function authorized(request: SipRequest, key: string): SipRequest {
    const known = core.challenges.get(key);
    if (credentials === undefined || known === undefined) return request;
    known.nonceCount += 1;
    const value = answerChallenge({
      ...credentials,
      challenges: known.challenges,
      method: request.method,
      uri: request.uri,
      nc: known.nonceCount,
      cnonce: core.random.token(8),
    });
    return value === undefined ? request : { ...request, headers: [...request.headers, [known.header, value]] };
  }

  function answered(response: SipResponse, key: string, sent: SipRequest): void {
    if (response.status < 200) {
      proceeding = true;
      if (cancelled) transaction?.cancel();
    }
    const challenge = credentials === undefined || cancelled ? undefined : readChallenge(response);
    // RFC 7616 §3.3: a stale nonce says nothing against the password, so that it is answered a second time.
    if (challenge === undefined || answers > (challenge.stale ? 1 : 0)) return onResponse(response, sent);
    answers += 1;
    remember(key, challenge.known);
    attempt();
  }

  function remember(key: string, known: KnownChallenge): void {
    core.challenges.delete(key);
    core.challenges.set(key, known);
    if (core.challenges.size <= maxKnownChallenges) return;
    const [oldest] = core.challenges.keys();
    if (oldest !== undefined) core.challenges.delete(oldest);
  }

  attempt();
  return {
    cancel() {
      if (cancelled) return;
      cancelled = true;
      if (proceeding) transaction?.cancel();
    },
    abandon: () => abandon(),
  };
}

/** The challenge of a 401 or 407; undefined for every other answer. */
function readChallenge(response: SipResponse): { readonly known: KnownChallenge; readonly stale: boolean } | undefined {
  if (response.status !== 401 && response.status !== 407) return undefined;
  const challenges = headers(response, response.status === 401 ? "www-authenticate" : "proxy-authenticate");
  const header = response.status === 401 ? "authorization" : "proxy-authorization";
  if (challenges.length === 0) return undefined;
  return { known: { challenges, header, nonceCount: 0 }, stale: challenges.some(isStale) };
}

function isStale(challenge: string): boolean {
  try {
    return parseAuth(challenge).params.get("stale")?.toLowerCase() === "true";
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return false;
  }
}
