import { connect, type Socket } from 'node:net'

/** Much longer than anything takes: the machine may be slow, and busy with other tests. */
const DEADLINE_IN_MS = 60_000

/** Speaks to a NATS server in literal bytes (as latin1 text, one character a byte). All waits have a deadline. */
export class RawClient {
  readonly socket: Socket
  #received = ''
  #isClosed = false
  #check: () => void = () => undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1')
      this.#check()
    })
    // A reset is one of the ways in which a server closes; `closed` is what tests wait for.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#isClosed = true
      this.#check()
    })
  }

  static async connect(address: string): Promise<RawClient> {
    const { hostname, port } = new URL(address)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    socket.unref() // waits have deadlines of their own; a client that a failed test left open must not keep the process
    const client = new RawClient(socket)
    await client.#until('a connection', () => !socket.connecting)
    return client
  }

  /** Connects, takes INFO, and sends CONNECT; quiet (neither verbose nor pedantic) unless told otherwise. */
  static async join(address: string, options: object = {}): Promise<RawClient> {
    const client = await RawClient.connect(address)
    await client.info()
    const connectOptions = { verbose: false, pedantic: false, headers: true, ...options }
    client.send(`CONNECT ${JSON.stringify(connectOptions)}\r\n`)
    return client
  }

  /** What has come and was not taken yet. */
  get received(): string {
    return this.#received
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** The server's greeting, as it was parsed. */
  async info(): Promise<Record<string, unknown>> {
    await this.#until('INFO', () => this.#received.includes('\r\n'))
    const [line = ''] = this.#received.split('\r\n', 1)
    if (!line.startsWith('INFO ')) throw new Error(`not INFO: ${line}`)
    this.#received = this.#received.slice(line.length + 2)
    return JSON.parse(line.slice('INFO '.length)) as Record<string, unknown>
  }

  /**
   * Everything up to the answer to a PING sent now: what the server had to say about what was sent before. Its own PINGs are left out:
   * nats-server sends one to each client of two seconds, and on a slow machine that may come anywhere.
   */
  async answers(): Promise<string> {
    this.send('PING\r\n')
    return withoutPings(await this.until('PONG\r\n'))
  }

  /** The next bytes, as many as asked for, which end with a line. The server's PINGs are left out here as well. */
  async answersOf(length: number): Promise<string> {
    for (let needed = length; ; ) {
      await this.#until(`${needed} bytes`, () => this.#received.length >= needed)
      const answers = withoutPings(this.#received)
      if (answers.length >= length && answers.slice(0, length).endsWith('\r\n')) {
        this.#received = answers.slice(length)
        return answers.slice(0, length)
      }
      // Of a PING a part may have come.
      needed = this.#received.length + Math.max(1, length - answers.length)
    }
  }

  /** Everything before `mark`; both are taken. */
  async until(mark: string): Promise<string> {
    await this.#until(JSON.stringify(mark), () => this.#received.includes(mark))
    const at = this.#received.indexOf(mark)
    const before = this.#received.slice(0, at)
    this.#received = this.#received.slice(at + mark.length)
    return before
  }

  /** Waits until the server has closed the connection; everything it said before, with its PINGs only where they are asked for. */
  async closed({ withPings = false } = {}): Promise<string> {
    await this.#until('the end of the connection', () => this.#isClosed)
    const rest = this.#received
    this.#received = ''
    return withPings ? rest : withoutPings(rest)
  }

  close(): void {
    this.socket.destroy()
  }

  #until(what: string, isThere: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        this.#check = () => undefined
        this.socket.off('connect', this.#onConnect)
        settle()
      }
      const timer = setTimeout(
        () => finish(() => reject(new Error(`no ${what} within ${DEADLINE_IN_MS} ms, ${this.#seen()}`))),
        DEADLINE_IN_MS,
      )
      this.#check = () => {
        if (isThere()) finish(resolve)
        else if (this.#isClosed) finish(() => reject(new Error(`closed before ${what}, ${this.#seen()}`)))
      }
      this.socket.on('connect', this.#onConnect)
      this.#check()
    })
  }

  readonly #onConnect = () => this.#check()

  #seen(): string {
    return `but ${JSON.stringify(this.#received.slice(0, 500))}`
  }
}

/** But for those that are the payload of a message. */
const withoutPings = (text: string): string => text.replaceAll(/(?<!MSG [^\r\n]*\r\n)^PING\r\n/gm, '')
