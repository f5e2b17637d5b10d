import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { parseJson } from '../parse-json.ts'

const ApiErrors = z.object({ errors: z.array(z.object({ title: z.string(), detail: z.string() })) })
export type ApiError = z.infer<typeof ApiErrors>['errors'][number]
const Job = z.object({
  state: z.string(),
  errors: z.array(z.object({ detail: z.string() })).default([]),
})
const Root = z.object({
  links: z.object({
    cloud_controller_v3: z.object({ href: z.url() }),
    login: z.object({ href: z.url() }),
    log_cache: z.object({ href: z.url() }),
  }),
})
const Token = z.object({ access_token: z.string().min(1) })

export interface ApiRequest {
  json?: unknown
  /** A manifest. */
  yaml?: string
  form?: FormData
}

/** How often something is asked again while it is under way. */
const pollIntervalInMs = 100

/** A user's session with a Cloud Foundry, over the same HTTP calls that the `cf` command line makes. */
export class ApiClient {
  readonly apiUrl: string
  readonly logCacheUrl: string
  /** What every request says in its header `Authorization`. */
  readonly authorization: string

  private constructor(apiUrl: string, logCacheUrl: string, token: string) {
    this.apiUrl = apiUrl
    this.logCacheUrl = logCacheUrl
    this.authorization = `bearer ${token}`
  }

  /** Finds the login server through the API's root document and gets a token there, as the client `cf`. */
  static async login(apiUrl: string, username: string, password: string): Promise<ApiClient> {
    const { links } = await parsed(await fetch(apiUrl), Root)
    const response = await fetch(`${links.login.href}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('cf:')}` },
      body: new URLSearchParams({ grant_type: 'password', username, password }),
    })
    const token = await parsed(response, Token)
    return new ApiClient(apiUrl, links.log_cache.href, token.access_token)
  }

  /** One call of the API or, with an absolute URL, of a server that takes the same token. Throws ApiRequestError for an error answer. */
  async call<T>(schema: z.ZodType<T>, method: string, path: string, request: ApiRequest = {}): Promise<T> {
    return await parsed(await this.#fetch(method, path, request), schema)
  }

  /** A call that a job finishes: waits until the job is complete. */
  async callAndWait(method: string, path: string, request: ApiRequest, limitInMs = 60_000): Promise<void> {
    const response = await this.#fetch(method, path, request)
    if (!response.ok) throw await requestError(response)
    await response.body?.cancel()
    const job = response.headers.get('location')
    if (job === null) return
    const { state, errors } = await this.poll(Job, job, ({ state }) => /^(COMPLETE|FAILED)$/.test(state), limitInMs)
    if (state === 'FAILED') throw new Error(`${method} ${path}: ${errors.map(({ detail }) => detail).join('; ')}`)
  }

  /** Asks again until the answer is as wanted. Throws with the last answer when that takes too long. */
  async poll<T>(schema: z.ZodType<T>, path: string, isDone: (value: T) => boolean, limitInMs: number): Promise<T> {
    const deadline = performance.now() + limitInMs
    for (;;) {
      const value = await this.call(schema, 'GET', path)
      if (isDone(value)) return value
      if (performance.now() > deadline)
        throw new Error(`GET ${path} is still this after ${limitInMs / 1000} s: ${JSON.stringify(value)}`)
      await delay(pollIntervalInMs)
    }
  }

  #fetch(method: string, path: string, { json, yaml, form }: ApiRequest): Promise<Response> {
    const headers: Record<string, string> = { accept: 'application/json', authorization: this.authorization }
    if (json !== undefined) headers['content-type'] = 'application/json'
    if (yaml !== undefined) headers['content-type'] = 'application/x-yaml'
    const body = form ?? yaml ?? (json === undefined ? null : JSON.stringify(json))
    return fetch(new URL(path, this.apiUrl), { method, headers, body })
  }
}

/** An error answer of the API, in its own words. */
export class ApiRequestError extends Error {
  override readonly name = 'ApiRequestError'
  readonly status: number
  /** As the API gave them; empty when the answer was in another form. */
  readonly errors: readonly ApiError[]

  constructor(status: number, message: string, errors: readonly ApiError[]) {
    super(message)
    this.status = status
    this.errors = errors
  }
}

async function parsed<T>(response: Response, schema: z.ZodType<T>): Promise<T> {
  if (!response.ok) throw await requestError(response)
  const result = schema.safeParse(response.status === 204 ? undefined : await response.json())
  if (!result.success) throw new Error(`${response.url} answered in another shape:\n${z.prettifyError(result.error)}`)
  return result.data
}

async function requestError(response: Response): Promise<ApiRequestError> {
  const text = await response.text()
  const errors = ApiErrors.safeParse(parseJson(text)).data?.errors ?? []
  const words = errors.length > 0 ? errors.map(({ title, detail }) => `${title}: ${detail}`).join('; ') : text
  const message = `${response.url} answered ${response.status}: ${words.slice(0, 500)}`
  return new ApiRequestError(response.status, message, errors)
}
