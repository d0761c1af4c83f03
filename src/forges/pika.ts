import { meAnswer } from "../contract/auth.ts";
import {
  branchListAnswer,
  closeAnswer,
  type MergeRequest,
  mergeAnswer,
  resolveAnswer,
  tutorialAnswer,
} from "../contract/branch.ts";
import { queueAnswer, wakeAnswer } from "../contract/ci.ts";
import { paths } from "../contract/paths.ts";
import { judgeHead, type Run } from "../domain/checks.ts";
import { isLandError, LandError } from "../domain/errors.ts";
import type { BranchState } from "../domain/status.ts";
import type {
  BranchLine,
  BranchRef,
  Capabilities,
  Forge,
  ForgeBranch,
  ForgeEvent,
  Identity,
  LandingAnswer,
  LandingRequest,
  LogPart,
  LogRequest,
  Page,
  QueueView,
  RecoveryRequest,
  ReviewTutorial,
} from "./forge.ts";
import { capabilitiesOf } from "./pika-capabilities.ts";
import { readLog } from "./pika-logs.ts";
import { recover } from "./pika-recovery.ts";
import { branchLinesOf, branchOf, queueOf } from "./pika-shapes.ts";
import { type PikaOptions, PikaWire, unknownBranch, whereKnown } from "./pika-wire.ts";
import { pollChanges, watchEvents } from "./watch.ts";

const landingDeadlineMs = 120_000;

/** Connects to a forge of the pika contract: the local one, or a hosted reference. Sends nothing yet. */
export function connectPika(options: PikaOptions): Forge {
  return new PikaForge(options);
}

class PikaForge implements Forge {
  readonly name: string;
  readonly #wire: PikaWire;
  readonly #target: string | undefined;

  constructor(options: PikaOptions) {
    this.name = options.name;
    this.#target = options.target;
    this.#wire = new PikaWire(options);
  }

  get origin(): string {
    return this.#wire.http.baseUrl;
  }

