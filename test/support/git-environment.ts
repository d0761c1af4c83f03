import { join } from "node:path";

/** Git apart from the machine's settings, with the commits of one person. A user's are `home`'s. */
export function gitTestEnvironment(home: string, person = "Ada"): Record<string, string> {
  const email = `${person.toLowerCase()}@example.org`;
  return {
    PATH: process.env.PATH ?? "",
    HOME: home,
    GIT_CONFIG_SYSTEM: join(import.meta.dirname, "gitconfig"),
    GIT_CONFIG_GLOBAL: join(home, "gitconfig"),
    GIT_AUTHOR_NAME: person,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: person,
    GIT_COMMITTER_EMAIL: email,
  };
}
