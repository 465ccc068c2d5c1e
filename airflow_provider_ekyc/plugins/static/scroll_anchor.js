// New rows above what is being read do not move it. Not left to the browser, since not every browser does it, and none
// at the top of the page, where a field may be filled in.

const MARKED = "[data-anchor]";

/** The element that scrolls the page. */
export function scroller(root) {
  for (let element = root.parentElement; element; element = element.parentElement) {
    const { overflowY } = getComputedStyle(element);
    if (["auto", "scroll"].includes(overflowY) && element.scrollHeight > element.clientHeight) return element;
  }
  return document.scrollingElement;
}

/**
 * What must stay where it is when the rows change: where the focus is if that can be seen, else the first marked element
 * that can be seen once the page is scrolled. Null at the top of the page without a focus.
 */
export function takeAnchor(root) {
  const box = scroller(root);
  const edge = box === document.scrollingElement ? 0 : box.getBoundingClientRect().top;
  const bottom = edge + box.clientHeight;
  const seen = (element) => {
    const { top, bottom: end } = element.getBoundingClientRect();
    return end > edge && top < bottom;
  };
  const focused = root.contains(document.activeElement) ? document.activeElement.closest(MARKED) : null;
  let element = focused && seen(focused) ? focused : null;
  if (element === null && box.scrollTop > 0) {
    element = [...root.querySelectorAll(MARKED)].find((each) => each.getBoundingClientRect().top >= edge && seen(each)) ?? null;
  }
  return element && { element, box, top: element.getBoundingClientRect().top };
}

/** Scroll by as much as the anchor has been moved. */
export function keepAnchor(anchor) {
  if (anchor === null || !anchor.element.isConnected) return;
  const moved = anchor.element.getBoundingClientRect().top - anchor.top;
  if (Math.abs(moved) >= 1) anchor.box.scrollTop += moved;
}
