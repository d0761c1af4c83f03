import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { type Identity, identityOf } from "./identity.ts";
import { programIn } from "./search-path.ts";
import type { Tag } from "./tagged.ts";

/**
 * Reads which process groups there are (`+ GROUP`, `- GROUP`) until nobody holds the other end any
 * more, which is when its parent is gone in whatever way. Then ends those, and what carries one of
 * the tags, with its process groups, until several looks in a row have found nothing: a process that
 * is just becoming another program shows no tag for a moment. Of programs it needs grep alone.
 */
const script = `
pattern=$1
groups=
while read -r sign group; do
  kept=
  for one in $groups; do [ "$one" = "$group" ] || kept="$kept $one"; done
  groups=$kept
  [ "$sign" = + ] && groups="$groups $group"
done
for one in $groups; do kill -9 "-$one" 2> /dev/null; done
rounds=0
quiet=0
while [ "$rounds" -lt 100 ] && [ "$quiet" -lt 10 ]; do
  rounds=$((rounds + 1))
  quiet=$((quiet + 1))
  for place in $(grep -lsF -e "$pattern" /proc/[0-9]*/environ); do
    quiet=0
    pid=\${place#/proc/}
    pid=\${pid%/environ}
    read -r stat < "/proc/$pid/stat" || continue
    set -- \${stat##*) }
    [ "\${3:-0}" -gt 1 ] && kill -9 "-$3"
    kill -9 "$pid"
  done
done 2> /dev/null
`;

/** More would mean that something here ends each one at once. */
const mostStarts = 20;

/**
 * Ends this process's lanes and helpers should it be killed: a process of its own waits for that.
 * It is begun with the first need, begun anew where it is killed, and keeps nobody alive. Where
 * there is no `sh` or no /proc nothing is ended, and the next start has to do it.
 */
export class Lifeline {
  readonly #tags: readonly Tag[];
  readonly #env: Readonly<Record<string, string | undefined>>;
  /** Process groups that are ended even where nobody in them carries a tag any more. */
  readonly #groups = new Set<number>();
  #keeper: ChildProcess | undefined;
  #starts = 0;
  #closed = false;

  /** Tags match by their beginnings. */
  constructor(tags: readonly Tag[], env: Readonly<Record<string, string | undefined>>) {
    this.#tags = tags;
    this.#env = env;
  }

  /** The process that waits, while there is one. */
  get identity(): Identity | undefined {
    const pid = this.#keeper?.pid;
    return pid === undefined ? undefined : identityOf(pid);
  }

  /** Begins to wait, where nobody does yet. Never throws. */
  hold(): void {
    if (this.#keeper !== undefined || this.#closed || this.#starts >= mostStarts) return;
    const shell = programIn(this.#env.PATH, "sh");
    if (shell === undefined) return;
    this.#starts += 1;
    const pattern = this.#tags.map((tag) => `${tag.name}=${tag.value}`).join("\n");
    try {
      const keeper = spawn(shell, ["-c", script, "lifeline", pattern], {
        cwd: "/",
        // Nothing of ours: above all no tag.
        env: { PATH: this.#env.PATH },
        detached: true,
        stdio: ["pipe", "ignore", "ignore"],
      });
      this.#keeper = keeper;
      keeper.on("error", () => this.#lost(keeper));
      keeper.once("exit", () => this.#lost(keeper));
      keeper.stdin.on("error", () => undefined);
      unref(keeper, keeper.stdin);
      for (const group of this.#groups) keeper.stdin.write(`+ ${group}\n`);
    } catch {
      this.#keeper = undefined;
    }
  }

  /** A process group that is there now, until it is let go. */
  add(group: number): void {
    this.#groups.add(group);
    this.#keeper?.stdin?.write(`+ ${group}\n`);
  }

  letGo(group: number): void {
    this.#groups.delete(group);
    this.#keeper?.stdin?.write(`- ${group}\n`);
  }

  /** There is nothing to be ended any more, or it is to be ended now. */
  close(): void {
    this.#closed = true;
    this.#keeper?.stdin?.destroy();
  }

  #lost(keeper: ChildProcess): void {
    if (this.#keeper !== keeper) return;
    this.#keeper = undefined;
    this.hold();
  }
}

/** Neither the process nor the pipe to it keeps this process alive. */
function unref(child: ChildProcess, pipe: Writable & { unref?: () => void }): void {
  child.unref();
  pipe.unref?.();
}
