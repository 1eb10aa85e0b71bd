import { type ReactElement, useSyncExternalStore } from "react";

import { MoonIcon, SunIcon } from "./icons";
import { chooseTheme, currentTheme, subscribeTheme } from "./theme";

export function ThemeToggle(): ReactElement {
  const theme = useSyncExternalStore(subscribeTheme, currentTheme);
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      className="quiet square"
      aria-label={`Use the ${other} theme`}
      title={`Use the ${other} theme`}
      onClick={() => chooseTheme(other)}
    >
      {theme === "dark" ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}
