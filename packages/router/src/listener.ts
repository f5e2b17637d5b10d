import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Listens and returns the address as a URL. Throws the listener's error (EADDRINUSE, EACCES). */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  server.listen(port, host)
  await once(server, 'listening')
  const { port: actual } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${actual}`
}

/** Stops accepting, lets requests in flight finish for at most this long, then closes what is left.
 *  Connections that switched protocols are not the server's to close: `atDeadline` is. */
export async function drain(
  server: Server,
  timeoutInSeconds: number,
  atDeadline: () => void = () => {},
): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  const sweep = setInterval(() => server.closeIdleConnections(), 20)
  const deadline = setTimeout(() => {
    server.closeAllConnections()
    atDeadline()
  }, timeoutInSeconds * 1000)
  await closed
  clearInterval(sweep)
  clearTimeout(deadline)
}
