import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { aFaultScene, type FaultScene } from "./faults.ts";

/** Why no file system can be mounted here; undefined where one can. */
export function noMounting(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can mount a disk of its own";
  const tried = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]);
  return tried.status === 0 ? undefined : "this machine lets nobody mount a disk";
}

/** A scene whose state lies on a small disk of its own. */
export interface DiskScene extends FaultScene {
  /** Uses up all room but so many bytes, as whoever shares the disk may. */
  fill(leave?: number): void;
  makeRoom(): void;
  /** Remounts the whole disk. False: somebody still has a file open there to write. */
  remount(how: "ro" | "rw"): boolean;
  /** What the disk does by itself on a fault: from now on nothing can be written. ext4 alone. */
  fault(): void;
  /** Takes the disk out and puts it in again, which ends such a fault. */
  reinsert(): void;
}

export async function aDiskScene(
  files: Readonly<Record<string, string>>,
  how: {
    megabytes?: number;
    kind?: "tmpfs" | "ext4";
    settings?: Readonly<Record<string, unknown>>;
  } = {},
): Promise<DiskScene> {
  const { megabytes = 64, kind = "tmpfs" } = how;
  let disk = "";
  let image = "";
  const mount = () => {
    if (kind === "tmpfs") run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "none", disk);
    else run("mount", "-o", "loop,errors=remount-ro", image, disk);
  };
  const scene = await aFaultScene(files, how.settings ?? {}, async (dir) => {
    disk = join(dir, "state");
    image = join(dir, "disk.img");
    await mkdir(disk);
    if (kind === "ext4") {
      run("truncate", "-s", `${megabytes}M`, image);
      run("mkfs.ext4", "-q", "-F", image);
    }
    mount();
  });
  const filler = join(disk, "filler");
  return {
    ...scene,
    fill(leave = 0) {
      const fd = openSync(filler, "a");
      try {
        for (let size = 1 << 20; size >= 512; ) {
          try {
            if (writeSync(fd, Buffer.alloc(size)) < size) size >>= 1;
          } catch {
            size >>= 1;
          }
        }
      } finally {
        closeSync(fd);
      }
      if (leave > 0) run("truncate", "-s", `-${leave}`, filler);
    },
    makeRoom: () => rmSync(filler, { force: true }),
    remount: (to) => spawnSync("mount", ["-o", `remount,${to}`, disk]).status === 0,
    fault() {
      const device = readFileSync("/proc/mounts", "utf8")
        .split("\n")
        .find((line) => line.split(" ")[1] === disk)
        ?.split(" ")[0];
      writeFileSync(`/sys/fs/ext4/${basename(device ?? "")}/trigger_fs_error`, "1");
    },
    reinsert() {
      run("umount", disk);
      // Somebody's sandbox may still hold the old one, which never gets well again.
      copyFileSync(image, `${image}.mended`);
      image = `${image}.mended`;
      spawnSync("e2fsck", ["-fy", image]);
      mount();
    },
    async [Symbol.asyncDispose]() {
      await scene.stop();
      await scene.killForge();
      spawnSync("umount", ["--lazy", disk]);
      if (existsSync(filler)) await rm(filler, { force: true });
      await scene[Symbol.asyncDispose]();
    },
  };
}

function run(file: string, ...args: readonly string[]): void {
  execFileSync(file, args, { stdio: ["ignore", "ignore", "pipe"] });
}
