/**
 * Exchanges: other SIP servers whose extensions call numbers here, and are called from here. It decides which INVITE comes from an
 * exchange, whom it is for, and who may dial out; calls are set up by others. An exchange is known by where it calls from.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Log } from "../log.ts";
import type { Endpoint, Flow, Incoming } from "../sip/endpoint.ts";
import { formatNameAddr, parseNameAddr } from "../sip/header.ts";
import { header, ProtocolError } from "../sip/message.ts";
import { parseUri } from "../sip/uri.ts";
import type { Account } from "./accounts.ts";
import type { Destination } from "./called-party.ts";
import { addressAt, type ExchangeSettings, isFrom, loginAt, wayTo } from "./exchange.ts";
import { callerAddress, dialledNumber } from "./exchange-caller.ts";
import { type ExchangeLink, exchangeLink, type LinkState } from "./exchange-link.ts";
import type { LegHolder } from "./legs.ts";

/** A call that an exchange brings. */
export interface ExchangeCall {
  readonly caller: LegHolder;
  /** The talkgroup or the user that the number stands for. */
  readonly target: string;
  /** Takes one of the exchange's lines; gives the way to give it back, once. */
  seize(): () => void;
}

/** Where a number outside is called. */
export interface OutsideNumber extends Destination {
  /** As of an ExchangeCall; undefined where every line has been taken meanwhile. */
  seize(): (() => void) | undefined;
}

export interface ExchangeState {
  readonly name: string;
  readonly link: LinkState;
  /** Lines that are taken. */
  readonly calls: number;
  /**
   * Calls that it brought and that were refused for their number, or for want of a line, and those in its name that did not come from
   * its server, as running counts.
   */
  readonly refused: { readonly number: number; readonly lines: number; readonly place: number };
}

export interface Exchanges {
  /** Registers where that is wanted; the endpoint is open. */
  start(): void;
  /** Undefined: it comes from no exchange. Throws ProtocolError: 404 for a number that leads nowhere, 486 where every line is taken. */
  admit(invite: Pick<Incoming, "request" | "flow">): ExchangeCall | undefined;
  /** Undefined for what leads to no exchange. Throws ProtocolError: 403 who may not dial out, 404 no number, 486 every line is taken. */
  route(caller: Account, number: string): OutsideNumber | undefined;
  states(): readonly ExchangeState[];
  close(): void;
}

interface Exchange {
  readonly settings: ExchangeSettings;
  link: ExchangeLink | undefined;
  calls: number;
  readonly refused: { number: number; lines: number; place: number };
}

/** What may be dialled at an exchange: the user part of a URI. */
const outward = /^[A-Za-z0-9+*#][A-Za-z0-9+*#._-]{0,63}$/;

export function exchanges(
  ports: { readonly clock: Clock; readonly log: Log; readonly sip: () => Endpoint },
  options: {
    readonly realm: string;
    readonly exchanges: readonly ExchangeSettings[];
    /** There is a talkgroup or a user of this name: nobody here is out of reach for what an exchange is dialled by. */
    readonly isHere: (name: string) => boolean;
  },
): Exchanges {
  const { log } = ports;
  const { realm, isHere } = options;
  const all = options.exchanges.map((settings): Exchange => {
    return { settings, link: undefined, calls: 0, refused: { number: 0, lines: 0, place: 0 } };
  });

  function tell({ name, register }: ExchangeSettings, link: LinkState): void {
    const fields = { event: "exchange", exchange: name, ...link };
    const done = register ? "registered at the exchange" : "the exchange answers";
    if (link.in === "down")
      log.warn(fields, register ? "not registered at the exchange" : "the exchange does not answer");
    else log.info(fields, done);
  }

  /** Whoever set up the exchange wants to know that it calls otherwise than they think; whoever lies about it is told of once. */
  function tellPlace({ settings, refused }: Exchange, { transport, remote: from }: Flow): void {
    refused.place += 1;
    if (refused.place > 1) return;
    const fields = { event: "exchange-elsewhere", exchange: settings.name, from, transport };
    log.warn(
      fields,
      "a call in the exchange's name did not come from its server, and is asked for a proof; more are only counted",
    );
  }

  function checkLines({ settings, calls }: Exchange): void {
    if (calls >= settings.calls) throw new ProtocolError(486, `${settings.name} has ${calls} calls`);
  }

  function seize(exchange: Exchange): () => void {
    exchange.calls += 1;
    let taken = true;
    return () => {
      if (taken) exchange.calls -= 1;
      taken = false;
    };
  }

  return {
    start() {
      for (const exchange of all) {
        const { settings } = exchange;
        exchange.link = exchangeLink(ports, settings, realm, (state) => tell(settings, state));
      }
    },
    admit({ request, flow }) {
      if (all.length === 0) return undefined;
      const { host } = parseUri(parseNameAddr(header(request, "from") ?? "").uri);
      const about = { from: host, realm, isFor: ports.sip().isFor };
      const exchange = all.find(({ settings }) => isFrom(settings, flow, about));
      if (!exchange) {
        const named = all.find(({ settings }) => settings.domain === host);
        if (named) tellPlace(named, flow);
        return undefined;
      }
      const { settings, refused } = exchange;
      const { name, numbers, priority, calls } = settings;
      const number = dialledNumber(request, settings);
      const target = number === undefined ? undefined : numbers.get(number);
      if (target === undefined || !isHere(target)) {
        refused.number += 1;
        throw new ProtocolError(404, `${name}: nobody here has the number ${number?.slice(0, 40)}`);
      }
      const aor = callerAddress(request, settings);
      if (exchange.calls >= calls) refused.lines += 1;
      checkLines(exchange);
      return {
        caller: { user: name, aor, mayTalk: true, mayPreempt: false, priority },
        target,
        seize: () => seize(exchange),
      };
    },
    route(caller, number) {
      const exchange = all.find(({ settings: { dialOut } }) => dialOut !== undefined && number.startsWith(dialOut));
      if (!exchange || isHere(number)) return undefined;
      const { settings } = exchange;
      if (caller.dispatches.size === 0)
        throw new ProtocolError(403, `${caller.user} is no dispatcher, and may not dial out`);
      const outside = number.slice(settings.dialOut?.length);
      if (!outward.test(outside)) throw new ProtocolError(404, `no number after ${settings.dialOut}`);
      checkLines(exchange);
      const uri = addressAt(settings, outside);
      const credentials = loginAt(settings);
      return {
        uri,
        via: wayTo(settings),
        from: callerAt(settings, caller),
        to: uri,
        q: 1,
        rings: true,
        ...(credentials && { credentials }),
        seize: () => (exchange.calls < settings.calls ? seize(exchange) : undefined),
      };
    },
    states: () =>
      all.map(({ settings: { name }, link, calls, refused }) => {
        return { name, link: link?.state() ?? { in: "asking" }, calls, refused: { ...refused } };
      }),
    close() {
      for (const { link } of all) link?.close();
    },
  };
}

/** An exchange that knows this gateway as a user of its own takes no call of another's; a peer is told who calls. */
function callerAt(settings: ExchangeSettings, { user, aor }: Account): string {
  const uri = settings.user === undefined ? aor : addressAt(settings, settings.user);
  return formatNameAddr({ display: user, uri, params: new Map() });
}
