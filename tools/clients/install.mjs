// The real coding agents, which only `npm run test:clients` needs. Each is optional: a machine that
// one of them does not run on tests the others.
import { installLocked } from "../install-locked.mjs";

installLocked({
  folder: import.meta.dirname,
  what: "The coding agents",
  size: "1.3 GB",
});
