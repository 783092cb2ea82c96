import { pages } from "../../pages.ts";
import { addressOf, show } from "../../shell/gallery.tsx";
import { inLanguage } from "../../shell/language.ts";

function Page() {
  return (
    <main id="content" tabIndex={-1}>
      <ol class="cards">
        {pages.map((page) => (
          <li key={page.name} class="card">
            <h2>
              <a href={addressOf(page)}>{inLanguage(page.title)}</a>
            </h2>
            <p>{inLanguage(page.about)}</p>
          </li>
        ))}
      </ol>
    </main>
  );
}

show("index", Page);
