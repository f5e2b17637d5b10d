import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { FilterSyntaxError, type FilterValue, parseFilter } from './filter.ts'

const equals = (attribute: string, value: FilterValue) => ({ kind: 'compare', attribute, operator: 'eq', value })

suite('a SCIM filter', () => {
  test('is what cf sends', () => {
    assert.deepEqual(parseFilter('userName eq "admin" and origin eq "uaa"'), {
      kind: 'logical',
      operator: 'and',
      operands: [equals('userName', 'admin'), equals('origin', 'uaa')],
    })
  })

  test('is what the Cloud Controller sends', () => {
    assert.deepEqual(parseFilter('( username eq "a" or username eq "b" ) and ( origin eq "uaa" )'), {
      kind: 'logical',
      operator: 'and',
      operands: [
        { kind: 'logical', operator: 'or', operands: [equals('username', 'a'), equals('username', 'b')] },
        equals('origin', 'uaa'),
      ],
    })
  })

  test('binds "and" before "or"', () => {
    assert.deepEqual(parseFilter('a eq 1 or b eq 2 and c eq 3'), {
      kind: 'logical',
      operator: 'or',
      operands: [equals('a', 1), { kind: 'logical', operator: 'and', operands: [equals('b', 2), equals('c', 3)] }],
    })
  })

  test('takes operators and words in any case, and single quotes', () => {
    assert.deepEqual(parseFilter(`userName Eq 'x' AND active EQ True`), {
      kind: 'logical',
      operator: 'and',
      operands: [equals('userName', 'x'), equals('active', true)],
    })
  })

  test('knows every operator', () => {
    for (const operator of ['eq', 'co', 'sw', 'gt', 'ge', 'lt', 'le']) {
      assert.deepEqual(parseFilter(`a ${operator} "v"`), { kind: 'compare', attribute: 'a', operator, value: 'v' })
    }
    assert.deepEqual(parseFilter('name.givenName pr'), { kind: 'present', attribute: 'name.givenName' })
  })

  test('reads JSON escapes, and takes a backslash that makes none as it is', () => {
    assert.deepEqual(parseFilter(String.raw`a eq "x\"y"`), equals('a', 'x"y'))
    assert.deepEqual(parseFilter(String.raw`a eq "DOMAIN\user"`), equals('a', String.raw`DOMAIN\user`))
  })

  test('reads null, numbers and booleans', () => {
    assert.deepEqual(parseFilter('a eq null'), equals('a', null))
    assert.deepEqual(parseFilter('a eq -1.5'), equals('a', -1.5))
    assert.deepEqual(parseFilter('a eq false'), equals('a', false))
  })

  for (const text of [
    '',
    'a',
    'a eq',
    'a xx "b"',
    'a eq b',
    '"a" eq "b"',
    'a eq "b',
    "a eq 'b",
    'a eq "b" and',
    'a eq "b" c eq "d"',
    '(a eq "b"',
    'a eq "b")',
    'a eq "b") or (c pr',
    '1a eq "b"',
    `${'('.repeat(50)}a pr${')'.repeat(50)}`,
    Array.from({ length: 501 }, () => 'a pr').join(' or '),
  ]) {
    test(`is not ${JSON.stringify(text.slice(0, 30))}`, () => {
      assert.throws(() => parseFilter(text), FilterSyntaxError)
    })
  }

  test('takes the 200 ids that the Cloud Controller asks for at once', () => {
    const filter = parseFilter(Array.from({ length: 200 }, (_, n) => `id eq "${n}"`).join(' or '))
    assert.equal(filter.kind === 'logical' && filter.operands.length, 200)
  })

  test('keeps any string whole, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        assert.deepEqual(parseFilter(`a eq ${JSON.stringify(value)}`), equals('a', value))
      }),
    )
  })

  test('ends in a filter or a FilterSyntaxError for any text', () => {
    const words = fc.constantFrom('a', 'eq', 'and', 'or', 'pr', '(', ')', '"x"', "'", '"', '\\', ' ', '1', ';--')
    fc.assert(
      fc.property(
        fc.array(words).map((parts) => parts.join(' ')),
        (text) => {
          try {
            parseFilter(text)
          } catch (error) {
            assert.ok(error instanceof FilterSyntaxError, String(error))
          }
        },
      ),
    )
  })
})
