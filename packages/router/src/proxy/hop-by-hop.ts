/** Headers that concern one connection only (RFC 9110, 7.6.1; the list of Go's httputil.ReverseProxy). Lower case. */
const hopByHop = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * The names of the headers that must not go on: the hop-by-hop ones and those that Connection names.
 * @param connection value of the Connection header, if any
 */
export function connectionHeaders(connection: string | undefined): ReadonlySet<string> {
  if (!connection || connection === 'close' || connection === 'keep-alive') return hopByHop
  const names = new Set(hopByHop)
  for (const name of connection.split(',')) names.add(name.trim().toLowerCase())
  return names
}
