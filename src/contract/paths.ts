/** Both prefixes carry the same routes: `/git` is the later revision's, `/news` the earlier one's. */
export const prefixes = ["/git", "/news"] as const;
export type Prefix = (typeof prefixes)[number];

const segment = (value: string | number) => encodeURIComponent(String(value));

/** Paths below a prefix. Ids are encoded, so a hostile one stays one segment. */
export const paths = {
  challenge: () => "/auth/challenge",
  verify: () => "/auth/verify",
  logout: () => "/auth/logout",
  me: () => "/api/me",
  about: () => "/api/forge/about",
  branches: () => "/api/forge/branches",
  resolve: () => "/api/forge/branch/resolve",
  branch: (id: string | number) => `/api/forge/branch/${segment(id)}`,
  logs: (id: string | number) => `/api/forge/branch/${segment(id)}/logs`,
  laneLog: (laneRun: string | number) => `/api/forge/lane/${segment(laneRun)}/log`,
  merge: (id: string | number) => `/api/forge/branch/${segment(id)}/merge`,
  close: (id: string | number) => `/api/forge/branch/${segment(id)}/close`,
  tutorial: (id: string | number) => `/api/forge/branch/${segment(id)}/tutorial`,
  queue: () => "/api/forge/ci/queue",
  wake: () => "/api/forge/ci/wake",
  pauseCi: () => "/api/forge/ci/pause",
  resumeCi: () => "/api/forge/ci/resume",
  resetHealth: () => "/api/forge/ci/health/reset",
  events: () => "/api/forge/events",
  target: () => "/api/forge/target",
  drain: () => "/api/forge/drain",
  tokens: () => "/api/forge/tokens",
  revokeTokens: () => "/api/forge/tokens/revoke",
  audit: () => "/api/forge/audit",
  allowlist: () => "/api/admin/allowlist",
  keys: () => "/api/admin/keys",
  forgeStatus: () => "/api/admin/forge-status",
  syncMirror: () => "/api/admin/mirror/sync",
  inbox: () => "/api/inbox",
  inboxCount: () => "/api/inbox/count",
  dismissInbox: () => "/api/inbox/dismiss",
  inboxNeighbors: (id: string | number) => `/api/inbox/neighbors/${segment(id)}`,
  inboxReviewed: (id: string | number) => `/api/inbox/reviewed/${segment(id)}`,
  rerunLane: (id: string | number, laneRun: string | number) =>
    `/branch/${segment(id)}/ci/rerun/${segment(laneRun)}`,
  rerunSuite: (id: string | number) => `/branch/${segment(id)}/ci/rerun`,
  failLane: (id: string | number, laneRun: string | number) =>
    `/branch/${segment(id)}/ci/fail/${segment(laneRun)}`,
  requeueLane: (id: string | number, laneRun: string | number) =>
    `/branch/${segment(id)}/ci/requeue/${segment(laneRun)}`,
  cancelLane: (id: string | number, laneRun: string | number) =>
    `/branch/${segment(id)}/ci/cancel/${segment(laneRun)}`,
  recoverRun: (id: string | number, run: string | number) =>
    `/branch/${segment(id)}/ci/recover/${segment(run)}`,
  cancelBranch: (id: string | number) => `/branch/${segment(id)}/ci/cancel`,
  cancelRun: (id: string | number, run: string | number) =>
    `/branch/${segment(id)}/ci/cancel-run/${segment(run)}`,
  nightlies: () => "/api/forge/nightlies",
  startNightly: () => "/api/forge/nightly",
  nightly: (id: string | number) => `/api/forge/nightly/${segment(id)}`,
  rerunNightlyLane: (id: string | number, laneRun: string | number) =>
    `/nightly/${segment(id)}/rerun/${segment(laneRun)}`,
  failNightlyLane: (id: string | number, laneRun: string | number) =>
    `/nightly/${segment(id)}/fail/${segment(laneRun)}`,
  requeueNightlyLane: (id: string | number, laneRun: string | number) =>
    `/nightly/${segment(id)}/requeue/${segment(laneRun)}`,
  rerunNightly: (id: string | number) => `/nightly/${segment(id)}/rerun`,
  cancelNightly: (id: string | number) => `/nightly/${segment(id)}/cancel`,
  cancelNightlyLane: (id: string | number, laneRun: string | number) =>
    `/nightly/${segment(id)}/cancel/${segment(laneRun)}`,
  recoverNightly: (id: string | number) => `/nightly/${segment(id)}/recover`,
  ciStream: (id: string | number) => `/branch/${segment(id)}/ci/stream`,
  ciStreamFull: (id: string | number) => `/branch/${segment(id)}/ci/stream/full`,
  branchPage: (id: string | number) => `/branch/${segment(id)}`,
} as const;
