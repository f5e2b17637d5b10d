import type { RouterRoute } from 'hono/types'
import { apiVersion } from '../../http/root-documents.ts'
import { factsOf, type OperationFacts } from '../kit/operation-facts.ts'
import type { JsonSchema } from '../kit/query-parameters.ts'
import { humanized } from '../kit/words.ts'
import { requestBodyOf, responsesOf } from './answers.ts'
import { Components } from './components.ts'
import { operationId } from './operation-id.ts'
import { parametersOf } from './parameters.ts'

/** One operation that is served, with what its route says of it. */
export interface ServedOperation {
  readonly method: string
  /** As Hono has it: `/v3/apps/:guid`. */
  readonly path: string
  readonly facts: OperationFacts
  readonly security: OperationFacts['security']
}

type Route = Pick<RouterRoute, 'method' | 'path' | 'handler'>

/** All operations of the application, in the order of their registration; middleware guards what is registered after it. */
export function servedOperations(routes: readonly Route[]): ServedOperation[] {
  const guards: Array<{ prefix: string; security: OperationFacts['security'] }> = []
  const found = new Map<string, { route: Route; handlers: object[]; security: OperationFacts['security'] }>()
  for (const route of routes) {
    if (route.method === 'ALL') {
      const { security } = factsOf([route.handler])
      if (security) guards.push({ prefix: route.path.replace(/\*$/, ''), security })
      continue
    }
    const key = `${route.method} ${route.path}`
    const security = guards.find(({ prefix }) => `${route.path}/`.startsWith(prefix))?.security
    const known = found.get(key)
    if (known) known.handlers.push(route.handler)
    else found.set(key, { route, handlers: [route.handler], security })
  }
  return [...found.values()].map(({ route: { method, path }, handlers, security }) => ({
    method,
    path,
    facts: factsOf(handlers),
    security,
  }))
}

/**
 * The OpenAPI 3.1 document of everything that these routes serve, made of the schemas that validate and of the lists' own
 * rules. Throws for a route that does not say what it answers.
 */
export function openapiDocument(
  routes: readonly Route[],
  { externalUrl }: { readonly externalUrl: string },
): JsonSchema {
  const components = new Components()
  const operations = servedOperations(routes)
  const paths: Record<string, Record<string, JsonSchema>> = {}
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}')
    const item = paths[path] ?? {}
    item[operation.method.toLowerCase()] = operationObject(operation, components)
    paths[path] = item
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Cloud Controller', version: apiVersion },
    servers: [{ url: externalUrl }],
    tags: [...new Set(operations.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An access token of UAA' },
        basic: { type: 'http', scheme: 'basic', description: 'What cells know' },
      },
      responses: {
        Failure: {
          description: 'Refused or failed',
          content: { 'application/json': { schema: components.failure() } },
        },
      },
      parameters: components.parameters,
      schemas: components.schemas,
    },
  }
}

function operationObject(operation: ServedOperation, components: Components): JsonSchema {
  const { method, path, facts, security } = operation
  if (!facts.answer) throw new Error(`${method} ${path} does not say what it answers`)
  const parameters = parametersOf(path, facts, components)
  return {
    operationId: operationId(method, path, facts.answer),
    tags: [tagOf(operation)],
    security: security ? [{ [security]: [] }] : [],
    ...(parameters.length > 0 && { parameters }),
    ...(facts.body && { requestBody: requestBodyOf(facts.body, components) }),
    responses: responsesOf(facts.answer, components),
  }
}

/** "Audit events" of `/v3/audit_events/:guid`; what no resource has is about the whole. */
function tagOf({ path, security }: ServedOperation): string {
  const [, first = '', second] = path.split('/')
  if (!security) return 'Root'
  return humanized(first === 'v3' && second ? second : first)
}
