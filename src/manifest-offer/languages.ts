import { below, type Candidate, folderOf, inside, type Listing, shellWord } from "./lane.ts";

/** Lanes for what a language's own tool runs: cargo, go and pytest. */
export function languageCandidates(listing: Listing): Candidate[] {
  return [
    ...projectFolders(listing, "Cargo.toml").map((folder) => cargo(listing, folder)),
    ...projectFolders(listing, "go.mod").map(go),
    ...pytestFolders(listing).map((folder) => pytest(listing, folder)),
  ];
}

/** Folders of a file's topmost copies; what lies below one of them belongs to it. */
function projectFolders(listing: Listing, file: string): string[] {
  const folders = listing.paths
    .filter((path) => path === file || path.endsWith(`/${file}`))
    .map(folderOf)
    .filter(
      (folder) => !/(^|\/)(node_modules|vendor|third_party|testdata|fixtures)(\/|$)/.test(folder),
    );
  return topmost(folders);
}

function topmost(folders: readonly string[]): string[] {
  return folders
    .filter(
      (folder) =>
        !folders.some(
          (other) => other !== folder && (other === "" || folder.startsWith(`${other}/`)),
        ),
    )
    .sort();
}

interface LanguageLane {
  readonly tool: string;
  readonly folder: string;
  readonly command: readonly string[];
  readonly entrypoint: string;
  readonly calledAs: RegExp;
}

function testLane(lane: LanguageLane): Candidate {
  return {
    ...lane,
    task: "test",
    title: lane.folder === "" ? `${lane.tool} test` : `${lane.folder}: ${lane.tool} test`,
    paths: lane.folder === "" ? [] : [below(lane.folder)],
    body: lane.entrypoint,
  };
}

function cargo(listing: Listing, folder: string): Candidate {
  const manifest = listing.read(inside(folder, "Cargo.toml")) ?? "";
  const command = [
    "cargo",
    "test",
    ...(folder === "" ? [] : ["--manifest-path", inside(folder, "Cargo.toml")]),
    ...(/^\s*\[workspace\b/m.test(manifest) ? ["--workspace"] : []),
    ...(listing.paths.includes(inside(folder, "Cargo.lock")) ? ["--locked"] : []),
  ];
  return testLane({
    tool: "cargo",
    folder,
    command,
    entrypoint: command.map(shellWord).join(" "),
    calledAs: /\bcargo\s+(\S+\s+)*?(test|nextest)\b/,
  });
}

function go(folder: string): Candidate {
  const command = ["go", ...(folder === "" ? [] : ["-C", folder]), "test", "./..."];
  return testLane({
    tool: "go",
    folder,
    command,
    entrypoint: command.map(shellWord).join(" "),
    calledAs: /\bgo\s+(-C\s+\S+\s+)?test\b/,
  });
}

/** Folders whose own settings name pytest; a stray `conftest.py` alone says nothing. */
function pytestFolders(listing: Listing): string[] {
  const settings: readonly [string, RegExp][] = [
    ["pytest.ini", /(?:)/],
    [".pytest.ini", /(?:)/],
    ["pyproject.toml", /^\s*\[tool\.pytest\b/m],
    ["tox.ini", /^\s*\[pytest\]/m],
    ["setup.cfg", /^\s*\[tool:pytest\]/m],
  ];
  const folders = settings.flatMap(([file, says]) =>
    listing.paths
      .filter((path) => path === file || path.endsWith(`/${file}`))
      .filter((path) => says.test(listing.read(path) ?? ""))
      .map(folderOf),
  );
  return topmost([...new Set(folders)]);
}

function pytest(listing: Listing, folder: string): Candidate {
  const line = [
    ...(folder === "" ? [] : [`cd ${shellWord(folder)}`]),
    ...pytestSteps((name) => listing.paths.includes(inside(folder, name))),
  ].join(" && ");
  return testLane({
    tool: "pytest",
    folder,
    command: ["sh", "-c", line],
    entrypoint: folder === "" ? "pytest" : `pytest in ${folder}`,
    calledAs: /\b(pytest|tox|nox)\b/,
  });
}

function pytestSteps(has: (name: string) => boolean): string[] {
  if (has("uv.lock")) return ["uv run --frozen pytest"];
  if (has("poetry.lock")) return ["poetry install --no-interaction", "poetry run pytest"];
  const lists = ["requirements.txt", "requirements-dev.txt", "requirements-test.txt"].filter(has);
  const wanted = [
    ...lists.map((list) => `-r ${list}`),
    ...(has("pyproject.toml") || has("setup.py") ? ["-e ."] : []),
    "pytest",
  ];
  return [
    "python3 -m venv .venv",
    `.venv/bin/pip install --quiet ${wanted.join(" ")}`,
    ".venv/bin/python -m pytest",
  ];
}
