import { Live } from "./live";
import { LONGWIRE_URL } from "./longwire";

export const dynamic = "force-dynamic"; // reads LONGWIRE_URL at run time

export default function Layout({ children }: LayoutProps<"/">) {
  return (
    <html lang="en">
      <title>Live jobs</title>
      <body>
        <Live url={LONGWIRE_URL}>{children}</Live>
      </body>
    </html>
  );
}
