import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { list, show } from '../kit/verbs.ts'
import { deployments } from './resource.ts'

export const routes = new Hono<WorkerEnv>()

routes.get('/v3/deployments', (c) => list(c, deployments))
routes.get('/v3/deployments/:guid', (c) => show(c, deployments))
