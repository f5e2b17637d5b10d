import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { AccessTokenClaims } from '@vcap/protocol'
import { pino } from 'pino'
import { seedDatabase } from '../actions/seed.ts'
import { diskBlobstore } from '../blobstore/blobstore.ts'
import { CloudControllerConfig, type Settings } from '../config.ts'
import { openDatabase } from '../db/database.ts'
import type { Db, OrganizationRoleType, SpaceRoleType } from '../db/schema.ts'
import { apiError } from '../errors/api-error.ts'
import { createApp } from '../http/app.ts'
import { ensureUser } from '../http/authentication.ts'
import type { IncomingRequest, ThreadServices } from '../http/environment.ts'
import { runDueJobs } from '../jobs/run-jobs.ts'
import type { UaaUser, UserDirectory } from '../uaa/user-directory.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type FakeBus, fakeBus } from './fake-bus.ts'
import { testDatabase } from './test-database.ts'

/** What came back. `body` is parsed JSON, or text where it is none. */
export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any
  readonly headers: Headers
}

/** Makes requests as one caller. A path, and a body that is sent as JSON unless it is text or bytes. */
export interface Client {
  readonly userGuid: string
  readonly scopes: readonly string[]
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  patch(path: string, body?: unknown): Promise<Answer>
  put(path: string, body?: unknown): Promise<Answer>
  delete(path: string, body?: unknown): Promise<Answer>
  /** Sends a request whose body the reactor would have put into `file`. */
  upload(path: string, file: string, headers: Record<string, string>): Promise<Answer>
  /** Sends anything; the reactor would have put the body into `file` as well. */
  send(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
    file?: { file: string; sizeInBytes: number },
  ): Promise<Answer>
}

export interface TestController {
  readonly db: Db
  readonly settings: Settings
  readonly bus: FakeBus
  readonly services: ThreadServices
  readonly admin: Client
  readonly anonymous: Client
  /** Users that UAA "knows". */
  readonly uaaUsers: UaaUser[]
  /** A caller of these scopes (a plain user unless told), known to the database. */
  as(caller?: { guid?: string; name?: string; scopes?: string[]; isClient?: boolean }): Promise<Client>
  /** A user with a role in an organization or a space (which brings organization_user along). */
  withRole(
    role: { type: OrganizationRoleType; organization: string } | { type: SpaceRoleType; space: string },
  ): Promise<Client>
  /** Runs all jobs that are due, as the job threads would. */
  runJobs(): Promise<number>
  /** SQL statements since the last call. */
  countStatements(): number
}

/** Scopes of the global callers. */
export const globalScopes = {
  admin: ['cloud_controller.admin', 'cloud_controller.read', 'cloud_controller.write'],
  adminReadOnly: ['cloud_controller.admin_read_only', 'cloud_controller.read'],
  globalAuditor: ['cloud_controller.global_auditor', 'cloud_controller.read'],
  user: ['cloud_controller.read', 'cloud_controller.write'],
} as const

/**
 * The whole HTTP application of a request thread on a database of its own, with a recorded bus instead of the reactor,
 * tokens that are minted here, and users in memory instead of UAA. Gone when the test ends.
 */
export async function testController(t: TestContext, config: Record<string, unknown> = {}): Promise<TestController> {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-controller-'))
  await mkdir(join(directory, 'uploads'))
  // A test that names a database has another test controller on it.
  const database = config.databaseUrl === undefined ? await testDatabase(directory) : undefined
  const settings = CloudControllerConfig.parse({
    dataDirectory: directory,
    nats: { url: 'nats://127.0.0.1:1' },
    uaa: { url: 'http://uaa.example.org', clientId: 'controller', clientSecret: 'secret' },
    stagingAuth: { username: 'staging', password: 'staging-secret' },
    encryptionKeys: { current: 'first', keys: { first: 'a key for tests' } },
    externalUrl: 'http://api.example.org',
    databaseUrl: database?.url,
    ...config,
  })
  let statements = 0
  const db = await openDatabase(settings.databaseUrl, { onQuery: () => (statements += 1) })
  await seedDatabase(db, settings)

  const uaaUsers: UaaUser[] = []
  const bus = fakeBus()
  const services: ThreadServices = {
    db,
    settings,
    bus,
    blobstore: diskBlobstore(join(directory, 'blobs')),
    userDirectory: directoryOf(uaaUsers),
    logger: pino({ level: process.env.VCAP_TEST_LOG ?? 'silent' }),
  }
  const app = createApp({
    ...services,
    verifyToken: async (token) => readToken(token),
  })
  const fetch = (request: Request, incoming: IncomingRequest) => app.fetch(request, { request: incoming })

  t.after(async () => {
    await db.destroy()
    await database?.giveBack()
    await rm(directory, { recursive: true, force: true })
  })

  const as: TestController['as'] = async ({
    guid = randomUUID(),
    name = `user-${guid.slice(0, 8)}`,
    scopes = [...globalScopes.user],
    isClient,
  } = {}) => {
    await ensureUser(db, guid)
    if (!isClient) uaaUsers.push({ guid, username: name, origin: 'uaa' })
    return clientOf(fetch, { userGuid: guid, scopes }, mint({ guid, name, scopes, isClient: isClient ?? false }))
  }
  return {
    db,
    settings,
    bus,
    services,
    uaaUsers,
    admin: await as({ name: 'admin', scopes: [...globalScopes.admin] }),
    anonymous: clientOf(fetch, { userGuid: '', scopes: [] }, undefined),
    as,
    withRole: async (role) => {
      const client = await as()
      await grant(db, client.userGuid, role)
      return client
    },
    runJobs: () => runDueJobs(services),
    countStatements: () => {
      const count = statements
      statements = 0
      return count
    },
  }
}

