/** What every page of the gallery has around it. */

import type { ComponentChildren, JSX } from "preact";
import { render } from "preact";
import type { GalleryPage, PageInFrame } from "../pages.ts";
import { inLanguage, language, languages, setLanguage, words } from "./language.ts";
import { setTheme, theme, themes } from "./theme.ts";

const text = words({
  skip: ["Skip to the content", "본문으로 건너뛰기"],
  language: ["Language", "언어"],
  theme: ["Colours", "화면 색"],
  auto: ["As the system", "시스템 설정"],
  light: ["Light", "밝게"],
  dark: ["Dark", "어둡게"],
  home: ["All pages", "모든 페이지"],
  ways: ["Other pages", "다른 페이지"],
  previous: ["Previous: {title}", "이전: {title}"],
  next: ["Next: {title}", "다음: {title}"],
});

const languageNames = { en: "English", ko: "한국어" } as const;

/** Relative, so that the gallery works in any folder of any site; the language goes along by what is stored. */
export const addressOf = ({ name }: Pick<GalleryPage, "name">): string => `./${name}.html`;

const start = { name: "index" };

function Header({ page }: { readonly page: GalleryPage }) {
  return (
    <header class="page">
      <div>
        {page.name !== start.name && (
          <p class="home">
            <a href={addressOf(start)}>{text("home")}</a>
          </p>
        )}
        <h1>{inLanguage(page.title)}</h1>
        <p class="lead">{inLanguage(page.about)}</p>
      </div>
      <div class="choices">
        <fieldset class="languages" aria-label={text("language")}>
          {languages.map((known) => (
            <button
              key={known}
              type="button"
              lang={known}
              data-language={known}
              aria-pressed={known === language.value}
              onClick={() => setLanguage(known)}
            >
              {languageNames[known]}
            </button>
          ))}
        </fieldset>
        <select
          aria-label={text("theme")}
          value={theme.value}
          onChange={({ currentTarget }) => setTheme(themes.find((known) => known === currentTarget.value)!)}
        >
          {themes.map((known) => (
            <option key={known} value={known}>
              {text(known)}
            </option>
          ))}
        </select>
      </div>
    </header>
  );
}

function Ways({ before, after }: PageInFrame) {
  return (
    <nav class="ways" aria-label={text("ways")}>
      {before && <a href={addressOf(before)}>← {text("previous", { title: inLanguage(before.title) })}</a>}
      {after && <a href={addressOf(after)}>{text("next", { title: inLanguage(after.title) })} →</a>}
    </nav>
  );
}

function Frame({ children, ...frame }: PageInFrame & { readonly children: ComponentChildren }) {
  const { page } = frame;
  document.title = inLanguage(page.title);
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        {text("skip")}
      </button>
      <Header page={page} />
      {children}
      <Ways {...frame} />
    </>
  );
}

/** No link to a place in the page: the hash of the address has the page's settings. */
const skip = () => document.getElementById("content")?.focus();

/** Shows a page, in its HTML. @param name its folder @param Content what it has inside `<main id="content" tabIndex={-1}>` and above that */
export function show(name: string, Content: () => JSX.Element): void {
  const root = document.getElementById("page")!;
  const frame: PageInFrame = JSON.parse(root.dataset.frame!);
  if (frame.page.name !== name) throw new Error(`page "${name}" is shown in ${frame.page.name}.html`);
  root.replaceChildren();
  // A form, so that a browser that comes back to the page does not restore its fields beside the settings of the address.
  root.addEventListener("submit", (event) => event.preventDefault());
  render(
    <Frame {...frame}>
      <Content />
    </Frame>,
    root,
  );
}
