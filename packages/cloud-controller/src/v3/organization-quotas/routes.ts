import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { list, show } from '../kit/verbs.ts'
import { organizationQuotas } from './resource.ts'

/** cloud_controller_ng app/controllers/v3/organization_quotas_controller.rb */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/organization_quotas', (c) => list(c, organizationQuotas))
routes.get('/v3/organization_quotas/:guid', (c) => show(c, organizationQuotas))