function mint({
  guid,
  name,
  scopes,
  isClient,
}: {
  guid: string
  name: string
  scopes: string[]
  isClient: boolean
}): string {
  const time = Math.floor(Date.now() / 1000)
  const claims: AccessTokenClaims = {
    iss: 'http://uaa.example.org/oauth/token',
    sub: guid,
    jti: randomUUID(),
    client_id: isClient ? guid : 'cf',
    ...(!isClient && { user_id: guid, user_name: name, email: `${name}@example.org`, origin: 'uaa' }),
    scope: scopes,
    aud: ['cloud_controller'],
    iat: time,
    exp: time + 600,
  }
  return Buffer.from(JSON.stringify(claims)).toString('base64url')
}

function readToken(token: string): AccessTokenClaims {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch {
    throw apiError('InvalidAuthToken')
  }
}

async function grant(
  db: Db,
  userGuid: string,
  role: { type: OrganizationRoleType; organization: string } | { type: SpaceRoleType; space: string },
): Promise<void> {
  const organizationGuid =
    'organization' in role
      ? role.organization
      : (
          await db
            .selectFrom('spaces')
            .select('organization_guid')
            .where('guid', '=', role.space)
            .executeTakeFirstOrThrow()
        ).organization_guid
  const time = now()
  const row = { created_at: time, updated_at: time, user_guid: userGuid, organization_guid: organizationGuid }
  if ('space' in role) {
    await db
      .insertInto('roles')
      .values({ ...row, guid: randomUUID(), type: 'organization_user', space_guid: null })
      .execute()
  }
  await db
    .insertInto('roles')
    .values({ ...row, guid: randomUUID(), type: role.type, space_guid: 'space' in role ? role.space : null })
    .execute()
}

function clientOf(
  fetch: (request: Request, incoming: IncomingRequest) => Response | Promise<Response>,
  user: Pick<Client, 'userGuid' | 'scopes'>,
  token: string | undefined,
): Client {
  const send: Client['send'] = async (method, path, body, headers, file) => {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array
    const sent = body === undefined || isRaw ? body : JSON.stringify(body)
    const request = new Request(`http://api.example.org${path}`, {
      method,
      headers: { ...(token && { authorization: `bearer ${token}` }), ...headers },
      ...(sent !== undefined && { body: sent as string }),
    })
    // The reactor hands over what it has received beside the request as well.
    const received = file ?? (sent === undefined ? null : Buffer.from(sent as string))
    const response = await fetch(request, { id: randomUUID(), body: received })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: parsed(text) }
  }
  return {
    ...user,
    get: (path, headers = {}) => send('GET', path, undefined, headers),
    post: (path, body, headers = {}) => send('POST', path, body, headers),
    patch: (path, body) => send('PATCH', path, body, {}),
    put: (path, body) => send('PUT', path, body, {}),
    delete: (path, body) => send('DELETE', path, body, {}),
    send,
    upload: (path, file, headers) => send('POST', path, undefined, headers, { file, sizeInBytes: 0 }),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function directoryOf(users: UaaUser[]): UserDirectory {
  const ofOrigins = (user: UaaUser, origins?: readonly string[]): boolean =>
    !origins || origins.length === 0 || origins.includes(user.origin)
  return {
    byGuids: async (guids) =>
      new Map(users.filter((user) => guids.includes(user.guid)).map((user) => [user.guid, user])),
    byUsernames: async (names, origins) =>
      users.filter((user) => names.includes(user.username) && ofOrigins(user, origins)),
    byPartialUsernames: async (texts, origins) =>
      users.filter((user) => texts.some((text) => user.username.includes(text)) && ofOrigins(user, origins)),
    createShadowUser: async (username, origin) => {
      const guid = randomUUID()
      users.push({ guid, username, origin })
      return guid
    },
  }
}
