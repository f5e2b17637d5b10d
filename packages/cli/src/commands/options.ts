import { type ParseArgsConfig, parseArgs } from 'node:util'
import { usageError } from '../user-error.ts'

type Options = NonNullable<ParseArgsConfig['options']>

/**
 * Reads a command's options; there are never positional arguments. Returns undefined when help was asked for, which is then on the
 * screen. node:util's parser is all that a handful of flags needs. Throws UserError (exit code 2) that shows the usage.
 */
export function readOptions<const T extends Options>(commandLine: readonly string[], usage: string, options: T) {
  try {
    const { values } = parseArgs({
      args: [...commandLine],
      options: { ...options, help: { type: 'boolean', short: 'h' } as const },
    })
    if ('help' in values && values.help === true) {
      process.stdout.write(usage)
      return undefined
    }
    return values
  } catch (error) {
    throw usageError(`${error instanceof Error ? error.message : error}\n\n${usage}`, { cause: error })
  }
}
