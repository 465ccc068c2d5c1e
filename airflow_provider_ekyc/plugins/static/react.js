// React and the router of the page that Airflow serves: this plugin brings none of its own, and has no build step.

export const {
  createElement: h,
  Fragment,
  memo,
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} = globalThis.React;

export const { Link, useSearchParams } = globalThis.ReactRouterDOM;
