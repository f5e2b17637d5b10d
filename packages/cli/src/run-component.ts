import module from 'node:module'
import type { RunningComponent } from '@vcap/protocol'
import pino from 'pino'
import type { ComponentDefinition } from './component-definition.ts'
import { describeIssues } from './config/issues.ts'
import { readConfigFile } from './config/load.ts'
import { LogLevel } from './config/schema.ts'
import type { ComponentMessage } from './ipc.ts'
import { exitCodes, UserError, usageError } from './user-error.ts'

/**
 * Runs one component in this process until it is told to stop: by SIGTERM or SIGINT, or by the end of the `vcap up` that started it,
 * however that ended. Returns the exit code. Logs JSON lines to stderr.
 */
export async function runComponent(definition: ComponentDefinition, configFile: string): Promise<number> {
  const parent = parentProcess()
  const stopAsked = whenAskedToStop(parent !== undefined)
  try {
    const { logLevel, ...config } = await readConfigFile(configFile)
    const level = LogLevel.safeParse(logLevel)
    if (!level.success) throw notValid(definition, configFile, describeIssues(level.error, ['logLevel']))
    const logger = pino(
      { name: definition.name, level: level.data },
      // Synchronous, so that the last line before a crash is in the file.
      pino.destination({ dest: 2, sync: true }),
    )
    // A start may wait for another component for as long as that is away. It leaves nothing that a killed one would not leave.
    const running = await Promise.race([start(definition, config, configFile, logger), stopAsked])
    if (typeof running === 'string') {
      logger.info({ why: running }, 'stopping before it was ready')
      return exitCodes.ok
    }
    if (parent) parent.send({ type: 'ready', addresses: running.addresses })
    else process.stdout.write(`${definition.name} is ready ${Object.values(running.addresses).join(' ')}\n`)
    // What was compiled is kept for the next start now, and not only at an orderly end.
    setTimeout(() => module.flushCompileCache(), 2_000).unref()
    const why = await stopAsked
    logger.info({ why }, 'stopping')
    return await stopWithin(running, definition.stopLimitInMs, logger)
  } catch (error) {
    if (!parent) throw error
    const failure = describeFailure(error)
    parent.send({ type: 'failed', ...failure })
    if (failure.kind === 'other') process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
    return error instanceof UserError ? error.exitCode : exitCodes.failed
  }
}

async function start(
  definition: ComponentDefinition,
  config: Record<string, unknown>,
  configFile: string,
  logger: pino.Logger,
): Promise<RunningComponent> {
  const program = await definition.load()
  const faults = program.validate(config)
  if (faults !== undefined) throw notValid(definition, configFile, faults)
  return await program.start(config, { logger })
}

function notValid({ name }: ComponentDefinition, configFile: string, faults: string): UserError {
  return usageError(`The configuration of ${name} is not valid (${configFile}):\n${faults}`)
}

interface ParentProcess {
  send(message: ComponentMessage): void
}

function parentProcess(): ParentProcess | undefined {
  if (!process.send) return undefined
  return {
    send(message) {
      // A parent that is gone shows as `disconnect`, which stops us; there is nobody left to tell.
      if (process.connected) process.send?.(message, undefined, undefined, () => {})
    },
  }
}

/** Resolves with the reason. A second signal to a component without a parent ends it at once. */
function whenAskedToStop(hasParent: boolean): Promise<string> {
  return new Promise((resolve) => {
    let asked = false
    const ask = (why: string) => {
      if (asked && !hasParent) process.exit(exitCodes.failed)
      asked = true
      resolve(why)
    }
    process.on('SIGTERM', () => ask('SIGTERM'))
    // Ctrl-C, and the closing of a terminal, reach every process in it. Below a `vcap up` it decides who stops when.
    const ignore = () => {}
    process.on('SIGINT', hasParent ? ignore : () => ask('SIGINT'))
    process.on('SIGHUP', hasParent ? ignore : () => ask('SIGHUP'))
    if (!hasParent) return
    process.on('disconnect', () => ask('the process that started this component is gone'))
    if (!process.connected) ask('the process that started this component is gone')
  })
}

async function stopWithin(running: RunningComponent, limitInMs: number, logger: pino.Logger): Promise<number> {
  const limit = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => limit.resolve('late'), limitInMs)
  const outcome = await Promise.race([running.stop().then(() => 'stopped' as const), limit.promise])
  clearTimeout(timer)
  if (outcome === 'stopped') return exitCodes.ok
  logger.error({ limitInMs }, 'did not stop in time and is ended')
  return exitCodes.failed
}

function describeFailure(error: unknown): { kind: 'configuration' | 'port' | 'other'; message: string } {
  if (error instanceof UserError && error.exitCode === exitCodes.usage)
    return { kind: 'configuration', message: error.message }
  const message = error instanceof Error ? error.message : String(error)
  return { kind: isPortConflict(error) ? 'port' : 'other', message }
}

/** A component may have wrapped what `listen` said. */
function isPortConflict(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === 'EADDRINUSE') || isPortConflict(error.cause)
}
