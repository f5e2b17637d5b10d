import { Hono } from 'hono'
import { z } from 'zod'
import { changeFeatureFlag, type FeatureFlag, featureFlags } from '../../actions/feature-flags.ts'
import { notFound } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { links, pagination, time } from '../kit/answer-fields.ts'
import { throwFaults } from '../kit/list-query.ts'
import { answersWith, reads, takes } from '../kit/operation.ts'
import { paginationObject, parsePage } from '../kit/pagination.ts'
import { presentLinks } from '../kit/present.ts'
import { listParameter, orderParameter, pagingParameters, timeParameters } from '../kit/query-parameters.ts'
import { parseQueryString, type QueryString } from '../kit/query-string.ts'
import { timeConditions, wireTime } from '../kit/timestamps.ts'
import { quoted } from '../kit/words.ts'
import { FeatureFlagUpdate } from './messages.ts'

/**
 * Feature flags are known by name and exist without a row, so the kit's verbs do not fit. Checks in the order of
 * cloud_controller_ng app/controllers/v3/feature_flags_controller.rb.
 */
export const routes = new Hono<WorkerEnv>()

const listParameters = ['page', 'per_page', 'order_by', 'created_ats', 'updated_ats', 'guids']

const Flag = z.object({
  name: z.string(),
  enabled: z.boolean(),
  updated_at: time.nullable(),
  custom_error_message: z.string().nullable(),
  links,
})
const Flags = z.object({ pagination, resources: z.array(Flag) })

const listed = reads(
  ...pagingParameters,
  orderParameter(['name']),
  ...timeParameters('updated_ats'),
  listParameter('guids'),
)

routes.get('/v3/feature_flags', listed, answersWith(200, Flags), async (c) => {
  const query = parseQueryString(c.req.url)
  const faults: string[] = []
  const { page, isDescending, wasUpdated } = readListQuery(query, faults)
  throwFaults(faults)
  const flags = (await featureFlags(c.var.db)).filter(wasUpdated)
  flags.sort((a, b) => (a.name < b.name ? -1 : 1))
  if (isDescending) flags.reverse()
  const start = (page.page - 1) * page.perPage
  return c.var.answer({
    pagination: paginationObject(page, flags.length, pageAddress(c, page.perPage)),
    resources: flags.slice(start, start + page.perPage).map((flag) => presented(c, flag)),
  })
})

function readListQuery(query: QueryString, faults: string[]) {
  const unknown = query.keys.filter((key) => !listParameters.includes(key))
  if (unknown.length > 0)
    faults.push(`Unknown query parameter(s): ${quoted(unknown)}. Valid parameters are: ${quoted(listParameters)}`)
  const page = parsePage(query, faults)
  const order = query.values.get('order_by') ?? 'name'
  if (!/^[+\- ]?name$/.test(order)) faults.push("Order by can only be: 'name'")
  if (query.keys.includes('created_ats')) faults.push("Filtering by 'created_ats' is not allowed on this resource.")
  const times = timeConditions(query, 'updated_ats', faults)
  const wasUpdated = ({ updatedAt }: FeatureFlag): boolean =>
    times.length === 0 ||
    (updatedAt !== null &&
      times.some((all) =>
        all.every(({ operator, value }) => (operator === '<' ? updatedAt < value : updatedAt >= value)),
      ))
  return { page, isDescending: order.startsWith('-'), wasUpdated }
}

function pageAddress(c: RequestContext, perPage: number): (page: number) => string {
  const url = new URL(c.req.url)
  return (number) => {
    const parameters = new URLSearchParams(url.searchParams)
    const order = parameters.get('order_by')
    if (order !== null) parameters.set('order_by', order.startsWith('-') ? '-name' : '+name')
    parameters.set('page', String(number))
    parameters.set('per_page', String(perPage))
    parameters.sort()
    return `${c.var.settings.externalUrl}/v3/feature_flags?${parameters}`
  }
}

routes.get('/v3/feature_flags/:name', answersWith(200, Flag), async (c) => c.var.answer(presented(c, await find(c))))

routes.patch('/v3/feature_flags/:name', takes(FeatureFlagUpdate), answersWith(200, Flag), async (c) => {
  const { db, caller } = c.var
  const flag = await find(c)
  requireAdmin(caller)
  const message = await c.var.message()
  await db
    .transaction()
    .execute((trx) =>
      changeFeatureFlag(trx, flag, { enabled: message.enabled, customErrorMessage: message.custom_error_message }),
    )
  return c.var.answer(presented(c, await find(c)))
})

async function find(c: RequestContext): Promise<FeatureFlag> {
  const flag = (await featureFlags(c.var.db)).find(({ name }) => name === c.req.param('name'))
  if (!flag) throw notFound('Feature flag')
  return flag
}

function presented(c: RequestContext, { name, enabled, updatedAt, customErrorMessage }: FeatureFlag) {
  return {
    name,
    enabled,
    updated_at: updatedAt && wireTime(updatedAt),
    custom_error_message: customErrorMessage,
    links: presentLinks(c.var.settings.externalUrl, { self: `/v3/feature_flags/${name}` }),
  }
}
