// argv to command to exit code. The only place that ends the process by choice, and the only one that turns errors into text.
import { Command, CommanderError, Option } from "commander";
import { cleanCommand } from "./commands/clean.ts";
import { healCommand } from "./commands/heal.ts";
import { judgeCommand } from "./commands/judge.ts";
import { planCommand } from "./commands/plan.ts";
import { reportCommand } from "./commands/report.ts";
import { resumeCommand, type ResumeOptions } from "./commands/resume.ts";
import { runCommand, type RunOptions } from "./commands/run.ts";
import { runsCommand } from "./commands/runs.ts";
import { warn } from "./commands/say.ts";
import { statusCommand } from "./commands/status.ts";
import { stopCommand } from "./commands/stop.ts";
import { watchCommand } from "./commands/watch.ts";
import { exitCode, KilnError, messageOf, type ExitCode } from "./support/errors.ts";
import { registerSecretsOf } from "./support/redact.ts";

const defaultSeed = "1";
const condense = [
  "--condense",
  "calm cut, holds shortened, quick thresholds: a long suite in minutes",
] as const;

function buildProgram(done: (code: ExitCode) => void): Command {
  const program = new Command("kiln");
  program
    .description(
      "Chaos and soak-testing (burn-in) harness. Exit codes: 0 pass, 1 fail, 2 inconclusive, 3 usage, 4 environment, 5 bug, 130 interrupted.",
    )
    .version("0.1.0")
    .exitOverride()
    .showHelpAfterError("(kiln --help lists the commands)");
  program
    .command("run")
    .description("bring the stack up, load it, inject the planned faults, judge, report")
    .argument("<scenario>", "name of a file under scenarios/, or a path")
    .option("--seed <seed>", "fixes every random choice of the plan", defaultSeed)
    .option(...condense)
    .option("--detach", "go on without this terminal; survives a crash of the harness (see kiln status)")
    .addOption(new Option("--detached-as <run>", "what --detach has started").hideHelp())
    .action(async (scenario: string, options: RunOptions) =>
      done(await runCommand(scenario, options, { leave })),
    );
  program
    .command("plan")
    .description("print what a run would do, and its hash; nothing is started")
    .argument("<scenario>", "name of a file under scenarios/, or a path")
    .option("--seed <seed>", "fixes every random choice of the plan", defaultSeed)
    .option(...condense)
    .option("--json", "print the plan as JSON")
    .action(async (scenario: string, options: { seed: string; json?: boolean; condense?: boolean }) =>
      done(await planCommand(scenario, options)),
    );
  program
    .command("judge")
    .description(
      "judge a run folder (again); also of a run that is still going or was killed: a partial verdict",
    )
    .argument("<run>", 'run id, path, or "last"')
    .action((run: string) => done(judgeCommand(run)));
  program
    .command("report")
    .description("write the reports of a run folder (again)")
    .argument("<run>", 'run id, path, or "last"')
    .action(async (run: string) => done(await reportCommand(run)));
  program
    .command("runs")
    .description("list the runs, newest first")
    .action(() => done(runsCommand()));
  program
    .command("clean")
    .description("remove old run folders")
    .requiredOption("--keep <count>", "how many of the newest to keep")
    .action((options: { keep: string }) => done(cleanCommand(options)));
  program
    .command("heal")
    .description("undo every fault that a dead run left in force, and end what is left of it")
    .argument("[run]", "run id or path; default: every run that was not taken down")
    .action(async (run: string | undefined) => done(await healCommand(run)));
  addLongRunCommands(program, done);
  return program;
}

const leave = (code: ExitCode): never => process.exit(code);

/** For runs that another process carries. */
function addLongRunCommands(program: Command, done: (code: ExitCode) => void): void {
  const current = ["[run]", "run id or path; default: the run in progress, else the newest"] as const;
  program
    .command("status")
    .description("show on one screen how a run stands: phase, load, faults, who works on it, verdict so far")
    .argument(...current)
    .action((run: string | undefined) => done(statusCommand(run)));
  program
    .command("watch")
    .description("follow a run to its end, and exit with its exit code; Ctrl-C leaves the run going")
    .argument(...current)
    .action(async (run: string | undefined) => done(await watchCommand(run)));
  program
    .command("stop")
    .description("end a run: heal, take down, judge, report")
    .argument(...current)
    .action(async (run: string | undefined) => done(await stopCommand(run)));
  program
    .command("resume")
    .description("go on with a run whose harness died, after a crash or a reboot")
    .argument("<run>", 'run id, path, or "last"')
    .option("--detach", "go on without this terminal")
    .addOption(new Option("--detached", "what --detach has started").hideHelp())
    .addOption(new Option("--by-reaper", "the reaper of a detached run does it").hideHelp())
    .action(async (run: string, options: ResumeOptions) => done(await resumeCommand(run, options, leave)));
}

function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.pass : exitCode.usage;
  if (error instanceof KilnError) {
    const hint = error.hint === undefined ? "" : `\n  ${error.hint}`;
    warn(`kiln: ${error.message}${hint}`);
    return error.kind === "usage" ? exitCode.usage : exitCode.environment;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  warn(`kiln: this is a bug in Kiln, please report it with the lines below\n${stack}`);
  return exitCode.bug;
}

async function main(argv: readonly string[]): Promise<ExitCode> {
  registerSecretsOf(process.env);
  let code: ExitCode = exitCode.bug;
  try {
    await buildProgram((result) => (code = result)).parseAsync([...argv]);
    return code;
  } catch (error) {
    return report(error);
  }
}

// A reader that went away (`kiln plan 48h | head`, a closed terminal), or a log of a detached run that a full disk does not take, must not end
// a run: what would have been read there is in the run folder.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (!["EPIPE", "EIO", "ENOSPC", "EDQUOT"].includes(error.code ?? "")) throw error;
  });
}

process.exitCode = await main(process.argv);
