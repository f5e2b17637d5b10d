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
  resources: z.array(z.object({ id: z.string(), userName: z.string(), origin: z.string().default('uaa') })),
})
/** UAA refuses filters that are too long; CC asks for 200 at a time as well. */
const batchSize = 200
const requestTimeoutInMilliseconds = 5_000
const tokenReserveInSeconds = 30
const CreatedUser = z.object({ id: z.string() })
/** UAA's answer to a user that exists already. */
const ExistingUser = z.object({ error: z.literal('scim_resource_already_exists'), user_id: z.string() })

/** Asks a UAA through its SCIM API (`/Users`, scope scim.read), with a client's own token. */
export function uaaUserDirectory(client: UaaClient): UserDirectory {
  let token: { value: string; expiresAt: number } | undefined

  async function bearer(): Promise<string> {
    if (token && token.expiresAt > Date.now()) return token.value
    const answer = await request(`${client.url}/oauth/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    const { access_token, expires_in } = TokenAnswer.parse(answer)
    token = { value: access_token, expiresAt: Date.now() + (expires_in - tokenReserveInSeconds) * 1000 }
    return access_token
  }

  async function usersWhere(filter: string): Promise<UaaUser[]> {
    const url = `${client.url}/Users?${new URLSearchParams({ filter, count: '500', attributes: 'id,userName,origin' })}`
    const answer = await request(url, { headers: { authorization: `Bearer ${await bearer()}` } })
    return UsersAnswer.parse(answer).resources.map(({ id, userName, origin }) => ({
      guid: id,
      username: userName,
      origin,
    }))
  }

  return {
    async byGuids(guids) {
      const found = new Map<string, UaaUser>()
      for (let start = 0; start < guids.length; start += batchSize) {
        const filter = anyOf('id', 'eq', guids.slice(start, start + batchSize))
        for (const user of await usersWhere(filter)) found.set(user.guid, user)
      }
      return found
    },
    async createShadowUser(username, origin) {
      const response = await answered(`${client.url}/Users`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await bearer()}`, 'content-type': 'application/json' },
        body: JSON.stringify({ userName: username, origin, emails: [{ primary: true, value: username }] }),
      })
      if (response.status === 429) throw rateLimited()
      const answer: unknown = await response.json().catch(() => undefined)
      if (response.status === 409) {
        const existing = ExistingUser.safeParse(answer)
        if (existing.success) return existing.data.user_id
      }
      if (!response.ok) throw unavailable(new Error(`UAA answered ${response.status} to a new user`))
      return CreatedUser.parse(answer).id
    },
    byUsernames: (usernames, origins) => usersWhere(withOrigins(anyOf('username', 'eq', usernames), origins)),
    byPartialUsernames: (texts, origins) => usersWhere(withOrigins(anyOf('username', 'co', texts), origins)),
  }
}

function anyOf(attribute: string, operator: 'eq' | 'co', values: readonly string[]): string {
  return `(${values.map((value) => `${attribute} ${operator} ${JSON.stringify(value)}`).join(' or ')})`
}

function withOrigins(filter: string, origins: readonly string[] | undefined): string {
  return origins && origins.length > 0 ? `${filter} and ${anyOf('origin', 'eq', origins)}` : filter
}

async function request(url: string, init: RequestInit): Promise<unknown> {
  const response = await answered(url, init)
  if (!response.ok)
    throw unavailable(new Error(`UAA answered ${response.status}: ${(await response.text()).slice(0, 200)}`))
  return response.json()
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
