import { meAnswer } from "../contract/auth.ts";
import {
  branchListAnswer,
  closeAnswer,
  resolveAnswer,
  tutorialAnswer,
} from "../contract/branch.ts";
import { queueAnswer, wakeAnswer } from "../contract/ci.ts";
import { paths } from "../contract/paths.ts";
import type { Run } from "../domain/checks.ts";
import { LandError } from "../domain/errors.ts";
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
  NightlyPage,
  NightlyRun,
  Page,
  QueueView,
  RecoveryRequest,
  ReviewTutorial,
} from "./forge.ts";
import type { ForgeAccess } from "./forge-access.ts";
import type { ForgeMirror } from "./forge-mirror.ts";
import { pikaAccess } from "./pika-access.ts";
import { capabilitiesOf } from "./pika-capabilities.ts";
import { compareHead, landOnGuarded, landOnReference, mayHaveActed } from "./pika-landing.ts";
import { readLog } from "./pika-logs.ts";
import { pikaMirror } from "./pika-mirror.ts";
import { listNightlies, readNightly, startNightly } from "./pika-nightly.ts";
import { recover } from "./pika-recovery.ts";
import { branchLinesOf, branchOf, queueOf } from "./pika-shapes.ts";
import { type PikaOptions, PikaWire, unknownBranch, whereKnown } from "./pika-wire.ts";
import { plainWords } from "./plain-words.ts";
import { ReferenceChanges } from "./reference-changes.ts";
import { watchEvents } from "./watch.ts";

/** Connects to a forge of the pika contract: the local one, or a hosted reference. Sends nothing yet. */
export function connectPika(options: PikaOptions): Forge {
  return new PikaForge(options);
}

class PikaForge implements Forge {
  readonly name: string;
  readonly access: ForgeAccess;
  readonly mirror: ForgeMirror;
  readonly #wire: PikaWire;
  readonly #target: string | undefined;
  readonly #changes: ReferenceChanges;

  constructor(options: PikaOptions) {
    this.name = options.name;
    this.#target = options.target;
    this.#wire = new PikaWire(options);
    this.#changes = new ReferenceChanges(this.#wire);
    this.access = pikaAccess(this.#wire);
    this.mirror = pikaMirror(this.#wire);
  }

  get origin(): string {
    return this.#wire.http.baseUrl;
  }

  async capabilities(signal?: AbortSignal): Promise<Capabilities> {
    return capabilitiesOf(await this.#wire.flavour(signal), this.#target);
  }

  async identity(signal?: AbortSignal): Promise<Identity> {
    const me = await this.#wire.get(paths.me(), meAnswer, signal);
    const { npub, is_admin: admin, can_forge_write: canLand, can_chat: canChat } = me;
    return {
      npub: plainWords(npub, 100),
      admin,
      canLand,
      ...(me.name == null ? {} : { name: plainWords(me.name, 100) }),
      ...(admin || canLand || canChat ? {} : { canRead: false }),
    };
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
    if (branch !== undefined) {
      this.#changes.noted(branch);
      return branch;
    }
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
    if (about === undefined) yield* this.#changes.watch(signal);
    else yield* watchEvents(this.#wire, cursor, signal);
  }

  log(request: LogRequest, signal?: AbortSignal): Promise<LogPart> {
    return readLog(this.#wire, request, signal);
  }

  async requestLanding(request: LandingRequest, signal?: AbortSignal): Promise<LandingAnswer> {
    const { about } = await this.#wire.flavour(signal);
    const ask = about === undefined ? landOnReference : landOnGuarded;
    return ask(this.#wire, this, request, signal);
  }

  async close(
    request: { branchId: string; head: string; reason: string | undefined },
    signal?: AbortSignal,
  ): Promise<void> {
    const { about } = await this.#wire.flavour(signal);
    if (about === undefined) await compareHead(this, request, signal);
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
    filter: { branchId?: string; own?: string; limit?: number },
    signal?: AbortSignal,
  ): Promise<QueueView> {
    await this.#wire.needsAdded("tell its CI queue", signal);
    const { branchId, own, limit } = filter;
    const query = { branch_id: branchId, own_branch: own, limit };
    return queueOf(await this.#wire.get(paths.queue(), queueAnswer, signal, query));
  }

  recover(request: RecoveryRequest, signal?: AbortSignal): Promise<string> {
    return recover(this.#wire, request, signal);
  }

  nightly(id: string, signal?: AbortSignal): Promise<NightlyRun | undefined> {
    return readNightly(this.#wire, id, signal);
  }

  nightlies(
    filter: { limit?: number; cursor?: string },
    signal?: AbortSignal,
  ): Promise<NightlyPage> {
    return listNightlies(this.#wire, filter, signal);
  }

  startNightly(signal?: AbortSignal): Promise<string> {
    return startNightly(this.#wire, signal);
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
}
