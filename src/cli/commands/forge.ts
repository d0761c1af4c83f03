import type { Command } from "commander";
import { renderChecks } from "../../doctor/check.ts";
import { type Answer, done, type Face } from "../face.ts";
import type { Services } from "../services.ts";

/** `land stop`: ends the local forge's process; the next command that needs it starts it again. */
export function addStop(command: Command, face: Face, { local }: Services): void {
  command
    .description(
      "Stops this repository's local forge. Running lanes are ended and run anew later; whatever needs the forge next starts it again.",
    )
    .action(() =>
      face(async (call) => {
        call.progress.show("stopping the forge");
        const stopped = await local.stop(call.options.worktree, call.signal);
        return stopped
          ? done({ state: "stopped" }, "Stopped the forge.")
          : done({ state: "not_running" }, "No forge was running.");
      }),
    );
}

/** `land doctor`: what is blocked or missing here. */
export function addDoctor(command: Command, face: Face, services: Services): void {
  command
    .description(
      "Looks at what landing needs, from inside this very shell: what is missing, what is blocked, and what to do about it. It reads the work tree's CI manifest as CI would, and tells how the forge's mirror stands; it starts no forge.",
    )
    .action(() =>
      face(async (call): Promise<Answer> => {
        call.progress.show("looking around");
        const checks = await services.doctor(call.options.worktree, call.signal);
        const bad = checks.some((one) => one.state === "missing" || one.state === "blocked");
        return {
          facts: { state: bad ? "wanting" : "ok", checks },
          text: renderChecks(checks),
          ending: bad ? "error" : "ok",
        };
      }),
    );
}
