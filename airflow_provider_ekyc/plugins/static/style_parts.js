// The style of cards, tables, chart and filters. Below 1000 pixels of the page's own width (a run's tab has less than the
// window) a table's rows are blocks.

export const PARTS = `
.ekyc-cards { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; }
.ekyc-card { border: 1px solid var(--ekyc-border); border-inline-start: 4px solid #d8000b; border-radius: 6px; padding: 10px 12px; }
.ekyc-card-not_landed { border-inline-start-color: #9a5b00; }
.ekyc-card-head { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; margin-bottom: 4px; }
.ekyc-facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(232px, 1fr)); gap: 8px 16px; margin: 8px 0; }
.ekyc-fact { min-width: 0; }
.ekyc-fact-wide { grid-column: span 2; }
.ekyc-fact dt, .ekyc-figure dt { color: var(--ekyc-fg-muted); font-size: 12px; line-height: 16px; font-weight: 700; }
.ekyc-fact dd, .ekyc-figure dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.ekyc-message { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 180px; overflow: auto; background: var(--ekyc-bg-muted); border-radius: 4px; padding: 8px; }
.ekyc-details { margin: 6px 0; }
.ekyc-details > summary { cursor: pointer; color: var(--ekyc-fg-muted); font-size: 12px; width: fit-content; border-radius: 2px; }
.ekyc-ways { margin-top: 8px; }
.ekyc-panel { margin-top: 8px; padding: 10px 12px; border-radius: 6px; background: var(--ekyc-bg-muted); max-width: 760px; }
.ekyc-panel:focus { outline: none; }
.ekyc-panel label { display: block; font-weight: 500; margin-bottom: 4px; }
.ekyc-panel .ekyc-input { flex: 1 1 240px; }
.ekyc-panel .ekyc-notice { padding: 0; background: transparent; margin: 0 0 8px; }
.ekyc-question:focus { outline: none; }

.ekyc-table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.ekyc-table th, .ekyc-table td, .ekyc-days th, .ekyc-days td { padding: 6px 8px; text-align: start; vertical-align: middle; border-bottom: 1px solid var(--ekyc-border); font-weight: 400; }
.ekyc-table thead th, .ekyc-days thead th { font-weight: 500; padding-block: 8px; vertical-align: bottom; }
.ekyc-table thead th { position: sticky; top: 0; background: var(--ekyc-bg); z-index: 1; box-shadow: inset 0 -1px var(--ekyc-border); border-bottom: 0; }
.ekyc-table tbody tr:nth-of-type(odd) { background: var(--ekyc-bg-muted); }
.ekyc-table .ekyc-number, .ekyc-days .ekyc-number { text-align: end; white-space: nowrap; }
.ekyc-table thead .ekyc-number, .ekyc-number .ekyc-second { white-space: normal; }
.ekyc-long { content-visibility: auto; contain-intrinsic-height: auto 5200px; }
.ekyc-time-lines > span { display: block; }
.ekyc-run { display: inline-flex; flex-direction: column; align-items: flex-start; min-width: 210px; }
.ekyc-run .ekyc-link { overflow-wrap: anywhere; }
.ekyc-note { overflow-wrap: anywhere; min-width: 15ch; max-width: 26ch; display: block; }
.ekyc-table .ekyc-cut { max-width: 15ch; }
.ekyc-whole { white-space: nowrap; }
.ekyc-busy { opacity: 0.6; }
.ekyc-pager { margin-top: 8px; }
.ekyc-named, .ekyc-table tbody tr.ekyc-named { box-shadow: inset 0 0 0 2px var(--ekyc-focus); }

.ekyc-progress { display: flex; flex-direction: column; gap: 2px; min-width: 160px; }
.ekyc-progress progress { appearance: none; width: 100%; height: 8px; border: 0; border-radius: 4px; overflow: hidden; background: var(--ekyc-bg-strong); color: #8a2be2; }
.ekyc-progress progress::-webkit-progress-bar { background: var(--ekyc-bg-strong); }
.ekyc-progress progress::-webkit-progress-value { background: #8a2be2; border-radius: 4px; }
.ekyc-progress progress::-moz-progress-bar { background: #8a2be2; border-radius: 4px; }
.dark .ekyc-progress progress::-webkit-progress-value { background: #b57bf5; }
.dark .ekyc-progress progress::-moz-progress-bar { background: #b57bf5; }

.ekyc-filters { display: flex; flex-wrap: wrap; align-items: flex-end; gap: 8px 12px; margin: 8px 0 12px; }
.ekyc-field { display: flex; flex-direction: column; gap: 2px; min-width: 0; }
.ekyc-field label { font-size: 12px; line-height: 16px; color: var(--ekyc-fg-muted); }
.ekyc-field select { max-width: 320px; }

.ekyc-totals { display: grid; grid-template-columns: minmax(0, auto) minmax(280px, 680px); gap: 4px 32px; align-items: start; justify-content: space-between; margin-bottom: 12px; }
.ekyc-totals > :nth-child(n + 3) { grid-column: 1 / -1; }
.ekyc-figures { display: flex; flex-wrap: wrap; gap: 8px 24px; margin: 0; }
.ekyc-figure dd { font-size: 18px; line-height: 24px; }
.ekyc-chart { margin: 0; position: relative; }
.ekyc-chart > svg { display: block; width: 100%; height: 72px; border-bottom: 1px solid var(--ekyc-border-strong); }
.ekyc-chart-top { font-size: 12px; line-height: 16px; color: var(--ekyc-fg-muted); display: block; text-align: end; }
.ekyc-chart figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 12px; font-size: 12px; line-height: 18px; color: var(--ekyc-fg-muted); font-variant-numeric: tabular-nums; }
.ekyc-legend { display: inline-flex; flex-wrap: wrap; gap: 0 12px; }
.ekyc-legend > span { display: inline-flex; align-items: center; gap: 4px; }
.ekyc-legend svg { width: 10px; height: 10px; }
.ekyc-bar { cursor: pointer; }
.ekyc-bar-back { fill: transparent; }
.ekyc-bar:hover .ekyc-bar-back { fill: var(--ekyc-bg-strong); }
.ekyc-part-yes { fill: var(--ekyc-yes); }
.ekyc-part-no { fill: var(--ekyc-no); }
.ekyc-part-unknown { fill: var(--ekyc-unknown); }
.ekyc-part-not_processed { fill: var(--ekyc-not-processed); }
.ekyc-part-rest { fill: var(--ekyc-rest); }
.ekyc-scroll { overflow-x: auto; max-height: 360px; }
.ekyc-days { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }

.ekyc-empty { max-width: 860px; margin: 16px 0; }
.ekyc-empty ol { padding-inline-start: 24px; margin: 12px 0; display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px; list-style: decimal; }
.ekyc-code { background: var(--ekyc-bg-muted); border-radius: 6px; padding: 10px 12px; overflow-x: auto; font-family: var(--chakra-fonts-mono, ui-monospace, monospace); font-size: 12.5px; line-height: 18px; margin: 6px 0; white-space: pre; }

@container ekyc (min-width: 1500px) {
  .ekyc-table .ekyc-cut { max-width: 26ch; }
}
@container ekyc (max-width: 1250px) {
  .ekyc-table { font-size: 13px; }
  .ekyc-table th, .ekyc-table td { padding-inline: 4px; }
  .ekyc-table .ekyc-cut { max-width: 9ch; }
  .ekyc-table .ekyc-soon > span { display: block; }
  .ekyc-run { min-width: 150px; }
  .ekyc-progress { min-width: 120px; }
  .ekyc-wrap { overflow-x: auto; }
}
@container ekyc (max-width: 1000px) {
  .ekyc-table { font-size: 14px; }
  .ekyc-totals { grid-template-columns: minmax(0, 1fr); }
  .ekyc-wrap { overflow-x: visible; }
  .ekyc-run { min-width: 0; }
  .ekyc-table, .ekyc-table tbody { display: block; }
  .ekyc-table thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .ekyc-table tbody tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: 6px 12px; padding: 10px 12px; border: 1px solid var(--ekyc-border); border-radius: 6px; margin-bottom: 8px; }
  .ekyc-table tbody th, .ekyc-table tbody td { border: 0; padding: 0; min-width: 0; }
  .ekyc-table tbody :is(th, td)::before { content: attr(data-label); display: block; color: var(--ekyc-fg-muted); font-size: 12px; line-height: 16px; }
  .ekyc-table .ekyc-wide { grid-column: span 2; }
  .ekyc-progress { min-width: 0; padding-top: 4px; }
  .ekyc-table .ekyc-number { text-align: start; }
  .ekyc-time { white-space: normal; }
  .ekyc-table .ekyc-cut { max-width: 100%; }
  .ekyc-time-lines > span { display: inline; }
  .ekyc-facts { grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); }
  .ekyc-fact-wide { grid-column: 1 / -1; }
  .ekyc-note { max-width: none; }
  .ekyc-table tbody .ekyc-blank { display: none; }
  .ekyc-table .ekyc-soon > span { display: inline; }
  .ekyc-button, .ekyc-input { min-height: 40px; }
  .ekyc-button-link { min-height: 24px; }
  .ekyc-copy { width: 32px; height: 32px; }
}
@container ekyc (max-width: 480px) {
  .ekyc-button { padding: 0 10px; }
  .ekyc-facts { grid-template-columns: repeat(auto-fill, minmax(108px, 1fr)); gap: 6px 12px; }
  .ekyc-table tbody tr { grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); }
  .ekyc-panel { padding-inline: 8px; }
  .ekyc-field { flex: 1 1 110px; }
  .ekyc-field .ekyc-input { width: 100%; min-width: 0; }
  .ekyc-legend { order: 1; flex-basis: 100%; }
  .ekyc-figures { gap: 6px 16px; }
  .ekyc-figure dd { font-size: 16px; }
}
`;
