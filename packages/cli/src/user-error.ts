/** The exit codes of every command. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const

/**
 * A fault that the person at the terminal can mend: shown as its message alone, without a stack. `exitCode` 1 is a machine that
 * does not let us (a port in use, a directory that can't be written), 2 is a wrong command line or configuration.
 */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.failed, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Says a wrong command line or configuration; the process ends with 2. */
export function usageError(message: string, options?: ErrorOptions): UserError {
  return new UserError(message, exitCodes.usage, options)
}
