import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { lists, shows } from '../kit/operation.ts'
import { auditEvents } from './resource.ts'

/** cloud_controller_ng app/controllers/v3/events_controller.rb */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/audit_events', lists(auditEvents))
routes.get('/v3/audit_events/:guid', shows(auditEvents))
