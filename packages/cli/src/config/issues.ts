import type { z } from 'zod'

/** The faults of a configuration, one a line, each led by the key it is about: `  ports.api: expected number, received string`. */
export function describeIssues(error: z.ZodError, prefix: readonly string[] = []): string {
  return error.issues.flatMap((issue) => lines(issue, prefix)).join('\n')
}

function lines(issue: z.core.$ZodIssue, prefix: readonly string[]): string[] {
  const path = [...prefix, ...issue.path.map(String)]
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `  ${[...path, key].join('.')}: there is no such key`)
  return [
    `  ${path.length === 0 ? '(the whole file)' : path.join('.')}: ${issue.message.replace(/^Invalid input: /, '')}`,
  ]
}
