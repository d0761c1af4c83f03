import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { activeKeysName } from "../../domain/active-keys.ts";

/*
 * The hooks use nothing but what is built into a POSIX shell, since they run with the pusher's
 * PATH, and they read names from files beside them, since a name inside a script would be code.
 */

const updateHook = `#!/bin/sh
# Written by forge-landing-kit at each start of the forge; changes made here are lost.
here=\${0%/*}
ref=$1 new=$3
# Whose key it is that pushes is known where the push came over SSH. What that key is refused is left
# for the forge to record.
refuse() {
  if [ -n "$LAND_PUSHED_BY" ] && IFS= read -r notes <"$here/push-notes"; then
    echo "$LAND_PUSHED_BY $new $ref $1" >"$notes/$$-$1-$new"
    IFS= read -r wake <"$here/wake-file" && echo "$$" >"$wake"
  fi
  exit 1
}
if ! IFS= read -r target <"$here/target"; then
  echo "This forge cannot read the name of its target branch, so it takes no push." >&2
  echo "Restart it (land stop, then land status), which writes that file again." >&2
  exit 1
fi
# A session may be older than the day on which its key was taken out.
if [ -n "$LAND_PUSHED_BY" ]; then
  may=
  if [ -r "$here/${activeKeysName}" ]; then
    while IFS= read -r line; do
      case $line in
        "$LAND_PUSHED_BY") may=push; break ;;
        "$LAND_PUSHED_BY read") may=read; break ;;
      esac
    done <"$here/${activeKeysName}"
  fi
  case $may in
    push) ;;
    read)
      echo "Your key may read at this forge, and not push. Nothing was changed." >&2
      echo "Its owner lets keys push: land members approve" >&2
      refuse read_only
      ;;
    *)
      echo "Your key is not active at this forge any more. Nothing was changed." >&2
      echo "Its owner lets keys in again: land members approve" >&2
      refuse inactive
      ;;
  esac
fi
case $ref in
  "refs/heads/$target")
    echo "The branch $target is this forge's target. It is never pushed to:" >&2
    echo "it only receives branches that CI has tested. Nothing was changed." >&2
    echo "Push your commits as a branch of their own and land that: land" >&2
    refuse target
    ;;
  refs/land/* | refs/replace/*)
    echo "The refs below \${ref%/*}/ belong to the forge. Nothing was changed." >&2
    refuse reserved
    ;;
esac
exit 0
`;

const postReceiveHook = `#!/bin/sh
# Written by forge-landing-kit at each start of the forge; changes made here are lost.
here=\${0%/*}
IFS= read -r notes <"$here/push-notes" || notes=
count=0
while read -r old new ref; do
  count=$((count + 1))
  # Who pushed is known where the push came over SSH.
  if [ -n "$LAND_PUSHED_BY" ] && [ -n "$notes" ]; then
    echo "$LAND_PUSHED_BY $new $ref" >"$notes/$$-$count-$new"
  fi
done
IFS= read -r wake <"\${0%/*}/wake-file" && echo "$$" >"$wake"
exit 0
`;

/** Writes the hooks and what they read, each file whole or not at all and only if it differs. */
export async function writeHooks(hooks: {
  readonly dir: string;
  readonly target: string;
  readonly wakeFile: string;
  /** Folder for a file per pushed ref of which the author is known. */
  readonly pushNotes: string;
}): Promise<void> {
  await mkdir(hooks.dir, { recursive: true, mode: 0o755 });
  // What the hooks read comes first, so that no hook ever runs without it.
  await writeIfDifferent(join(hooks.dir, "target"), `${hooks.target}\n`, 0o644);
  await writeIfDifferent(join(hooks.dir, "wake-file"), `${hooks.wakeFile}\n`, 0o644);
  await writeIfDifferent(join(hooks.dir, "push-notes"), `${hooks.pushNotes}\n`, 0o644);
  await writeIfDifferent(join(hooks.dir, "update"), updateHook, 0o755);
  await writeIfDifferent(join(hooks.dir, "post-receive"), postReceiveHook, 0o755);
}

async function writeIfDifferent(file: string, content: string, mode: number): Promise<void> {
  if (await isWritten(file, content, mode)) return;
  const temporary = `${file}.${process.pid}.new`;
  try {
    await writeFile(temporary, content, { flush: true });
    await chmod(temporary, mode);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function isWritten(file: string, content: string, mode: number): Promise<boolean> {
  try {
    const [now, found] = await Promise.all([readFile(file, "utf8"), stat(file)]);
    return now === content && (found.mode & 0o777) === mode;
  } catch {
    return false;
  }
}
