import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Program } from '../main.ts'
import { type UserError, usageError } from '../user-error.ts'

interface Command {
  name: string
  summary: string
  load(): Promise<(commandLine: readonly string[], program: Program) => Promise<number>>
}

/** Every command that is not a component. */
export const commands: readonly Command[] = [
  {
    name: 'up',
    summary: 'start a whole Cloud Foundry on this machine, and keep it running',
    load: async () => (await import('./up.ts')).up,
  },
  {
    name: 'demo',
    summary: 'start one on free ports, push two apps to it, show them, and stop it',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'doctor',
    summary: 'check that this machine has what is needed',
    load: async () => (await import('./doctor.ts')).doctor,
  },
]

/** `vcap --help`. */
export function overview(program: Program): string {
  const row = ({ name, summary }: { name: string; summary: string }) => `  vcap ${name.padEnd(11)} ${summary}\n`
  const parts = program.components.map(({ name, title }) => row({ name, summary: title })).join('')
  return `Cloud Foundry on one machine with one command.

Usage: vcap COMMAND [OPTIONS]

${commands.map(row).join('')}
One component in the foreground, for a system of several machines:
${parts}
  vcap COMMAND --help   what a command takes
  vcap --version
`
}

export function unknownCommand(command: string | undefined, program: Program): UserError {
  const what = command === undefined ? 'Which command?' : `There is no command "${command}".`
  return usageError(`${what}\n\n${overview(program)}`)
}

/** The version of the package. */
export async function version(): Promise<string> {
  const file = new URL('../../package.json', import.meta.url)
  return z.object({ version: z.string() }).parse(JSON.parse(await readFile(file, 'utf8'))).version
}
