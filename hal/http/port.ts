import type { Address } from "../network/port.ts";

/** Pages for programs and people of the site, by HTTP/1.1 without encryption. */
export interface Http {
  /** Answers GET; `page` gives what is at a path (without its query), undefined for nothing. Rejects with DeviceError when the address is not to be had. */
  serve(local: Address, page: (path: string) => Promise<Page | undefined>): Promise<HttpServer>;
}

export interface Page {
  readonly type: string;
  readonly content: string;
}

export interface HttpServer {
  /** With the port that the system chose where 0 was asked for. */
  readonly local: Address;
  close(): Promise<void>;
}
