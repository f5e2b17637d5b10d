import { Session } from 'node:inspector'

interface WorkerAttached {
  readonly params: { readonly sessionId: string; readonly workerInfo: { readonly title: string } }
}
interface WorkerMessage {
  readonly params: { readonly sessionId: string; readonly message: string }
}
interface Paused {
  readonly params: {
    readonly callFrames: readonly {
      readonly functionName: string
      readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number }
    }[]
  }
}

/** More at a time would cost the reactor more than the stacks are worth. */
const atATime = 4
let underWay = 0

/**
 * Where a thread is stuck: interrupts it with the inspector, also in an endless loop, and gives its frames in the form of
 * `Error#stack`. Undefined if it runs no JavaScript (it awaits something, or is in native code), or if several threads are being
 * looked at already. Reactor thread; takes at most the timeout. The thread is resumed and detached, so that it can be ended.
 */
export function lastKnownStack(threadName: string, timeoutInMilliseconds: number): Promise<string | undefined> {
  if (underWay >= atATime || timeoutInMilliseconds <= 0) return Promise.resolve(undefined)
  underWay++
  const session = new Session()
  session.connect()
  return new Promise<string | undefined>((resolve) => {
    let attachedTo: string | undefined
    const urls = new Map<string, string>()
    const tell = (sessionId: string, id: number, method: string): void =>
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, method }) })
    const finish = (stack: string | undefined): void => {
      clearTimeout(timer)
      session.removeAllListeners()
      if (attachedTo !== undefined) {
        // A thread that is paused, or is attached to, does not end by terminate().
        tell(attachedTo, 3, 'Debugger.resume')
        tell(attachedTo, 4, 'Debugger.disable')
        session.post('NodeWorker.detach', { sessionId: attachedTo })
      }
      session.post('NodeWorker.disable')
      session.disconnect()
      underWay--
      resolve(stack)
    }
    const timer = setTimeout(finish, timeoutInMilliseconds, undefined)
    session.on('NodeWorker.attachedToWorker', ({ params }: WorkerAttached) => {
      if (!params.workerInfo.title.endsWith(` ${threadName}`)) return
      attachedTo = params.sessionId
      tell(params.sessionId, 1, 'Debugger.enable')
      tell(params.sessionId, 2, 'Debugger.pause')
    })
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }: WorkerMessage) => {
      if (params.sessionId !== attachedTo) return
      // One for each loaded script, too many to parse.
      const script = /^{"method":"Debugger.scriptParsed","params":{"scriptId":"(\d+)","url":"([^"]*)"/.exec(
        params.message,
      )
      if (script) urls.set(script[1] ?? '', script[2] ?? '')
      if (!params.message.startsWith('{"method":"Debugger.paused"')) return
      const paused: Paused = JSON.parse(params.message)
      finish(
        paused.params.callFrames
          .map(({ functionName, location }) => {
            const at = `${urls.get(location.scriptId) ?? ''}:${location.lineNumber + 1}:${location.columnNumber + 1}`
            return `    at ${functionName === '' ? '<anonymous>' : functionName} (${at})`
          })
          .join('\n'),
      )
    })
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  })
}
