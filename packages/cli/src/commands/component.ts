import type { ComponentDefinition } from '../component-definition.ts'
import { runComponent } from '../run-component.ts'
import { exitCodes, usageError } from '../user-error.ts'
import { readOptions } from './options.ts'

/** `vcap <component>`: one component in the foreground. */
export async function componentCommand(
  definition: ComponentDefinition,
  commandLine: readonly string[],
): Promise<number> {
  const usage = `Usage: vcap ${definition.name} --config FILE

Runs one component in the foreground: ${definition.title}.
It logs JSON lines to stderr, stops on SIGTERM or Ctrl-C, and ends with 0 then.

  --config FILE   its configuration, YAML or JSON; docs/guide/configuration.md explains every key
`
  const options = readOptions(commandLine, usage, { config: { type: 'string' } })
  if (!options) return exitCodes.ok
  if (options.config === undefined) throw usageError(`vcap ${definition.name} needs --config FILE.\n\n${usage}`)
  return await runComponent(definition, options.config)
}
