import { randomBytes } from 'node:crypto'
import { ApiClient, fetchThroughRouter, type LoadedConfig, type Page, type RouterAddress } from '@vcap/cli'
import { z } from 'zod'
import { Space } from './space.ts'

const WithGuid = z.object({ guid: z.string() })
const WithId = z.object({ id: z.string() })

/** A user that a test made, logged in. */
export interface TestUser {
  guid: string
  username: string
  password: string
  client: ApiClient
}

/** A Cloud Foundry seen from outside: its API and its router. */
export class CloudFoundry {
  readonly config: LoadedConfig
  readonly apiUrl: string
  readonly router: RouterAddress
  readonly appsDomain: string
  #admin: Promise<ApiClient> | undefined

  constructor(config: LoadedConfig) {
    this.config = config
    this.apiUrl = `http://localhost:${config.ports.api}`
    this.router = { host: config.host, port: config.ports.router }
    const [appsDomain] = config.appsDomains
    if (appsDomain === undefined) throw new Error('there is no domain for apps')
    this.appsDomain = appsDomain
  }

  get dataDirectory(): string {
    return this.config.dataDirectory
  }

  /** The admin's session; the first call logs in. */
  admin(): Promise<ApiClient> {
    this.#admin ??= this.login(this.config.admin.username, this.config.admin.password)
    return this.#admin
  }

  login(username: string, password: string): Promise<ApiClient> {
    return ApiClient.login(this.apiUrl, username, password)
  }

  /** A page of whatever answers at a host, through the router. */
  page(host: string, path: string, headers: Record<string, string> = {}): Promise<Page> {
    return fetchThroughRouter(this.router, host, path, headers)
  }

  /** Creates an organization with one space in it. */
  async createSpace(organizationName: string, name = 'dev'): Promise<Space> {
    const client = await this.admin()
    const organization = await client.call(WithGuid, 'POST', '/v3/organizations', { json: { name: organizationName } })
    const relationships = { organization: { data: { guid: organization.guid } } }
    const { guid } = await client.call(WithGuid, 'POST', '/v3/spaces', { json: { name, relationships } })
    return new Space(this, client, guid, organization.guid)
  }

  /** Creates a user in UAA and in the Cloud Controller, with roles in a space (and then in its organization), and logs in. */
  async createUser(username: string, roles: { space: Space; types: readonly string[] }): Promise<TestUser> {
    const admin = await this.admin()
    const password = randomBytes(12).toString('hex')
    const { id: guid } = await admin.call(WithId, 'POST', `http://localhost:${this.config.ports.uaa}/Users`, {
      json: { userName: username, password, emails: [{ value: `${username}@example.org`, primary: true }] },
    })
    await admin.call(WithGuid, 'POST', '/v3/users', { json: { guid } })
    const user = { data: { guid } }
    const { space, types } = roles
    const organization = { data: { guid: space.organizationGuid } }
    await admin.call(WithGuid, 'POST', '/v3/roles', {
      json: { type: 'organization_user', relationships: { user, organization } },
    })
    for (const type of types)
      await admin.call(WithGuid, 'POST', '/v3/roles', {
        json: { type, relationships: { user, space: { data: { guid: space.guid } } } },
      })
    return { guid, username, password, client: await this.login(username, password) }
  }
}
