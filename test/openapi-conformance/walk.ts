import type { TestContext } from 'node:test'
import { operationKey } from '../../packages/cloud-controller/src/testing/documented-operations.ts'
import { type OperationCase, operationCases } from '../../packages/cloud-controller/src/testing/operation-cases.ts'
import { askFor, pathOf } from '../../packages/cloud-controller/src/testing/operation-requests.ts'
import { rehearse } from '../../packages/cloud-controller/src/testing/rehearsal.ts'
import {
  type Answer,
  type Client,
  type TestController,
  testController,
} from '../../packages/cloud-controller/src/testing/test-controller.ts'
import { givenWorld, type World } from '../../packages/cloud-controller/src/testing/world.ts'
import { answerCheck } from './answer-check.ts'
import { type Fault, FieldCoverage } from './declared-fields.ts'
import { giveMore } from './fixtures.ts'
import type { ReferenceDocument, ReferenceOperation } from './reference-document.ts'

/** A fault, and in which request it was found first. */
export interface FoundFault extends Fault {
  readonly request: string
}

export interface WalkResult {
  /** Operations of the document that the Cloud Controller answers. */
  readonly served: readonly string[]
  /** Those it says it does not know. */
  readonly unknown: readonly string[]
  /** Each once. */
  readonly faults: readonly FoundFault[]
}

/** Outside the v3 routes, and so outside the role table. */
const rootCases: Readonly<Record<string, OperationCase>> = { 'GET /': {}, 'GET /v3': {}, 'GET /v3/info': {} }

const successes = [200, 201, 202, 204]

const cases = new Map(
  Object.entries({ ...operationCases, ...rootCases }).map(([operation, one]) => {
    const [method = '', path = ''] = operation.split(' ')
    return [operationKey(method, path), { operation, tried: one }]
  }),
)

/** One request for an operation, and which statuses it is meant to get. */
interface Attempt {
  readonly how: string
  readonly statuses: readonly number[]
  ask(): Promise<Answer>
}

/** Asks a Cloud Controller for every operation of the document, as those who may and in ways that must fail, and compares. */
export async function walkDocument(t: TestContext, document: ReferenceDocument): Promise<WalkResult> {
  const controller = await testController(t, { packages: { minimumResourceSizeInBytes: 0 } })
  const world = await givenWorld(t, controller)
  await giveMore(t, controller, world)
  const coverage = new FieldCoverage()
  const check = answerCheck(document, coverage)
  const served: string[] = []
  const unknown: string[] = []
  const faults = new Map<string, FoundFault>()
  const note = (found: Fault[], request: string): void => {
    for (const fault of found) {
      const key = `${fault.at} ${fault.what}`
      if (!faults.has(key)) faults.set(key, { ...fault, request })
    }
  }
  for (const operation of document.operations) {
    const known = cases.get(operationKey(operation.method, operation.path))
    if (!known) {
      const answer = await askUnbuilt(controller.admin, operation)
      if (isUnknownRequest(answer)) unknown.push(operation.name)
      else note([{ at: operation.name, what: 'served, but in no table of operations' }], `${operation.name} as admin`)
      continue
    }
    served.push(operation.name)
    for (const { how, statuses, ask } of attempts(controller, world, operation, known)) {
      const { status, headers, body } = await rehearse(controller.db, ask)
      const request = `${operation.name} ${how}`
      if (!statuses.includes(status))
        note([{ at: operation.name, what: `${status} ${how}` }], `${request}: ${JSON.stringify(body)}`)
      // The reactor sends the file instead of the body.
      const sent = headers.has('x-reactor-send-file') ? 'a file' : body
      note(check(operation, { status, contentType: headers.get('content-type'), body: sent }), request)
      if (status === 200 && Array.isArray(body.resources) && body.resources.length === 0)
        note([{ at: operation.name, what: 'nothing in the list that could be compared' }], request)
    }
  }
  note(coverage.faults(), 'any request')
  return { served, unknown, faults: [...faults.values()] }
}

/** As somebody who may; with all includes; and what must be refused. */
function attempts(
  { admin, anonymous }: TestController,
  world: World,
  { includes, path: template }: ReferenceOperation,
  { operation, tried }: { operation: string; tried: OperationCase },
): Attempt[] {
  const as = (client: Client, how: string, statuses: readonly number[], other: OperationCase = {}): Attempt => ({
    how,
    statuses,
    ask: () => askFor(client, operation, { ...tried, ...other }, world),
  })
  const found = [as(admin, 'as admin', successes)]
  if (includes.length > 0) {
    const path = pathOf(template, world)
    found.push({
      how: 'with all includes',
      statuses: [200],
      ask: () => admin.get(`${path}?include=${includes}`),
    })
  }
  if (rootCases[operation]) return found
  found.push(as(anonymous, 'without a token', [401]))
  const [, query = ''] = /(\?.*)/.exec(tried.path?.(world) ?? '') ?? []
  if (template.includes(':'))
    found.push(as(admin, 'of what is not there', [404], { path: () => pathToNowhere(template) + query }))
  if (tried.body) found.push(as(admin, 'with an unknown field', [422], { body: () => ({ unknown: 1 }) }))
  return found
}

const pathToNowhere = (path: string): string => path.replace(/:(\w+)/g, 'not-there')

const askUnbuilt = (client: Client, { method, path }: ReferenceOperation): Promise<Answer> => {
  const actual = pathToNowhere(path)
  if (method === 'GET') return client.get(actual)
  if (method === 'POST') return client.post(actual, {})
  if (method === 'PATCH') return client.patch(actual, {})
  return method === 'PUT' ? client.put(actual, {}) : client.delete(actual)
}

const isUnknownRequest = ({ status, body }: Answer): boolean =>
  status === 404 && body.errors?.[0]?.detail === 'Unknown request'