  async capabilities(signal?: AbortSignal): Promise<Capabilities> {
    return capabilitiesOf(await this.#wire.flavour(signal), this.#target);
  }

  async identity(signal?: AbortSignal): Promise<Identity> {
    const me = await this.#wire.get(paths.me(), meAnswer, signal);
    return { npub: me.npub, admin: me.is_admin, canLand: me.can_forge_write };
  }

  async branches(
    filter: { state?: BranchState; limit?: number; cursor?: string },
    signal?: AbortSignal,
  ): Promise<Page<BranchLine>> {
    await this.#wire.needsAdded("list its branches", signal);
    const answer = await this.#wire.get(paths.branches(), branchListAnswer, signal, filter);
    return { items: branchLinesOf(answer), next: answer.next_cursor ?? undefined };
  }

  async branch(ref: BranchRef, signal?: AbortSignal): Promise<ForgeBranch | undefined> {
    const id = "id" in ref ? ref.id : await this.#resolve(ref.name, signal);
    if (id === undefined) return undefined;
    const detail = await this.#wire.detail(id, signal);
    if (detail === undefined) return undefined;
    const branch = branchOf(detail);
    if (branch !== undefined) return branch;
    throw new LandError("forge_error", `The forge describes branch #${id} in unknown words.`, {
      state: "Nothing was changed.",
      next: "Update forge-landing-kit here; the forge may be newer.",
    });
  }

  async ensureChange(_name: string, _head: string, signal?: AbortSignal): Promise<void> {
    const { prefix, about } = await this.#wire.flavour(signal);
    if (about === undefined && prefix === "/news") return;
    await this.#wire.post(paths.wake(), wakeAnswer, { repeatable: true }, signal);
  }

  async checks(branchId: string, head: string, signal?: AbortSignal): Promise<readonly Run[]> {
    return (await this.#known(branchId, signal)).runs.filter((run) => run.head === head);
  }

  async *watch(cursor: string | undefined, signal: AbortSignal): AsyncIterable<ForgeEvent> {
    const { about } = await this.#wire.flavour(signal);
    if (about === undefined) yield* pollChanges(this.#wire.http.clock, signal);
    else yield* watchEvents(this.#wire, cursor, signal);
  }

  log(request: LogRequest, signal?: AbortSignal): Promise<LogPart> {
    return readLog(this.#wire, request, signal);
  }

  async requestLanding(request: LandingRequest, signal?: AbortSignal): Promise<LandingAnswer> {
    const { about } = await this.#wire.flavour(signal);
    if (about === undefined) await this.#compareFirst(request, signal);
    const body: MergeRequest = {
      head_sha: request.head,
      ...(request.force === undefined ? {} : { force: true, reason: request.force.reason }),
    };
    try {
      return await this.#postMerge(request.branchId, body, signal);
    } catch (error) {
      if (!mayHaveActed(error)) throw error;
      const merged = await this.#mergedMeanwhile(request, error, signal);
      // Still open with that head: the forge takes the same request again as the same landing.
      return merged ?? (await this.#landAgain(request, body, signal));
    }
  }

  async close(
    request: { branchId: string; head: string; reason: string | undefined },
    signal?: AbortSignal,
  ): Promise<void> {
    const { about } = await this.#wire.flavour(signal);
    if (about === undefined) await this.#compareHead(request.branchId, request.head, signal);
    const body = {
      head_sha: request.head,
      ...(request.reason === undefined ? {} : { reason: request.reason }),
    };
    try {
      await this.#wire.post(paths.close(request.branchId), closeAnswer, { body }, signal);
    } catch (error) {
      if (!mayHaveActed(error)) throw error;
      const branch = await this.branch({ id: request.branchId }, signal);
      if (branch?.state !== "closed" || branch.head !== request.head) throw error;
    }
  }

  async queue(
    filter: { branchId?: string; limit?: number },
    signal?: AbortSignal,
  ): Promise<QueueView> {
    await this.#wire.needsAdded("tell its CI queue", signal);
    const query = { branch_id: filter.branchId, limit: filter.limit };
    return queueOf(await this.#wire.get(paths.queue(), queueAnswer, signal, query));
  }

  recover(request: RecoveryRequest, signal?: AbortSignal): Promise<string> {
    return recover(this.#wire, request, signal);
  }

  async describe(tutorial: ReviewTutorial, signal?: AbortSignal): Promise<void> {
    await this.#wire.needsAdded("take a tutorial from its author", signal);
    const body = {
      head_sha: tutorial.head,
      executive_summary: tutorial.summary,
      media_links: [],
      steps: tutorial.steps,
    };
    await this.#wire.post(
      paths.tutorial(tutorial.branchId),
      tutorialAnswer,
      { body, repeatable: true },
      signal,
    );
  }

  url(branchId: string): string {
    return `${this.#wire.http.baseUrl}${this.#wire.pagePrefix}${paths.branchPage(branchId)}`;
  }

  async #resolve(name: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    const found = await whereKnown(
      this.#wire.get(paths.resolve(), resolveAnswer, signal, { branch_name: name }),
    );
    return found === undefined || found.branch_name !== name ? undefined : String(found.branch_id);
  }

  async #known(id: string, signal: AbortSignal | undefined): Promise<ForgeBranch> {
    const branch = await this.branch({ id }, signal);
    if (branch !== undefined) return branch;
    throw unknownBranch(id);
  }

  async #postMerge(
    id: string,
    body: MergeRequest,
    signal: AbortSignal | undefined,
  ): Promise<LandingAnswer> {
    const answer = await this.#wire.post(
      paths.merge(id),
      mergeAnswer,
      { body, deadlineMs: landingDeadlineMs },
      signal,
    );
    if (answer.merge_commit_sha !== null) {
      return { state: "merged", mergeCommit: answer.merge_commit_sha };
    }
    return { state: "queued", entry: String(answer.branch_id) };
  }

  /** The second try may meet what the first one did after all. */
  async #landAgain(
    request: LandingRequest,
    body: MergeRequest,
    signal: AbortSignal | undefined,
  ): Promise<LandingAnswer> {
    try {
      return await this.#postMerge(request.branchId, body, signal);
    } catch (error) {
      if (!isLandError(error, "branch_not_open")) throw error;
      const merged = await this.#mergedMeanwhile(request, error, signal);
      if (merged === undefined) throw error;
      return merged;
    }
  }

  /** After a merge whose answer was lost: what became of it. Undefined: nothing yet. */
  async #mergedMeanwhile(
    request: LandingRequest,
    error: unknown,
    signal: AbortSignal | undefined,
  ): Promise<LandingAnswer | undefined> {
    const branch = await this.branch({ id: request.branchId }, signal);
    if (branch?.head !== request.head) throw error;
    if (branch.state === "merged" && branch.mergeCommit !== undefined) {
      return { state: "merged", mergeCommit: branch.mergeCommit };
    }
    if (branch.state !== "open") throw error;
    return undefined;
  }

  /** The guards of a forge that has none of its own: head and CI are compared right before. */
  async #compareFirst(request: LandingRequest, signal: AbortSignal | undefined): Promise<void> {
    const branch = await this.#compareHead(request.branchId, request.head, signal);
    if (request.force === undefined) {
      const verdict = judgeHead(request.head, branch.runs);
      if (verdict === "green") return;
      throw new LandError("ci_not_green", `CI of ${request.head.slice(0, 12)} is ${verdict}.`, {
        state: "Nothing was changed.",
        next: "Wait for CI; if it failed, read the lane's log, fix, commit and land again.",
      });
    }
    if ((await this.identity(signal)).admin) return;
    throw new LandError("force_refused", "This key may not force a merge.", {
      state: "Nothing was changed.",
      next: "Only the owner may force; otherwise make CI green.",
    });
  }

  async #compareHead(
    branchId: string,
    head: string,
    signal: AbortSignal | undefined,
  ): Promise<ForgeBranch> {
    const branch = await this.#known(branchId, signal);
    if (branch.head === head) return branch;
    throw new LandError(
      "head_moved",
      `Branch #${branchId} is at another head than the named one.`,
      {
        state: "Nothing was changed.",
        next: "Look at the branch's status, then ask again with its current head.",
        facts: { head: branch.head },
      },
    );
  }
}

/** A request without an answer may have been carried out. */
function mayHaveActed(error: unknown): boolean {
  return isLandError(error) && ["timed_out", "forge_unreachable"].includes(error.code);
}
