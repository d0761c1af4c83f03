export const migration = `
-- A nightly is a run of the subject nightly; this is what only such a run has.
CREATE TABLE nightlies (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id),
  scheduled_for TEXT NOT NULL UNIQUE,
  source_ref TEXT NOT NULL,
  summary TEXT
) STRICT;

CREATE INDEX lanes_executor ON lanes (executor_run_id, id) WHERE executor_run_id IS NOT NULL;
`;
