import { nightlyBlock } from "./ci-block.tsx";
import { layout } from "./layout.tsx";
import { facts } from "./runs.tsx";
import type { NightlyPageView } from "./view.ts";

/** One nightly run with its lanes. */
export function nightlyPage(view: NightlyPageView, prefix: string) {
  const { nightly } = view;
  const path = `${prefix}/nightly/${nightly.nightly_run_id}`;
  const original = nightly.rerun_of_run_id;
  return layout({
    title: `Nightly #${nightly.nightly_run_id}`,
    prefix,
    live: true,
    children: (
      <>
        <h1>Nightly #{nightly.nightly_run_id}</h1>
        <dl>
          {facts([
            ["repository", nightly.repo],
            ["scheduled", nightly.scheduled_for],
            ["created", nightly.created_at],
            ["source", nightly.source_ref],
            ["head", nightly.source_head_sha],
            ["started", nightly.started_at],
            ["finished", nightly.finished_at],
          ])}
        </dl>
        {original == null ? null : (
          <p>
            Rerun of <a href={`${prefix}/nightly/${original}`}>nightly #{original}</a>.
          </p>
        )}
        <h2>Lanes</h2>
        <div data-live={`${path}/stream`}>{nightlyBlock(view)}</div>
      </>
    ),
  });
}
