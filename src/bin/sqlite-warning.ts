/**
 * Keeps Node from warning that `node:sqlite` is experimental, which some of the supported versions
 * do on the first line of every answer. Every other warning stays.
 */
export function silenceSqliteWarning(): void {
  const emit = process.emitWarning.bind(process);
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    const [type] = rest;
    const text = typeof warning === "string" ? warning : warning.message;
    if (type === "ExperimentalWarning" && /sqlite/i.test(text)) return;
    (emit as (...all: unknown[]) => void)(warning, ...rest);
  }) as typeof process.emitWarning;
}
