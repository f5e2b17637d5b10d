import { AsyncLocalStorage } from 'node:async_hooks'

const ids = new AsyncLocalStorage<string>()

/** X-VCAP-Request-ID of the request that this code works for, also in the job that it left behind. Undefined: for nobody's. */
export function currentRequestId(): string | undefined {
  return ids.getStore()
}

/** What is logged in `work`, and the jobs that are written in it, carry this id. */
export function asRequest<T>(id: string, work: () => T): T {
  return ids.run(id, work)
}

/** For pino's `mixin`: every line of a request or job says whose it is. */
export function requestFields(): { requestId?: string } {
  const requestId = currentRequestId()
  return requestId === undefined ? {} : { requestId }
}
