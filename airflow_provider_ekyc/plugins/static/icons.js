// Small drawings beside words, never instead of them: hidden from screen readers.

import { h } from "./react.js";

// One path each: a hundred rows have three hundred of them.
const PATHS = {
  check: "M3 8.5 6.5 12 13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 5v3.2l2 1.3",
  dots: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  play: "M5 3.5v9l7-4.5z",
  retry: "M13 4v3h-3M12.6 7A5 5 0 1 0 13 9.5",
  alert: "M8 2.5 14.5 13.5H1.5zM8 6.5v3M8 11.6h.01",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  external: "M9 3h4v4M13 3 7.5 8.5M11 9v4H3V5h4",
  pause: "M5.5 3.5v9M10.5 3.5v9",
};

/** One drawing of the text's size and colour. */
export function Icon({ name }) {
  return h(
    "svg",
    { className: "ekyc-icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    h("path", { d: PATHS[name] }),
  );
}
