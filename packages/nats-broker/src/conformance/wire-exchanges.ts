/** What a client sends and what it hears, in literal bytes (latin1 text, one character a byte). */

export interface Exchange {
  readonly title: string
  /** Of CONNECT; neither verbose nor pedantic, with headers, unless it says otherwise. */
  readonly options?: object
  readonly sends: string
  /** All that comes back before the PONG of a PING sent behind it. */
  readonly expects: string
}

export const header = 'NATS/1.0\r\nA: b\r\n\r\n'
export const hpub = (subject: string, data: string, reply = '') =>
  `HPUB ${subject} ${reply}${header.length} ${header.length + data.length}\r\n${header}${data}\r\n`
const noResponders = 'NATS/1.0 503\r\n\r\n'

export const answered: readonly Exchange[] = [
  {
    title: 'says +OK to each operation of a verbose client',
    options: { verbose: true },
    sends: 'SUB a 1\r\nUNSUB 1\r\nUNSUB 9\r\n',
    expects: '+OK\r\n+OK\r\n+OK\r\n+OK\r\n',
  },
  {
    title: 'says +OK to a verbose PUB before it delivers the message',
    options: { verbose: true },
    sends: 'SUB a 1\r\nPUB a 2\r\nhi\r\n',
    expects: '+OK\r\n+OK\r\n+OK\r\nMSG a 1 2\r\nhi\r\n',
  },
  {
    title: 'says nothing to a client that is not verbose',
    sends: 'SUB a 1\r\nUNSUB 1\r\nPUB a 2\r\nhi\r\n',
    expects: '',
  },
  {
    title: 'takes operations in small letters',
    sends: 'sub a 1\r\npub a 2\r\nhi\r\nUnSub 1\r\n',
    expects: 'MSG a 1 2\r\nhi\r\n',
  },
  {
    title: 'takes several blanks and tabs between arguments',
    sends: 'SUB \t a  1 \r\nPUB  a \t 2 \r\nhi\r\n',
    expects: 'MSG a 1 2\r\nhi\r\n',
  },
  {
    title: 'takes another CONNECT and keeps what it leaves out',
    sends: 'CONNECT {"verbose":true}\r\nSUB a 1\r\n',
    expects: '+OK\r\n+OK\r\n',
  },
  {
    title: 'takes CONNECT null and null fields as nothing said',
    sends: 'CONNECT null\r\nCONNECT {"name":null,"user":null}\r\n',
    expects: '',
  },
  {
    title: 'delivers a payload that looks like an operation',
    sends: 'SUB a 1\r\nPUB a 15\r\nPING\r\nUNSUB 1\r\n\r\n',
    expects: 'MSG a 1 15\r\nPING\r\nUNSUB 1\r\n\r\n',
  },
  {
    title: 'passes on the reply subject',
    sends: 'SUB a 1\r\nPUB a inbox.1 2\r\nhi\r\n',
    expects: 'MSG a 1 inbox.1 2\r\nhi\r\n',
  },
  {
    title: 'passes on the size as it was written',
    sends: 'SUB a 1\r\nPUB a 002\r\nhi\r\n',
    expects: 'MSG a 1 002\r\nhi\r\n',
  },
  {
    title: 'takes any bytes as a subject',
    sends: 'SUB \xff\x00\xe4 1\r\nPUB \xff\x00\xe4 1\r\nx\r\n',
    expects: 'MSG \xff\x00\xe4 1 1\r\nx\r\n',
  },
  {
    title: 'keeps the first subscription when a sid is used twice',
    sends: 'SUB a 1\r\nSUB b 1\r\nPUB b 1\r\nx\r\nPUB a 1\r\ny\r\n',
    expects: 'MSG a 1 1\r\ny\r\n',
  },
  {
    title: 'does not send a client its own messages when echo is off',
    options: { echo: false },
    sends: 'SUB a 1\r\nSUB a q 2\r\nPUB a 1\r\nx\r\n',
    expects: '',
  },
  {
    title: 'refuses a subscription with an empty token and stays',
    sends: 'SUB a..b 1\r\nSUB .a 2\r\nSUB a. 3\r\n',
    expects: "-ERR 'Invalid Subject'\r\n".repeat(3),
  },
  {
    title: 'refuses a subscription with > before the end and stays',
    options: { verbose: true },
    sends: 'SUB >.a 1\r\n',
    expects: "+OK\r\n-ERR 'Invalid Subject'\r\n",
  },
  {
    title: 'takes * and > inside a token as ordinary characters',
    sends: 'SUB a*.b> 1\r\nPUB a*.b> 1\r\nx\r\nPUB ax.b 1\r\ny\r\n',
    expects: 'MSG a*.b> 1 1\r\nx\r\n',
  },
  {
    title: 'passes a published wildcard on as literal text',
    sends: 'SUB > 1\r\nSUB a.b 2\r\nPUB a.* 1\r\nx\r\n',
    expects: 'MSG a.* 1 1\r\nx\r\n',
  },
  {
    title: 'delivers to nobody what is published with an empty token',
    sends: 'SUB > 1\r\nPUB a..b 1\r\nx\r\nPUB .a 1\r\nx\r\nPUB a. 1\r\nx\r\n',
    expects: '',
  },
  {
    title: 'tells a pedantic client of a subject that is not literal, and delivers',
    options: { pedantic: true },
    sends: 'SUB > 1\r\nPUB a.* 1\r\nx\r\nPUB a r.* 1\r\ny\r\n',
    expects: "-ERR 'Invalid Publish Subject'\r\nMSG a.* 1 1\r\nx\r\nMSG a 1 r.* 1\r\ny\r\n",
  },
  {
    title: 'delivers headers as HMSG',
    sends: `SUB a 1\r\n${hpub('a', 'hi')}`,
    expects: `HMSG a 1 18 20\r\n${header}hi\r\n`,
  },
  {
    title: 'delivers headers with a reply subject',
    sends: `SUB a 1\r\n${hpub('a', 'hi', 'r ')}`,
    expects: `HMSG a 1 r 18 20\r\n${header}hi\r\n`,
  },
  {
    title: 'delivers headers without data',
    sends: `SUB a 1\r\n${hpub('a', '')}`,
    expects: `HMSG a 1 18 18\r\n${header}\r\n`,
  },
  {
    title: 'ends a subscription after its maximum',
    sends: 'SUB a 1\r\nUNSUB 1 2\r\nPUB a 1\r\nx\r\nPUB a 1\r\ny\r\nPUB a 1\r\nz\r\n',
    expects: 'MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\n',
  },
  {
    title: 'counts what was delivered before UNSUB towards the maximum',
    sends: 'SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1 2\r\nPUB a 1\r\ny\r\nPUB a 1\r\nz\r\n',
    expects: 'MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\n',
  },
  {
    title: 'ends a subscription at once whose maximum is reached',
    sends: 'SUB a 1\r\nPUB a 1\r\nx\r\nPUB a 1\r\ny\r\nUNSUB 1 1\r\nPUB a 1\r\nz\r\n',
    expects: 'MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\n',
  },
  {
    title: 'ends a subscription at once when the maximum is 0 or no number',
    sends: 'SUB a 1\r\nSUB a 2\r\nUNSUB 1 0\r\nUNSUB 2 x\r\nPUB a 1\r\nx\r\n',
    expects: '',
  },
  {
    title: 'frees the sid of a subscription that ended',
    sends: 'SUB a 1\r\nUNSUB 1 1\r\nPUB a 1\r\nx\r\nSUB b 1\r\nPUB b 1\r\ny\r\n',
    expects: 'MSG a 1 1\r\nx\r\nMSG b 1 1\r\ny\r\n',
  },
  { title: 'does not say +OK to PING and PONG', options: { verbose: true }, sends: 'PONG\r\n', expects: '+OK\r\n' },
  { title: 'takes lines that end in a bare LF', sends: 'SUB a 1\nPUB a 2\nhi\r\n', expects: 'MSG a 1 2\r\nhi\r\n' },
  { title: 'ignores what follows PING and PONG on their line', sends: 'PONG hello\r\nPINGX\r\n', expects: '' },
  { title: 'ignores +OK and INFO from a client', sends: '+OK\r\nINFO {}\r\n', expects: '' },
  { title: 'delivers a message without payload', sends: 'SUB a 1\r\nPUB a 0\r\n\r\n', expects: 'MSG a 1 0\r\n\r\n' },
]

