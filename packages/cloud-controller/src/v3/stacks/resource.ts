import { z } from 'zod'
import type { Db } from '../../db/schema.ts'
import { resource } from '../kit/resource.ts'
import { stackStates } from './messages.ts'

/** Everybody sees all stacks. The default one is a matter of the configuration. */
export const stacks = resource({
  singular: 'Stack',
  type: 'stack',
  path: '/v3/stacks',
  table: 'stacks',
  hasMetadata: true,
  fields: () =>
    z.object({
      name: z.string(),
      description: z.string().nullable(),
      state: z.enum(stackStates),
      state_reason: z.string().nullable(),
      run_rootfs_image: z.string(),
      build_rootfs_image: z.string(),
      default: z.boolean(),
    }),
  select: (db: Db) => db.selectFrom('stacks').selectAll('stacks'),
  readableBy: (query) => query,
  filters: {
    names: (query, names) => query.where('stacks.name', 'in', names),
    default: { boolean: (query) => query }, // needs the configuration: `narrow`
  },
  narrow: async (filters, { settings }) => {
    const isDefault = filters.get('default')?.[0]
    if (isDefault === undefined) return (query) => query
    return (query) => query.where('stacks.name', isDefault === 'true' ? '=' : '!=', settings.apps.stack)
  },
  orderBy: { name: 'stacks.name' },
  present: (stack, _loaded, { settings }) => ({
    fields: {
      name: stack.name,
      description: stack.description,
      state: stack.state,
      state_reason: stack.state_reason,
      // Root file systems are named after their stack unless an operator says otherwise; ours has none to choose.
      run_rootfs_image: stack.name,
      build_rootfs_image: stack.name,
      default: stack.name === settings.apps.stack,
    },
  }),
})
