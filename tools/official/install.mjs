// The protocol's own checks, which only `npm run test:official` needs.
import { installLocked } from "../install-locked.mjs";

installLocked({
  folder: import.meta.dirname,
  what: "The official checks",
  size: "150 MB",
});
