import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendFile } from './answer-file.ts'
import { BodyRefused, deleteBody, deleteFile, hasBody, receiveBody } from './body-intake.ts'
import type { HttpServer } from './http-server.ts'
import type { AnswerMessage, DoneMessage, FailedMessage, RequestBody, RequestMessage } from './messages.ts'
import { packHeaders, unpackHeaders } from './messages.ts'
import type { FaultKind, StaticAnswer, TaskFault } from './options.ts'
import type { Task } from './task.ts'
import { fromWire } from './wire-error.ts'

/** Beyond this an answer may not fit into the socket's buffers, and the client's pace matters. */
const slowReaderMattersBeyondInBytes = 16 * 1024
/**
 * A client that is answered before it has sent its body may go on sending for a while, so that it reads the answer and not a reset: until it
 * pauses, and in all.
 */
const lingerPauseInMilliseconds = 500
const lingerInMilliseconds = 10_000

/** One request and its answer, from the parsed head to the last byte. */
export class Exchange implements Task {
  readonly requestId: string
  readonly client: string
  readonly deadlineInSeconds: number
  readonly method: string
  readonly path: string
  queuedAt = 0
  /** Route pattern for the metrics, as the application names it. */
  route = ''
  readonly startedAt = performance.now()

  readonly #server: HttpServer
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #receivedAt = Date.now()
  #body: RequestBody = null
  #phase: 'receiving' | 'waiting' | 'answering' | 'over' = 'receiving'

  constructor(server: HttpServer, request: IncomingMessage, response: ServerResponse, requestId: string) {
    this.#server = server
    this.#request = request
    this.#response = response
    this.requestId = requestId
    this.method = request.method ?? ''
    this.path = request.url ?? ''
    const head = { method: this.method, path: this.path, headers: request.headers }
    this.client = server.clientOf(head, request.socket.remoteAddress ?? '')
    this.deadlineInSeconds = server.settings.deadlineInSeconds(head)
    response.on('close', () => this.close())
  }

  describe = (): Record<string, unknown> => ({ requestId: this.requestId, method: this.method, path: this.path })

  /** Status as it was or will be sent; 499 when the client went away first (as nginx logs it). */
  get status(): number {
    return this.#response.headersSent ? this.#response.statusCode : 499
  }

