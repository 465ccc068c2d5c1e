// The style of the page. Colours of text, borders and backgrounds are those of Airflow's own pages, which a deployment
// may have changed and which follow its dark mode; where a colour carries white or small text it is fixed here, so that
// its contrast is known to be 4.5 to 1 at least.

import { PARTS } from "./style_parts.js";

const TOKENS = `
.ekyc-page {
  --ekyc-bg: var(--chakra-colors-bg, #fff);
  --ekyc-bg-muted: var(--chakra-colors-bg-muted, #edf0f5);
  --ekyc-bg-strong: var(--chakra-colors-bg-emphasized, #dfe4eb);
  --ekyc-fg: var(--chakra-colors-fg, #171e2e);
  --ekyc-fg-muted: var(--chakra-colors-fg-muted, #3d5573);
  --ekyc-border: var(--chakra-colors-border, #dfe4eb);
  --ekyc-border-strong: #76859b;
  --ekyc-link: var(--chakra-colors-fg-info, #155dfc);
  --ekyc-brand: var(--chakra-colors-brand-solid, #3d5a8a);
  --ekyc-brand-fg: var(--chakra-colors-brand-fg, #1e3358);
  --ekyc-focus: var(--chakra-colors-brand-focus-ring, #1e3358);
  --ekyc-error: #b3000e;
  --ekyc-error-bg: #fdf1f1;
  --ekyc-warning-bg: #fff7e8;
  --ekyc-warning: #8f4700;
  --ekyc-info-bg: var(--chakra-colors-bg-muted, #edf0f5);
  --ekyc-done: #00701c;
  --ekyc-done-bg: #eefaf0;
  --ekyc-yes: #1f8a4c;
  --ekyc-no: #5b7aa8;
  --ekyc-unknown: #c77700;
  --ekyc-not-processed: #c0392b;
  --ekyc-rest: #aab6c6;
  color-scheme: light;
}
.dark .ekyc-page {
  --ekyc-bg: var(--chakra-colors-bg, #171e2e);
  --ekyc-bg-muted: var(--chakra-colors-bg-muted, #07131f);
  --ekyc-bg-strong: var(--chakra-colors-bg-emphasized, #1d2c3c);
  --ekyc-fg: var(--chakra-colors-fg, #f7fafc);
  --ekyc-fg-muted: var(--chakra-colors-fg-muted, #a2b0c1);
  --ekyc-border: var(--chakra-colors-border, #1d2c3c);
  --ekyc-border-strong: #7a8ba1;
  --ekyc-link: var(--chakra-colors-fg-info, #8ec5ff);
  --ekyc-brand-fg: var(--chakra-colors-brand-fg, #dbe6f5);
  --ekyc-focus: var(--chakra-colors-brand-focus-ring, #dbe6f5);
  --ekyc-error: #ff9a9a;
  --ekyc-error-bg: #3a1518;
  --ekyc-warning: #ffcf8a;
  --ekyc-warning-bg: #382509;
  --ekyc-done: #8fe3a6;
  --ekyc-done-bg: #10311b;
  --ekyc-yes: #4cc27c;
  --ekyc-no: #8fa9cf;
  --ekyc-unknown: #f0ab3c;
  --ekyc-not-processed: #f0776a;
  --ekyc-rest: #5d6b7e;
  color-scheme: dark;
}
`;

