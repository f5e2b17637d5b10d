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

/** Between the thread's word that it will pause and its pause. Longer means that it runs no JavaScript. */
const pauseWithinInMilliseconds = 50

/**
 * Where a thread is stuck, as text for the log: interrupts it with the inspector, also in an endless loop, and gives its frames in the form of
 * `Error#stack`, or the reason why there are none. Reactor thread; takes at most the timeout. The thread is resumed and detached, so that it
 * can be ended.
 */
export function lastKnownStack(threadName: string, timeoutInMilliseconds: number): Promise<string> {
  if (timeoutInMilliseconds <= 0) return Promise.resolve('    (not read)')
  if (underWay >= atATime) return Promise.resolve('    (not read: too many threads at once)')
  underWay++
  const session = new Session()
  session.connect()
  return new Promise<string>((resolve) => {
    let attachedTo: string | undefined
    const urls = new Map<string, string>()
    const tell = (sessionId: string, id: number, method: string): void =>
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, method }) })
    const finish = (stack: string): void => {
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
    let timer = setTimeout(
      finish,
      timeoutInMilliseconds,
      '    (not read in time: the thread is in native code, or the CPU is busy)',
    )
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
      if (params.message.startsWith('{"id":2,')) {
        clearTimeout(timer)
        timer = setTimeout(
          finish,
          pauseWithinInMilliseconds,
          '    (no JavaScript was running: the thread awaits something)',
        )
      }
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
