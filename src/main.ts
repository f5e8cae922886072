/** The process: arguments in, exit code out. */
import { runCli } from "./cli/program";

process.exit(await runCli(process.argv.slice(2)));
