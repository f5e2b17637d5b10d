import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { list, show } from '../kit/verbs.ts'
import { serviceCredentialBindings } from './resource.ts'

/** Reading bindings and keys; making them comes with services. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/service_credential_bindings', (c) => list(c, serviceCredentialBindings))
routes.get('/v3/service_credential_bindings/:guid', (c) => show(c, serviceCredentialBindings))
