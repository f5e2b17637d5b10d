import { Hono } from 'hono'
import type { Row } from '../../db/schema.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { fieldParameters, parseFieldSelection, type SelectableFields } from '../kit/field-selection.ts'
import { lists, shows } from '../kit/operation.ts'
import { parseQueryString } from '../kit/query-string.ts'
import type { View } from '../kit/resource.ts'
import { includedFields, listFields, showFields } from './fields.ts'
import { serviceInstances } from './resource.ts'

/** Reading service instances; making them comes with services. cloud_controller_ng app/controllers/v3/service_instances_controller.rb */
export const routes = new Hono<WorkerEnv>()

routes.get(
  '/v3/service_instances',
  lists(serviceInstances, { alsoAllowed: fieldParameters(listFields), perRequest: (c) => selected(c, listFields) }),
)

routes.get(
  '/v3/service_instances/:guid',
  shows(serviceInstances, { alsoAllowed: fieldParameters(showFields), perRequest: (c) => selected(c, showFields) }),
)

/** The parts of `included` that are asked for by `fields[…]`. */
function selected(c: RequestContext, selectable: SelectableFields) {
  const selection = parseFieldSelection(parseQueryString(c.req.url), selectable)
  return {
    alsoIncluded:
      selection.size > 0
        ? (rows: ReadonlyArray<Row<'service_instances'>>, view: View) => includedFields(c.var.db, rows, selection, view)
        : undefined,
  }
}
