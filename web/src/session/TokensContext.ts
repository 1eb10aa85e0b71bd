import { createContext } from "react";

import { TokenStore } from "./token";

/** Where the token of whoever signed in is kept. */
export const TokensContext = createContext(new TokenStore(null));
