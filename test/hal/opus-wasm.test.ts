import { test } from "uvu";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { opusContract } from "./opus.contract.ts";

opusContract("libopus in WebAssembly", loadOpus);

test.run();
