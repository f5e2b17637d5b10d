import { z } from 'zod'
import { apiError } from '../errors/api-error.ts'

/** A user as UAA knows it. */
export interface UaaUser {
  readonly guid: string
  readonly username: string
  readonly origin: string
}

/** Names of users, which live in UAA alone. All throw UaaUnavailable (503/20004) when UAA does not answer. */
export interface UserDirectory {
  /** Those of the guids that UAA knows. */
  byGuids(guids: readonly string[]): Promise<ReadonlyMap<string, UaaUser>>
  /** All users of these names, whatever their origin unless one is given. */
  byUsernames(usernames: readonly string[], origins?: readonly string[]): Promise<readonly UaaUser[]>
  /** Users whose name contains one of the texts. */
  byPartialUsernames(texts: readonly string[], origins?: readonly string[]): Promise<readonly UaaUser[]>
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
  let response: Response
  try {
    response = await fetch(url, { ...init, signal: AbortSignal.timeout(requestTimeoutInMilliseconds) })
  } catch (cause) {
    throw Object.assign(apiError('UaaUnavailable'), { cause })
  }
  if (!response.ok) {
    const cause = new Error(`UAA answered ${response.status}: ${(await response.text()).slice(0, 200)}`)
    throw Object.assign(apiError('UaaUnavailable'), { cause })
  }
  return response.json()
}
