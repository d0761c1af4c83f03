/** Of a file's status what says who may read it. */
interface FileStatus {
  readonly mode: number;
  readonly uid: number;
}

/**
 * Whether nobody else can read or change a file. Root's own files may be readable to a group, as
 * those that systemd's LoadCredential gives to a service by an access list: root chose who.
 * `self`: the number of the user that is to read it. Pure.
 */
export function isPrivate({ mode, uid }: FileStatus, self: number | undefined): boolean {
  const others = uid === 0 && self !== 0 ? 0o037 : 0o077;
  return (mode & others) === 0;
}
