// argv to command to exit code. The only place that ends the process by choice, and the only one that turns errors into text.
import { Command, CommanderError } from "commander";
import { cleanCommand } from "./commands/clean.ts";
import { healCommand } from "./commands/heal.ts";
import { judgeCommand } from "./commands/judge.ts";
import { planCommand } from "./commands/plan.ts";
import { reportCommand } from "./commands/report.ts";
import { runCommand } from "./commands/run.ts";
import { runsCommand } from "./commands/runs.ts";
import { exitCode, KilnError, messageOf, type ExitCode } from "./support/errors.ts";
import { redact, registerSecretsOf } from "./support/redact.ts";

const defaultSeed = "1";

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
    .action(async (scenario: string, options: { seed: string }) =>
      done(await runCommand(scenario, options, { leave: (code) => process.exit(code) })),
    );
  program
    .command("plan")
    .description("print what a run would do, and its hash; nothing is started")
    .argument("<scenario>", "name of a file under scenarios/, or a path")
    .option("--seed <seed>", "fixes every random choice of the plan", defaultSeed)
    .option("--json", "print the plan as JSON")
    .action(async (scenario: string, options: { seed: string; json?: boolean }) =>
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
  return program;
}

function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.pass : exitCode.usage;
  if (error instanceof KilnError) {
    const hint = error.hint === undefined ? "" : `\n  ${error.hint}`;
    process.stderr.write(redact(`kiln: ${error.message}${hint}\n`));
    return error.kind === "usage" ? exitCode.usage : exitCode.environment;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  process.stderr.write(
    redact(`kiln: this is a bug in Kiln, please report it with the lines below\n${stack}\n`),
  );
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

// A reader that went away (`kiln plan 48h | head`, a closed terminal) must not end a run: what it would have read is in the run folder.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
  });
}

process.exitCode = await main(process.argv);
