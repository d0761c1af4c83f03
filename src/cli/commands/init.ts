import { type Command, Option } from "commander";
import { manifestPath } from "../../manifest-offer/manifest-text.ts";
import type { Offer } from "../../manifest-offer/offer.ts";
import { type Answer, type Call, done, type Face } from "../face.ts";
import type { LocalForges, OfferedBranch, ReadyForge } from "../services.ts";

interface InitOptions {
  readonly target?: string;
  readonly name?: string;
  readonly join?: string | true;
  readonly ci?: "offer" | "write" | "none";
}

/** What became of CI: the words of `ci.state` in the answer. */
type CiOutcome =
  | { readonly state: "present" | "none" }
  | { readonly state: "nothing_found" | "offered"; readonly manifest: string }
  | ({ readonly state: "written" } & Omit<OfferedBranch, "state">)
  | ({ readonly state: "kept" } & Omit<OfferedBranch, "state">);

/** `land init`: a forge for this repository, and the offer of a manifest. */
export function addInit(command: Command, face: Face, local: LocalForges): void {
  command
    .description(
      "Makes a local forge for this repository: a canonical repository, the remote `forge`, two keys, and an offer of what CI could run. Twice is the same as once.",
    )
    .option(
      "--target <branch>",
      "The branch to land on; default: the one that origin or this clone has.",
    )
    .option("--name <text>", "The repository's name on the forge; default: its folder's.")
    .option("--join [folder]", "Join the forge of another clone of this repository.")
    .addOption(
      new Option(
        "--ci <what>",
        "offer: show what CI could run; write: put it on a branch of its own; none: the owner's recorded choice to land untested.",
      ).choices(["offer", "write", "none"]),
    )
    .action(() => face((call) => init(call, command.opts<InitOptions>(), local)));
}

async function init(call: Call, options: InitOptions, local: LocalForges): Promise<Answer> {
  call.progress.show("making the forge ready");
  const ready = await local.init(
    { path: call.options.worktree, target: options.target, name: options.name, join: options.join },
    call.signal,
  );
  const ci = await settleCi(call, options, local, ready);
  return done(factsOf(ready, ci), textOf(ready, ci));
}

async function settleCi(
  call: Call,
  options: InitOptions,
  local: LocalForges,
  ready: ReadyForge,
): Promise<CiOutcome> {
  if (options.ci === "none") await local.landUntested(call.options.worktree);
  if (options.ci === "none" || (options.ci === undefined && ready.ci === "none")) {
    return { state: "none" };
  }
  call.progress.show("looking at what the repository runs");
  const offer = await local.offer(ready, call.signal);
  if (offer.kind === "present") return { state: "present" };
  if (offer.kind === "nothing_found") return { state: "nothing_found", manifest: offer.text };
  const agreed = options.ci === "write" || (options.ci === undefined && (await asks(call, offer)));
  if (!agreed) return { state: "offered", manifest: offer.text };
  return local.writeManifest(ready, offer.text, call.signal);
}

/** Asks at a terminal; elsewhere nobody is there to agree. */
async function asks(call: Call, offer: Offer & { kind: "offer" }): Promise<boolean> {
  if (!call.terminal.canAsk || call.options.json) return false;
  call.progress.stop();
  const lanes = offer.lanes.map((lane) => `  ${lane.id}: ${lane.entrypoint}`).join("\n");
  const typed = await call.terminal.ask(
    `CI could run these lanes for each branch:\n${lanes}\nPut them on a branch of their own? [y/N] `,
    { hidden: false, signal: call.signal },
  );
  return /^y(es)?$/i.test(typed?.trim() ?? "");
}

function factsOf(ready: ReadyForge, ci: CiOutcome): Record<string, unknown> {
  return {
    worktree: ready.worktree,
    state: ready.created ? "created" : "ready",
    repo: ready.repo,
    remote: ready.remote,
    target: ready.target,
    target_head: ready.targetTip,
    url: ready.url,
    state_dir: ready.stateDir,
    notes: ready.notes,
    ci,
  };
}

function textOf(ready: ReadyForge, ci: CiOutcome): string {
  return [
    `${ready.created ? "Made a forge for" : "The forge is ready for"} ${ready.repo}: target ${ready.target} (${ready.targetTip.slice(0, 12)}), remote \`${ready.remote}\``,
    `pages ${ready.url} · state ${ready.stateDir}`,
    ...ready.notes,
    ...ciText(ci),
  ].join("\n");
}

function ciText(ci: CiOutcome): string[] {
  switch (ci.state) {
    case "present":
      return [`CI runs the lanes of ${manifestPath}.`, "Next: commit on a branch, then `land`."];
    case "none":
      return [
        "Branches land untested: that is the owner's recorded choice. `land init --ci write` changes it.",
        "Next: commit on a branch, then `land`.",
      ];
    case "nothing_found":
      return [
        `Nothing was found that CI could run. Put a manifest like this into ${manifestPath} on a branch and land it, or choose \`land init --ci none\`:`,
        ci.manifest,
      ];
    case "offered":
      return [
        `CI could run this for each branch. \`land init --ci write\` puts it into ${manifestPath} on a branch of its own; \`--ci none\` lands untested:`,
        ci.manifest,
      ];
    case "written":
    case "kept":
      return [
        ci.state === "written"
          ? `The manifest is on the branch ${ci.branch} (${ci.commit.slice(0, 12)}), and pushed.`
          : `The branch ${ci.branch} was there already and is left as it is (${ci.commit.slice(0, 12)}).`,
        `Next: \`land --branch ${ci.branch}\` lands it.`,
      ];
  }
}
