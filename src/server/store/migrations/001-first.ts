export const migration = `
CREATE TABLE branches (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  title TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'merged', 'closed')),
  target TEXT NOT NULL,
  head TEXT NOT NULL,
  merge_base TEXT,
  merge_commit TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  ended_by TEXT,
  end_reason TEXT,
  problem TEXT
) STRICT;
CREATE UNIQUE INDEX branches_open_name ON branches (name) WHERE state = 'open';
CREATE INDEX branches_name ON branches (name, id);
CREATE INDEX branches_change ON branches (updated_at, id);
CREATE INDEX branches_state_change ON branches (state, updated_at, id);

CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  branch_id INTEGER REFERENCES branches (id),
  subject TEXT NOT NULL CHECK (subject IN ('head', 'candidate', 'nightly')),
  head TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT,
  note TEXT,
  partial INTEGER NOT NULL,
  rerun_of INTEGER REFERENCES runs (id),
  created_at TEXT NOT NULL,
  started_at TEXT,
  finished_at TEXT
) STRICT;
CREATE INDEX runs_branch ON runs (branch_id, id);
CREATE INDEX runs_branch_head ON runs (branch_id, head, id);
CREATE INDEX runs_unfinished ON runs (branch_id, id) WHERE status IN ('queued', 'running');

-- turn: the place in the queue. A branch's lanes get consecutive turns, beginning after the latest
-- one that was served, so that branches take turns and none is overtaken for ever.
CREATE TABLE lanes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  branch_id INTEGER REFERENCES branches (id),
  head TEXT NOT NULL,
  lane TEXT NOT NULL,
  title TEXT NOT NULL,
  entrypoint TEXT NOT NULL,
  command TEXT NOT NULL,
  paths TEXT NOT NULL,
  inputs TEXT NOT NULL,
  env TEXT NOT NULL,
  concurrency_group TEXT,
  timeout_seconds REAL,
  target_key TEXT,
  turn INTEGER NOT NULL,
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  failure_kind TEXT,
  note TEXT,
  retry_count INTEGER NOT NULL DEFAULT 0,
  rerun_of INTEGER REFERENCES lanes (id),
  claim_token INTEGER NOT NULL DEFAULT 0,
  pid INTEGER,
  process_start TEXT,
  boot_id TEXT,
  isolation TEXT,
  executor_run_id TEXT,
  executor_target_id TEXT,
  created_at TEXT NOT NULL,
  started_at TEXT,
  finished_at TEXT,
  heartbeat_at TEXT,
  lease_expires_at TEXT,
  UNIQUE (run_id, lane)
) STRICT;
CREATE INDEX lanes_run ON lanes (run_id, id);
CREATE INDEX lanes_queued ON lanes (turn, id) WHERE status = 'queued';
CREATE INDEX lanes_queued_branch ON lanes (branch_id, turn) WHERE status = 'queued';
CREATE INDEX lanes_served ON lanes (turn) WHERE started_at IS NOT NULL;
CREATE INDEX lanes_running ON lanes (id) WHERE status = 'running';

CREATE TABLE journal (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('create', 'merge', 'close', 'accept', 'restore')),
  branch_id INTEGER REFERENCES branches (id),
  head TEXT,
  target_before TEXT,
  target_after TEXT,
  state TEXT NOT NULL CHECK (state IN ('intended', 'done', 'abandoned')),
  by TEXT,
  reason TEXT,
  forced INTEGER NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX journal_intended ON journal (id) WHERE state = 'intended';
CREATE INDEX journal_target ON journal (id) WHERE state = 'done' AND target_after IS NOT NULL;

-- AUTOINCREMENT: a number is never used again, also when the newest events are gone.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  branch_id INTEGER,
  run_id INTEGER,
  lane_run_id INTEGER,
  head TEXT,
  at TEXT NOT NULL
) STRICT;

CREATE TABLE keys (
  npub TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  active INTEGER NOT NULL,
  admin INTEGER NOT NULL,
  can_forge_write INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE challenges (
  hash TEXT PRIMARY KEY,
  expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX challenges_expiry ON challenges (expires_at);

CREATE TABLE tokens (
  hash TEXT PRIMARY KEY,
  npub TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_expiry ON tokens (expires_at);

CREATE TABLE tutorials (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  branch_id INTEGER NOT NULL REFERENCES branches (id),
  head TEXT NOT NULL,
  document TEXT NOT NULL,
  by TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX tutorials_branch ON tutorials (branch_id, id);

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;
