import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

export interface Page {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface RouterAddress {
  host: string
  port: number
}

/**
 * Gets a page of an app through the router. The connection goes to the router's address and the app's name in the Host header, so
 * that nothing depends on how this machine resolves names below localhost.
 */
export function fetchThroughRouter(
  { host: address, port }: RouterAddress,
  host: string,
  path: string,
  headers: OutgoingHttpHeaders = {},
): Promise<Page> {
  const { promise, resolve, reject } = Promise.withResolvers<Page>()
  request({ host: address, port, path, headers: { ...headers, host }, agent: false }, (response) => {
    text(response).then(
      (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      reject,
    )
  })
    .on('error', reject)
    .end()
  return promise
}

/** Asks until the page is there: the route reaches the router a moment after the instance runs. */
export async function pageThroughRouter(
  router: RouterAddress,
  host: string,
  path: string,
  limitInMs = 10_000,
): Promise<Page> {
  const deadline = performance.now() + limitInMs
  for (;;) {
    const page = await fetchThroughRouter(router, host, path)
    if (page.status === 200) return page
    if (performance.now() > deadline)
      throw new Error(
        `http://${host}${path} still answers ${page.status} after ${limitInMs / 1000} s: ${page.body.slice(0, 200)}`,
      )
    await delay(100)
  }
}
