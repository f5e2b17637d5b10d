import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { presentLinks } from '../kit/present.ts'
import { find } from '../kit/verbs.ts'
import { organizations } from '../organizations/resource.ts'
import { spaces } from '../spaces/resource.ts'
import { usageSummary } from './usage-summary.ts'

/** How much of what quotas limit is used. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/organizations/:guid/usage_summary', async (c) => {
  const { guid } = await find(c, organizations)
  const path = `/v3/organizations/${guid}`
  return c.json({
    usage_summary: await usageSummary(c.var.db, { organizationGuid: guid }),
    links: presentLinks(c.var.settings.externalUrl, { self: `${path}/usage_summary`, organization: path }),
  })
})

routes.get('/v3/spaces/:guid/usage_summary', async (c) => {
  const { guid, organization_guid } = await find(c, spaces)
  const path = `/v3/spaces/${guid}`
  return c.json({
    usage_summary: await usageSummary(c.var.db, { organizationGuid: organization_guid, spaceGuid: guid }),
    links: presentLinks(c.var.settings.externalUrl, { self: `${path}/usage_summary`, space: path }),
  })
})
