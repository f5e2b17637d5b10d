import { Hono } from 'hono'
import { z } from 'zod'
import type { WorkerEnv } from '../../http/environment.ts'
import { links } from '../kit/answer-fields.ts'
import { answersWith } from '../kit/operation.ts'
import { presentLinks } from '../kit/present.ts'
import { find } from '../kit/verbs.ts'
import { organizations } from '../organizations/resource.ts'
import { spaces } from '../spaces/resource.ts'
import { UsageSummary, usageSummary } from './usage-summary.ts'

/** How much of what quotas limit is used. */
const UsageAnswer = z.object({ usage_summary: UsageSummary, links })

export const routes = new Hono<WorkerEnv>()

routes.get('/v3/organizations/:guid/usage_summary', answersWith(200, UsageAnswer), async (c) => {
  const { guid } = await find(c, organizations)
  const path = `/v3/organizations/${guid}`
  return c.var.answer({
    usage_summary: await usageSummary(c.var.db, { organizationGuid: guid }),
    links: presentLinks(c.var.settings.externalUrl, { self: `${path}/usage_summary`, organization: path }),
  })
})

routes.get('/v3/spaces/:guid/usage_summary', answersWith(200, UsageAnswer), async (c) => {
  const { guid, organization_guid } = await find(c, spaces)
  const path = `/v3/spaces/${guid}`
  return c.var.answer({
    usage_summary: await usageSummary(c.var.db, { organizationGuid: organization_guid, spaceGuid: guid }),
    links: presentLinks(c.var.settings.externalUrl, { self: `${path}/usage_summary`, space: path }),
  })
})
