/** A part of a page that is loaded when it is first shown. */
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";

/** @param load imports the component; the same function each time @returns it, once it is there */
export function useOnDemand<P>(load: () => Promise<FunctionComponent<P>>): FunctionComponent<P> | undefined {
  const [loaded, setLoaded] = useState<{ readonly Part: FunctionComponent<P> }>();
  useEffect(() => {
    let isGone = false;
    load().then((Part) => {
      if (!isGone) setLoaded({ Part });
    });
    return () => {
      isGone = true;
    };
  }, [load]);
  return loaded?.Part;
}
