export const migration = `
-- What the forge set out to push to the mirror and may have pushed, also where it was cut off
-- before it saw the end. Such a value there is the forge's own, and may be rewritten.
CREATE TABLE mirror_tried (
  remote TEXT NOT NULL,
  ref TEXT NOT NULL,
  sha TEXT NOT NULL,
  PRIMARY KEY (remote, ref, sha)
) STRICT, WITHOUT ROWID;
`;
