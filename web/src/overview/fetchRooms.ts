/** The rooms that the server lists to whom the token speaks for. */
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
