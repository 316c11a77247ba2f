import { expect, test } from "vitest";
import type { JournalBody } from "../journal/events.ts";
import { tellStop } from "./tell-stop.ts";

test("the reason is in the journal as soon as the signal aborts", () => {
  const written: JournalBody[] = [];
  const stop = new AbortController();
  const write = (body: JournalBody) => ({ seq: written.push(body), atMs: 0, ...body });
  tellStop({ write }, stop.signal, () => expect.unreachable());
  stop.abort(new Error("enough"));
  expect(written).toEqual([{ type: "stopping", reason: "enough" }]);
});

test("a journal that takes no more lines does not end the process, and is told of", () => {
  const full = new Error("no space left");
  const told: unknown[] = [];
  const stop = new AbortController();
  const write = (): never => {
    throw full;
  };
  tellStop({ write }, stop.signal, (error) => told.push(error));
  stop.abort(new Error("enough"));
  expect(told).toEqual([full]);
});
