export const migration = `
-- How long a lane usually takes is told from its newest successes.
CREATE INDEX lanes_history ON lanes (lane, id, started_at, finished_at) WHERE status = 'success';

-- Whether something is run again already is looked up before it is run again.
CREATE INDEX lanes_rerun ON lanes (rerun_of) WHERE rerun_of IS NOT NULL;
CREATE INDEX runs_rerun ON runs (rerun_of) WHERE rerun_of IS NOT NULL;
`;
