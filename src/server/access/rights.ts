import type { MeAnswer } from "../../contract/auth.ts";
import type { KeyRecord } from "../store/records.ts";

/** What a key may do now. An inactive or unknown key may do nothing at all. */
export interface Rights {
  readonly admin: boolean;
  readonly write: boolean;
  readonly read: boolean;
}

/** Who asks, with the rights that the key has at this moment. */
export interface Caller {
  readonly npub: string;
  readonly rights: Rights;
  readonly tokenHash: string;
}

export function rightsOf(key: KeyRecord | undefined): Rights {
  if (key === undefined || !key.active) return { admin: false, write: false, read: false };
  return { admin: key.admin, write: key.admin || key.canForgeWrite, read: true };
}

/** The reference's names for the same rights. */
export function rightsOnWire(npub: string, rights: Rights): MeAnswer {
  return {
    npub,
    is_admin: rights.admin,
    can_chat: rights.read,
    can_forge_write: rights.write,
  };
}
