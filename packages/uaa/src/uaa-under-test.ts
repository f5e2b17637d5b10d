import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Logger, pino } from 'pino'
import { z } from 'zod'
import { startUaa, type UaaConfig } from './index.ts'

// A host with several addresses: where the machine stands still, the right one would else be given up for the next.
setDefaultAutoSelectFamilyAttemptTimeout(60_000)

type Input = Partial<z.input<typeof UaaConfig>>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Throws when the answer is no JSON object. */
  readonly json: Record<string, unknown>
}

/**
 * A UAA on a port and a directory of its own, gone when the test ends. It is quick at what is slow on purpose, and finds
 * a signing key, unless the test gives it a directory.
 */
export async function startTestUaa(t: TestContext, input: Input = {}, options: { now?: () => number } = {}) {
  const dataDirectory = input.dataDirectory ?? directoryWithKey(t)
  const config = {
    port: 0,
    failedLoginDelayInMilliseconds: 0,
    ...input,
    passwords: { scryptCost: 1_024, ...input.passwords },
    dataDirectory,
  }
  const uaa = await startUaa(config, { logger: silentLogger, ...options })
  t.after(() => uaa.stop())
  return new UaaUnderTest(uaa.addresses.http ?? '', dataDirectory, () => uaa.stop())
}

export const silentLogger: Logger = pino({ level: 'silent' })

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'vcap-uaa-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

let signingKey: string | undefined

function directoryWithKey(t: TestContext): string {
  signingKey ??= generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'signing-keys'), { mode: 0o700 })
  writeFileSync(join(directory, 'signing-keys', 'key-1.pem'), signingKey, { mode: 0o600 })
  return directory
}

export class UaaUnderTest {
  readonly url: string
  readonly dataDirectory: string
  readonly stop: () => Promise<void>

  constructor(url: string, dataDirectory: string, stop: () => Promise<void>) {
    this.url = url
    this.dataDirectory = dataDirectory
    this.stop = stop
  }

  async request(
    method: string,
    path: string,
    init: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
  ) {
    const headers = new Headers(init.headers)
    if (init.token !== undefined) headers.set('Authorization', `bearer ${init.token}`)
    const { body } = init
    const isForm = body instanceof URLSearchParams
    if (body !== undefined && !isForm && !headers.has('Content-Type')) headers.set('Content-Type', 'application/json')
    const payload = body === undefined ? null : isForm || typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${this.url}${path}`, { method, headers, body: payload, redirect: 'manual' })
    return answerOf(response)
  }

  get = (path: string, token?: string) => this.request('GET', path, token === undefined ? {} : { token })

  /** `client` is `id:secret` for Basic; null sends none. */
  tokenRequest(parameters: Record<string, string>, client: string | null = 'cf:', query = ''): Promise<Answer> {
    const headers: Record<string, string> = client === null ? {} : { Authorization: `Basic ${btoa(client)}` }
    return this.request('POST', `/oauth/token${query}`, { headers, body: new URLSearchParams(parameters) })
  }

  logIn(username: string, password: string, more: Record<string, string> = {}): Promise<Answer> {
    return this.tokenRequest({ grant_type: 'password', username, password, ...more })
  }

  /** An access token; throws when the login fails. */
  async userToken(username = 'admin', password = 'admin'): Promise<string> {
    return accessTokenOf(await this.logIn(username, password))
  }

  async clientToken(id: string, secret: string): Promise<string> {
    return accessTokenOf(await this.tokenRequest({ grant_type: 'client_credentials' }, `${id}:${secret}`))
  }

  /** Creates a user as `cf create-user` does, and returns the id. */
  async createUser(userName: string, password: string, adminToken: string): Promise<string> {
    const answer = await this.request('POST', '/Users', { token: adminToken, body: cfUser(userName, password) })
    if (answer.status !== 201) throw new Error(`creating ${userName} answered ${answer.status} ${answer.text}`)
    return z.string().parse(answer.json.id)
  }

  async groupId(displayName: string, adminToken: string): Promise<string> {
    const filter = encodeURIComponent(`displayName eq "${displayName}"`)
    const { json } = await this.get(`/Groups?filter=${filter}`, adminToken)
    return z.object({ resources: z.tuple([z.object({ id: z.string() })]) }).parse(json).resources[0].id
  }
}

/** The body that cf sends. */
export const cfUser = (userName: string, password: string, origin = '') => ({
  userName,
  password,
  origin,
  name: { familyName: userName, givenName: userName },
  emails: [{ value: userName, primary: true }],
})

export const namesIn = ({ json }: Answer): string[] =>
  z
    .array(z.object({ userName: z.string() }))
    .parse(json.resources)
    .map(({ userName }) => userName)

export function accessTokenOf(answer: Answer): string {
  if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.text}`)
  return z.string().parse(answer.json.access_token)
}

export function claimsOf(token: string): Record<string, unknown> {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
  return z.record(z.string(), z.unknown()).parse(JSON.parse(payload))
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    get json() {
      return z.record(z.string(), z.unknown()).parse(JSON.parse(text))
    },
  }
}

/** A clock that stands still until it is moved. */
export class TestClock {
  #time: number

  constructor(time = Date.now()) {
    this.#time = time
  }

  now = (): number => this.#time

  advanceSeconds(seconds: number): void {
    this.#time += seconds * 1_000
  }
}
