// What every page does a little better with a script; each works without.
"use strict";

// A refusal is what a reader must hear of first.
document.querySelector("[data-focus]")?.focus();

// How long ago, or in how long; the exact moment stays in the title.
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
for (const element of document.querySelectorAll("time[datetime]")) {
  const seconds = (Date.parse(element.dateTime) - Date.now()) / 1000;
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["minute", 60];
  element.title = element.textContent;
  element.textContent = words.format(Math.round(seconds / length), unit);
}

for (const button of document.querySelectorAll("button[data-copies]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    button.textContent = "Copied";
  });
}

// Reports and curves have no preview: an empty place, and no broken picture.
for (const picture of document.querySelectorAll("img.thumb")) {
  const leaveEmpty = () => {
    const place = document.createElement("span");
    place.className = picture.className;
    picture.replaceWith(place);
  };
  picture.addEventListener("error", leaveEmpty);
  if (picture.complete && picture.naturalWidth === 0) leaveEmpty();
}
