/** What every page of the gallery has around it. */

import type { ComponentChildren, JSX } from "preact";
import { render } from "preact";
import { type GalleryPage, pages, start } from "../pages.ts";
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
export const addressOf = ({ name }: GalleryPage): string => `./${name}.html`;

function Header({ page }: { readonly page: GalleryPage }) {
  return (
    <header class="page">
      <div>
        {page !== start && (
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

function Ways({ page }: { readonly page: GalleryPage }) {
  const at = pages.indexOf(page);
  const [before, after] = [pages[at - 1], pages[at + 1]];
  return (
    <nav class="ways" aria-label={text("ways")}>
      {at > 0 && <a href={addressOf(before!)}>← {text("previous", { title: inLanguage(before!.title) })}</a>}
      {after && <a href={addressOf(after)}>{text("next", { title: inLanguage(after.title) })} →</a>}
    </nav>
  );
}

function Frame({ page, children }: { readonly page: GalleryPage; readonly children: ComponentChildren }) {
  document.title = inLanguage(page.title);
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        {text("skip")}
      </button>
      <Header page={page} />
      {children}
      <Ways page={page} />
    </>
  );
}

/** No link to a place in the page: the hash of the address has the page's settings. */
const skip = () => document.getElementById("content")?.focus();

/** Shows a page. @param name its folder @param Content what it has inside `<main id="content" tabIndex={-1}>` and above that */
export function show(name: string, Content: () => JSX.Element): void {
  const page = [start, ...pages].find((known) => known.name === name);
  if (!page) throw new Error(`pages.ts has no page "${name}"`);
  const root = document.getElementById("page")!;
  root.replaceChildren();
  // A form, so that a browser that comes back to the page does not restore its fields beside the settings of the address.
  root.addEventListener("submit", (event) => event.preventDefault());
  render(
    <Frame page={page}>
      <Content />
    </Frame>,
    root,
  );
}
