import "@fontsource-variable/instrument-sans/wght.css";
import "../styles/index.css";
import "./styles/index.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { sessionStore } from "../session/storage";
import { adoptToken, TokenStore } from "../session/token";
import { applyTheme } from "../shell/theme";
import { AdminApp } from "./AdminApp";

const tokens = new TokenStore(sessionStore());
adoptToken(window.location, window.history, tokens);
applyTheme();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <AdminApp tokens={tokens} />
    </StrictMode>,
  );
}
