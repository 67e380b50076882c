// A part of a page that shows what is so now: asked for again every few seconds while somebody looks at it.
"use strict";

const live = document.querySelector("[data-refreshes]");

async function refresh() {
  if (document.hidden || live.contains(document.activeElement)) return;
  const answer = await fetch(location.pathname, { redirect: "error" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById(live.id);
  if (now) live.replaceChildren(...now.childNodes);
}

// While the gate is away nothing is shown that it did not say; the next turn tries again.
if (live) setInterval(() => refresh().catch(() => {}), Number(live.dataset.refreshes) * 1000);
