import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { list, show } from '../kit/verbs.ts'
import { spaceQuotas } from './resource.ts'

/** cloud_controller_ng app/controllers/v3/space_quotas_controller.rb */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/space_quotas', (c) => list(c, spaceQuotas, { faultsAs: 'unprocessable' }))
routes.get('/v3/space_quotas/:guid', (c) => show(c, spaceQuotas))
