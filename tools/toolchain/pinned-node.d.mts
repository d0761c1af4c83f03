/** The oldest Node this kit runs on, such as `22.13`. */
export const neededNode: string;
export function isNodeNewEnough(version: string): boolean;
export function findPinnedNode(root: string): string | undefined;
