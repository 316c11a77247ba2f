import { expect, test } from "vitest";
import { jsonRenderer } from "./json.ts";
import { buildReportModel } from "./model.ts";
import { sampleRun } from "./testing/sample-run.ts";

test("the model comes back as it went in", () => {
  const model = buildReportModel(sampleRun({ outcome: "fail" }));
  expect(JSON.parse(jsonRenderer.render(model))).toEqual(JSON.parse(JSON.stringify(model)));
});
