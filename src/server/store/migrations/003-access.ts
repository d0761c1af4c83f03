export const migration = `
ALTER TABLE keys ADD COLUMN kind TEXT NOT NULL DEFAULT 'member'
  CHECK (kind IN ('owner', 'agent', 'member'));
ALTER TABLE keys ADD COLUMN note TEXT;
ALTER TABLE keys ADD COLUMN approved_by TEXT;
ALTER TABLE keys ADD COLUMN updated_by TEXT;
ALTER TABLE keys ADD COLUMN created_at TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN updated_at TEXT NOT NULL DEFAULT '';
UPDATE keys SET kind = CASE admin WHEN 1 THEN 'owner' ELSE 'agent' END,
  created_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
  updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now');

-- Tokens live 90 days, so those that were there say when they were made.
ALTER TABLE tokens ADD COLUMN created_at TEXT;
ALTER TABLE tokens ADD COLUMN last_used_at TEXT;
UPDATE tokens SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', expires_at, '-90 days');
CREATE INDEX tokens_npub ON tokens (npub);

-- Who did what. Only ever added to; names are those that the keys had then.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  npub TEXT,
  name TEXT,
  action TEXT NOT NULL,
  branch_id INTEGER,
  run_id INTEGER,
  lane_run_id INTEGER,
  head TEXT,
  subject TEXT,
  result TEXT NOT NULL CHECK (result IN ('ok', 'refused')),
  detail TEXT
) STRICT;
CREATE INDEX audit_branch ON audit (branch_id, id);
CREATE INDEX audit_npub ON audit (npub, id);
CREATE INDEX audit_action ON audit (action, id);

-- One row per reader and branch. version: the tutorial that it is about; reviewed: the one that
-- the reader has seen; created_at: when it came first; updated_at: when the present version came.
CREATE TABLE inbox (
  npub TEXT NOT NULL,
  branch_id INTEGER NOT NULL REFERENCES branches (id),
  version INTEGER NOT NULL,
  reviewed INTEGER,
  reviewed_at TEXT,
  dismissed INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (npub, branch_id)
) STRICT, WITHOUT ROWID;
`;
