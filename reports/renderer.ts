// The contract of a renderer: one file, one test, one line in the table of index.ts. It gets the finished model and returns text.
import type { ReportModel } from "./model-types.ts";

export interface Renderer {
  readonly name: string;
  /** File name inside the run folder. */
  readonly file: string;
  render(model: ReportModel): string;
}
