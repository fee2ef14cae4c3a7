// Loaded before the page is drawn, so that a chosen theme does not flash.
"use strict";
document.documentElement.classList.add("scripted");
try {
  const theme = localStorage.getItem("rowcrew-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's choice holds then.
}
