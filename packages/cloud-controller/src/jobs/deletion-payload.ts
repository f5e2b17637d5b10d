import { z } from 'zod'
import type { Actor } from '../actions/audit-events.ts'

/** What the jobs that delete organizations and spaces are told. */
export const DeletionPayload = z.object({
  actor: z.object({ guid: z.string(), type: z.string(), name: z.string() }),
  /** What it was before it was marked as being deleted, to be restored should that fail. Absent when it was marked already. */
  statusBefore: z.enum(['active', 'suspended']).optional(),
})

export function deletionPayload(
  actor: Actor,
  { status }: { readonly status: 'active' | 'suspended' | 'deleting' },
): z.input<typeof DeletionPayload> {
  return { actor, ...(status !== 'deleting' && { statusBefore: status }) }
}
