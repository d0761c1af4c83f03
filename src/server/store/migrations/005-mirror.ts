export const migration = `
-- One row per attempt to push to the mirror. lagging_refs: a JSON list of names, the first few.
CREATE TABLE mirror_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  remote TEXT NOT NULL,
  trigger_source TEXT NOT NULL CHECK (trigger_source IN ('background', 'post-mutation', 'manual')),
  status TEXT NOT NULL CHECK (status IN ('success', 'failed')),
  failure_kind TEXT,
  local_target TEXT,
  remote_target TEXT,
  lagging INTEGER,
  synced INTEGER,
  lagging_refs TEXT NOT NULL,
  error TEXT,
  started_at TEXT NOT NULL,
  finished_at TEXT NOT NULL
) STRICT;

-- What each ref was when forge and mirror were last seen to agree on it. Leases rest on it.
CREATE TABLE mirror_refs (
  remote TEXT NOT NULL,
  ref TEXT NOT NULL,
  sha TEXT NOT NULL,
  PRIMARY KEY (remote, ref)
) STRICT, WITHOUT ROWID;

-- At most one row: the attempt under way.
CREATE TABLE mirror_lock (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  token TEXT NOT NULL,
  pid INTEGER NOT NULL,
  trigger_source TEXT NOT NULL,
  started_at TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT;

-- The journal learns the kind import; a CHECK cannot be changed in place.
CREATE TABLE journal_next (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('create', 'merge', 'close', 'accept', 'restore', 'import')),
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
INSERT INTO journal_next SELECT id, kind, branch_id, head, target_before, target_after, state, by,
  reason, forced, at FROM journal;
DROP TABLE journal;
ALTER TABLE journal_next RENAME TO journal;
CREATE INDEX journal_intended ON journal (id) WHERE state = 'intended';
CREATE INDEX journal_target ON journal (id) WHERE state = 'done' AND target_after IS NOT NULL;
`;
