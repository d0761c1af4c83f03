import { isAbsolute, join } from "node:path";
import type { Environment } from "../config/environment.ts";

/** Where compiled code is kept between starts: the user's own cache, which nobody else can write. */
export function compileCacheDir(environment: Environment): string {
  const cacheHome = environment.env.XDG_CACHE_HOME;
  const home =
    cacheHome !== undefined && isAbsolute(cacheHome) ? cacheHome : join(environment.home, ".cache");
  return join(home, "forge-landing-kit", "compiled");
}
