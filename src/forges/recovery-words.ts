/** ` already` where the forge says that nothing had to be done for it now. */
export function already(answer: { already?: boolean | undefined }): string {
  return answer.already === true ? " already" : "";
}

/** What became of a run that was to be cancelled. */
export function cancelledWords(answer: { cancelled_lane_count: number }, whose: string): string {
  const count = answer.cancelled_lane_count;
  if (count === 0) return `No lane of ${whose} waits or runs; all had ended already.`;
  return `${count} lanes of ${whose} were cancelled.`;
}
