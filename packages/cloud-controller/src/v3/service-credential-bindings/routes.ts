import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { lists, shows } from '../kit/operation.ts'
import { serviceCredentialBindings } from './resource.ts'

/** Reading bindings and keys; making them comes with services. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/service_credential_bindings', lists(serviceCredentialBindings))
routes.get('/v3/service_credential_bindings/:guid', shows(serviceCredentialBindings))
