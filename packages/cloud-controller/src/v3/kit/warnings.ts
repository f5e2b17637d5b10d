import type { RequestContext } from '../../http/environment.ts'

/** Adds warnings to the answer: one `X-Cf-Warnings` header each, escaped as a form's value (semantics, section 11). */
export function addWarnings(c: RequestContext, warnings: readonly string[]): void {
  for (const warning of warnings) {
    const escaped = encodeURIComponent(warning)
      .replace(/[!'()*~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%20', '+')
    c.header('X-Cf-Warnings', escaped, { append: true })
  }
}
