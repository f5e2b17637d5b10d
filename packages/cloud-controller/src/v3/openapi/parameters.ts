import { type ListRules, listKeys, orderKeys } from '../kit/list-query.ts'
import type { OperationFacts } from '../kit/operation-facts.ts'
import {
  type JsonSchema,
  keysOf,
  listParameter,
  orderParameter,
  pagingParameters,
  type QueryParameter,
  timeParameters,
} from '../kit/query-parameters.ts'
import type { ResourceFacts } from '../kit/resource.ts'
import type { Components } from './components.ts'

const creationTimes = timeParameters('created_ats')
const updateTimes = timeParameters('updated_ats')
const guids = listParameter('guids')
const labelSelector: QueryParameter = { name: 'label_selector', schema: { type: 'string' } }
/** The same wherever they are. */
const common: readonly QueryParameter[] = [...pagingParameters, ...creationTimes, ...updateTimes, guids, labelSelector]

/** All parameters of an operation, as OpenAPI has them: those of the path, then those of the query. */
export function parametersOf(
  path: string,
  { answer, parameters = [] }: OperationFacts,
  components: Components,
): JsonSchema[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const ofAnswer =
    answer?.kind === 'list'
      ? ofList(answer.resource, answer.rules)
      : answer?.kind === 'show'
        ? [...includes(answer.resource), ...(answer.options.alsoAllowed ?? [])]
        : []
  const queried = [...ofAnswer, ...parameters].map((parameter) =>
    common.includes(parameter) ? components.parameter(inQuery(parameter)) : inQuery(parameter),
  )
  return [...inPath, ...queried]
}

function inQuery({ name, schema, isRequired = false }: QueryParameter) {
  return {
    name,
    in: 'query',
    ...(isRequired && { required: true }),
    // Values of a list are separated by commas.
    ...(schema.type === 'array' && { style: 'form', explode: false }),
    schema,
  }
}

/** The parameters behind the keys that the list accepts. */
function ofList(resource: ResourceFacts, rules: ListRules): QueryParameter[] {
  const { alsoAllowed = [] } = rules
  const also = keysOf(alsoAllowed)
  return [
    ...listKeys(resource, rules).flatMap((key) => (also.includes(key) ? [] : ofKey(resource, key))),
    ...alsoAllowed,
  ]
}

function ofKey(resource: ResourceFacts, key: string): readonly QueryParameter[] {
  switch (key) {
    case 'page':
    case 'per_page':
      return pagingParameters.filter(({ name }) => name === key)
    case 'order_by':
      return [orderParameter(orderKeys(resource))]
    case 'created_ats':
      return creationTimes
    case 'updated_ats':
      return resource.isNeverUpdated ? [] : updateTimes
    case 'guids':
      return [guids]
    case 'label_selector':
      return [labelSelector]
    case 'include':
      return includes(resource)
    default:
      return ofFilter(key, resource.filters?.[key])
  }
}

function ofFilter(key: string, filter: object | undefined): QueryParameter[] {
  if (filter && 'boolean' in filter) return [{ name: key, schema: { type: 'boolean' } }]
  if (filter && 'noneOf' in filter) return [listParameter(key), listParameter(`${key}[not]`)]
  if (filter && 'parse' in filter) return [{ name: key, schema: { type: 'string' } }]
  return [listParameter(key)]
}

function includes({ include }: ResourceFacts): QueryParameter[] {
  return include ? [listParameter('include', Object.keys(include))] : []
}
