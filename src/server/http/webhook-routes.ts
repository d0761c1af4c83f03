import { createHmac, timingSafeEqual } from "node:crypto";
import type { OwnerSettings } from "../config.ts";
import { readBytes } from "./extract.ts";
import { HttpFault } from "./fault.ts";
import type { Handlers } from "./handler.ts";

const header = "x-pika-signature-256";
const scheme = "sha256=";

/**
 * Tells the forge that refs may have changed. The body is checked, and then only asked whether it
 * names a branch, which the mirror is to get: the refs themselves are read, so a replayed call does
 * no more than a look.
 */
export const webhookHandlers: Pick<Handlers, "webhook"> = {
  async webhook({ c, parts }) {
    const secret = secretOf(parts.config.settings());
    if (secret === undefined) throw new HttpFault(404, "webhook not configured");
    const signature = c.req.header(header);
    if (signature === undefined) throw new HttpFault(401, "missing signature");
    const body = await readBytes(c.req);
    if (!isSignedBy(secret, body, signature)) throw new HttpFault(401, "invalid signature");
    if (namesBranch(body)) parts.mirror?.request();
    parts.repository.ingest().catch((error: unknown) => {
      parts.log.error({ err: error }, "the refs could not be read");
    });
    return { status: "ok" };
  },
};

/** Whether a line of `old new ref`, as git's hooks get them, is about a branch. */
function namesBranch(body: Buffer): boolean {
  const refs = body
    .toString("utf8")
    .split("\n")
    .map((line) => line.split(" ")[2]);
  return refs.some((ref) => ref?.startsWith("refs/heads/") === true);
}

/** A blank secret is none. */
function secretOf({ webhookSecret }: OwnerSettings): string | undefined {
  return webhookSecret == null || webhookSecret.trim() === "" ? undefined : webhookSecret;
}

/** Takes the same time however much of the signature is right. */
function isSignedBy(secret: string, body: Uint8Array, signature: string): boolean {
  if (!signature.startsWith(scheme)) return false;
  const hex = signature.slice(scheme.length);
  if (!/^[0-9a-f]{64}$/i.test(hex)) return false;
  const right = createHmac("sha256", secret).update(body).digest();
  return timingSafeEqual(Buffer.from(hex, "hex"), right);
}
