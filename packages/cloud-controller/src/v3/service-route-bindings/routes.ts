import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { lists, shows } from '../kit/operation.ts'
import { serviceRouteBindings } from './resource.ts'

/** What clients read beside routes; binding comes with services. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/service_route_bindings', lists(serviceRouteBindings))
routes.get('/v3/service_route_bindings/:guid', shows(serviceRouteBindings))
