import { z } from 'zod'
import type { Db } from '../../db/schema.ts'
import { reference, whole } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

/** What it is, and what it was before the event. */
const change = <T extends z.ZodType>(value: T) => z.object({ current: value, previous: value })
const nameable = z.object({ guid: z.string().nullable(), name: z.string().nullable() })

/** What was used, as it can be charged for. Seen by global readers alone; for others the list is empty. */
export const appUsageEvents = resource({
  singular: 'App usage event',
  type: 'app_usage_event',
  path: '/v3/app_usage_events',
  table: 'app_usage_events',
  hasMetadata: false,
  fields: () =>
    z.object({
      state: change(z.string()),
      app: z.object({ guid: z.string(), name: z.string() }),
      process: z.object({ guid: z.string().nullable(), type: z.string().nullable() }),
      space: z.object({ guid: z.string(), name: z.string() }),
      organization: reference,
      buildpack: nameable,
      task: nameable,
      memory_in_mb_per_instance: change(whole),
      instance_count: change(whole),
    }),
  isNeverUpdated: true,
  select: (db: Db) => db.selectFrom('app_usage_events').selectAll('app_usage_events'),
  readableBy: (query, caller) => (caller.readsGlobally ? query : query.where('app_usage_events.id', 'is', null)),
  filters: {
    after_guid: {
      parse: (guids, faults) => {
        if (guids.length !== 1) faults.push('After guid filter accepts only one guid')
      },
      narrow: (query, guids, db) =>
        query.where(
          'app_usage_events.id',
          '>',
          db.selectFrom('app_usage_events as last').select('last.id').where('last.guid', 'in', guids),
        ),
    },
  },
  present: (event) => ({
    fields: {
      state: { current: event.state, previous: event.previous_state },
      app: { guid: event.app_guid, name: event.app_name },
      process: { guid: event.process_guid, type: event.process_type },
      space: { guid: event.space_guid, name: event.space_name },
      organization: { guid: event.organization_guid },
      buildpack: { guid: event.buildpack_guid, name: event.buildpack_name },
      task: { guid: event.task_guid, name: event.task_name },
      memory_in_mb_per_instance: {
        current: event.memory_in_mb_per_instance,
        previous: event.previous_memory_in_mb_per_instance,
      },
      instance_count: { current: event.instance_count, previous: event.previous_instance_count },
    },
  }),
})
