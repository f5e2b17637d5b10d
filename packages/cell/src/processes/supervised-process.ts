import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { LineSplitter } from '../logs/line-splitter.ts'
import type { WriteLine } from '../logs/log-publisher.ts'
import type { AppUser } from '../run-as.ts'
import { type OutputPipe, openOutputPipes } from './output-pipes.ts'

export interface ProcessSpecification {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  /** All of the environment; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>
  readonly user: AppUser | undefined
  /** Where the cell may name its pipes; closed to apps. */
  readonly pipeDirectory: string
  readonly write: WriteLine
  /** Takes stdout as it is, in place of `write`. */
  readonly captureOutput?: (chunk: Buffer) => void
}

export interface SupervisedProcess {
  readonly pid: number
  /** The exit status as a shell tells it: 128 + n after signal n. */
  readonly exited: Promise<number>
  /** Once the last line has been written, or `drain` has given up on whoever still holds the output open. */
  drain(timeoutInMs: number): Promise<void>
}

/**
 * What becomes the program, as the same process: it closes what whoever started the cell has left open without marking it
 * (Node.js marks only its own descriptors), and sets what every program of Cloud Foundry starts with.
 */
const gate = `
umask 0022
ulimit -c 0
for descriptor in /dev/fd/*; do
  descriptor=\${descriptor##*/}
  case $descriptor in
    [012] | *[!0-9]*) ;;
    *) eval "exec $descriptor>&-" ;;
  esac
done
unset descriptor
exec "$@"`

/**
 * Starts a process as leader of a session of its own, with no input, no inherited descriptors and nothing of the cell's
 * environment. Throws if the system refuses (arguments too long, …); a program that isn't there ends with 127, one that
 * can't be run with 126, as in a shell.
 */
export async function startProcess(specification: ProcessSpecification): Promise<SupervisedProcess> {
  const { file, args, cwd, environment, user, pipeDirectory, write, captureOutput } = specification
  const [out, err] = await openOutputPipes(pipeDirectory, user)
  const outEnded = captureOutput ? capture(out, captureOutput) : readLines(out, (line) => write('OUT', line))
  const errEnded = readLines(err, (line) => write('ERR', line))
  let child: ChildProcess
  try {
    child = spawn('/bin/bash', ['-c', gate, 'cell', file, ...args], {
      cwd,
      env: environment,
      detached: true,
      stdio: ['ignore', out.writer, err.writer],
      ...(user && { uid: user.uid, gid: user.gid }),
    })
    if (child.pid === undefined) throw (await once(child, 'error'))[0]
  } catch (error) {
    out.reader.destroy()
    err.reader.destroy()
    throw error
  } finally {
    out.closeWriter()
    err.closeWriter()
  }
  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
  return {
    pid: child.pid,
    exited,
    drain: async (timeoutInMs) => {
      const giveUp = () => {
        out.reader.destroy()
        err.reader.destroy()
      }
      // After a pause of the whole process (or a long turn of its event loop) the time is over before what is there was read.
      const timer = setTimeout(() => setImmediate(giveUp), timeoutInMs)
      await Promise.all([outEnded, errEnded])
      clearTimeout(timer)
    },
  }
}

function readLines(pipe: OutputPipe, line: (line: string) => void): Promise<void> {
  const splitter = new LineSplitter(line)
  return capture(pipe, (chunk) => splitter.push(chunk)).then(() => splitter.end())
}

/** Resolves when nobody holds the other side open any more. A pipe has no errors but those of a closed one. */
function capture({ reader }: OutputPipe, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve) => {
    reader.on('data', take)
    reader.on('error', () => reader.destroy())
    reader.once('close', () => resolve())
  })
}
