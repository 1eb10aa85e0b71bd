/** Light or dark: what the system says, until the reader says otherwise. */

export type Theme = "light" | "dark";

const KEY = "longwire.theme";
const DARK = "(prefers-color-scheme: dark)";

function storage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

function systemTheme(): Theme {
  return window.matchMedia(DARK).matches ? "dark" : "light";
}

function chosenTheme(): Theme | null {
  const value = storage()?.getItem(KEY);
  return value === "light" || value === "dark" ? value : null;
}

/** The theme in force. */
export function currentTheme(): Theme {
  return chosenTheme() ?? systemTheme();
}

/** Puts the chosen theme in force; without a choice the style sheet follows the system. */
export function applyTheme(): void {
  const chosen = chosenTheme();
  if (chosen === null) delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

/** Chooses a theme for good; choosing the system's own follows the system again. */
export function chooseTheme(theme: Theme): void {
  if (theme === systemTheme()) storage()?.removeItem(KEY);
  else storage()?.setItem(KEY, theme);
  applyTheme();
  window.dispatchEvent(new Event("themechange"));
}

/** Calls back when the theme in force may have changed. */
export function subscribeTheme(listener: () => void): () => void {
  const query = window.matchMedia(DARK);
  query.addEventListener("change", listener);
  window.addEventListener("themechange", listener);
  return () => {
    query.removeEventListener("change", listener);
    window.removeEventListener("themechange", listener);
  };
}
