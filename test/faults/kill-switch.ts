/**
 * Preloaded into a forge (`NODE_OPTIONS=--import`): kills the very process, with SIGKILL, at a named
 * point of its work. Points are HTTP requests, processes that it starts, and transactions.
 *
 * The order is a file, so that a running forge can be given one. Before a kill the point is taken
 * off the order: the next forge goes on with the rest of it.
 */
import childProcess, { type ChildProcess } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { type IncomingMessage, Server, type ServerResponse } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import { StatementSync } from "node:sqlite";

/** What a test wants of the forge. `points`: where it is to be killed, one after the other. */
export interface Order {
  readonly id: string;
  readonly points: readonly string[];
  /** Gets a line for each point that is passed. */
  readonly trace: string;
}

const orderFile = process.env.FORGE_KILL_ORDER;
if (orderFile !== undefined && process.argv[2] === "serve") arm(orderFile);

function arm(file: string): void {
  let known = "";
  const times = new Map<string, number>();

  function order(): Order | undefined {
    try {
      return JSON.parse(readFileSync(file, "utf8")) as Order;
    } catch {
      return undefined;
    }
  }

  /** Passes a point, or ends there. */
  function point(name: string, before = () => {}): void {
    const wanted = order();
    if (wanted === undefined) return;
    if (wanted.id !== known) times.clear();
    known = wanted.id;
    const time = (times.get(name) ?? 0) + 1;
    times.set(name, time);
    const passed = `${name} #${time}`;
    appendFileSync(wanted.trace, `${passed}\n`);
    const [next, ...rest] = wanted.points;
    if (next !== passed) return;
    appendFileSync(wanted.trace, "killed\n");
    writeFileSync(file, JSON.stringify({ ...wanted, points: rest } satisfies Order));
    before();
    process.kill(process.pid, "SIGKILL");
  }

  watchRequests(point);
  watchProcesses(point);
  watchTransactions(point);
}

type Point = (name: string, before?: () => void) => void;

function watchRequests(point: Point): void {
  const emit = Server.prototype.emit;
  Server.prototype.emit = function patched(this: Server, event: string, ...args: unknown[]) {
    if (event === "request") {
      const [request, response] = args as [IncomingMessage, ServerResponse];
      const path = (request.url ?? "").replace(/\?.*/, "").replaceAll(/\d+/g, "N");
      const name = `${request.method} ${path}`;
      point(`${name} asked`);
      const writeHead = response.writeHead;
      response.writeHead = function answered(this: ServerResponse, ...head: unknown[]) {
        point(`${name} unanswered`);
        return Reflect.apply(writeHead, this, head);
      } as typeof writeHead;
      response.once("finish", () => point(`${name} answered`));
    }
    return Reflect.apply(emit, this, [event, ...args]);
  } as typeof emit;
}

function watchProcesses(point: Point): void {
  const spawn = childProcess.spawn;
  childProcess.spawn = function patched(...args: unknown[]) {
    const name = nameOf(String(args[0]), Array.isArray(args[1]) ? args[1].map(String) : []);
    point(`${name} before`);
    const child = Reflect.apply(spawn, childProcess, args) as ChildProcess;
    point(`${name} begun`);
    // As if the machine had killed both: the forge does not see what becomes of its git.
    point(`${name} begun, killed too`, () => child.kill("SIGKILL"));
    child.once("exit", () => point(`${name} ended`));
    return child;
  } as typeof spawn;
  syncBuiltinESMExports();
}

const gitCommand = /^[a-z]+(-[a-z]+)*$/;

function nameOf(file: string, args: readonly string[]): string {
  if (basename(file) !== "git") return "lane";
  const options = new Set(["-c", "-C", "--git-dir", "--work-tree"]);
  const command = args.find((arg, at) => gitCommand.test(arg) && !options.has(args[at - 1] ?? ""));
  return `git ${command ?? "?"}`;
}

function watchTransactions(point: Point): void {
  const run = StatementSync.prototype.run;
  StatementSync.prototype.run = function patched(this: StatementSync, ...values: never[]) {
    if (this.sourceSQL !== "COMMIT") return Reflect.apply(run, this, values);
    point("commit before");
    const done = Reflect.apply(run, this, values);
    point("commit after");
    return done;
  };
}
