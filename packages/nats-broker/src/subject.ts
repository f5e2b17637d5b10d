/**
 * The rules of subjects. A subject is tokens joined by dots. In a subscription `*` stands for one token and `>`, as the last token,
 * for one or more; inside a longer token both are ordinary characters. Subjects are handled as latin1 text, one character a byte,
 * so that any bytes (UTF-8 too) pass through unchanged.
 */

const DOT = '.'
export const ANY_TOKEN = '*'
export const ANY_TOKENS = '>'

/** Whether a subscription may name this subject. */
export function isSubscribable(subject: string): boolean {
  const tokens = subject.split(DOT)
  return tokens.every((token, i) => token !== '' && (token !== ANY_TOKENS || i === tokens.length - 1))
}

/** Whether a subject names exactly one place: what a pedantic client may publish to. */
export function isLiteral(subject: string): boolean {
  return isSubscribable(subject) && !hasWildcard(subject)
}

export function hasWildcard(subject: string): boolean {
  return subject.split(DOT).some((token) => token === ANY_TOKEN || token === ANY_TOKENS)
}
