import { createContext } from "react";

import { TokenStore } from "./token";

/** The store of the token. */
export const TokensContext = createContext(new TokenStore(null));
