import { z } from 'zod'
import { lifecycleTypes } from '../../actions/app-lifecycle.ts'

/*
 * Parts of what is answered. Answers are not validated: these schemas give handlers their types, and the OpenAPI document
 * its answers.
 */

export const whole = z.number().meta({ type: 'integer' })

/** Seconds in UTC: `2026-01-31T12:00:00Z`. */
export const time = z.string().meta({ format: 'date-time' })

export const reference = z.object({ guid: z.string() }).meta({ id: 'Reference' })

/** A to-one relationship that is always there. */
export const one = z.object({ data: reference })

/** A to-one relationship that may be empty. */
export const oneOrNone = z.object({ data: reference.nullable() })

export const many = z.object({ data: z.array(reference).readonly() })

export const link = z.object({ href: z.string(), method: z.string().optional() }).meta({ id: 'Link' })

/** By name. Which there are depends on the state of what is answered. */
export const links = z.record(z.string(), link)

/** Names and values of environment variables. */
export const variables = z.record(z.string(), z.unknown())

export const lifecycle = z
  .object({
    type: z.enum(lifecycleTypes),
    /** Empty for docker. */
    data: z.object({ buildpacks: z.array(z.string()).optional(), stack: z.string().nullish() }),
  })
  .meta({ id: 'Lifecycle' })

/** How the last operation of a service went. */
export const lastOperation = z.object({
  type: z.string(),
  state: z.string(),
  description: z.string(),
  created_at: time,
  updated_at: time,
})

const page = z.object({ href: z.string() })

export const pagination = z
  .object({
    total_results: whole,
    total_pages: whole,
    first: page,
    last: page,
    next: page.nullable(),
    previous: page.nullable(),
  })
  .meta({ id: 'Pagination' })
