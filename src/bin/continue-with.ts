import { spawn } from "node:child_process";

/**
 * Hands this process's work to another Node: same terminal, same signals, same end. `exitCode`: the
 * end there is instead, whatever the other's was.
 */
export function continueWith(node: string, args: readonly string[], exitCode?: number): void {
  const child = spawn(node, args, { stdio: "inherit" });
  const pass: Partial<Record<NodeJS.Signals, () => void>> = {
    SIGTERM: () => child.kill("SIGTERM"),
    SIGHUP: () => child.kill("SIGHUP"),
    // A terminal sends Ctrl-C to both of us already; a second one would mean "now".
    SIGINT: () => process.stdin.isTTY || child.kill("SIGINT"),
  };
  for (const [signal, handler] of Object.entries(pass)) {
    process.removeAllListeners(signal);
    process.on(signal, handler);
  }
  child.on("error", (error) => {
    process.stderr.write(`${node} could not be started: ${error.message}\n`);
    process.exitCode = exitCode ?? 1;
  });
  child.on("exit", (code, signal) => {
    if (signal === null || exitCode !== undefined) {
      process.exitCode = exitCode ?? code ?? 1;
      return;
    }
    for (const [handled, handler] of Object.entries(pass)) process.off(handled, handler);
    process.kill(process.pid, signal);
  });
}