  /** Takes the body in, then has a thread serve the request. Never rejects. */
  async receive(expectsContinue: boolean): Promise<void> {
    if (!this.#server.requests.hasRoomFor(this.client)) return this.refuse('overloaded')
    try {
      if (expectsContinue) {
        const limit = this.#server.settings.bodyLimitInBytes
        if (Number(this.#request.headers['content-length'] ?? 0) > limit) throw new BodyRefused('body-too-large')
        this.#response.writeContinue()
      }
      this.#body = await receiveBody(this.#request, this.#server.settings)
    } catch (error) {
      if (!(error instanceof BodyRefused)) {
        this.#server.logger.error({ err: error, ...this.describe() }, 'a request body could not be received')
        return this.refuse('insufficient-storage')
      }
      if (error.cause)
        this.#server.logger.error({ err: error, ...this.describe() }, 'a request body could not be stored')
      if (error.fault !== 'client-gone') this.refuse(error.fault)
      return
    }
    this.submit()
  }

  /** Has a thread serve the request, whose body is complete. */
  submit(): void {
    if (this.#phase === 'over') {
      this.#forgetBody()
      return
    }
    this.#phase = 'waiting'
    this.#server.requests.submit(this)
  }

  message(taskId: number): RequestMessage {
    const { rawHeaders, socket } = this.#request
    const address = socket.remoteAddress ?? ''
    return [
      'request',
      taskId,
      this.requestId,
      this.method,
      this.path,
      packHeaders(rawHeaders),
      address,
      this.#receivedAt,
      this.#body,
    ]
  }

  onAnswer(message: AnswerMessage | DoneMessage | FailedMessage): void {
    this.#forgetBody()
    if (message[0] === 'failed') {
      this.#server.logger.error({ err: fromWire(message[2]), ...this.describe() }, 'a request handler threw')
      this.refuse('failed')
      return
    }
    if (message[0] !== 'answer') throw new Error(`a request was answered with '${message[0]}'`)
    const [, , status, packed, body, route, file, deleteAfter] = message
    this.route = route
    const headers = unpackHeaders(packed)
    if (file !== '') void this.#sendFile(status, headers, file, deleteAfter)
    else this.#send(status, headers, body)
  }

  onFault(kind: TaskFault): void {
    this.#forgetBody()
    this.refuse(kind)
  }

  answer(answer: StaticAnswer): void {
    const headers: string[] = []
    for (const [name, value] of Object.entries(answer.headers)) headers.push(name, value)
    const { body } = answer
    if (body !== null) headers.push('content-length', String(Buffer.byteLength(body)))
    this.#send(answer.status, headers, body)
  }

  /** The reactor's own answer. */
  refuse(kind: FaultKind): void {
    if (this.#phase === 'over' || this.#phase === 'answering') return
    this.#server.onFault(kind)
    this.answer(this.#server.faultAnswer({ kind, requestId: this.requestId, method: this.method, path: this.path }))
  }
  #send(status: number, headers: string[], body: string | Uint8Array | null): void {
    if (this.#phase === 'over') return
    this.#phase = 'answering'
    const bodyless = status === 204 || status === 304
    if (body === null && !bodyless && this.method !== 'HEAD') headers.push('content-length', '0')
    if (!this.#request.complete && hasBody(this.#request)) {
      this.#sendEarly(status, headers, body)
      return
    }
    if (this.#server.isStopping) headers.push('connection', 'close')
    if (body !== null && body.length > slowReaderMattersBeyondInBytes) this.#watchReader()
    this.#response.writeHead(status, headers)
    if (body === null) this.#response.end()
    else this.#response.end(body)
  }

  /** The client is still sending: answer, let it notice, then close. */
  #sendEarly(status: number, headers: string[], body: string | Uint8Array | null): void {
    headers.push('connection', 'close')
    this.#response.writeHead(status, headers)
    if (body !== null && this.method !== 'HEAD') this.#response.write(body)
    else this.#response.flushHeaders()
    const end = (): void => {
      clearTimeout(timer)
      clearTimeout(pauseTimer)
      this.#response.end()
    }
    const timer = setTimeout(end, lingerInMilliseconds)
    const pauseTimer = setTimeout(end, lingerPauseInMilliseconds)
    this.#request.on('data', () => pauseTimer.refresh())
    this.#request.on('error', () => undefined)
    this.#request.once('end', end)
    this.#request.once('close', end)
    this.#request.resume()
  }

  async #sendFile(status: number, headers: string[], path: string, deleteAfter: boolean): Promise<void> {
    try {
      if (this.#phase === 'over') return
      this.#phase = 'answering'
      if (this.#server.isStopping) headers.push('connection', 'close')
      this.#watchReader()
      await sendFile(this.#response, { status, headers, path })
    } catch (error) {
      this.#server.logger.error({ err: error, ...this.describe() }, 'a file could not be sent')
      if (this.#response.headersSent) this.#response.destroy()
      else {
        this.#phase = 'waiting'
        this.refuse('failed')
      }
    } finally {
      if (deleteAfter) this.#server.forget(deleteFile(path))
    }
  }

  /** A client that stops reading loses its connection. */
  #watchReader(): void {
    this.#request.socket.setTimeout(this.#server.settings.answerIdleTimeoutInSeconds * 1000)
  }

  #forgetBody(): void {
    const body = this.#body
    this.#body = null
    if (body !== null && 'file' in body) this.#server.forget(deleteBody(body))
  }

  /** The answer has been sent, or the client is gone. What a thread already works on goes on to its end. */
  close(): void {
    if (this.#phase === 'over') return
    const wasWaiting = this.#phase === 'waiting'
    this.#phase = 'over'
    if (wasWaiting && this.#server.requests.cancel(this)) this.#forgetBody()
    this.#server.onOver(this, this.#request.socket)
  }
}
