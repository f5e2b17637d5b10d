import type { ComponentDefinition } from '../component-definition.ts'
import { StartError } from '../supervisor/supervised-component.ts'
import { exitCodes, UserError, usageError } from '../user-error.ts'
import { portConflicts } from './settle-ports.ts'
import type { System } from './start-system.ts'

/** Why a system did not start, in words for the user. An error that is not about a component's start is returned as it is. */
export async function startFault(
  error: unknown,
  { plan }: System,
  components: readonly ComponentDefinition[],
): Promise<unknown> {
  if (!(error instanceof StartError)) return error
  if (error.failure?.kind === 'configuration')
    return usageError(
      `${error.message}\nIts keys are those below components.${error.component} in the configuration.`,
      {
        cause: error,
      },
    )
  const log = `Its log: ${plan.directory.logs}/${error.component}.log`
  const component = components.filter(({ name }) => name === error.component)
  // Taken between our look and its own. The component does not run, so whoever has the port is not us.
  const conflicts = error.failure?.kind === 'port' ? await portConflicts(plan.config, component) : []
  const why = conflicts.length > 0 ? conflicts.map(({ message }) => message).join('\n') : error.message
  return new UserError(`${error.component} did not start: ${why}\n${log}`, exitCodes.failed, { cause: error })
}
