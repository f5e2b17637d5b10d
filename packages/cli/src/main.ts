import type { ComponentDefinition } from './component-definition.ts'
import { exitCodes, UserError } from './user-error.ts'

/** What differs between the real program and one that a test puts together. */
export interface Program {
  components: readonly ComponentDefinition[]
  /** The file that `vcap up` runs again for each component. */
  entryFile: string
}

/** Runs one command line and sets the exit code of the process. */
export async function main(commandLine: readonly string[], program: Program): Promise<void> {
  // Whoever reads our output may go away; the components keep running, and their logs are in files.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  let exitCode: number
  try {
    exitCode = await run(commandLine, program)
  } catch (error) {
    exitCode = error instanceof UserError ? error.exitCode : exitCodes.failed
    const text = error instanceof UserError ? error.message : error instanceof Error ? error.stack : error
    process.stderr.write(`${text}\n`)
  }
  process.exit(exitCode)
}

async function run(commandLine: readonly string[], program: Program): Promise<number> {
  const [command, ...rest] = commandLine
  const component = program.components.find(({ name }) => name === command)
  // Each command's imports are its own: `vcap nats` should not pay for the rest.
  if (component) return await (await import('./commands/component.ts')).componentCommand(component, rest)
  const { commands, overview, unknownCommand, version } = await import('./commands/table.ts')
  if (command === undefined) throw unknownCommand(undefined, program)
  if (command === '--help' || command === '-h' || command === 'help') {
    process.stdout.write(overview(program))
    return exitCodes.ok
  }
  if (command === '--version' || command === '-v' || command === 'version') {
    process.stdout.write(`${await version()}\n`)
    return exitCodes.ok
  }
  const found = commands.find(({ name }) => name === command)
  if (!found) throw unknownCommand(command, program)
  const runCommand = await found.load()
  return await runCommand(rest, program)
}
