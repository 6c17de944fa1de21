import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { networkFault } from "../network/fault.ts";
import type { Http, Page } from "./port.ts";

/** Of strangers, too: whoever holds a connection open holds nothing but this. */
const mostConnections = 32;
const patienceMs = 5_000;
const longestHeaders = 8_192;

export function nodeHttp(): Http {
  return {
    async serve(local, page) {
      const server = createServer({
        requestTimeout: patienceMs,
        headersTimeout: patienceMs,
        keepAliveTimeout: patienceMs,
        maxHeaderSize: longestHeaders,
      });
      server.maxConnections = mostConnections;
      server.on("request", (request, response) => {
        if (request.method !== "GET") return answer(response, 405, undefined);
        const path = (request.url ?? "").split("?", 1).join("");
        page(path).then(
          (found) => answer(response, found ? 200 : 404, found),
          (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
        );
      });
      server.listen({ host: local.host, port: local.port });
      try {
        await once(server, "listening");
      } catch (error) {
        const code = error instanceof Error && "code" in error ? String(error.code) : "EIO";
        throw networkFault("http", local, code, error);
      }
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("an HTTP server has a port");
      return {
        local: { host: local.host, port: address.port },
        async close() {
          server.close();
          server.closeAllConnections();
          await once(server, "close");
        },
      };
    },
  };
}

function answer(response: ServerResponse, status: number, page: Page | undefined): void {
  const { type = "text/plain; charset=utf-8", content = `${status}\n` } = page ?? {};
  response.writeHead(status, { "content-type": type, ...(status === 405 && { allow: "GET" }) }).end(content);
}
