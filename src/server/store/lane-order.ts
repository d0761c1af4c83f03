/** How many turns a head that the target has left behind lets the others go first. */
export const turnsGivenWay = 8;

/** The target as the forge set it last. */
export const lastTarget = `SELECT target_after FROM journal
  WHERE state = 'done' AND target_after IS NOT NULL ORDER BY id DESC LIMIT 1`;

/**
 * A head without the target's tip cannot land as it is, so the lanes of those that can go first:
 * else many who land at once would each test, again and again, what is refused then. The turns
 * given way are few, so that nobody waits for ever for what CI says of an older head.
 */
export const queueOrder = `turn + CASE
    WHEN onto = 'nightly' OR onto = ifnull((${lastTarget}), '') THEN 0
    ELSE ${turnsGivenWay} END, id`;

/** What a lane's head is based on, told from its run and its branch. */
export const ontoOf = (subject: string, branchId: string): string => `CASE
  WHEN ${subject} = 'nightly' THEN 'nightly'
  ELSE ifnull((SELECT merge_base FROM branches WHERE branches.id = ${branchId}), '') END`;

/**
 * A lane that was lost and waits for nothing but a slot goes on to say that it was lost; every view
 * of the queue says besides what it waits for.
 */
export const mayBeTold =
  "NOT (reason = 'stale_recovered' AND :reason IN ('queued', 'waiting_for_capacity'))";

interface Ranked {
  readonly rank: number;
  readonly id: number;
}

/** The queue's order, for lanes that were read one by one. */
export function isBefore(one: Ranked, other: Ranked): boolean {
  return one.rank < other.rank || (one.rank === other.rank && one.id < other.id);
}
