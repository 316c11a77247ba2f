// report.json: the whole model, for programs.
import type { Renderer } from "./renderer.ts";

export const jsonRenderer: Renderer = {
  name: "json",
  file: "report.json",
  render: (model) => `${JSON.stringify(model)}\n`,
};