/** What depends on who else listens: each needs a server without any other client. */
export const alone: readonly Exchange[] = [
  {
    title: 'answers 503 when nobody responds',
    options: { no_responders: true },
    sends: 'SUB inbox.* 7\r\nPUB a inbox.1 2\r\nhi\r\n',
    expects: `HMSG inbox.1 7 16 16\r\n${noResponders}\r\n`,
  },
  {
    title: 'answers 503 only to a client that asks for it',
    sends: 'SUB inbox.* 7\r\nPUB a inbox.1 2\r\nhi\r\n',
    expects: '',
  },
  {
    title: 'answers no 503 to a message without a reply subject',
    options: { no_responders: true },
    sends: 'SUB > 7\r\nUNSUB 7\r\nPUB a 2\r\nhi\r\n',
    expects: '',
  },
  {
    title: 'answers 503 when only the client itself listens and echo is off',
    options: { no_responders: true, echo: false },
    sends: 'SUB inbox 7\r\nSUB a 3\r\nPUB a inbox 0\r\n\r\n',
    expects: `HMSG inbox 7 16 16\r\n${noResponders}\r\n`,
  },
  {
    title: 'does not count a 503 towards a maximum',
    options: { no_responders: true },
    sends: 'SUB inbox 7\r\nUNSUB 7 1\r\nPUB a inbox 0\r\n\r\nPUB a inbox 0\r\n\r\n',
    expects: `HMSG inbox 7 16 16\r\n${noResponders}\r\n`.repeat(2),
  },
]

