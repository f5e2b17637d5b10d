import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * The password hashes that a file of Apache's htpasswd may hold and nginx reads (nginx, ngx_http_auth_basic_module:
 * "auth_basic_user_file"), without those of the system's crypt(3).
 */
const verifiers = [
  [/^\$apr1\$([^$]{1,8})\$[./0-9A-Za-z]{22}$/, (password, hash, [, salt]) => same(apr1(password, salt), hash)],
  [
    /^\{SHA\}[+/0-9A-Za-z]{27}=$/,
    (password, hash) => same(`{SHA}${digest('sha1', password).toString('base64')}`, hash),
  ],
  [/^\{SSHA\}[+/0-9A-Za-z]+={0,2}$/, saltedSha],
  [/^\{PLAIN\}/, (password, hash) => same(`{PLAIN}${password}`, hash)],
]

export function isSupportedHash(hash) {
  return verifiers.some(([pattern]) => pattern.test(hash))
}

/** Whether this is the password behind the hash; false for a hash of an unknown kind. */
export function isPasswordOf(password, hash) {
  for (const [pattern, verify] of verifiers) {
    const match = pattern.exec(hash)
    if (match) return verify(password, hash, match)
  }
  return false
}

function saltedSha(password, hash) {
  const bytes = Buffer.from(hash.slice('{SSHA}'.length), 'base64')
  const expected = bytes.subarray(0, 20)
  return expected.length === 20 && timingSafeEqual(digest('sha1', password, bytes.subarray(20)), expected)
}

/** MD5 as Apache iterates it (apr_md5.c): a thousand rounds over password, salt and the round before. */
function apr1(password, salt) {
  const inner = digest('md5', password, salt, password)
  const length = Buffer.byteLength(password)
  const start = [password, '$apr1$', salt]
  for (let left = length; left > 0; left -= 16) start.push(inner.subarray(0, Math.min(16, left)))
  const firstByte = Buffer.from(password).subarray(0, 1)
  for (let bits = length; bits > 0; bits >>= 1) start.push(bits & 1 ? Buffer.alloc(1) : firstByte)
  let result = digest('md5', ...start)
  for (let round = 0; round < 1000; round++) {
    result = digest(
      'md5',
      round % 2 ? password : result,
      round % 3 ? salt : '',
      round % 7 ? password : '',
      round % 2 ? result : password,
    )
  }
  const text = [
    [0, 6, 12],
    [1, 7, 13],
    [2, 8, 14],
    [3, 9, 15],
    [4, 10, 5],
  ]
    .map(([high, middle, low]) => letters((result[high] << 16) | (result[middle] << 8) | result[low], 4))
    .join('')
  return `$apr1$${salt}$${text}${letters(result[11], 2)}`
}

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

function letters(value, count) {
  return Array.from({ length: count }, (_, index) => alphabet[(value >> (6 * index)) & 63]).join('')
}

function digest(algorithm, ...parts) {
  const hash = createHash(algorithm)
  for (const part of parts) hash.update(part)
  return hash.digest()
}

function same(left, right) {
  return timingSafeEqual(digest('sha256', left), digest('sha256', right))
}
