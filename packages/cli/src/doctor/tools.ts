import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { CheckResult } from './checks.ts'

const run = promisify(execFile)

/** A check that a program is found and starts. Without `required` its absence only takes away what it is for. */
export function toolCheck(
  name: string,
  program: string,
  options: { for: string; required?: boolean; arguments?: readonly string[] },
): { name: string; check(): Promise<CheckResult[]> } {
  return {
    name,
    async check() {
      try {
        const { stdout, stderr } = await run(program, options.arguments ?? ['--version'], { timeout: 10_000 })
        const version = (stdout || stderr).trim().split('\n')[0] ?? ''
        return [{ verdict: 'good', text: `${program}: ${version}` }]
      } catch (error) {
        const why =
          error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'is not installed' : 'does not start'
        return [{ verdict: options.required ? 'bad' : 'note', text: `${program} ${why}; needed for ${options.for}` }]
      }
    },
  }
}
