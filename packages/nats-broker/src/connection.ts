import type { Socket } from 'node:net'
import type { Credentials } from './auth.ts'
import type { NatsBrokerConfig } from './config.ts'
import { type ConnectOptions, defaultConnectOptions, parseConnect } from './connect-options.ts'
import { CLOSE_LINGER_IN_MS, LONGEST_PUBLISHER_STALL_IN_MS, PUBLISHER_STALL_CHECK_IN_MS } from './const.ts'
import { type ProtocolErrorText, ProtocolViolation, protocolErrors } from './errors.ts'
import { Outbound } from './outbound.ts'
import { Parser, type ParserHandler } from './parser.ts'
import type { Publication } from './publication.ts'
import { isLiteral, isSubscribable } from './subject.ts'
import type { Subscription } from './subscription.ts'

/** What a connection needs of the broker around it. */
export interface ConnectionHost {
  readonly config: NatsBrokerConfig
  /** Undefined when everyone may join. */
  readonly credentials: Credentials | undefined
  readonly log: {
    debug(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
  deliver(publisher: Connection, publication: Publication): void
  subscribed(subscription: Subscription): void
  unsubscribed(subscription: Subscription): void
  /** Something was written: asks for `flush` before the event loop's next turn. */
  touched(connection: Connection): void
  slowConsumer(): void
  left(connection: Connection): void
}

/** One client: what it says becomes calls of the broker, and what it shall hear goes to its socket. */
export class Connection implements ParserHandler {
  readonly #id: number
  readonly #socket: Socket
  readonly #host: ConnectionHost
  readonly #parser: Parser
  readonly #outbound: Outbound
  readonly #subscriptions = new Map<string, Subscription>()
  #options = defaultConnectOptions
  #awaitsConnect: boolean
  /** When it is not, the last bytes are on their way, and what the client says is not heard any more. */
  #isOpen = true
  #heardSinceLastPing = false
  #unansweredPings = 0
  #stalled: NodeJS.Timeout | undefined
  #linger: NodeJS.Timeout | undefined
  readonly #pings: NodeJS.Timeout
  readonly #authDeadline: NodeJS.Timeout | undefined
  /** Kept by the host: it stands in the list of connections to flush. */
  isTouched = false

  constructor(id: number, socket: Socket, host: ConnectionHost) {
    const { config } = host
    this.#id = id
    this.#socket = socket
    this.#host = host
    this.#parser = new Parser(this, config)
    this.#outbound = new Outbound(socket, config, (reason) => this.#dropSlowConsumer(reason))
    this.#awaitsConnect = host.credentials !== undefined
    this.#pings = setInterval(() => this.#ping(), config.pingIntervalInSeconds * 1000).unref()
    if (this.#awaitsConnect)
      this.#authDeadline = setTimeout(
        () => this.refuse(protocolErrors.authenticationTimeout),
        config.authTimeoutInSeconds * 1000,
      ).unref()
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.close()) // what it asked for before its end is still answered
    socket.on('error', (error) => host.log.debug({ client: id, err: error }, 'connection failed'))
    socket.on('close', () => this.#clean())
  }

  get options(): ConnectOptions {
    return this.#options
  }

  get awaitsConnect(): boolean {
    return this.#awaitsConnect
  }

  /** Its client takes messages so slowly that publishers should wait for it. */
  get isCongested(): boolean {
    return this.#outbound.isCongested
  }

  // What the client hears.

  /** Protocol text with its line ends; leaves with the next flush. */
  write(text: string): void {
    this.#outbound.appendText(text)
    this.#touch()
  }

  /** One message; leaves with the next flush. */
  send(publication: Publication, sid: Buffer): void {
    this.#outbound.appendMessage(publication, sid, this.#options.headers)
    this.#touch()
  }

  flush(): void {
    this.#outbound.flush()
  }

  /** Tells the client why, and closes. */
  refuse(reason: ProtocolErrorText, detail = ''): void {
    if (!this.#isOpen) return
    this.#host.log.warn({ client: this.#id, name: this.#options.name, reason, detail }, 'connection refused')
    this.#outbound.appendText(`-ERR '${reason}'\r\n`)
    this.close()
  }

  /** Sends what is still to send and closes; a client that does not take it has a second. */
  close(): void {
    if (!this.#leave()) return
    this.#outbound.finish()
    this.#resume() // a paused socket would never see the client's end
    this.#socket.end()
    this.#linger = setTimeout(() => this.#socket.destroy(), CLOSE_LINGER_IN_MS).unref()
  }

  /** Stops reading until a subscriber has caught up with what this client publishes, but not for long. */
  stall(subscriber: Connection): void {
    if (this.#stalled || !this.#isOpen) return
    this.#socket.pause()
    const end = performance.now() + LONGEST_PUBLISHER_STALL_IN_MS
    this.#stalled = setInterval(() => {
      if (!subscriber.isCongested || performance.now() >= end) this.#resume()
    }, PUBLISHER_STALL_CHECK_IN_MS)
  }

  /** Ends one of this connection's subscriptions. */
  end(subscription: Subscription): void {
    if (subscription.ended) return
    subscription.ended = true
    this.#subscriptions.delete(subscription.sid)
    this.#host.unsubscribed(subscription)
  }

  // What the client says: the parser's calls.

  connect(json: string): void {
    this.#options = parseConnect(json, this.#options)
    const { credentials } = this.#host
    if (credentials && !credentials.admit(this.#options.user, this.#options.password))
      throw new ProtocolViolation(protocolErrors.authorization, `user ${JSON.stringify(this.#options.user ?? '')}`)
    this.#awaitsConnect = false
    clearTimeout(this.#authDeadline)
    this.#host.log.debug({ client: this.#id, name: this.#options.name }, 'client connected')
    this.#acknowledge()
  }

  ping(): void {
    this.write('PONG\r\n')
  }

  /** A sign of life, as anything that a client says. */
  pong(): void {}

  /** A sid that is in use keeps its subscription, as in nats-server. */
  subscribe(subject: string, queue: string | undefined, sid: string): void {
    if (!isSubscribable(subject)) {
      this.write(`-ERR '${protocolErrors.invalidSubject}'\r\n`)
      return
    }
    if (!this.#subscriptions.has(sid)) {
      const subscription: Subscription = {
        connection: this,
        subject,
        queue,
        sid,
        sidBytes: Buffer.from(sid, 'latin1'),
        delivered: 0,
        max: undefined,
        ended: false,
      }
      this.#subscriptions.set(sid, subscription)
      this.#host.subscribed(subscription)
    }
    this.#acknowledge()
  }

  unsubscribe(sid: string, max: number | undefined): void {
    const subscription = this.#subscriptions.get(sid)
    if (subscription) {
      if (max !== undefined && max > subscription.delivered) subscription.max = max
      else this.end(subscription)
    }
    this.#acknowledge()
  }

  announce(publication: Publication): void {
    if (publication.headerSizeEnd > 0 && !this.#options.headers)
      throw new ProtocolViolation(protocolErrors.parser, 'HPUB without headers in CONNECT')
  }

  publish(publication: Publication): void {
    if (this.#options.pedantic && !isLiteral(publication.subject()))
      this.write(`-ERR '${protocolErrors.invalidPublishSubject}'\r\n`)
    this.#acknowledge()
    this.#host.deliver(this, publication)
  }

  clientError(text: string): void {
    throw new ProtocolViolation(protocolErrors.parser, `the client reports ${text}`)
  }

  #acknowledge(): void {
    if (this.#options.verbose) this.write('+OK\r\n')
  }

  #touch(): void {
    if (!this.isTouched) this.#host.touched(this)
  }

  #read(chunk: Buffer): void {
    if (!this.#isOpen) return
    this.#heardSinceLastPing = true
    try {
      this.#parser.parse(chunk)
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error
      this.refuse(error.message, error.detail)
    }
  }

  #resume(): void {
    if (!this.#stalled) return
    clearInterval(this.#stalled)
    this.#stalled = undefined
    this.#socket.resume()
  }

  /** A client that says anything is alive; PING asks only the silent. */
  #ping(): void {
    this.#outbound.releaseMemory()
    if (this.#heardSinceLastPing) {
      this.#heardSinceLastPing = false
      this.#unansweredPings = 0
      return
    }
    if (this.#unansweredPings >= this.#host.config.maxUnansweredPings) {
      this.refuse(protocolErrors.staleConnection)
      return
    }
    this.#unansweredPings++
    this.write('PING\r\n')
  }

  /** Without a word: `-ERR` would have to wait behind everything that the client does not take. */
  #dropSlowConsumer(detail: string): void {
    this.#host.log.warn({ client: this.#id, name: this.#options.name, detail }, 'slow consumer dropped')
    this.#host.slowConsumer()
    this.#leave()
    this.#socket.destroy()
  }

  /** Takes the connection out of the broker: it gets no more messages, and its place is free. Answers false the second time. */
  #leave(): boolean {
    if (!this.#isOpen) return false
    this.#isOpen = false
    for (const subscription of this.#subscriptions.values()) this.end(subscription)
    this.#host.left(this)
    return true
  }

  #clean(): void {
    this.#leave()
    clearInterval(this.#pings)
    clearTimeout(this.#authDeadline)
    clearTimeout(this.#linger)
    clearInterval(this.#stalled)
    this.#outbound.abandon()
  }
}
