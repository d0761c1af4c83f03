export const migration = `
-- Which value of the target a waiting lane's head is based on: '' for none, 'nightly' for a nightly.
ALTER TABLE lanes ADD COLUMN onto TEXT NOT NULL DEFAULT '';
UPDATE lanes SET onto = CASE
  WHEN (SELECT subject FROM runs WHERE runs.id = lanes.run_id) = 'nightly' THEN 'nightly'
  ELSE ifnull((SELECT merge_base FROM branches WHERE branches.id = lanes.branch_id), '') END;

-- Lanes of one pool may all run or all not: nightly or not, concurrency group, CI target. The
-- scheduler looks at the first of each pool and never walks through the lanes behind it.
ALTER TABLE lanes ADD COLUMN pool TEXT GENERATED ALWAYS AS (
  (onto = 'nightly') || char(31) || ifnull(concurrency_group, '') || char(31)
  || ifnull(target_key, '')) VIRTUAL;
CREATE INDEX lanes_pool ON lanes (pool, turn, id) WHERE status = 'queued';
CREATE INDEX lanes_pool_onto ON lanes (pool, onto, turn, id) WHERE status = 'queued';
CREATE INDEX lanes_pool_reason ON lanes (pool, reason) WHERE status = 'queued';

-- CI targets whose latest lanes failed for want of the target; one that does well has no row.
CREATE TABLE target_health (
  target TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  since TEXT NOT NULL,
  why TEXT NOT NULL,
  opened_at TEXT,
  backoff_ms INTEGER NOT NULL,
  trial_lane INTEGER,
  trial_token INTEGER
) STRICT, WITHOUT ROWID;
`;
