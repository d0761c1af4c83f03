/**
 * Follows the streams that a page names: `data-live` is the stream's path, and each event replaces
 * the block's content, which the forge has escaped. A block that is no longer active is left alone
 * until the page is looked at again, since a new run may have begun by then.
 */
export const liveScript = `"use strict";
for (const block of document.querySelectorAll("[data-live]")) {
  const active = '[data-branch-ci-active="true"],[data-nightly-active="true"]';
  let source;
  const close = () => {
    if (source) source.close();
    source = undefined;
  };
  const show = (html) => {
    const chosen = new Map();
    for (const part of block.querySelectorAll("details[id]")) chosen.set(part.id, part.open);
    block.innerHTML = html;
    for (const part of block.querySelectorAll("details[id]")) {
      if (chosen.has(part.id)) part.open = chosen.get(part.id);
    }
  };
  const follow = () => {
    if (source) return;
    source = new EventSource(block.dataset.live);
    source.addEventListener("ci-update", (event) => {
      show(JSON.parse(event.data).html);
      if (!block.querySelector(active)) close();
    });
    source.onerror = () => {
      if (source && source.readyState === EventSource.CLOSED) close();
    };
  };
  follow();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") follow();
  });
}
`;
