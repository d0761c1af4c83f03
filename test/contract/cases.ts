import type { Case } from "./case.ts";
import { adminCases } from "./cases/admin.ts";
import { branchCases } from "./cases/branches.ts";
import { frameworkCases } from "./cases/framework.ts";
import { inboxCases } from "./cases/inbox.ts";
import { landingCases } from "./cases/landing.ts";
import { laneCases } from "./cases/lanes.ts";
import { loginCases } from "./cases/login.ts";
import { logsCases } from "./cases/logs.ts";
import { pageCases } from "./cases/pages.ts";

/** The contract of the reference forge as one table: each endpoint, each failure. */
export const cases: readonly Case[] = [
  ...loginCases,
  ...frameworkCases,
  ...branchCases,
  ...logsCases,
  ...landingCases,
  ...laneCases,
  ...inboxCases,
  ...adminCases,
  ...pageCases,
];
