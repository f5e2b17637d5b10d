import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

// Part of a buildpack, which is plain JavaScript without types.
const { satisfies } = (await import(new URL('nodejs/lib/version-range.mjs', import.meta.url).href)) as {
  satisfies(version: string, range: string): boolean | undefined
}

describe('a range in engines.node', () => {
  const cases: [range: string, inside: string[], outside: string[]][] = [
    ['*', ['0.10.0', '24.1.2'], []],
    ['', ['24.1.2'], []],
    ['20', ['20.0.0', '20.99.9'], ['19.9.9', '21.0.0']],
    ['20.x', ['20.3.0'], ['21.0.0']],
    ['v20.11', ['20.11.0', '20.11.9'], ['20.12.0', '20.10.9']],
    ['=20.11.1', ['20.11.1'], ['20.11.2']],
    ['>=18', ['18.0.0', '24.0.0'], ['17.9.9']],
    ['>= 18.17.0 < 21', ['18.17.0', '20.9.9'], ['18.16.9', '21.0.0']],
    ['>20', ['21.0.0'], ['20.9.9']],
    ['>20.1.1', ['20.1.2'], ['20.1.1']],
    ['<=20', ['20.9.9', '1.0.0'], ['21.0.0']],
    ['<20.5', ['20.4.9'], ['20.5.0']],
    ['^18.12.0 || ^20.9.0 || >=22', ['18.12.0', '20.10.0', '23.0.0'], ['18.11.9', '19.0.0', '20.8.9', '21.0.0']],
    ['^0.10.3', ['0.10.3', '0.10.9'], ['0.11.0', '0.10.2']],
    ['^0.0.3', ['0.0.3'], ['0.0.4']],
    ['^0.0', ['0.0.0', '0.0.9'], ['0.1.0']],
    ['^0', ['0.9.0'], ['1.0.0']],
    ['~20.3.1', ['20.3.1', '20.3.9'], ['20.3.0', '20.4.0']],
    ['~20', ['20.9.9'], ['21.0.0']],
    ['~>20.3', ['20.3.9'], ['20.4.0']],
    ['18.1 - 20', ['18.1.0', '20.9.9'], ['18.0.9', '21.0.0']],
    ['18.1.0 - 20.2.1', ['18.1.0', '20.2.1'], ['20.2.2']],
    ['>=20.0.0-rc.1', ['20.0.0'], ['19.0.0']],
    ['>*', [], ['24.0.0']],
  ]
  for (const [range, inside, outside] of cases) {
    it(`"${range}" holds what npm says it holds`, () => {
      for (const version of inside) assert.equal(satisfies(version, range), true, version)
      for (const version of outside) assert.equal(satisfies(version, range), false, version)
    })
  }

  it('is not guessed at when it cannot be read', () => {
    for (const range of ['lts/*', 'latest', '>=18,<20', '20.1.2.3', '>=18 foo']) {
      assert.equal(satisfies('20.0.0', range), undefined, range)
    }
  })
})
