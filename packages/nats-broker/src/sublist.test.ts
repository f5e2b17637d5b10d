import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MATCH_CACHE_SLOTS } from './const.ts'
import { CachedSublist } from './match-cache.ts'
import { hasWildcard, isLiteral, isSubscribable } from './subject.ts'
import { type Entry, type Match, Sublist } from './sublist.ts'

/** The rules as they are written down, one token after the other. */
function matchesNaively(pattern: string, subject: string): boolean {
  const [patternTokens, subjectTokens] = [pattern.split('.'), subject.split('.')]
  if (subjectTokens.includes('')) return false
  for (const [i, token] of patternTokens.entries()) {
    if (token === '>') return subjectTokens.length > i
    if (subjectTokens[i] === undefined) return false
    if (token !== '*' && token !== subjectTokens[i]) return false
  }
  return patternTokens.length === subjectTokens.length
}

const entryOf = (subject: string, queue?: string): Entry => ({ subject, queue })

/** A match in an order that can be compared. */
const sorted = (match: Match<Entry>) => {
  const names = (entries: readonly Entry[]) => entries.map((it) => `${it.subject} ${it.queue ?? ''}`).sort()
  return { plain: names(match.plain), groups: match.groups.map(names).sort((a, b) => (`${a}` < `${b}` ? -1 : 1)) }
}

function matchNaively(entries: readonly Entry[], subject: string): Match<Entry> {
  const matching = entries.filter((entry) => matchesNaively(entry.subject, subject))
  const groups = Map.groupBy(
    matching.filter((entry) => entry.queue !== undefined),
    (entry) => entry.queue,
  )
  return { plain: matching.filter((entry) => entry.queue === undefined), groups: [...groups.values()] }
}

const token = fc.constantFrom('a', 'b', 'c', '*', '>', 'a*')
const pattern = fc
  .array(token, { minLength: 1, maxLength: 5 })
  .map((tokens) => tokens.join('.'))
  .filter(isSubscribable)
const published = fc
  .array(fc.constantFrom('a', 'b', 'c', '*', '>', 'a*', ''), { minLength: 1, maxLength: 6 })
  .map((tokens) => tokens.join('.'))

type Step = { insert: Entry } | { remove: number } | { match: string }
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc
      .record({ subject: pattern, queue: fc.constantFrom(undefined, undefined, 'g', 'h') })
      .map((insert) => ({ insert })),
    fc.record({ remove: fc.nat() }),
    fc.record({ match: published }),
  ),
  { maxLength: 80 },
)

describe('Sublist', () => {
  test('a * matches one token and > the rest', () => {
    const tree = new Sublist<Entry>()
    for (const subject of ['a.b', 'a.*', '*.b', 'a.>', '>', 'a.b.c', 'a']) tree.insert(entryOf(subject))
    assert.deepEqual(sorted(tree.match('a.b')).plain, ['*.b ', '> ', 'a.* ', 'a.> ', 'a.b '])
    assert.deepEqual(sorted(tree.match('a')).plain, ['> ', 'a '])
    assert.deepEqual(sorted(tree.match('x.y.z')).plain, ['> '])
  })

  test('an entry is held once, and taken out once', () => {
    const tree = new Sublist<Entry>()
    const entry = entryOf('a.b', 'g')
    tree.insert(entry)
    tree.insert(entry)
    assert.equal(tree.size, 1)
    assert.equal(tree.remove(entryOf('a.b', 'g')), false)
    assert.equal(tree.remove(entryOf('a.b.c')), false)
    assert.equal(tree.remove(entry), true)
    assert.equal(tree.remove(entry), false)
    assert.equal(tree.size, 0)
  })

  test('a match that is being walked does not change', () => {
    const tree = new CachedSublist<Entry>()
    const entry = entryOf('a')
    tree.insert(entry)
    const match = tree.match(Buffer.from('a'), 0, 1)
    tree.remove(entry)
    tree.insert(entryOf('a'))
    assert.deepEqual(match, { plain: [entry], groups: [] })
  })

  test('agrees with the naive matcher through any inserts and removals, with and without the cache', () => {
    fc.assert(
      fc.property(steps, published, (given, last) => {
        const tree = new Sublist<Entry>()
        const cached = new CachedSublist<Entry>()
        const entries: Entry[] = []
        const check = (subject: string) => {
          const expected = sorted(matchNaively(entries, subject))
          assert.deepEqual(sorted(tree.match(subject)), expected)
          const bytes = Buffer.from(`PUB ${subject} 1`)
          assert.deepEqual(sorted(cached.match(bytes, 4, 4 + subject.length)), expected)
        }
        for (const step of given) {
          if ('insert' in step) {
            tree.insert(step.insert)
            cached.insert(step.insert)
            entries.push(step.insert)
          } else if ('remove' in step) {
            const [entry] = entries.splice(step.remove % Math.max(entries.length, 1), 1)
            if (!entry) continue
            assert.equal(tree.remove(entry), true)
            assert.equal(cached.remove(entry), true)
          } else check(step.match)
          assert.equal(tree.size, entries.length)
          assert.equal(cached.size, entries.length)
        }
        check(last)
        // An empty tree keeps nothing of what was in it.
        for (const entry of entries.splice(0)) {
          tree.remove(entry)
          cached.remove(entry)
        }
        check(last)
        assert.equal(tree.countNodes(), 0)
      }),
      { numRuns: 1000 },
    )
  })

  test('more subjects than the cache has slots are all matched rightly', () => {
    const cached = new CachedSublist<Entry>()
    const entries = Array.from({ length: 3 * MATCH_CACHE_SLOTS }, (_, i) => entryOf(`many.${i}`))
    for (const entry of entries) cached.insert(entry)
    for (let round = 0; round < 2; round++)
      for (const entry of entries) {
        const bytes = Buffer.from(entry.subject)
        assert.equal(cached.match(bytes, 0, bytes.length).plain[0], entry)
      }
  })
})

describe('subjects', () => {
  const cases: readonly (readonly [subject: string, subscribable: boolean, literal: boolean])[] = [
    ['a', true, true],
    ['a.b.c', true, true],
    ['*', true, false],
    ['>', true, false],
    ['a.*.b', true, false],
    ['a.>', true, false],
    ['a*.b>', true, true],
    ['', false, false],
    ['.', false, false],
    ['.a', false, false],
    ['a.', false, false],
    ['a..b', false, false],
    ['>.a', false, false],
    ['a.>.b', false, false],
  ]
  for (const [subject, subscribable, literal] of cases)
    test(`'${subject}' is ${subscribable ? '' : 'not '}subscribable and ${literal ? '' : 'not '}literal`, () => {
      assert.equal(isSubscribable(subject), subscribable)
      assert.equal(isLiteral(subject), literal)
      if (subscribable) assert.equal(hasWildcard(subject), !literal)
    })
})
