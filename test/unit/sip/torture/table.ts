/** What RFC 4475 says of each of its messages, and what this stack does with it. */

export interface Torture {
  readonly name: string;
  /** Of RFC 4475. */
  readonly section: string;
  /** What the RFC expects of an endpoint, and what it leaves to it. */
  readonly expected: string;
  /** What the parser does: "read", refuse with a status that is answered, or drop it. */
  readonly parsed: "read" | "drop" | number;
  /** The one final answer on the wire, from a user agent that takes every call and registers everybody; 0: silence. */
  readonly answered: number;
  /** Why it is that and not another, where the RFC leaves a choice. */
  readonly why?: string;
}

export const tortures: readonly Torture[] = [
  {
    name: "wsinv",
    section: "3.1.1.1",
    expected: "well-formed",
    parsed: "read",
    answered: 481,
    why: "its To has a tag of a dialog that is not here (RFC 3261 §12.2.2)",
  },
  { name: "intmeth", section: "3.1.1.2", expected: "well-formed; 501 with Allow", parsed: "read", answered: 501 },
  { name: "esc01", section: "3.1.1.3", expected: "well-formed", parsed: "read", answered: 200 },
  {
    name: "escnull",
    section: "3.1.1.4",
    expected: "well-formed; registers two contacts, and no shorter name",
    parsed: "read",
    answered: 200,
  },
  { name: "esc02", section: "3.1.1.5", expected: "well-formed; 501", parsed: "read", answered: 501 },
  { name: "lwsdisp", section: "3.1.1.6", expected: "accepted as well-formed", parsed: "read", answered: 200 },
  { name: "longreq", section: "3.1.1.7", expected: "well-formed", parsed: "read", answered: 200 },
  { name: "dblreq", section: "3.1.1.8", expected: "REGISTER alone is handled", parsed: "read", answered: 200 },
  { name: "semiuri", section: "3.1.1.9", expected: "well-formed", parsed: "read", answered: 200 },
  { name: "transports", section: "3.1.1.10", expected: "well-formed", parsed: "read", answered: 200 },
  {
    name: "mpart01",
    section: "3.1.1.11",
    expected: "well-formed, framed with its NULs",
    parsed: "read",
    answered: 405,
    why: "no application here takes MESSAGE",
  },
  { name: "unreason", section: "3.1.1.12", expected: "well-formed response", parsed: "read", answered: 0 },
  { name: "noreason", section: "3.1.1.13", expected: "well-formed response", parsed: "read", answered: 0 },

  { name: "badinv01", section: "3.1.2.1", expected: "400", parsed: 400, answered: 400 },
  { name: "clerr", section: "3.1.2.2", expected: "400 over UDP", parsed: 400, answered: 400 },
  { name: "ncl", section: "3.1.2.3", expected: "an error; over TCP the end", parsed: 400, answered: 400 },
  { name: "scalar02", section: "3.1.2.4", expected: "400", parsed: 400, answered: 400 },
  { name: "scalarlg", section: "3.1.2.5", expected: "response is discarded", parsed: "drop", answered: 0 },
  {
    name: "quotbal",
    section: "3.1.2.6",
    expected: "400, or infer the quote",
    parsed: 400,
    answered: 400,
    why: "a guess at where a name ends is a guess at who is called",
  },
  {
    name: "ltgtruri",
    section: "3.1.2.7",
    expected: "400, or ignore the brackets",
    parsed: 400,
    answered: 400,
    why: "digest credentials would be computed over the other form",
  },
  {
    name: "lwsruri",
    section: "3.1.2.8",
    expected: "400, or ignore the white space",
    parsed: 400,
    answered: 400,
    why: "as ltgtruri",
  },
  {
    name: "lwsstart",
    section: "3.1.2.9",
    expected: "refused as malformed, or white space ignored",
    parsed: 400,
    answered: 400,
    why: "no peer that means well sends it, and one that tests learns where its fault is",
  },
  {
    name: "trws",
    section: "3.1.2.10",
    expected: "refused as malformed, or white space ignored",
    parsed: 400,
    answered: 400,
    why: "as lwsstart",
  },
  {
    name: "escruri",
    section: "3.1.2.11",
    expected: "400, or ignore the escaped headers",
    parsed: "read",
    answered: 400,
    why: "the parser leaves URIs to who acts on them; headers smuggled in a Request-URI are never meant well",
  },
  {
    name: "baddate",
    section: "3.1.2.12",
    expected: "refused only by who needs the date",
    parsed: "read",
    answered: 200,
    why: "nobody here reads Date",
  },
  {
    name: "regbadct",
    section: "3.1.2.13",
    expected: "400, or infer the brackets",
    parsed: "read",
    answered: 400,
    why: "the question mark may belong to the URI or not",
  },
  {
    name: "badaspec",
    section: "3.1.2.14",
    expected: "400, or ignore the spaces",
    parsed: 400,
    answered: 400,
    why: "as lwsstart",
  },
  {
    name: "baddn",
    section: "3.1.2.15",
    expected: "400, or infer the quotes",
    parsed: 400,
    answered: 400,
    why: "as quotbal",
  },
  { name: "badvers", section: "3.1.2.16", expected: "505", parsed: 505, answered: 505 },
  { name: "mismatch01", section: "3.1.2.17", expected: "400", parsed: 400, answered: 400 },
  {
    name: "mismatch02",
    section: "3.1.2.18",
    expected: "501, or 400",
    parsed: 501,
    answered: 501,
    why: "the RFC prefers it: what the method means is not known",
  },
  { name: "bigcode", section: "3.1.2.19", expected: "response is dropped", parsed: "drop", answered: 0 },

  {
    name: "badbranch",
    section: "3.2.1",
    expected: "400, or matched as an RFC 2543 request",
    parsed: "read",
    answered: 200,
    why: "matching by the other headers is there for RFC 2543 peers, and does no harm",
  },

  { name: "insuf", section: "3.3.1", expected: "400, ideally", parsed: 400, answered: 400 },
  { name: "unkscm", section: "3.3.2", expected: "well-formed; 416", parsed: "read", answered: 416 },
  {
    name: "novelsc",
    section: "3.3.3",
    expected: "well-formed; 416 where the scheme is never accepted",
    parsed: "read",
    answered: 416,
  },
  { name: "unksm2", section: "3.3.4", expected: "well-formed; 400 of a registrar", parsed: "read", answered: 400 },
  { name: "bext01", section: "3.3.5", expected: "420 with Unsupported", parsed: "read", answered: 420 },
  { name: "invut", section: "3.3.6", expected: "well-formed; 415", parsed: "read", answered: 415 },
  {
    name: "regaut01",
    section: "3.3.7",
    expected: "well-formed; 401 of a registrar that wants a proof, else ignored",
    parsed: "read",
    answered: 200,
    why: "this registrar wants none; the presence server, which does, is tested below",
  },
  { name: "multi01", section: "3.3.8", expected: "400", parsed: 400, answered: 400 },
  { name: "mcl01", section: "3.3.9", expected: "an error; over TCP the end", parsed: 400, answered: 400 },
  { name: "bcast", section: "3.3.10", expected: "well-formed response, discarded", parsed: "read", answered: 0 },
  { name: "zeromf", section: "3.3.11", expected: "handled like any other", parsed: "read", answered: 200 },
  { name: "cparam01", section: "3.3.12", expected: "registers, without the parameter", parsed: "read", answered: 200 },
  { name: "cparam02", section: "3.3.13", expected: "registers, with the parameter", parsed: "read", answered: 200 },
  { name: "regescrt", section: "3.3.14", expected: "registers, with the header", parsed: "read", answered: 200 },
  {
    name: "sdp01",
    section: "3.3.15",
    expected: "406, or 400",
    parsed: "read",
    answered: 406,
    why: "it says what is wrong",
  },

  {
    name: "inv2543",
    section: "3.4.1",
    expected: "accepted by who wants RFC 2543 peers to work",
    parsed: "read",
    answered: 400,
    why: "without a Contact nothing can be sent inside the dialog; requests of RFC 2543 that open none are answered",
  },
];