const PAGE = `
.ekyc-page { color: var(--ekyc-fg); font-size: 14px; line-height: 20px; padding: 8px 0 32px; container: ekyc / inline-size; overflow-anchor: none; }
.ekyc-page *, .ekyc-page *::before { box-sizing: border-box; }
.ekyc-page h1 { font-size: 20px; line-height: 28px; font-weight: 700; }
.ekyc-page h2 { font-size: 16px; line-height: 24px; font-weight: 700; margin: 24px 0 8px; scroll-margin-top: 8px; display: flex; align-items: center; gap: 8px; }
.ekyc-page h2:focus { outline: none; }
.ekyc-page p { margin: 4px 0; }
.ekyc-page :is(a, button, input, select, summary, [tabindex]):focus-visible { outline: 2px solid var(--ekyc-focus); outline-offset: 1px; }
.ekyc-hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.ekyc-head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 16px; min-height: 36px; }
.ekyc-fresh { margin-inline-start: auto; }
.ekyc-dag select { max-width: min(320px, 60cqi); }
.ekyc-row { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.ekyc-second { color: var(--ekyc-fg-muted); font-size: 12px; line-height: 16px; }
.ekyc-block { display: block; }
.ekyc-link, .ekyc-badge-link, .ekyc-none, .ekyc-cut { position: relative; }
.ekyc-strong { font-weight: 700; }
.ekyc-none { color: var(--ekyc-fg-muted); }
.ekyc-wrong { color: var(--ekyc-error); font-size: 12px; line-height: 16px; }
.ekyc-mono { font-family: var(--chakra-fonts-mono, ui-monospace, monospace); font-size: 12.5px; }
.ekyc-time { font-variant-numeric: tabular-nums; white-space: nowrap; }
.ekyc-link { color: var(--ekyc-link); overflow-wrap: anywhere; }
.ekyc-link:hover { text-decoration: underline; }
.ekyc-icon { width: 1em; height: 1em; flex: none; fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; vertical-align: -0.125em; display: inline-block; }
.ekyc-link .ekyc-icon { margin-inline-start: 3px; font-size: 12px; }
.ekyc-count { font-size: 12px; line-height: 18px; font-weight: 500; color: var(--ekyc-fg-muted); background: var(--ekyc-bg-muted); border: 1px solid var(--ekyc-border); border-radius: 9px; padding: 0 8px; }
.ekyc-count-alert { color: #fff; background: #c9000c; border-color: #c9000c; }
.ekyc-loading { animation: ekyc-appear 0s 400ms both; }
@keyframes ekyc-appear { from { visibility: hidden; } to { visibility: visible; } }

.ekyc-badge { display: inline-flex; align-items: center; gap: 4px; min-height: 22px; padding: 1px 8px; border-radius: 11px; font-size: 13px; line-height: 18px; white-space: nowrap; color: #fff; }
.ekyc-badge .ekyc-icon { font-size: 13px; }
.ekyc-badge-success { background: #007800; }
.ekyc-badge-failed { background: #d8000b; }
.ekyc-badge-waiting { background: #8a2be2; }
.ekyc-badge-running { background: #00728f; }
.ekyc-badge-retry { background: #9a5b00; }
.ekyc-badge-idle { background: #57534d; }
.ekyc-badge-link { border-radius: 11px; display: inline-block; }
.ekyc-badge-link:hover .ekyc-badge { text-decoration: underline; }

.ekyc-button { display: inline-flex; align-items: center; justify-content: center; gap: 6px; min-height: 32px; padding: 0 12px; border-radius: 4px; border: 1px solid var(--ekyc-border); background: transparent; color: var(--ekyc-brand-fg); font: inherit; font-weight: 500; cursor: pointer; }
.ekyc-button:hover { background: var(--ekyc-bg-muted); }
.ekyc-button:disabled { opacity: 0.55; cursor: default; }
.ekyc-button-main { background: var(--ekyc-brand); border-color: var(--ekyc-brand); color: #fff; }
.ekyc-button-main:hover { background: var(--ekyc-brand); filter: brightness(1.1); }
.ekyc-button-danger { background: #c9000c; border-color: #c9000c; color: #fff; }
.ekyc-button-danger:hover { background: #a8000a; }
.ekyc-button-link { border: 0; padding: 0; min-height: 0; color: var(--ekyc-link); font-weight: 400; border-radius: 2px; }
.ekyc-button-link:hover { background: transparent; text-decoration: underline; }
.ekyc-copy { display: inline-flex; flex: none; align-items: center; justify-content: center; width: 24px; height: 24px; border: 0; border-radius: 4px; background: transparent; color: var(--ekyc-fg-muted); cursor: pointer; position: relative; }
.ekyc-copy:hover { background: var(--ekyc-bg-strong); color: var(--ekyc-fg); }
.ekyc-copy[data-said]::after { content: attr(data-said); position: absolute; inset-inline-end: 0; bottom: 100%; background: var(--ekyc-fg); color: var(--ekyc-bg); border-radius: 4px; padding: 2px 6px; font-size: 12px; white-space: nowrap; z-index: 2; }
.ekyc-copyable { display: inline-flex; align-items: center; max-width: 100%; min-width: 0; }
.ekyc-cut .ekyc-link:focus-visible { outline-offset: -2px; }
.ekyc-cut { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.ekyc-input { min-height: 32px; padding: 0 8px; border: 1px solid var(--ekyc-border-strong); border-radius: 4px; background: var(--ekyc-bg); color: var(--ekyc-fg); font: inherit; max-width: 100%; }
.ekyc-input.ekyc-mono { font-family: var(--chakra-fonts-mono, ui-monospace, monospace); }
.ekyc-input[aria-invalid="true"] { border-color: var(--ekyc-error); }

.ekyc-notice { display: flex; gap: 8px; align-items: flex-start; border-radius: 6px; padding: 8px 12px; margin: 8px 0; background: var(--ekyc-info-bg); overflow-wrap: anywhere; }
.ekyc-notice > .ekyc-icon { margin-top: 2px; font-size: 16px; }
.ekyc-notice-error { background: var(--ekyc-error-bg); color: var(--ekyc-error); }
.ekyc-notice-warning { background: var(--ekyc-warning-bg); color: var(--ekyc-warning); }
.ekyc-notice-done { background: var(--ekyc-done-bg); color: var(--ekyc-done); }
.ekyc-foot { margin-top: 24px; }
`;

const MOTION = `
@media (prefers-reduced-motion: no-preference) {
  .ekyc-progress progress::-webkit-progress-value { transition: width 400ms; }
  .ekyc-button, .ekyc-copy { transition: background-color 120ms; }
}
@media (forced-colors: active) {
  .ekyc-badge, .ekyc-count { border: 1px solid; }
  .ekyc-chart rect { forced-color-adjust: none; }
}
`;

/** Add the style to the document, once. A constructed sheet needs no permission of a content security policy. */
export function addStyle() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(TOKENS + PAGE + PARTS + MOTION);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
