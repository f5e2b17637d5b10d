import type { Context } from 'hono'
import { scimFault } from '../errors.ts'

/** The version that If-Match names, or `current` for `*`. Throws UaaError 400 without the header, or with no version in it. */
export function requiredVersion(c: Context, current: number): number {
  const header = c.req.header('If-Match')
  if (header === undefined) throw scimFault(`Missing If-Match for ${c.req.method}`)
  const value = header.trim().replace(/^(W\/)?"+|"+$/g, '')
  if (value === '*') return current
  if (!/^\d+$/.test(value)) {
    throw scimFault(`Invalid version match header (should be a version number): ${header}`)
  }
  return Number(value)
}

export function setVersion(c: Context, version: number): void {
  c.header('ETag', `"${version}"`)
}
