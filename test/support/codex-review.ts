import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { ClientScene } from "./client-scene.ts";
import { clientProgram } from "./clients.ts";

/** A hook as Codex lists it. */
interface Hook {
  readonly key: string;
  readonly currentHash: string;
  readonly trustStatus: "untrusted" | "modified" | "trusted" | "managed";
}

/** What Codex says of its trust in each hook that it finds for the repository. */
export async function hookTrust(scene: ClientScene): Promise<readonly string[]> {
  await using codex = await appServer(scene);
  return (await listed(codex, scene.repo)).map(({ trustStatus }) => trustStatus);
}

/** Trusts every hook that Codex finds for a folder, over the calls that its own `/hooks` page makes. */
export async function trustHooks(scene: ClientScene, folder = scene.repo): Promise<void> {
  await using codex = await appServer(scene);
  const hooks = await listed(codex, folder);
  const value = Object.fromEntries(
    hooks.map(({ key, currentHash }) => [key, { trusted_hash: currentHash }]),
  );
  const edits = [{ keyPath: "hooks.state", value, mergeStrategy: "upsert" }];
  await codex.ask("config/batchWrite", { edits, reloadUserConfig: true });
}

async function listed(codex: AppServer, folder: string): Promise<readonly Hook[]> {
  const answer = (await codex.ask("hooks/list", { cwds: [folder] })) as {
    data: readonly { hooks: readonly Hook[]; errors: readonly unknown[] }[];
  };
  const [found] = answer.data;
  if (found === undefined || found.errors.length > 0) throw new Error(JSON.stringify(answer));
  return found.hooks;
}

interface AppServer extends AsyncDisposable {
  ask(method: string, params: object): Promise<unknown>;
}

/** Codex as its own interface talks to it: JSON lines over stdio. */
async function appServer(scene: ClientScene): Promise<AppServer> {
  const program = clientProgram("codex");
  if (program === undefined) throw new Error("Codex is not installed in tools/clients.");
  const child = spawn(program, ["app-server", "-c", "features.plugins=false"], {
    cwd: scene.repo,
    env: scene.env,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last = 0;
  const ask = async (method: string, params: object) => {
    const id = ++last;
    child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`Codex ended instead of answering ${method}.`);
      const answer = JSON.parse(value) as { id?: number; result?: unknown; error?: unknown };
      if (answer.id !== id) continue;
      if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error));
      return answer.result;
    }
  };
  await ask("initialize", { clientInfo: { name: "tests", version: "1" } });
  child.stdin.write(`${JSON.stringify({ method: "initialized" })}\n`);
  return {
    ask,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}
