import { readlinkSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { answerMessage, movable } from './answer-message.ts'
import { ResultNotCloneable } from './errors.ts'
import { LightRequest, type ThreadRequest, threadRequestOf } from './light-request.ts'
import { installLightResponse } from './light-response.ts'
import type { JobMessage, RequestMessage, ToThread } from './messages.ts'
import { requireThreadContext, setCurrentTask, type ThreadContext } from './thread-context.ts'
import { toWire } from './wire-error.ts'

export interface ServeOptions {
  /** Called when the thread is asked to end, and has no task: close connections here. Not called when the thread is ended by force. */
  readonly onEnd?: () => void | Promise<void>
}

/**
 * Request thread: serves each request that the reactor hands over, one at a time, with a fetch handler such as a Hono app's `fetch`.
 * The thread counts as started when this is called, so load, connect and warm up before.
 *
 * `request` is a light stand-in (see LightRequest), `env.request` the request as received. `Response` is replaced in this thread by a
 * light one. An error that the handler throws is answered by the reactor's `faultAnswer` with kind 'failed'.
 */
export function serveRequests(
  fetch: (request: Request, env: { request: ThreadRequest }) => Response | Promise<Response>,
  options: ServeOptions = {},
): void {
  const context = requireThreadContext('serveRequests')
  installLightResponse()
  serve(context, options, async (message) => {
    if (message[0] !== 'request') throw new Error(`a request thread can't do a ${message[0]}`)
    const request = threadRequestOf(message)
    setCurrentTask({ requestId: request.id, what: `${request.method} ${request.path}` })
    const response = await fetch(new LightRequest(request) as unknown as Request, { request })
    const answer = await answerMessage(message[1], response, context.setup)
    setCurrentTask(undefined)
    context.send(answer, movable(answer))
  })
}

export interface Job {
  /** The id that ties its log lines to the request that caused it. */
  readonly requestId: string
  readonly name: string
  readonly argument: unknown
}

/** Job thread: runs each job that `Reactor#runJob` hands over, one at a time. What it returns or throws is runJob's result. */
export function serveJobs(run: (job: Job) => unknown, options: ServeOptions = {}): void {
  const context = requireThreadContext('serveJobs')
  serve(context, options, async (message) => {
    if (message[0] !== 'job') throw new Error(`a job thread can't serve a ${message[0]}`)
    const [, taskId, requestId, name, argument] = message
    setCurrentTask({ requestId, what: name })
    const value = await run({ requestId, name, argument })
    setCurrentTask(undefined)
    try {
      context.send(['done', taskId, value])
    } catch (error) {
      throw new ResultNotCloneable(name, error)
    }
  })
}

type Work = (message: RequestMessage | JobMessage) => Promise<void>

function serve(context: ThreadContext, options: ServeOptions, work: Work): void {
  const onMessage = async (message: ToThread): Promise<void> => {
    if (message[0] === 'end') {
      await options.onEnd?.()
      // Not process.exit: what this thread has sent must still arrive.
      parentPort?.close()
      context.setup.replies.close()
      setTimeout(() => process.exit(0), 200).unref()
      return
    }
    try {
      await work(message)
    } catch (thrown) {
      setCurrentTask(undefined)
      context.send(['failed', message[1], toWire(thrown)])
    }
  }
  parentPort?.on('message', onMessage)

  context.send(['ready', operatingSystemThreadId()])
}

/** Linux only; 0 elsewhere. */
function operatingSystemThreadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1))
  } catch {
    return 0
  }
}
