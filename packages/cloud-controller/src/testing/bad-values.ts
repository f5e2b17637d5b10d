import fc from 'fast-check'

/** Texts that something may trip over: quoting, decoding, prototypes, numbers, sizes, dates. */
const strangeTexts = [
  '',
  ' ',
  '\0',
  'a\0b',
  'a\nb',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '../../etc/passwd',
  "'; drop table apps; --",
  '%',
  '_',
  '\\',
  '"',
  '\ud800',
  '\u202e\ufeff',
  '9'.repeat(400),
  '-1',
  '0',
  '1e999',
  'NaN',
  '0x10',
  'null',
  'true',
  'a'.repeat(70_000),
  'a,b,,c',
  'a in (b',
  '!',
  '/'.repeat(50),
  '2026-02-31T25:61:61Z',
  '9999-12-31T23:59:59Z',
  '🐳'.repeat(100),
] as const

/** Any code point, lone surrogates included; fast-check's own unit of that kind takes a second to make. */
const codePoint = fc.oneof(fc.nat(0x10ffff), fc.nat(0xff)).map((value) => String.fromCodePoint(value))

export const text = fc.oneof(fc.constantFrom(...strangeTexts), fc.string({ unit: codePoint }), fc.string())

export const number = fc.oneof(
  fc.constantFrom(
    -1,
    0,
    -0,
    0.5,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53,
    2 ** 63,
    1e21,
    1e308,
    -(2 ** 63),
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
)

/** Around the depth at which bodies are refused, and far beyond it. */
export const deep = fc
  .tuple(fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 96, max: 101 })), fc.boolean())
  .map(([depth, isArray]) => Array.from({ length: depth }).reduce((inner) => (isArray ? [inner] : { data: inner }), 1))

/** Whatever JSON can hold. */
export const json: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, text, number, fc.boolean(), fc.constant(null), deep, tie('array'), tie('object')),
  array: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }).map(ownProperties),
})).value

/** `__proto__` becomes a key like any other. */
export function ownProperties(entries: ReadonlyArray<readonly [string, unknown]>): object {
  const object = {}
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  return object
}

/** What stands for a text inside a URL, or can't. */
export const escaped = fc.oneof(
  text.map((value) => encodeURIComponent(value.toWellFormed())),
  fc.constantFrom('%', '%zz', '%ff', '%c3%28', '%00', '%2f..%2f', '%252c', '%E0%80%80', '+', '[]', '[gt]'),
)

/** One to `maximum` of these. By a filter, because a minimal length keeps fast-check from leaving out the last ones when it shrinks. */
export function some<T>(one: fc.Arbitrary<T>, maximum: number): fc.Arbitrary<T[]> {
  return fc.array(one, { maxLength: maximum }).filter(({ length }) => length > 0)
}
