import "@fontsource-variable/instrument-sans/wght.css";
import "./styles/index.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { sessionStore } from "./session/storage";
import { adoptToken, TokenStore } from "./session/token";
import { applyTheme } from "./shell/theme";

const tokens = new TokenStore(sessionStore());
adoptToken(window.location, window.history, tokens);
applyTheme();

// A link with a token, opened in a tab that already shows the page, only changes the fragment.
window.addEventListener("hashchange", () => {
  if (adoptToken(window.location, window.history, tokens)) window.location.reload();
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App tokens={tokens} />
    </StrictMode>,
  );
}
