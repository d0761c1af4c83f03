export const migration = `
-- The UTC day whose nightly it is, for those of the schedule; null for those that were asked for.
-- Unique whatever time of the day the schedule names, and however often that is changed.
ALTER TABLE nightlies ADD COLUMN day TEXT;

CREATE UNIQUE INDEX nightlies_day ON nightlies (day) WHERE day IS NOT NULL;
`;
