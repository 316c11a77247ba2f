// A browser's journey through the reference system's page: what somebody does who comes for the first time. The first step is the loading of
// the page, whose time is reported.
import type { Journey } from "kiln-burnin";
import {
  createFramework,
  openPage,
  register,
  seeInList,
  seeLiveUpdate,
} from "../../fixtures/stack/web/page-steps.ts";

const journey: Journey = async ({ page, url, id, step }) => {
  const title = `Journey ${id}`;
  await step("load the page", () => openPage(page, url));
  await step("register", () => register(page));
  await step("create", () => createFramework(page, title, "Written by a browser during a burn-in."));
  await step("see it in the list", () => seeInList(page, title));
  await step("see a live update", () => seeLiveUpdate(page, title));
};

export default journey;
