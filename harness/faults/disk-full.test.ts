// What disk-full must never do, on plain folders: nothing is mounted here.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { serviceVolume, volumePath } from "../stack/volumes.ts";
import { deadline } from "../support/clock.ts";

it("never fills a folder that is no mount of its own", async () => {
  const runDir = mkdtempSync(join(tmpdir(), "kiln-fault-plain-"));
  onTestFinished(() => rmSync(runDir, { recursive: true, force: true }));
  const service = {
    kind: "program",
    name: "alpha",
    command: ["x"],
    readyPath: "/",
    volume: { size: "8MiB" },
  } as const;
  const path = volumePath(runDir, service);
  mkdirSync(path, { recursive: true });
  const volume = serviceVolume(runDir, service);
  const refused = { code: "volume-not-own" };
  // Were it not refused, this would stop short of filling anything.
  const leave = statfsSync(path).bavail * statfsSync(path).bsize - 1_048_576;
  const how = { make: true, signal: deadline(5_000) };
  await expect(volume.fill(".kiln-f1", leave, how)).rejects.toMatchObject(refused);
  await expect(volume.tryWrite(".kiln-f1", 4_096, how.signal)).rejects.toMatchObject(refused);
  expect(readdirSync(path)).toEqual([]);
  const { volume: _none, ...without } = service;
  expect(() => serviceVolume(runDir, without)).toThrow("service alpha has no volume");
});
