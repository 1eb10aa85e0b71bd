import "react";

declare module "react" {
  interface CSSProperties {
    /** A part of a whole, 0 to 1, that a bar shows. */
    "--share"?: number;
  }
}
