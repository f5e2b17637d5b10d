import { Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { parseFieldSelection } from '../kit/field-selection.ts'
import { parseQueryString } from '../kit/query-string.ts'
import { list, show } from '../kit/verbs.ts'
import { includedFields, listFields, showFields } from './fields.ts'
import { serviceInstances } from './resource.ts'

/** Reading service instances; making them comes with services. cloud_controller_ng app/controllers/v3/service_instances_controller.rb */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/service_instances', (c) => {
  const selection = parseFieldSelection(parseQueryString(c.req.url), listFields)
  return list(c, serviceInstances, {
    alsoAllowed: ['fields'],
    alsoIncluded: selection.size > 0 ? (rows, view) => includedFields(c.var.db, rows, selection, view) : undefined,
  })
})

routes.get('/v3/service_instances/:guid', (c) => {
  const selection = parseFieldSelection(parseQueryString(c.req.url), showFields)
  return show(c, serviceInstances, {
    alsoAllowed: ['fields'],
    alsoIncluded: selection.size > 0 ? (rows, view) => includedFields(c.var.db, rows, selection, view) : undefined,
  })
})
