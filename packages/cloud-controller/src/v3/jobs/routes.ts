import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { show } from '../kit/verbs.ts'
import { jobs } from './resource.ts'

export const routes = new Hono<WorkerEnv>()

routes.get('/v3/jobs/:guid', (c) => show(c, jobs))
