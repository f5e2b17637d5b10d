import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { shows } from '../kit/operation.ts'
import { jobs } from './resource.ts'

export const routes = new Hono<WorkerEnv>()

routes.get('/v3/jobs/:guid', shows(jobs))
