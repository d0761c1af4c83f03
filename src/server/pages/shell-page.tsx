import { layout } from "./layout.tsx";

/** What belongs to a key, which no page here has: where it is found instead. */
interface Shell {
  readonly title: string;
  readonly words: string;
  readonly commands: readonly string[];
}

export const inboxShell: Shell = {
  title: "Inbox",
  words: "An inbox belongs to a key. It is read with a login, below api/inbox.",
  commands: [],
};

export const adminShell: Shell = {
  title: "Admin",
  words: "Members, logins and the record of who did what are the owner's, at a terminal:",
  commands: ["land members", "land tokens", "land audit"],
};

export function shellPage({ title, words, commands }: Shell, prefix: string) {
  return layout({
    title,
    prefix,
    children: (
      <>
        <h1>{title}</h1>
        <p>{words}</p>
        <ul>
          {commands.map((command) => (
            <li>
              <code>{command}</code>
            </li>
          ))}
        </ul>
      </>
    ),
  });
}
