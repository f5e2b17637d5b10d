import { z } from 'zod'
import type { ListRules } from '../kit/list-query.ts'
import type { AnswerFacts, BodyFacts } from '../kit/operation-facts.ts'
import type { JsonSchema } from '../kit/query-parameters.ts'
import type { ResourceFacts } from '../kit/resource.ts'
import type { Components } from './components.ts'

const descriptions: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'Done; there is no body',
}

/** The `responses` of an operation: its one success, and whatever it refuses. */
export function responsesOf(answer: AnswerFacts, components: Components): JsonSchema {
  const failure = { $ref: '#/components/responses/Failure' }
  return { [statusOf(answer)]: successOf(answer, components), '4XX': failure, '5XX': failure }
}

function statusOf(answer: AnswerFacts): number {
  if ('status' in answer) return answer.status
  return answer.kind === 'job' ? 202 : 200
}

function successOf(answer: AnswerFacts, components: Components): JsonSchema {
  const description = descriptions[statusOf(answer)] ?? ''
  const of = (contentType: string, schema: JsonSchema) => ({ description, content: { [contentType]: { schema } } })
  const json = (schema: JsonSchema) => of('application/json', schema)
  switch (answer.kind) {
    case 'list': {
      const { resource, rules } = answer
      return json(components.list(resource, bringsMore(resource, rules)))
    }
    case 'show': {
      const { resource, options } = answer
      return json(components.single(resource, bringsMore(resource, options)))
    }
    case 'resource':
      return json(components.of(components.resource(answer.resource)))
    case 'document':
      return json(components.of(answer.schema))
    case 'yaml':
      return of('application/x-yaml', components.of(answer.schema))
    case 'constant':
      return of(typeof answer.value === 'string' ? 'text/plain' : 'application/json', shapeOf(answer.value))
    case 'file':
      return of(answer.contentType, { type: 'string', format: 'binary' })
    case 'job':
      return {
        description: 'Accepted: a job does the work',
        headers: { Location: { description: 'The address of the job', schema: { type: 'string', format: 'uri' } } },
      }
    case 'nothing':
      return { description }
  }
}

/** Whether others can be asked for beside the resource. */
const bringsMore = ({ include }: ResourceFacts, { alsoAllowed = [] }: ListRules): boolean =>
  include !== undefined || alsoAllowed.some(({ name }) => name.startsWith('fields['))

/** The shape of an answer that is always the same. */
function shapeOf(value: unknown): JsonSchema {
  if (value === null) return { type: 'null' }
  if (Array.isArray(value)) return { type: 'array' }
  if (typeof value !== 'object') return { type: typeof value }
  const properties = Object.entries(value).map(([key, one]) => [key, shapeOf(one)])
  return { type: 'object', properties: Object.fromEntries(properties), required: Object.keys(value) }
}

/** The `requestBody` of an operation. It may be left out where the server takes an empty one. */
export function requestBodyOf({ contentType, schemas }: BodyFacts, components: Components): JsonSchema {
  const found = new Map(schemas.map((schema) => components.of(schema)).map((one) => [JSON.stringify(one), one]))
  const [first = {}, ...others] = found.values()
  return {
    required: schemas.every((schema) => !z.safeParse(schema, {}).success),
    content: { [contentType]: { schema: others.length === 0 ? first : { anyOf: [first, ...others] } } },
  }
}