/** What ends a connection. `expects` is all that the client hears before. */
export const refused: readonly Exchange[] = [
  { title: 'an operation that does not exist', sends: 'FOO\r\n', expects: "-ERR 'Unknown Protocol Operation'\r\n" },
  { title: 'an HTTP request', sends: 'GET / HTTP/1.1\r\n\r\n', expects: "-ERR 'Unknown Protocol Operation'\r\n" },
  { title: 'an empty line', sends: '\r\n', expects: "-ERR 'Unknown Protocol Operation'\r\n" },
  { title: 'SUB without anything', sends: 'SUB\r\n', expects: "-ERR 'Unknown Protocol Operation'\r\n" },
  { title: 'MSG from a client', sends: 'MSG a 1 1\r\nx\r\n', expects: "-ERR 'Unknown Protocol Operation'\r\n" },
  {
    title: 'a payload longer than its size',
    sends: 'PUB a 1\r\nabc\r\n',
    expects: "-ERR 'Unknown Protocol Operation'\r\n",
  },
  {
    title: 'a payload that ends in a bare LF',
    sends: 'PUB a 1\r\nx\nPING\r\n',
    expects: "-ERR 'Unknown Protocol Operation'\r\n",
  },
  {
    title: 'a client protocol of the future',
    sends: 'CONNECT {"protocol":5}\r\n',
    expects: "-ERR 'invalid client protocol'\r\n",
  },
  {
    title: 'no_responders without headers',
    sends: 'CONNECT {"headers":false,"no_responders":true}\r\n',
    expects: "-ERR 'no responders requires headers support'\r\n",
  },
]

/** What nats-server closes without a word, and the embedded broker with `Parser Error`. */
export const malformed: readonly (readonly [title: string, sends: string])[] = [
  ['CONNECT that is not JSON', 'CONNECT {bad\r\n'],
  ['CONNECT without options', 'CONNECT\r\n'],
  ['CONNECT with a list', 'CONNECT []\r\n'],
  ['CONNECT with something behind its JSON', 'CONNECT {} x\r\n'],
  ['CONNECT with an option of the wrong type', 'CONNECT {"verbose":"yes"}\r\n'],
  ['SUB without a sid', 'SUB a\r\n'],
  ['SUB with too many arguments', 'SUB a b c d\r\n'],
  ['UNSUB with too many arguments', 'UNSUB 1 2 3\r\n'],
  ['PUB without a size', 'PUB a\r\n'],
  ['PUB with too many arguments', 'PUB a b c 1\r\n'],
  ['PUB with a size that is no number', 'PUB a x\r\n'],
  ['PUB with a negative size', 'PUB a -1\r\n'],
  ['PUB with a sign', 'PUB a +1\r\n'],
  ['PUB with a size beyond all numbers', 'PUB a 99999999999999999999\r\n'],
  ['HPUB with one size', 'HPUB a 18\r\n'],
  ['HPUB with more headers than message', 'HPUB a 20 18\r\n'],
  ['HPUB with a negative size', 'HPUB a -2 18\r\n'],
  ['HPUB from a client that has no headers', 'CONNECT {"headers":false}\r\nHPUB a 18 20\r\n'],
  ['an error that the client reports', "-ERR 'confused'\r\n"],
]
