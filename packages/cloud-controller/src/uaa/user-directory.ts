import { z } from 'zod'
import { ApiError, apiError } from '../errors/api-error.ts'

/** A user as UAA knows it. */
export interface UaaUser {
  readonly guid: string
  readonly username: string
  readonly origin: string
}

/** Users live in UAA: their names, origins and accounts. All throw UaaUnavailable (503/20004) when UAA does not answer. */
export interface UserDirectory {
  /** Those of the guids that UAA knows. */
  byGuids(guids: readonly string[]): Promise<ReadonlyMap<string, UaaUser>>
  /** All users of these names, whatever their origin unless one is given. */
  byUsernames(usernames: readonly string[], origins?: readonly string[]): Promise<readonly UaaUser[]>
  /** Users whose name contains one of the texts. */
  byPartialUsernames(texts: readonly string[], origins?: readonly string[]): Promise<readonly UaaUser[]>
  /**
   * Makes the account of a user of another identity provider before its first login, and returns its guid; that of an
   * existing one too. Throws UaaRateLimited (429/20008). Needs scope scim.create.
   */
  createShadowUser(username: string, origin: string): Promise<string>
}

export interface UaaClient {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
}

const TokenAnswer = z.object({ access_token: z.string(), expires_in: z.number() })
const UsersAnswer = z.object({
  totalResults: z.number().default(0),
  resources: z.array(z.object({ id: z.string(), userName: z.string(), origin: z.string().default('uaa') })),
})
/** UAA refuses filters that are too long; CC asks for 200 at a time as well. */
const batchSize = 200
/** The most that UAA gives at a time. */
const pageSize = 500
/** On a machine that is very busy a request thread that gives way to others may get next to nothing for some seconds. */
const requestTimeoutInMilliseconds = 30_000
const tokenReserveInSeconds = 30
const CreatedUser = z.object({ id: z.string() })
/** UAA's answer to a user that exists already. */
const ExistingUser = z.object({ error: z.literal('scim_resource_already_exists'), user_id: z.string() })

/** Asks a UAA through its SCIM API (`/Users`, scope scim.read), with a client's own token. */
export function uaaUserDirectory(client: UaaClient): UserDirectory {
  let token: { value: string; expiresAt: number } | undefined

  async function bearer(): Promise<string> {
    if (token && token.expiresAt > Date.now()) return token.value
    const { access_token, expires_in } = await request(TokenAnswer, `${client.url}/oauth/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    token = { value: access_token, expiresAt: Date.now() + (expires_in - tokenReserveInSeconds) * 1000 }
    return access_token
  }

  /** With our token, and once more with a new one when UAA does not know it any more: it was revoked, or UAA has new keys. */
  async function authorized(url: string, init: RequestInit = {}): Promise<Response> {
    const ask = async (): Promise<Response> =>
      answered(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${await bearer()}` } })
    const response = await ask()
    if (response.status !== 401) return response
    token = undefined
    return ask()
  }

  async function usersWhere(filter: string): Promise<UaaUser[]> {
    const users: UaaUser[] = []
    for (;;) {
      const query = new URLSearchParams({
        filter,
        count: String(pageSize),
        startIndex: String(users.length + 1),
        attributes: 'id,userName,origin',
      })
      const { resources, totalResults } = await parsed(UsersAnswer, await authorized(`${client.url}/Users?${query}`))
      users.push(...resources.map(({ id, userName, origin }) => ({ guid: id, username: userName, origin })))
      if (resources.length === 0 || users.length >= totalResults) return users
    }
  }

  /** Users of whom an attribute has one of the values, whichever origin unless some are given. */
  async function usersOf(
    attribute: string,
    operator: 'eq' | 'co',
    values: readonly string[],
    origins?: readonly string[],
  ): Promise<UaaUser[]> {
    const found = new Map<string, UaaUser>()
    for (let start = 0; start < values.length; start += batchSize) {
      const filter = withOrigins(anyOf(attribute, operator, values.slice(start, start + batchSize)), origins)
      for (const user of await usersWhere(filter)) found.set(user.guid, user)
    }
    return [...found.values()]
  }

  return {
    byGuids: async (guids) => new Map((await usersOf('id', 'eq', guids)).map((user) => [user.guid, user])),
    byUsernames: (usernames, origins) => usersOf('username', 'eq', usernames, origins),
    byPartialUsernames: (texts, origins) => usersOf('username', 'co', texts, origins),
    async createShadowUser(username, origin) {
      const response = await authorized(`${client.url}/Users`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ userName: username, origin, emails: [{ primary: true, value: username }] }),
      })
      if (response.status === 429) throw rateLimited()
      if (response.status === 409) {
        const existing = ExistingUser.safeParse(await response.json().catch(() => undefined))
        if (existing.success) return existing.data.user_id
        throw unavailable(new Error('UAA refused a new user as existing without saying who it is'))
      }
      return (await parsed(CreatedUser, response)).id
    },
  }
}

function anyOf(attribute: string, operator: 'eq' | 'co', values: readonly string[]): string {
  return `(${values.map((value) => `${attribute} ${operator} ${JSON.stringify(value)}`).join(' or ')})`
}

function withOrigins(filter: string, origins: readonly string[] | undefined): string {
  return origins && origins.length > 0 ? `${filter} and ${anyOf('origin', 'eq', origins)}` : filter
}

async function request<S extends z.ZodType>(schema: S, url: string, init: RequestInit): Promise<z.output<S>> {
  return parsed(schema, await answered(url, init))
}

/** The body of a good answer; everything else is a UAA that can't be used now. */
async function parsed<S extends z.ZodType>(schema: S, response: Response): Promise<z.output<S>> {
  try {
    if (!response.ok) throw new Error(`UAA answered ${response.status}: ${(await response.text()).slice(0, 200)}`)
    return schema.parse(await response.json())
  } catch (cause) {
    throw unavailable(cause)
  }
}

async function answered(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(requestTimeoutInMilliseconds) })
  } catch (cause) {
    throw unavailable(cause)
  }
}

const unavailable = (cause: unknown): Error => Object.assign(apiError('UaaUnavailable'), { cause })

/** Clients are told to come back at different times (semantics, section 2). */
function rateLimited(): Error {
  const retryAfter = 5 + Math.floor(Math.random() * 16)
  const { status, bodies } = apiError('UaaRateLimited')
  return new ApiError(status, bodies, { headers: { 'Retry-After': String(retryAfter) } })
}
