/** Fetches the names of the rooms that the token's user may join. */
export async function fetchRooms(
  apiUrl: string,
  token: string | null,
  prefix: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const headers: HeadersInit = token === null ? {} : { authorization: `Bearer ${token}` };
  const url = `${apiUrl}/rooms?${new URLSearchParams({ prefix }).toString()}`;
  const response = await fetch(url, { headers, signal });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return ((await response.json()) as { rooms: readonly string[] }).rooms;
}
