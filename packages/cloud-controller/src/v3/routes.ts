import { Hono } from 'hono'
import type { WorkerEnv } from '../http/environment.ts'
import { routes as builds } from './builds/routes.ts'
import { routes as jobs } from './jobs/routes.ts'
import { routes as organizations } from './organizations/routes.ts'
import { routes as packages } from './packages/routes.ts'
import { routes as resourceMatches } from './resource-matches/routes.ts'

/** Every v3 resource: one line each. */
export const routes = new Hono<WorkerEnv>({ strict: false })
  .route('/', jobs)
  .route('/', organizations)
  .route('/', packages)
  .route('/', resourceMatches)
  .route('/', builds)
