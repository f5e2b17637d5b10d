import type { Client, TestController } from './test-controller.ts'

/** An organization with a space, and the shared domain that exists from the start. */
export interface RouteFixture {
  readonly organization: string
  readonly space: string
  readonly domain: string
  /** Makes another space in the organization. */
  spaceNamed(name: string): Promise<string>
  /** Makes an app, in the space unless told, and pretends that its web process is started. */
  startedApp(name: string, space?: string): Promise<string>
  /** The body of a route in the space (or another) on the shared domain. */
  routeBody(fields?: Record<string, unknown>, space?: string): Record<string, unknown>
  /** Makes a route and returns its guid. */
  route(fields?: Record<string, unknown>, by?: Client): Promise<string>
  /** URIs that the DEAs were told since the last call, one list for each message. */
  toldUris(): string[][]
}

/** What tests of domains, routes and destinations begin with. */
export async function routeFixture({ admin, db, bus }: TestController): Promise<RouteFixture> {
  const organization = (await admin.post('/v3/organizations', { name: 'acme' })).body.guid
  const spaceNamed = async (name: string): Promise<string> => {
    const relationships = { organization: { data: { guid: organization } } }
    return (await admin.post('/v3/spaces', { name, relationships })).body.guid
  }
  const space = await spaceNamed('dev')
  const domain = (await admin.get('/v3/domains?names=apps.localhost')).body.resources[0].guid
  const routeBody: RouteFixture['routeBody'] = (fields = {}, inSpace = space) => ({
    relationships: { space: { data: { guid: inSpace } }, domain: { data: { guid: domain } } },
    ...fields,
  })
  return {
    organization,
    space,
    domain,
    spaceNamed,
    startedApp: async (name, inSpace = space) => {
      const relationships = { space: { data: { guid: inSpace } } }
      const { guid } = (await admin.post('/v3/apps', { name, relationships })).body
      await db.updateTable('processes').set({ state: 'STARTED' }).where('app_guid', '=', guid).execute()
      return guid
    },
    routeBody,
    route: async (fields = { host: 'www' }, by = admin) => (await by.post('/v3/routes', routeBody(fields))).body.guid,
    toldUris: () => {
      const updates = bus.calls.filter(({ name }) => name === 'dea.update')
      bus.calls.length = 0
      return updates.map(({ values }) => (values[0] as { uris: string[] }).uris)
    },
  }
}
