import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { lists, shows } from '../kit/operation.ts'
import { deployments } from './resource.ts'

export const routes = new Hono<WorkerEnv>()

routes.get('/v3/deployments', lists(deployments))
routes.get('/v3/deployments/:guid', shows(deployments))
