import { readFile, writeFile } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import { parse } from 'yaml'
import type { BadRequest, OperationFacts } from './bad-requests.ts'
import { bodyShape } from './body-shapes.ts'
import type { QueryKnowledge } from './faulty-queries.ts'
import { operationCases } from './operation-cases.ts'
import { pathOf } from './operation-requests.ts'
import { clientsOfAllRoles, type Who } from './role-table.ts'
import type { Answer, Client, TestController } from './test-controller.ts'
import { temporaryFile } from './uploads.ts'
import { givenWorld, type World } from './world.ts'

/** Who sends bad requests: may do everything, most things here, some, none. */
export const senders = ['admin', 'space_developer', 'org_manager', 'org_user', 'no_role'] as const satisfies Who[]
export type Sender = (typeof senders)[number]

/** Something of everything, and what is known of the operations on it. */
export interface BadRequestWorld {
  readonly clients: Readonly<Record<Sender, Client>>
  readonly operations: readonly OperationFacts[]
  readonly guids: readonly string[]
  /** Asks the application in process. */
  send(request: BadRequest): Promise<Answer>
}

export async function givenBadRequestWorld(t: TestContext, controller: TestController): Promise<BadRequestWorld> {
  const { admin } = controller
  const world = await givenWorld(t, controller)
  const foreign = await givenForeignThings(admin, world)
  const place = { spaceGuid: world.guids.spaces ?? '', organizationGuid: world.guids.organizations ?? '' }
  const clients = await clientsOfAllRoles(controller, place)
  const operations: OperationFacts[] = []
  for (const operation of Object.keys(operationCases)) operations.push(await factsOf(admin, operation, world))
  const { otherApp, otherSpace, otherOrganization, partner, otherUser, destination, emptyPackage } = world
  const others = [otherApp, otherSpace, otherOrganization, partner, otherUser, destination, emptyPackage]
  // Multipart bodies are in files when a thread sees them; one file is enough, as requests come one after the other.
  const bodyFile = await temporaryFile(t, '')
  return {
    clients,
    operations,
    guids: [...new Set([...Object.values(world.guids), ...others, ...foreign])],
    send: (request) => send(clients[request.who as Sender], request, bodyFile),
  }
}

/** In an organization where only admins see them. */
async function givenForeignThings(admin: Client, { otherOrganization }: World): Promise<string[]> {
  const make = async (path: string, body: unknown): Promise<string> => (await admin.post(path, body)).body.guid
  const to = (guid: string) => ({ data: { guid } })
  const organization = to(otherOrganization)
  const space = await make('/v3/spaces', { name: 'foreign', relationships: { organization } })
  const domain = await make('/v3/domains', { name: 'foreign.example.org', relationships: { organization } })
  const app = await make('/v3/apps', { name: 'foreign', relationships: { space: to(space) } })
  const route = await make('/v3/routes', { host: 'foreign', relationships: { space: to(space), domain: to(domain) } })
  const droplet = await make('/v3/droplets', { relationships: { app: to(app) } })
  const packageGuid = await make('/v3/packages', { type: 'bits', relationships: { app: to(app) } })
  return [space, domain, app, route, droplet, packageGuid]
}

async function factsOf(admin: Client, operation: string, world: World): Promise<OperationFacts> {
  const [, template = ''] = operation.split(' ')
  const tried = operationCases[operation] ?? {}
  const path = tried.path?.(world) ?? pathOf(template, tried.spare ? { ...world, guids: world.spares } : world)
  const body = tried.body?.(world)
  const upload = tried.upload?.(world)
  return {
    operation,
    path,
    headers: { ...tried.headers, ...upload?.headers },
    // JSON is YAML: bodies of manifests are made of what they say.
    body:
      body === undefined
        ? undefined
        : { right: typeof body === 'string' ? parse(body) : body, shape: bodyShape(operation) },
    rawBody: upload && (await readFile(upload.file)),
    query: operation.startsWith('GET ') ? await queryKnowledge(admin, path) : otherQueries,
  }
}

const otherQueries: QueryKnowledge = {
  keys: ['source_guid', 'unmapped', 'async', 'purge'],
  orders: [],
  includes: [],
  fields: [],
}

/** What an operation lets one ask for, as it says itself when it is asked for something else. */
async function queryKnowledge(admin: Client, path: string): Promise<QueryKnowledge> {
  const told = async (query: string, sentence: RegExp): Promise<string[]> => {
    const { body } = await admin.get(`${path}?${query}=unheard-of`)
    const [, names] = sentence.exec(body.errors?.[0]?.detail ?? '') ?? []
    return names?.match(/(?<=')[^',]+(?=')/g) ?? []
  }
  const keys = await told('unheard-of', /Valid parameters are: (.*)$/)
  return {
    keys: keys.length > 0 ? keys : ['include', 'fields'],
    orders: await told('order_by', /Order by can only be: (.*?)(, [A-Z]|$)/),
    includes: await told('include', /Valid included resources are: (.*?)(, [A-Z]|$)/),
    fields: await told('fields[unheard-of]', /valid resources are: (.*?)(, [A-Z]|$)/),
  }
}

async function send(client: Client, request: BadRequest, bodyFile: string): Promise<Answer> {
  const { operation, path, body, headers } = request
  const [method = ''] = operation.split(' ')
  if (body === undefined || !headers['content-type']?.startsWith('multipart/'))
    return client.send(method, path, body, { ...headers })
  await writeFile(bodyFile, body)
  return client.send(method, path, body, { ...headers }, { file: bodyFile, sizeInBytes: Buffer.byteLength(body) })
}
