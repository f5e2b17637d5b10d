import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { list, show } from '../kit/verbs.ts'
import { serviceRouteBindings } from './resource.ts'

/** What clients read beside routes; binding comes with services. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/service_route_bindings', (c) => list(c, serviceRouteBindings))
routes.get('/v3/service_route_bindings/:guid', (c) => show(c, serviceRouteBindings))
