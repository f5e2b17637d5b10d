import { Hono } from 'hono'
import type { WorkerEnv } from '../http/environment.ts'
import { routes as jobs } from './jobs/routes.ts'
import { routes as organizations } from './organizations/routes.ts'

/** Every v3 resource: one line each. */
export const routes = new Hono<WorkerEnv>({ strict: false }).route('/', jobs).route('/', organizations)
