/** The light or dark theme: that of the system, until the user chooses one. */

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

/** Returns the theme in force. */
export function currentTheme(): Theme {
  return chosenTheme() ?? systemTheme();
}

/** Applies the chosen theme; without a choice the style sheet follows the system. */
export function applyTheme(): void {
  const chosen = chosenTheme();
  if (chosen === null) delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

/** Stores a choice. Choosing the system's theme follows the system again. */
export function chooseTheme(theme: Theme): void {
  if (theme === systemTheme()) storage()?.removeItem(KEY);
  else storage()?.setItem(KEY, theme);
  applyTheme();
  window.dispatchEvent(new Event("themechange"));
}

/** Calls back when the theme may have changed; returns a function that stops it. */
export function subscribeTheme(listener: () => void): () => void {
  const query = window.matchMedia(DARK);
  query.addEventListener("change", listener);
  window.addEventListener("themechange", listener);
  return () => {
    query.removeEventListener("change", listener);
    window.removeEventListener("themechange", listener);
  };
}
