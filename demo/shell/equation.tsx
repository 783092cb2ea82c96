/** An equation, set by KaTeX, with MathML for those who hear it. KaTeX and its fonts are loaded with the first one. */
import { useEffect, useRef } from "preact/hooks";

const load = async () => {
  const [{ default: katex }] = await Promise.all([import("katex"), import("katex/dist/katex.min.css")]);
  return katex;
};
let katex: ReturnType<typeof load> | undefined;

export interface EquationProps {
  /** `\htmlData{symbol=W}{W}` marks a symbol that the page can point at: see `symbol`. */
  readonly tex: string;
  readonly block?: boolean;
  /** The marked symbol that is to stand out. */
  readonly symbol?: string | undefined;
  /** Called with the marked symbol that is pointed at, or with nothing. */
  readonly onSymbol?: (symbol: string | undefined) => void;
}

export function Equation({ tex, block = false, symbol, onSymbol }: EquationProps) {
  const target = useRef<HTMLSpanElement>(null);
  const latest = useRef(symbol);
  latest.current = symbol;
  const mark = () => {
    for (const one of target.current?.querySelectorAll<HTMLElement>("[data-symbol]") ?? [])
      one.classList.toggle("pointed", one.dataset.symbol === latest.current);
  };
  useEffect(() => {
    let isGone = false;
    katex ??= load();
    katex.then((loaded) => {
      if (isGone || !target.current) return;
      // Only the marks are trusted; links and pictures are not.
      const trust = ({ command }: { command: string }) => command === "\\htmlData";
      loaded.render(tex, target.current, { displayMode: block, throwOnError: true, strict: "ignore", trust });
      mark();
    });
    return () => {
      isGone = true;
    };
  }, [tex, block]);
  useEffect(mark, [symbol]);
  const pointed = ({ target: at }: Event) =>
    onSymbol?.((at as HTMLElement).closest<HTMLElement>("[data-symbol]")?.dataset.symbol);
  return (
    <span
      ref={target}
      class={block ? "equation block" : "equation"}
      onPointerOver={onSymbol && pointed}
      onPointerLeave={onSymbol && (() => onSymbol(undefined))}
    />
  );
}
