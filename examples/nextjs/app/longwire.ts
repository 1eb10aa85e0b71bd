import "server-only";

import { createHmac } from "node:crypto";

import { notFound } from "next/navigation";

export const LONGWIRE_URL = process.env.LONGWIRE_URL ?? "http://127.0.0.1:8000";

/** Signs a token for ten minutes. A real application takes the user from its session. */
export function signToken(user = "ada"): string {
  const secret = process.env.LONGWIRE_SECRET;
  if (!secret) throw new Error("LONGWIRE_SECRET is not set");
  const parts = [
    { alg: "HS256", typ: "JWT" },
    { sub: user, exp: Date.now() / 1000 + 600 },
  ];
  const texts = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signature = createHmac("sha256", secret).update(texts.join(".")).digest("base64url");
  return [...texts, signature].join(".");
}

/** Requests JSON from Longwire. Returns null if that fails: the browser keeps trying. */
export async function request<T>(path: string, method = "GET"): Promise<T | null> {
  const headers = { authorization: `Bearer ${signToken()}` };
  const answer = await fetch(LONGWIRE_URL + path, { method, headers }).catch(() => null);
  if (answer?.status === 404) notFound();
  return answer?.ok ? ((await answer.json()) as T) : null;
}
