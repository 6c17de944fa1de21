import { connect } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DeviceError } from "../../hal/error.ts";
import { nodeHttp } from "../../hal/http/node.ts";

const anywhere = { host: "127.0.0.1", port: 0 };
const greet = async (path: string) =>
  path === "/hello" ? { type: "text/plain; charset=utf-8", content: "good day" } : undefined;

test("a page is given to who asks for it, and nothing else is", async () => {
  const server = await nodeHttp().serve(anywhere, greet);
  const at = `http://${server.local.host}:${server.local.port}`;
  const hello = await fetch(`${at}/hello?who=me`);
  assert.equal([hello.status, await hello.text()], [200, "good day"]);
  assert.is((await fetch(`${at}/secret`)).status, 404);
  const post = await fetch(`${at}/hello`, { method: "POST", body: "x" });
  assert.equal([post.status, post.headers.get("allow")], [405, "GET"]);
  await server.close();
});

test("an address that is taken is told, with what to do", async () => {
  const server = await nodeHttp().serve(anywhere, greet);
  const taken = await nodeHttp()
    .serve(server.local, greet)
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  assert.instance(taken, DeviceError);
  assert.match(String(taken), `http 127.0.0.1:${server.local.port}: another program holds this address`);
  await server.close();
});

test("who holds a connection open does not keep it from closing", async () => {
  const server = await nodeHttp().serve(anywhere, greet);
  const socket = connect(server.local.port, server.local.host);
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await server.close();
  await closed;
});

test.run();
